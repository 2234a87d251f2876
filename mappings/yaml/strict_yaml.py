"""YAML without its traps: what is read is what was written, or the line that is wrong is named.

Refused: a key twice, anchors, aliases, merge keys, tags, directives, several documents, tabs in the indentation, and
plain scalars that YAML readers disagree about (`no`, `012345`, `12:30:00`, `2024-01-31`, `1_000`, `0x1F`, `.inf`), each
with "write it in quotes". Plain whole numbers become int, `true` and `false` bool, nothing or `null` or `~` None.
Numbers with a decimal point stay text, so that nothing of them is lost. Keys are always text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import yaml

from ...connectors.errors import InputError
from ...connectors.finding import Finding, Severity
from .document import Document, YamlPath, shown_path
from .model import load_model
from .parsers import ApartError, RefusedError, events, quick_events

__all__ = ["Document", "load_model", "read_yaml"]

MAXIMUM_BYTES: Final = 2_000_000
MAXIMUM_DEPTH: Final = 30

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_TRAP = re.compile(
    r"(?P<boolean>(?i:yes|no|on|off|y|n)|True|TRUE|False|FALSE)"
    r"|(?P<number>[-+]?0[0-9_]+|[-+]?[0-9][0-9_]*_[0-9_]*(?:\.[0-9_]*)?|[-+]?0[xob][0-9a-fA-F_]+"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)|[-+]?0[0-9]+\.[0-9]*)"
    r"|(?P<time>[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?)"
)
"""What other readers take for something else than the text that stands there."""
_TRAPS: Final = {"boolean": "yaml.trap_boolean", "number": "yaml.trap_number", "time": "yaml.trap_time"}
_SECRET_KEY = re.compile(
    r"(?i)(.*[_.-])?(password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key)|.*(密码|口令|密钥)"
)
_REFERENCE = re.compile(r"\$\{[A-Z][A-Z0-9_]*\}")
_PASSWORD_IN_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/\s:@]*:(?P<password>[^/\s]+)@")


def read_yaml(path: Path, shown_as: str | None = None, *, own_names: frozenset[str] = frozenset()) -> Document:
    """Read one file. shown_as: how errors name it. own_names: keys below which the keys are names of fields and values,
    so that one called `token` is no secret.

    Raises InputError `yaml.missing`, `yaml.unreadable`, `yaml.too_large`, `yaml.not_utf8`, or `yaml.invalid` with every
    problem of the file as a Finding.
    """
    shown = shown_as or str(path)
    return parse_yaml(_text(path, shown), shown, own_names=own_names)


def parse_yaml(text: str, shown: str, *, own_names: frozenset[str] = frozenset()) -> Document:
    """The same for a text. shown: how errors name it. Raises InputError `yaml.invalid`."""
    builder = _built(text, shown, own_names)
    if builder.findings:
        raise InputError("yaml.invalid", tuple(builder.findings), file=shown, count=len(builder.findings))
    root = builder.root
    if root is None:
        root = {}
    if not isinstance(root, dict):
        finding = Finding("yaml.not_a_mapping", Severity.BLOCKS, {"path": "-", "column": 1}, file=shown, line=1)
        raise InputError("yaml.invalid", (finding,), file=shown, count=1)
    return Document(shown, root, builder.lines)


def _built(text: str, shown: str, own_names: frozenset[str]) -> _Builder:
    """By libyaml what has nothing to refuse, all else by the parser in Python: a finding is of what that one saw."""
    with suppress(ApartError, _TooDeep):
        builder = _Builder(shown, own_names)
        builder.take(quick_events(text))
        if not builder.findings:
            return builder
    builder = _Builder(shown, own_names)
    builder.tabs(text)
    if builder.findings:  # the scanner trips over a tab anyway; told once is enough
        return builder
    try:
        builder.take(events(text))
    except RefusedError as error:
        builder.report("yaml.syntax", error.line, error.column, problem=error.problem)
    except _TooDeep:
        pass
    return builder


def _text(path: Path, shown: str) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAXIMUM_BYTES + 1)
    except FileNotFoundError:
        raise InputError("yaml.missing", file=shown) from None
    except OSError as error:
        raise InputError("yaml.unreadable", file=shown, reason=error.strerror or type(error).__name__) from error
    if len(raw) > MAXIMUM_BYTES:
        raise InputError("yaml.too_large", file=shown, limit=MAXIMUM_BYTES)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("yaml.not_utf8", file=shown, line=raw.count(b"\n", 0, error.start) + 1) from error


class _TooDeep(Exception):  # noqa: N818 - it never leaves this module
    """Ends the reading of a file that is nested beyond reason."""


@dataclass(slots=True)
class _Open:
    """A mapping or list being filled. key: of the mapping's entry that waits for its value."""

    into: dict[str, object] | list[object]
    path: YamlPath
    key: str | None = None
    waits: bool = False


class _Builder:
    """Makes plain values from the parser's events and notes every problem on the way, on one stack of its own."""

    def __init__(self, file: str, own_names: frozenset[str]) -> None:
        self.file = file
        self.findings: list[Finding] = []
        self.lines: dict[YamlPath, int] = {(): 1}
        self.root: object = None
        self._own_names = own_names
        self._stack: list[_Open] = []
        self._documents = 0

    def report(self, code: str, line: int, column: int, path: YamlPath | None = None, **params: str | int) -> None:
        place = shown_path(self._path() if path is None else path)
        told = {"path": place, "column": column + 1, **params}
        self.findings.append(Finding(code, Severity.BLOCKS, told, file=self.file, line=line + 1))

    def tabs(self, text: str) -> None:
        for number, line in enumerate(text.split("\n")):
            indent = line[: len(line) - len(line.lstrip())]
            if "\t" in indent and line.strip():
                self.report("yaml.tab", number, indent.index("\t"), ())

    def take(self, parsed: Iterable[yaml.Event]) -> None:
        for event in parsed:
            match event:
                case yaml.ScalarEvent():
                    self._refuse_decoration(event, plain_tag=None if any(event.implicit) else event.tag)
                    self._scalar(event)
                case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                    self._refuse_decoration(event, plain_tag=None if event.implicit else event.tag)
                    self._open({} if isinstance(event, yaml.MappingStartEvent) else [], event)
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    self._stack.pop()
                case yaml.DocumentStartEvent():
                    self._documents += 1
                    if self._documents > 1:
                        self._report_at("yaml.several_documents", event)
                    if event.version or event.tags:
                        self._report_at("yaml.directive", event)
                case yaml.AliasEvent():
                    self._report_at("yaml.alias", event)
                    self._add(None, event)

    def _report_at(self, code: str, event: yaml.Event, **params: str | int) -> None:
        line, column = _start(event)
        self.report(code, line, column, None, **params)

    def _refuse_decoration(self, event: yaml.NodeEvent, plain_tag: str | None) -> None:
        if event.anchor:
            self._report_at("yaml.alias", event)
        if plain_tag:
            self._report_at("yaml.tag", event)

    def _path(self) -> YamlPath:
        if not self._stack:
            return ()
        top = self._stack[-1]
        if isinstance(top.into, list):
            return (*top.path, len(top.into))
        return (*top.path, top.key) if top.key is not None else top.path

    def _open(self, into: dict[str, object] | list[object], event: yaml.Event) -> None:
        if len(self._stack) >= MAXIMUM_DEPTH:
            self._report_at("yaml.too_deep", event, limit=MAXIMUM_DEPTH)
            raise _TooDeep
        if self._at_key():
            self._report_at("yaml.key_not_text", event)
            self._stack[-1].waits = True  # its value is read and thrown away with the file
            self._stack.append(_Open(into, self._path()))
            return
        path = self._path()
        self._add(into, event)
        self._stack.append(_Open(into, path))

    def _at_key(self) -> bool:
        return bool(self._stack) and isinstance(self._stack[-1].into, dict) and not self._stack[-1].waits

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        top = self._stack[-1] if self._stack else None
        if top is not None and not top.waits and isinstance(top.into, dict):
            self._key(event, top, top.into)
        else:
            self._add(None if self._secret(event) else self._value(event), event)

    def _key(self, event: yaml.ScalarEvent, top: _Open, into: dict[str, object]) -> None:
        key = event.value
        top.waits, top.key = True, key
        path = (*top.path, key)
        if not event.style:
            if key == "<<":
                self._report_at("yaml.merge", event)
            elif key in _NULLS:
                self._report_at("yaml.key_not_text", event)
            else:
                self._trap(event)
        if key in into:
            self._report_at("yaml.duplicate_key", event, key=key, first=self.lines[path])
        self.lines.setdefault(path, _start(event)[0] + 1)

    def _value(self, event: yaml.ScalarEvent) -> object:
        text = str(event.value)
        if event.style:
            return text
        if text in _NULLS:
            return None
        if text in ("true", "false"):
            return text == "true"
        if _INTEGER.fullmatch(text) and len(text) < 40:
            return int(text)
        self._trap(event)
        return text

    def _trap(self, event: yaml.ScalarEvent) -> None:
        found = _TRAP.fullmatch(event.value)
        if found is not None and found.lastgroup is not None:
            self._report_at(_TRAPS[found.lastgroup], event, text=event.value[:40])

    def _secret(self, event: yaml.ScalarEvent) -> bool:
        """Report a secret that stands there in plain; no other finding may then repeat it."""
        path = self._path()
        named = _sounds_secret(_last_name(path)) and self._own_names.isdisjoint(map(str, path[:-1]))
        plain = named and event.value not in _NULLS and not _REFERENCE.fullmatch(event.value)
        if not plain and "://" in event.value:
            in_url = _PASSWORD_IN_URL.search(event.value)
            plain = in_url is not None and not _REFERENCE.fullmatch(in_url["password"])
        if plain:
            self._report_at("yaml.secret", event)
        return plain

    def _add(self, value: object, event: yaml.Event) -> None:
        if not self._stack:
            self.root = value
            return
        top = self._stack[-1]
        if isinstance(top.into, list):
            self.lines.setdefault((*top.path, len(top.into)), _start(event)[0] + 1)
            top.into.append(value)
            return
        if top.key is not None:
            top.into.setdefault(top.key, value)
        top.waits, top.key = False, None


@lru_cache(4096)
def _sounds_secret(name: str) -> bool:
    return _SECRET_KEY.fullmatch(name) is not None


def _last_name(path: YamlPath) -> str:
    """The key nearest to that place; empty where it lies in lists only."""
    for part in reversed(path):
        if isinstance(part, str):
            return part
    return ""


def _start(event: yaml.Event) -> tuple[int, int]:
    """Line and column, from 0."""
    mark = event.start_mark
    return (0, 0) if mark is None else (mark.line, mark.column)
