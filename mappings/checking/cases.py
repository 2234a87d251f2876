"""Rules with `when`, `cases` and `first`: that every case can be come to, and that all of them fill the field alike."""

from __future__ import annotations

from collections.abc import Iterator

from ...connectors.finding import Finding, Severity
from ...connectors.schema import Field
from ..language import Rule
from .conditions import check_conditions
from .place import Examined
from .values import check_values

BLOCKS = Severity.BLOCKS
WHOLE = ("write", "wins", "outside", "compare_only", "class_", "rewrite_links", "lost_file")
"""What is said of a whole rule and not of its cases."""


def check_cases(examined: Examined, name: str, rule: Rule, field: Field) -> Iterator[Finding]:
    """What the ways to fill the field do not say themselves."""
    yield from _check_node(examined, name, rule, field)
    if len({way.reference is None for _, way in rule.ways()}) > 1:
        yield examined.found("mapping.cases_refer_apart", BLOCKS, "fields", name)


def told_whole(rule: Rule) -> Rule:
    """A rule with cases as one that refers to what the first of them refers to."""
    return rule.model_copy(update={"reference": next(rule.ways())[1].reference}) if rule.inner else rule


def _check_node(examined: Examined, name: str, rule: Rule, field: Field) -> Iterator[Finding]:
    place = ("fields", name)
    if rule.when is not None:
        yield from check_conditions(examined, rule.when, "fields", name, *examined.inside, "when")
    if not rule.inner:
        return
    if rule.cases and rule.first:
        yield examined.found("mapping.cases_and_first", BLOCKS, *place)
        return
    more = rule.from_ or rule.transform or rule.values is not None or rule.otherwise or rule.reference or rule.of_people
    if more or rule.constant is not None or rule.zone is not None:
        yield examined.found("mapping.cases_with_more", BLOCKS, *place)
    if rule.default is not None and any(way.reference for _, way in rule.ways()):
        yield examined.found("mapping.default_with_reference", BLOCKS, *place, "default")
    yield from check_values(examined, name, rule, field)
    covered = False
    for below, case in rule.inner:
        inner = examined.within(below)
        if covered:
            yield inner.found("mapping.case_never_reached", BLOCKS, *place)
        for key in WHOLE:
            if key in case.model_fields_set:
                yield inner.found("mapping.case_with_more", BLOCKS, *place, said := key.rstrip("_"), key=said)
        yield from _check_node(inner, name, case, field)
        covered = covered or (case.when is None and (below[0] == "cases" or _always(case)))


def _always(case: Rule) -> bool:
    """Whether it has a value for every record."""
    return bool(case.constant or case.default)
