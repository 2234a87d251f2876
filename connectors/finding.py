"""Something about the data or the mapping that a person should know. A value, never an exception."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """BLOCKS: the record is rejected (of a mapping or schema: nothing may run). HOLDS: the record waits. WARNS and
    INFO change nothing."""

    BLOCKS = "blocks"
    HOLDS = "holds"
    WARNS = "warns"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """code: the catalogue's key of its text. params: what the text is filled with: names, numbers, limits; never a
    cell's value. sample: the offending value, where there is one; it goes to the value store and is masked in reports.
    object, key: the *source* object and key of the record, where one is concerned. field: the field at fault, as named
    by the side it was found on. mapping: the mapping's name. file, line: where in the project to look.
    """

    code: str
    severity: Severity
    params: Mapping[str, str | int] = field(default_factory=dict)
    object: str | None = None
    key: str | None = None
    field: str | None = None
    mapping: str | None = None
    file: str | None = None
    line: int | None = None
    sample: str | None = None
