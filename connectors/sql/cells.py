"""Cells on their way: the driver's rows to Arrow columns as stored, and cells of changes and searches to a column."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import pandas as pd
import pyarrow as pa

from ..cell import Cell, arrow_type, text_of
from ..schema import Field, FieldType
from .tables import Column

INT64 = range(-(2**63), 2**63)
_WHOLE = re.compile(r"[+-]?[0-9]{1,40}")
_YES_NO = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}


class UnfitError(ValueError):
    """A cell cannot be what the column holds: our catalogue's code, and the field."""

    def __init__(self, code: str, field: str) -> None:
        super().__init__(f"{code}: {field}")
        self.code = code
        self.field = field


# From the database


def column_array(cells: Sequence[object], column: Column) -> pa.Array:
    """The cells on one Arrow type, as they are. Of mixed kinds: text, or bytes where some of the text is not Unicode.

    Whole numbers among floats become floats as long as each stays exact. Bytes are UTF-8 where text stands beside text
    that the driver could not decode, so that typing can tell the good cells from the broken ones.
    """
    kinds = set(map(type, cells)) - {type(None)}
    if not kinds:
        return pa.nulls(len(cells), arrow_type(column.field))
    try:
        if len(kinds) == 1:
            return _alike(cells, kinds.pop(), column)
        if kinds == {int, float}:
            return pa.array(cells, pa.float64())
    except (pa.ArrowException, OverflowError, UnicodeEncodeError):
        pass  # beyond the Arrow type of its kind; as text nothing of it is lost
    if bytes in kinds:
        return pa.array([_bytes(cell) for cell in cells], pa.binary())
    return text_of(pd.Series(list(cells), dtype=object))


def _alike(cells: Sequence[object], kind: type, column: Column) -> pa.Array:
    if kind is Decimal:
        return _decimals(cells, column.field)
    if kind is dt.datetime:
        moment = next(cell for cell in cells if isinstance(cell, dt.datetime))
        aware = moment.tzinfo is not None or column.stored is FieldType.INSTANT
        return pa.array(cells, pa.timestamp("us", "UTC" if aware else None))
    plain = _PLAIN.get(kind)
    if plain is None:
        return text_of(pd.Series(list(cells), dtype=object))
    return pa.array(cells, plain)


_PLAIN = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    bytes: pa.binary(),
    dt.date: pa.date32(),
}


def _decimals(cells: Sequence[object], field: Field) -> pa.Array:
    try:
        return pa.array(cells, pa.decimal128(field.precision or 38, field.scale or 0))
    except (pa.ArrowException, ValueError):
        found = pa.array(cells)  # no type was declared, or not that one
        return found if pa.types.is_decimal128(found.type) else text_of(found)


def _bytes(cell: object) -> bytes | None:
    if cell is None or isinstance(cell, bytes):
        return cell
    return str(text_of(pd.Series([cell], dtype=object))[0]).encode()


def key_texts(cells: Sequence[object], column: Column) -> list[str]:
    """The key text of each cell of a key column; a null is `\\N`."""
    if set(map(type, cells)) == {str}:
        return list(cells)  # type: ignore[arg-type]
    texts = text_of(column_array(cells, column)).to_pylist()
    return ["\\N" if text is None else text for text in texts]


# To the database


def sql_typing(column: Column) -> Callable[[Cell], Cell]:
    """The function that brings a cell, a key's text among them, to the Python type of the column.

    It raises UnfitError `target.type` or `target.out_of_range` where the column can hold no such value.
    """
    typed = uuid_text if column.uuid else _TYPED.get(column.stored, _text)

    def typing(cell: Cell) -> Cell:
        if cell is None:
            return None
        try:
            return typed(cell)
        except (ValueError, TypeError, InvalidOperation) as error:
            raise UnfitError("target.type", column.name) from error
        except OverflowError as error:
            raise UnfitError("target.out_of_range", column.name) from error

    return typing


def all_typed(column: Column, cells: Sequence[Cell]) -> Sequence[Cell]:
    """`sql_typing` of each cell; nothing is done where all are of the column's type already."""
    kinds = set(map(type, cells)) - {type(None)}
    if column.uuid or not kinds <= {_PYTHON.get(column.stored, str)} or not _all_fit(column.stored, cells):
        return list(map(sql_typing(column), cells))
    return cells


def _all_fit(stored: FieldType, cells: Sequence[Any]) -> bool:
    """Whether cells of the right Python type are within what the column's type holds."""
    match stored:
        case FieldType.INTEGER:
            numbers = [cell for cell in cells if cell is not None]
            return not numbers or (min(numbers) in INT64 and max(numbers) in INT64)
        case FieldType.DECIMAL:
            return all(cell is None or cell.is_finite() for cell in cells)
        case FieldType.LOCAL_TIME:
            return {cell.tzinfo for cell in cells if cell is not None} <= {None}
        case FieldType.INSTANT:
            return {cell.tzinfo for cell in cells if cell is not None} <= {dt.UTC}
        case _:
            return True


def uuid_text(cell: Cell) -> str:
    return str(uuid.UUID(str(cell)))


def _text(cell: Cell) -> str:
    if isinstance(cell, str):
        cell.encode()  # a lone surrogate is no text that a database holds
        return cell
    if isinstance(cell, bytes):
        raise TypeError("bytes are no text")
    return str(text_of(pd.Series([cell], dtype=object))[0])


def _integer(cell: Cell) -> int:
    if (isinstance(cell, str) and _WHOLE.fullmatch(cell)) or (isinstance(cell, Decimal | float) and cell == int(cell)):
        cell = int(cell)
    if not isinstance(cell, int):
        raise TypeError("not a whole number")
    if cell not in INT64:
        raise OverflowError("beyond 64 bits")
    return int(cell)


def _decimal(cell: Cell) -> Decimal:
    if isinstance(cell, bool | bytes | dt.date):
        raise TypeError("not a number")
    number = cell if isinstance(cell, Decimal) else Decimal(str(cell))
    if not number.is_finite():
        raise ValueError("not a finite number")
    return number


def _float(cell: Cell) -> float:
    if isinstance(cell, bool | bytes | dt.date) or cell is None:
        raise TypeError("not a number")
    return float(cell)


def _boolean(cell: Cell) -> bool:
    if isinstance(cell, bool):
        return cell
    return _YES_NO[str(cell).lower()] if str(cell).lower() in _YES_NO else _never()


def _never() -> bool:
    raise ValueError("neither yes nor no")


def _date(cell: Cell) -> dt.date:
    if isinstance(cell, str):
        return dt.date.fromisoformat(cell)
    if isinstance(cell, dt.date) and not isinstance(cell, dt.datetime):
        return cell
    raise TypeError("not a date")


def _instant(cell: Cell) -> dt.datetime:
    moment = dt.datetime.fromisoformat(cell) if isinstance(cell, str) else cell
    if isinstance(moment, dt.datetime) and moment.tzinfo is not None:
        return moment.astimezone(dt.UTC)
    raise TypeError("not an instant")


def _local_time(cell: Cell) -> dt.datetime:
    moment = dt.datetime.fromisoformat(cell) if isinstance(cell, str) else cell
    if isinstance(moment, dt.datetime) and moment.tzinfo is None:
        return moment
    raise TypeError("not a wall clock time")


def _binary(cell: Cell) -> bytes:
    if isinstance(cell, bytes):
        return cell
    raise TypeError("not bytes")


_TYPED: dict[FieldType, Callable[[Cell], Cell]] = {
    FieldType.INTEGER: _integer,
    FieldType.DECIMAL: _decimal,
    FieldType.FLOAT: _float,
    FieldType.BOOLEAN: _boolean,
    FieldType.DATE: _date,
    FieldType.INSTANT: _instant,
    FieldType.LOCAL_TIME: _local_time,
    FieldType.BINARY: _binary,
}

_PYTHON: dict[FieldType, type] = {
    FieldType.INTEGER: int,
    FieldType.DECIMAL: Decimal,
    FieldType.FLOAT: float,
    FieldType.BOOLEAN: bool,
    FieldType.DATE: dt.date,
    FieldType.INSTANT: dt.datetime,
    FieldType.LOCAL_TIME: dt.datetime,
    FieldType.BINARY: bytes,
}
