"""Smallest and largest value of a column, compared exactly: a limit finer than the column's scale still counts."""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, InvalidOperation
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from ..connectors.schema import FieldType

Limit: TypeAlias = Decimal | dt.date | dt.datetime
Written: TypeAlias = str | int | float | Decimal | dt.date | dt.datetime
Column: TypeAlias = "pa.Array[Any]"
Mask: TypeAlias = "pa.BooleanArray | None"

NUMBERS = (FieldType.INTEGER, FieldType.DECIMAL, FieldType.FLOAT)
TIMES = (FieldType.DATE, FieldType.LOCAL_TIME, FieldType.INSTANT)

_WIDE = Context(prec=400)
_INT64 = (Decimal(-(2**63)), Decimal(2**63 - 1))


def limit(written: Written | None, kind: FieldType) -> Limit | None:
    """What a mapping wrote, as a column of this kind compares it: a Decimal for numbers, else a date or datetime.

    Raises ValueError where it is of another kind, or names an instant without its offset."""
    if written is None:
        return None
    if kind in NUMBERS:
        return _as_number(written)
    if isinstance(written, dt.date):
        written = written.isoformat()
    if not isinstance(written, str):
        raise ValueError("a limit in time is a date or a time")
    if kind is FieldType.DATE:
        return dt.date.fromisoformat(written)
    moment = dt.datetime.fromisoformat(written)
    if (moment.tzinfo is not None) is not (kind is FieldType.INSTANT):
        raise ValueError("an instant has an offset, a local time has none")
    return moment


def _as_number(written: Written) -> Decimal:
    try:
        number = Decimal(str(written))
    except InvalidOperation:
        raise ValueError("no number") from None
    if not number.is_finite():
        raise ValueError("no number")
    return number


def outside(values: Column, minimum: Limit | None, maximum: Limit | None) -> tuple[Mask, Mask]:
    """Masks of the cells below `minimum` and above `maximum`, null for null; None where there is nothing to find.

    values: int64, decimal128 or float64 with Decimal limits; date32 with dates; timestamps with datetimes, aware
    exactly where the column is. A float that is no number lies outside every limit.
    """
    if pa.types.is_floating(values.type):
        return _outside_floats(values, minimum, maximum)
    if not (pa.types.is_integer(values.type) or pa.types.is_decimal(values.type)):
        below = None if minimum is None else pc.less(values, pa.scalar(minimum, values.type))
        above = None if maximum is None else pc.greater(values, pa.scalar(maximum, values.type))
        return below, above
    below = above = None
    smallest, largest = _span(values.type)
    if minimum is not None and (least := _at_scale(minimum, values.type, ROUND_CEILING)) > smallest:
        below = pc.is_valid(values) if least > largest else pc.less(values, _scalar(least, values.type))
    if maximum is not None and (most := _at_scale(maximum, values.type, ROUND_FLOOR)) < largest:
        above = pc.is_valid(values) if most < smallest else pc.greater(values, _scalar(most, values.type))
    return below, above


def _outside_floats(values: Column, minimum: Limit | None, maximum: Limit | None) -> tuple[Mask, Mask]:
    below = None if minimum is None else pc.invert(pc.greater_equal(values, pa.scalar(float(_number(minimum)))))
    if maximum is None:
        return below, None
    most = pa.scalar(float(_number(maximum)))
    # Only one of the two masks may name a NaN, or one cell would be reported twice.
    return below, pc.invert(pc.less_equal(values, most)) if below is None else pc.greater(values, most)


def _number(limit: Limit) -> Decimal:
    if not isinstance(limit, Decimal):
        raise TypeError("a column of numbers has numbers as limits")
    return limit


def _span(kind: pa.DataType) -> tuple[Decimal, Decimal]:
    if not isinstance(kind, pa.Decimal128Type):
        return _INT64
    largest = _WIDE.scaleb(Decimal(10**kind.precision - 1), -kind.scale)
    return largest.copy_negate(), largest


def _at_scale(limit: Limit, kind: pa.DataType, rounding: str) -> Decimal:
    scale = kind.scale if isinstance(kind, pa.Decimal128Type) else 0
    return _number(limit).quantize(_WIDE.scaleb(Decimal(1), -scale), rounding=rounding, context=_WIDE)


def _scalar(limit: Decimal, kind: pa.DataType) -> pa.Scalar[Any]:
    return pa.scalar(limit if pa.types.is_decimal(kind) else int(limit), kind)
