"""What the workshop with the business said of each field: `decisions.yaml` beside the mappings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from ...mappings.yaml.plain_yaml import flow, scalar
from ...mappings.yaml.strict_yaml import load_model, parse_yaml, read_yaml
from ..project import Project

FILE: Final = "decisions.yaml"
SAID: Final = ("decision", "owner", "question", "signature")
OWN_NAMES: Final = frozenset(("mappings",))
_HEAD: Final = "# What the workshop said of each field. `changeover mapping workbook import` writes this file.\n"

Place = tuple[str, str, str]
"""Mapping, `fields` or `drop`, and the field's name."""


class Said(BaseModel):
    """Of one field. decision, owner, question, signature: as people wrote them; empty where they did not."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    decision: str = ""
    owner: str = ""
    question: str = ""
    signature: str = ""


class DecisionsFile(BaseModel):
    """The model of decisions.yaml. mappings: mapping > `fields` or `drop` > field > what was said of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mappings: dict[str, dict[str, dict[str, Said]]] = Field(default_factory=dict)


def load_decisions(project: Project) -> dict[Place, Said]:
    """Raises InputError where the file is not well formed."""
    path = project.folder / FILE
    if not path.is_file():
        return {}
    model = load_model(read_yaml(path, shown_as=FILE, own_names=OWN_NAMES), DecisionsFile)
    return {
        (mapping, section, field): said
        for mapping, sections in model.mappings.items()
        for section, fields in sections.items()
        for field, said in fields.items()
    }


def decisions_text(said: Mapping[Place, Said]) -> str:
    """The file, a line a field, in order. Raises InputError where the strict reader would refuse it, as for a password
    in an address."""
    lines = [_HEAD, "mappings:\n" if any(map(_told, said.values())) else "mappings: {}\n"]
    before: tuple[str, str] = ("", "")
    for mapping, section, field in sorted(place for place, each in said.items() if _told(each)):
        if before[0] != mapping:
            lines.append(f"  {scalar(mapping)}:\n")
        if before != (mapping, section):
            lines.append(f"    {scalar(section)}:\n")
        before = (mapping, section)
        lines.append(f"      {scalar(field)}: {flow(_told(said[mapping, section, field]))}\n")
    text = "".join(lines)
    parse_yaml(text, FILE, own_names=OWN_NAMES)
    return text


def _told(said: Said) -> dict[str, str]:
    return {name: text for name in SAID if (text := str(getattr(said, name)))}
