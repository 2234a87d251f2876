"""Whether rules that name people or departments can be worked off."""

from __future__ import annotations

from collections.abc import Iterator

from ...connectors.finding import Finding, Severity
from ...connectors.schema import Field, FieldType
from ..language import Rule
from .place import Examined

_KEYS = (FieldType.REFERENCE, FieldType.TEXT, FieldType.INTEGER, FieldType.DECIMAL)


def check_people(examined: Examined, name: str, rule: Rule, field: Field) -> Iterator[Finding]:
    """Who is who is known, and the field can hold what comes of it: a key, or the keys of several in one text."""
    if not rule.of_people:
        return
    place = ("fields", name)
    if rule.people and not examined.people:
        yield examined.found("mapping.no_people", Severity.BLOCKS, *place)
    if rule.department and not examined.departments:
        yield examined.found("mapping.no_departments", Severity.BLOCKS, *place)
    if not rule.of_one and field.type is not FieldType.TEXT:
        yield examined.found("mapping.team_elsewhere", Severity.BLOCKS, *place, name=name)
    elif field.type not in _KEYS:
        yield examined.found("mapping.people_elsewhere", Severity.BLOCKS, *place, name=name)
