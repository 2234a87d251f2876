"""Whether what a mapping says of life states can be done, and by whose year left records are counted."""

from __future__ import annotations

from collections.abc import Iterator

from ...connectors.finding import Finding, Severity
from ...connectors.nearest import nearest
from .conditions import check_conditions
from .place import Examined, labels
from .values import check_written

BLOCKS = Severity.BLOCKS


def check_life(examined: Examined) -> Iterator[Finding]:
    """`life` and `by_year` of the mapping."""
    for name, state in examined.file.model.life.items():
        yield from check_conditions(examined, state.when, "life", name, "when")
        for target, value in state.then.fields.items():
            yield from _check_shown(examined, name, target, value)
    declared = examined.file.model.by_year
    if declared is not None and examined.source.field(declared) is None:
        near = nearest(declared, labels(examined.source.fields))
        told = {"object": examined.source.name, "name": declared, "nearest": near}
        yield examined.found("mapping.no_source_field", BLOCKS, "by_year", **told)


def _check_shown(examined: Examined, state: str, target: str, value: str) -> Iterator[Finding]:
    """A value that shows the state: of a field that a rule fills, and no reference."""
    path = ("life", state, "then", "set", target)
    rule, field = examined.rules.get(target), examined.target.field(target)
    if rule is None:
        near = nearest(target, examined.rules.keys())
        yield examined.found("mapping.life_not_mapped", BLOCKS, *path, name=target, nearest=near)
    elif rule.reference or rule.of_people:
        yield examined.found("mapping.life_reference", BLOCKS, *path, name=target)
    elif field is not None:
        yield from check_written(examined, path, value, field, rule)
