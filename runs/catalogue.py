"""Every text the project says, in Chinese and in English, by code: `texts/LANGUAGE/ROOM.yaml`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from string import Formatter
from typing import Literal, get_args

from ..connectors.errors import ChangeoverError, InputError
from ..connectors.finding import Finding

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
MOST_FINDINGS = 200
_RUN = re.compile(r"changeover run --execute(?! --)")


def choose_language(flag: str | None, environ: Mapping[str, str]) -> Language:
    """What the flag says, else the first that is set of CHANGEOVER_LANG, LC_ALL, LC_MESSAGES and LANG; zh where it
    starts with zh, else en. Raises InputError `language.unknown` for a flag that is neither."""
    if flag:
        if flag not in LANGUAGES:
            raise InputError("language.unknown", value=flag)
        return flag
    named = next(filter(None, map(environ.get, ("CHANGEOVER_LANG", "LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return "zh" if named.lower().startswith("zh") else "en"


class Catalogue:
    """The texts of one language. They are read when the first is asked for."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def text(self, code: str, params: Mapping[str, str | int] | None = None) -> str:
        """The code's text, filled with the params.

        A whole number is grouped in thousands (`{line:d}` in a text leaves it as it is). `{count:record|records}` is no
        number but the word that goes with it: the first of one, the second of any other number. A param that starts
        with `@` is a code itself. A code without a text comes as the code with its params, a hole without a param as it
        stands: a report is never lost for a word.
        """
        params = params or {}
        template = _texts(self.language).get(code)
        if template is None:
            told = ", ".join(f"{name}={value}" for name, value in params.items())
            return f"{code} ({told})" if told else code
        return "".join(self._pieces(template, params))

    def knows(self, code: str) -> bool:
        return code in _texts(self.language)

    def finding(self, finding: Finding) -> str:
        """`where: text`: the place in the project where there is one, and the branch whose it is; else the record and
        field. Never the sample."""
        named = {"object": finding.object, "field": finding.field, "mapping": finding.mapping}
        params = {name: value for name, value in named.items() if value is not None} | dict(finding.params)
        if finding.file is not None:
            place = finding.file if finding.line is None else f"{finding.file}:{finding.line}"
            place += f" ({finding.mapping})" if "." in (finding.mapping or "") else ""
        else:
            place = " ".join(filter(None, (finding.mapping or finding.object, finding.key, finding.field)))
        text = self.text(finding.code, params)
        return f"{place}: {text}" if place else text

    def error(self, error: ChangeoverError) -> str:
        """The error's text and a line for each of its findings."""
        lines = [typed_again(self.text(error.code, error.params), error.again)]
        lines += [f"  - {self.finding(finding)}" for finding in error.findings[:MOST_FINDINGS]]
        if len(error.findings) > MOST_FINDINGS:
            lines.append(self.text("report.more_findings", {"count": len(error.findings) - MOST_FINDINGS}))
        return "\n".join(lines)

    def _pieces(self, template: str, params: Mapping[str, str | int]) -> Iterator[str]:
        for literal, name, spec, _ in Formatter().parse(template):
            yield literal
            if name is not None:
                yield self._filling(name, spec or "", params)

    def _filling(self, name: str, spec: str, params: Mapping[str, str | int]) -> str:
        value = params.get(name)
        if value is None:
            return "{" + name + "}"
        one, several, other = spec.partition("|")
        if several:
            return one if value == 1 else other
        if isinstance(value, int):
            return str(value) if spec == "d" else f"{value:,}"
        if value.startswith("@") and self.knows(value[1:]):
            return self.text(value[1:], {other: given for other, given in params.items() if other != name})
        return value


def typed_again(text: str, command: str) -> str:
    """The text with what was really typed in place of a run of everything in the project's default environment."""
    return _RUN.sub(lambda _run: command, text) if command else text


@cache
def _texts(language: Language) -> dict[str, str]:
    texts: dict[str, str] = {}
    for file in sorted((files(__package__) / "texts" / language).iterdir(), key=lambda file: file.name):
        if file.name.endswith(".yaml"):
            texts.update(read_texts(file))
    return texts


def read_texts(file: Traversable) -> dict[str, str]:
    """Of a YAML file that is shipped: every value a text."""
    import yaml

    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # which asks of no text whether it is a number or a time
    told: dict[str, str] | None = yaml.load(file.read_text("utf-8"), Loader=loader)  # noqa: S506 (it makes texts only)
    return told or {}
