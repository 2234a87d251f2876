"""Rules whose field is never written: that something is done with them all the same."""

from __future__ import annotations

from collections.abc import Iterator

from ...connectors.finding import Finding, Severity
from ..language import Rule, WritePolicy
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


def _used(examined: Examined, name: str) -> bool:
    model = examined.file.model
    arguments = [value for line in model.expect for given in line.values() for value in given.values()]
    named = [each for value in arguments for each in (value if isinstance(value, list) else [value])]
    return name in named or any(name in names for names in model.match)
