"""A cell's value, its type and its one canonical text.

Everything that asks "is this the same value?" (digests, reconcile, compare-and-set) asks here, so that 12.5 and
12.50, composed and decomposed accents, or the same instant in two zones never count as a change.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeAlias

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .casting import DECIMAL_PRECISION, DEFAULT_SCALE, arrow_type, cast, cast_frame
from .held_file import compared
from .schema import Field, FieldType
from .stored import WRITTEN_OUT, plain_decimal, plain_text, readable, text_of
from .zoned import INSTANT

__all__ = [
    "DECIMAL_PRECISION",
    "DEFAULT_SCALE",
    "Cell",
    "arrow_type",
    "canonical_text",
    "canonical_value",
    "cast",
    "cast_frame",
    "cells_of",
    "misfit_code",
    "text_of",
]

Cell: TypeAlias = str | int | float | bool | Decimal | dt.date | dt.datetime | bytes | None


def cells_of(column: pa.Array) -> list[Any]:
    """A typed column's cells as Python objects, instants in UTC; what `to_pylist` gives, at a fraction of its time for
    decimals, dates and times."""
    kind = column.type
    if pa.types.is_decimal(kind) or pa.types.is_date32(kind) or kind == pa.timestamp("us"):
        cells: list[Any] = column.to_numpy(zero_copy_only=False).tolist()
        return cells
    if kind == INSTANT:
        naive = column.view(pa.timestamp("us")).to_numpy(zero_copy_only=False).tolist()
        return [None if cell is None else cell.replace(tzinfo=dt.UTC) for cell in naive]
    listed: list[Any] = column.to_pylist()
    return listed


def misfit_code(field: Field) -> str:
    """The code of "this cell is not a ...", for a cell that `cast` could not bring into the field's type."""
    match field.type:
        case FieldType.INTEGER:
            return "type.not_an_integer"
        case FieldType.DECIMAL | FieldType.FLOAT:
            return "type.not_a_number"
        case FieldType.BOOLEAN:
            return "type.not_a_boolean"
        case FieldType.DATE:
            return "type.not_a_date"
        case FieldType.INSTANT | FieldType.LOCAL_TIME:
            return "type.not_a_time"
        case FieldType.BINARY:
            return "type.not_binary"
        case FieldType.FILE:
            return "type.not_files"
        case _:
            return "type.not_text"


def canonical_text(column: pa.Array | pa.ChunkedArray, field: Field) -> pa.StringArray:
    """The one text of each cell of a typed column, null as null; two cells are equal exactly when their texts are.

    Text in NFC; numbers in plain notation without trailing zeros (`12.5`, `0`); `true`, `false`; `YYYY-MM-DD`; a local
    time as `YYYY-MM-DD hh:mm:ss.ffffff` and an instant the same in UTC with `Z`; bytes as hexadecimal; of files what
    `held_file.compared` counts. A column that is not of the field's type is cast first; cells that do not fit keep the
    text they have.
    """
    array, _ = readable(column)
    if field.type is FieldType.FILE:
        return compared(plain_text(array), field.checksum)
    kind = arrow_type(field)
    if array.type != kind and not (pa.types.is_decimal(array.type) and field.type is FieldType.DECIMAL):
        typed, missed = cast(array, field)
        told = _canonical(typed)
        return pc.if_else(missed, _canonical(plain_text(array)), told) if pc.any(missed).as_py() else told
    return _canonical(array)


def canonical_value(value: Cell, field: Field) -> str | None:
    """`canonical_text` of a single cell."""
    if value is None:
        return None
    quick = _QUICK.get((field.type, type(value)))
    told = quick(value) if quick else None
    return _one(value, field) if told is None else told


def _quick_text(value: str) -> str | None:
    return value if value.isascii() else None


def _quick_decimal(value: Decimal) -> str | None:
    return plain_decimal(value) if value.is_finite() and abs(value.adjusted()) <= WRITTEN_OUT else None


_QUICK: dict[tuple[FieldType, type], Callable[[Any], str | None]] = {
    (FieldType.TEXT, str): _quick_text,
    (FieldType.CHOICE, str): _quick_text,
    (FieldType.REFERENCE, str): _quick_text,
    (FieldType.INTEGER, int): lambda value: str(value) if -(2**63) <= value < 2**63 else None,
    (FieldType.DECIMAL, Decimal): _quick_decimal,
    (FieldType.BOOLEAN, bool): lambda value: "true" if value else "false",
    (FieldType.DATE, dt.date): dt.date.isoformat,
    (FieldType.LOCAL_TIME, dt.datetime): lambda value: (
        value.isoformat(" ", timespec="microseconds") if value.tzinfo is None else None
    ),
    (FieldType.BINARY, bytes): bytes.hex,
}
"""The common kinds of single cells told without building an array; None sends the cell the long way."""


def _one(value: Cell, field: Field) -> str | None:
    text: str | None = canonical_text(readable(pd.Series([value], dtype=object))[0], field)[0].as_py()
    return text


def _canonical(array: pa.Array) -> pa.StringArray:
    kind = array.type
    if pa.types.is_string(kind):
        ascii_only = pc.all(pc.string_is_ascii(array), min_count=0).as_py()
        return array if ascii_only else pc.utf8_normalize(array, form="NFC")
    if pa.types.is_timestamp(kind) and kind.unit == "us":
        text = array.cast(pa.timestamp("us")).cast(pa.string())
        return text if kind.tz is None else pc.binary_join_element_wise(text, "Z", "")
    if pa.types.is_binary(kind):
        return pa.array([None if each is None else each.hex() for each in array.to_pylist()], pa.string())
    return plain_text(array)
