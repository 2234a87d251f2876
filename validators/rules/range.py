"""A number fits its field: no more digits before the point than `precision` less `scale`, none after it beyond `scale`,
and nothing below `minimum` or above `maximum`. Compared exactly; a float that is no number fits no limit."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from ...connectors.schema import Field, FieldType
from ..limits import NUMBERS, Column, outside
from ..rule import Cells, Failure, Stage, failures

stage = Stage.CELLS


def applies(field: Field) -> bool:
    limited = (field.minimum, field.maximum) if field.type is FieldType.FLOAT else _limits(field)
    return field.type in NUMBERS and any(limit is not None for limit in limited)


def _limits(field: Field) -> tuple[str | int | None, ...]:
    return (field.minimum, field.maximum, field.precision, field.scale)


def failing(cells: Cells) -> list[Failure]:
    field, found = cells.field, []
    if field.type is not FieldType.FLOAT:
        found += _digits(cells.values, field)
    minimum = None if field.minimum is None else Decimal(field.minimum)
    maximum = None if field.maximum is None else Decimal(field.maximum)
    below, above = outside(cells.values, minimum, maximum)
    if below is not None:
        found += failures(below, "range.below", limit=str(field.minimum))
    if above is not None:
        found += failures(above, "range.above", limit=str(field.maximum))
    return found


def _digits(values: Column, field: Field) -> list[Failure]:
    found = []
    if field.precision is not None:
        whole = field.precision - (field.scale or 0)
        places = max(field.scale or 0, _scale(values))
        most = Decimal((0, (9,) * (whole + places), -places))
        below, above = outside(values, most.copy_negate(), most)
        for mask in (below, above):
            if mask is not None:
                found += failures(mask, "range.too_many_digits", digits=whole)
    if field.scale is not None and _scale(values) > field.scale:
        rounded = pc.round(values, ndigits=field.scale, round_mode="towards_zero")
        found += failures(pc.not_equal(values, rounded), "range.too_many_decimals", scale=field.scale)
    return found


def _scale(values: Column) -> int:
    return values.type.scale if isinstance(values.type, pa.Decimal128Type) else 0
