"""The values that a mapping itself writes: constants, defaults, results of value maps must fit the target field."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pyarrow as pa

from ...connectors.cell import cast
from ...connectors.finding import Finding, Severity
from ...connectors.nearest import nearest
from ...connectors.schema import Field, FieldType
from ..language import Rule
from .place import Examined


def check_values(examined: Examined, name: str, rule: Rule, field: Field) -> Iterator[Finding]:
    """Every written value of one rule. What a value map gives to a reference or a person is no value of the field."""
    written: list[tuple[tuple[str | int, ...], str | None]] = [
        (("constant",), rule.constant),
        (("default",), rule.default),
    ]
    if not rule.reference and not rule.of_people:
        written += [(("values", key), value) for key, value in (rule.values or {}).items()]
        written.append((("otherwise",), rule.otherwise.default if rule.otherwise else None))
    for place, value in written:
        if value is not None:
            yield from check_written(examined, ("fields", name, *place), value, field, rule)


def check_written(
    examined: Examined, path: tuple[str | int, ...], value: str, field: Field, rule: Rule
) -> Iterator[Finding]:
    """Whether a value that stands at that place of the file fits the target field."""
    for code, params in _problems(value, field, examined, rule):
        yield examined.found(code, Severity.BLOCKS, *path, value=value[:80], **params)


def _problems(value: str, field: Field, examined: Examined, rule: Rule) -> Iterator[tuple[str, dict[str, str | int]]]:
    typed, missed = cast(pa.array([value], pa.string()), field, examined.zone_of(rule))
    if missed[0].as_py() or not typed[0].is_valid:
        yield "mapping.value_type", {"type": field.type}
        return
    if field.choices and value not in field.choices:
        yield "mapping.value_choice", {"nearest": nearest(value, field.choices)}
    if field.type in (FieldType.TEXT, FieldType.CHOICE, FieldType.REFERENCE):
        if field.length is not None and len(value) > field.length:
            yield "mapping.value_too_long", {"length": len(value), "limit": field.length}
    elif field.type in (FieldType.INTEGER, FieldType.DECIMAL):
        yield from _out_of_range(typed[0].as_py(), field)


def _out_of_range(number: int | Decimal | None, field: Field) -> Iterator[tuple[str, dict[str, str | int]]]:
    if number is None:
        return
    number = Decimal(number)
    too_small = field.minimum is not None and number < Decimal(field.minimum)
    too_large = field.maximum is not None and number > Decimal(field.maximum)
    if too_small or too_large:
        yield "mapping.value_range", {"limit": (field.minimum if too_small else field.maximum) or ""}
    whole = None if field.precision is None else field.precision - (field.scale or 0)
    if whole is not None and abs(number) >= Decimal(10) ** whole:
        yield "mapping.value_range", {"limit": "9" * whole}
