"""What becomes of the source's objects: a mapping moves them, or the project says why they are archived or left."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatchcase

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from ..connectors.finding import Finding, Severity
from ..connectors.nearest import nearest
from ..connectors.schema import Schema
from ..mappings.yaml.document import Document

MOVE, ARCHIVE, LEAVE = "move", "archive", "leave"
KEY = "objects"


class ObjectSpec(BaseModel):
    """One entry of `objects`: why the object is archived, or left behind, and who says so."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    archive: str | None = None
    leave: str | None = None
    who: str | None = None

    @model_validator(mode="after")
    def _says_why(self) -> ObjectSpec:
        if len([each for each in (self.archive, self.leave) if each is not None and each.strip()]) != 1:
            raise PydanticCustomError("project.object_form", "object_form")
        return self

    @property
    def fate(self) -> str:
        return LEAVE if self.archive is None else ARCHIVE

    @property
    def reason(self) -> str:
        return self.archive or self.leave or ""


def decided(entries: Mapping[str, ObjectSpec], source: Schema, moved: Collection[str]) -> dict[str, ObjectSpec]:
    """Source object -> what the project says of it; nothing of those that move. An entry may be a pattern with `*`; an
    entry with the very name outranks it, and of several patterns the first counts."""
    told: dict[str, ObjectSpec] = {}
    for name in source.objects:
        entry = name if name in entries else next((each for each in entries if _fits(each, name)), None)
        if entry is not None and name not in moved:
            told[name] = entries[entry]
    return told


def check_entries(
    document: Document, entries: Mapping[str, ObjectSpec], source: Schema, moved: Collection[str]
) -> Iterator[Finding]:
    """BLOCKS for each entry that names no object of the source, and for each that names one that a mapping moves."""
    for entry in entries:
        if not any(entry == name or _fits(entry, name) for name in source.objects):
            known = {name: found.label for name, found in source.objects.items()}
            yield in_project(document, "objects.unknown", entry, name=entry, nearest=nearest(entry, known))
        elif entry in moved:
            yield in_project(document, "objects.moved_too", entry, name=entry)


def in_project(document: Document, code: str, entry: str, **params: str | int) -> Finding:
    """A finding on that entry, or on where it should be."""
    line = document.line((KEY, entry))
    return Finding(code, Severity.BLOCKS, params, object=entry, file=document.file, line=line)


def _fits(entry: str, name: str) -> bool:
    return "*" in entry and fnmatchcase(name, entry)
