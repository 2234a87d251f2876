"""Rules whose field is never written, or once: that something is done with the one, and no more with the other."""

from __future__ import annotations

from collections.abc import Iterator

from ...connectors.finding import Finding, Severity
from ...connectors.schema import Field
from ..language import WRITTEN_ONCE, Rule, WritePolicy
from .place import Examined


def check_unwritten(examined: Examined, name: str, rule: Rule) -> Iterator[Finding]:
    """`write: never` serves `match` and `expect`; what the target makes itself is a value, and no reference."""
    place = ("fields", name)
    if rule.compare_only:
        if rule.write is not WritePolicy.ALWAYS:
            yield examined.found("mapping.compared_and_written", Severity.BLOCKS, *place, "write")
        if any(way.reference or way.of_people for _, way in rule.ways()):
            yield examined.found("mapping.compared_reference", Severity.BLOCKS, *place, "compare_only")
    elif rule.write is WritePolicy.NEVER and not _used(examined, name):
        yield examined.found("mapping.never_used", Severity.WARNS, *place, "write", name=name)


def check_written_once(examined: Examined, name: str, rule: Rule, field: Field) -> Iterator[Finding]:
    """A field that the target takes at creation only has a rule that says so; a stub is written once by itself."""
    again = rule.policy not in WRITTEN_ONCE and not examined.file.of_stub
    if again and field.writable and not field.changeable:
        yield examined.found("mapping.not_changeable", Severity.BLOCKS, "fields", name, "write", name=name)


def _used(examined: Examined, name: str) -> bool:
    model = examined.file.model
    arguments = [value for line in model.expect for given in line.values() for value in given.values()]
    named = [each for value in arguments for each in (value if isinstance(value, list) else [value])]
    return name in named or any(name in names for names in model.match)
