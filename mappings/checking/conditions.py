"""Conditions of a mapping: fields that there are, values that fit them, and nothing that can never be met."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from ...connectors.cell import cast
from ...connectors.finding import Finding, Severity
from ...connectors.nearest import nearest
from ...connectors.schema import Field, FieldType
from ..condition import CompiledCondition, Condition, Conditions, ordered_as
from ..yaml.document import YamlPath
from .place import Examined, labels

BLOCKS, WARNS = Severity.BLOCKS, Severity.WARNS


def check_conditions(examined: Examined, said: Conditions, *path: str | int) -> Iterator[Finding]:
    """Everything about the conditions at that place of the file."""
    for place, name, condition in said.leaves(path):
        field = examined.source.field(name)
        if field is not None:
            found = _check_one(examined, field, condition, place)
        else:
            near = nearest(name, labels(examined.source.fields))
            told = {"object": examined.source.name, "name": name, "nearest": near}
            found = iter([examined.found("mapping.no_source_field", BLOCKS, *place, **told)])
        for each in found:
            # beside a rule the finding is the target field's
            yield replace(each, field=name) if path[0] == "where" else each


def _check_one(examined: Examined, field: Field, said: Condition, place: YamlPath) -> Iterator[Finding]:
    wrong = [
        *_check_compared(examined, field, said, place),
        *_check_limits(examined, field, said, place),
        *_check_pattern(examined, said, place),
    ]
    yield from wrong
    if not any(each.severity is BLOCKS for each in wrong) and _never_met(examined, field, said):
        yield examined.found("mapping.condition_never_met", BLOCKS, *place, name=field.name)


def _check_compared(examined: Examined, field: Field, said: Condition, place: YamlPath) -> Iterator[Finding]:
    """Values that no cell of the field's type equals. Some stores keep others all the same, so this only warns."""
    compared = {
        "equals": [said.equals],
        "not_equals": [said.not_equals],
        "in": said.in_ or (),
        "not_in": said.not_in or (),
    }
    for key, values in compared.items():
        for at, value in enumerate(values):
            if not value:
                continue
            path = (*place, key, at) if key.endswith("in") else (*place, key)
            told = {"name": field.name, "value": value[:80]}
            if cast(pa.array([value], pa.string()), field, examined.zone)[1][0].as_py():
                yield examined.found("mapping.condition_value_type", WARNS, *path, **told, type=field.type)
            elif field.choices and value not in field.choices:
                near = nearest(value, field.choices)
                yield examined.found("mapping.condition_value_choice", WARNS, *path, **told, nearest=near)


def _check_limits(examined: Examined, field: Field, said: Condition, place: YamlPath) -> Iterator[Finding]:
    if not said.limits:
        return
    told: dict[str, str | int] = {"name": field.name, "type": field.type}
    if field.type in (FieldType.BOOLEAN, FieldType.BINARY):
        yield examined.found("mapping.condition_no_order", BLOCKS, *place, **told)
        return
    wrong = [key for key, limit in said.limits.items() if ordered_as(field, [limit], examined.zone) is None]
    for key in wrong:
        yield examined.found("mapping.condition_limit_type", BLOCKS, *place, key, **told, value=said.limits[key][:80])
    if not wrong and ordered_as(field, said.limits.values(), examined.zone) is None:
        yield examined.found("mapping.condition_limits_apart", BLOCKS, *place, **told)


def _check_pattern(examined: Examined, said: Condition, place: YamlPath) -> Iterator[Finding]:
    if said.matches is None:
        return
    try:
        pc.match_substring_regex(pa.array([""]), said.matches)
    except pa.ArrowException as error:
        problem = str(error).removeprefix("Invalid regular expression: ")
        yield examined.found("mapping.condition_pattern", BLOCKS, *place, "matches", problem=problem)


def _never_met(examined: Examined, field: Field, said: Condition) -> bool:
    """What can be seen at once: of the values that it asks for it refuses each; no cell is empty and has a value; the
    limits leave nothing between them."""
    asked = (said.equals,) if said.equals is not None else said.in_
    compiled = CompiledCondition(field, said, examined.zone)
    if asked is not None:
        return not pc.any(compiled.met(pa.array(asked, pa.string()))).as_py()
    if said.present is False:
        return bool(said.limits) or not pc.all(compiled.met(pa.array([""]))).as_py()
    return not _some_between(field, said, examined)


def _some_between(field: Field, said: Condition, examined: Examined) -> bool:
    limits = said.limits
    kind = ordered_as(field, limits.values(), examined.zone)
    if kind is None:
        return True
    typed = {key: cast(pa.array([limit]), kind, examined.zone)[0][0].as_py() for key, limit in limits.items()}
    for low in ("at_least", "more_than"):
        for high in ("at_most", "less_than"):
            if low in typed and high in typed:
                both = low == "at_least" and high == "at_most"
                if typed[low] > typed[high] or (typed[low] == typed[high] and not both):
                    return False
    return True
