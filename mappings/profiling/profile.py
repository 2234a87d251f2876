"""What was measured of an object's fields, and the part of it that may be kept: no cell of any record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ...connectors.schema import FieldType, JsonObject

VERSION: Final = 1


class Kind(StrEnum):
    """What the cells of a field look like, beyond the type that the system declares."""

    BOOLEAN = "boolean"
    EMAIL = "email"
    URL = "url"
    HTML = "html"
    DATE = "date"
    PHONE = "phone"
    NUMBER = "number"
    PICKLIST = "picklist"


@dataclass(frozen=True, slots=True)
class FieldProfile:
    """One field. filled: records in which it is neither null nor empty text. distinct: different cells among these;
    where not `exact`, estimated to about one in a hundred. longest: characters of the longest text. last_used: the
    latest time of change of a record that has it filled, ISO. writers: how many people changed such records last.

    The rest holds cells and is never kept: lowest, highest (numbers, dates and times); top: the most frequent cells
    with their records; written_by: the most frequent writers with their records.
    """

    name: str
    type: FieldType
    label: str
    filled: int
    distinct: int
    exact: bool
    longest: int
    kind: Kind | None = None
    last_used: str | None = None
    writers: int | None = None
    lowest: str | None = None
    highest: str | None = None
    top: tuple[tuple[str, int], ...] = ()
    written_by: tuple[tuple[str, int], ...] = ()

    def share(self, records: int) -> float:
        """Of the records, those that have it filled: 0 to 1."""
        return self.filled / records if records else 0.0


@dataclass(frozen=True, slots=True)
class ObjectProfile:
    """One object. records: how many were read."""

    object: str
    label: str
    records: int
    fields: tuple[FieldProfile, ...]

    def field(self, name: str) -> FieldProfile | None:
        return next((each for each in self.fields if each.name == name), None)

    def to_json(self) -> JsonObject:
        """What may be kept in the project: figures, and no cell."""
        return {
            "version": VERSION,
            "object": self.object,
            "label": self.label,
            "records": self.records,
            "fields": [_kept(each) for each in self.fields],
        }


def _kept(field: FieldProfile) -> JsonObject:
    return {
        "name": field.name,
        "type": field.type.value,
        "label": field.label,
        "filled": field.filled,
        "distinct": field.distinct,
        "exact": field.exact,
        "longest": field.longest,
        "kind": field.kind.value if field.kind else None,
        "last_used": field.last_used,
        "writers": field.writers,
    }


def profile_from_json(document: Mapping[str, object]) -> ObjectProfile:
    """Read what `ObjectProfile.to_json` wrote. Raises KeyError, TypeError or ValueError where it is not one of ours."""
    listed = document["fields"]
    if document["version"] != VERSION or not isinstance(listed, list):
        raise ValueError("not a profile of this version")
    fields = tuple(
        FieldProfile(**{**each, "type": FieldType(each["type"]), "kind": Kind(each["kind"]) if each["kind"] else None})
        for each in listed
    )
    return ObjectProfile(str(document["object"]), str(document["label"]), int(str(document["records"])), fields)
