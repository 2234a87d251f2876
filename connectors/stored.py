"""Cells as stored: whatever a system or a library hands over, brought onto one Arrow column, and onto text.

Nothing is judged or repaired here. A column whose cells are of several kinds, or whose text is not Unicode, is carried
as text with the broken cells marked, so that whoever types it can call them misfits.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

INT64_SPAN = float(2**63)
WRITTEN_OUT = 60
"""A decimal with more digits than this before or after its point keeps its exponent in text."""

Broken = np.ndarray | None


def readable(column: pd.Series | pa.Array | pa.ChunkedArray) -> tuple[pa.Array, Broken]:
    """The column as one plain Arrow array (no dictionary, extension, view or large type), pandas' nulls as nulls.

    Second: a boolean array, true where the cell's text cannot be represented (lone surrogates, broken UTF-8) and stands
    escaped; None where there is no such cell.
    """
    if isinstance(column, pd.Series):
        column = _from_pandas(column)
        if isinstance(column, tuple):
            return column
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    array = _plain(array)
    if pa.types.is_string(array.type):
        try:
            array.validate(full=True)
        except pa.ArrowInvalid:
            return _texts(array.cast(pa.binary(), safe=False).to_pylist())
    return array, None


def as_stored(column: pd.Series) -> pa.Array:
    """The cells as they are; text that is no Unicode as its bytes."""
    array, broken = readable(column)
    if broken is not None:  # bytes are judged as such further on; escaped, they would pass for text
        return pa.chunked_array(pa.array(column)).combine_chunks().cast(pa.binary(), safe=False)
    return array


def text_of(column: pd.Series | pa.Array | pa.ChunkedArray) -> pa.StringArray:
    """Every cell as text, null as null: numbers without trailing zeros, `true`/`false`, ISO dates, times to the last
    digit that is not zero (an instant in UTC with `Z`), bytes as UTF-8. Never fails: what is no Unicode is escaped."""
    return plain_text(readable(column)[0])


def plain_text(array: pa.Array) -> pa.StringArray:
    """`text_of` for an array that came from `readable`."""
    return spelled(array)[0]


def spelled(array: pa.Array) -> tuple[pa.StringArray, Broken]:
    """`plain_text`, and which cells are bytes that are no text and stand escaped; None where there are none."""
    if not pa.types.is_binary(array.type):
        return _spelled_out(array), None
    try:
        text = array.cast(pa.string())
        text.validate(full=True)
    except pa.ArrowInvalid:
        return _texts(array.to_pylist())
    return text, None


def _spelled_out(array: pa.Array) -> pa.StringArray:
    kind = array.type
    if pa.types.is_string(kind):
        return array
    if pa.types.is_floating(kind):
        return _float_text(array)
    if pa.types.is_decimal(kind):
        return decimal_text(array)
    if pa.types.is_timestamp(kind):
        return _time_text(array)
    return array.cast(pa.string())


def decimal_text(array: pa.Array) -> pa.StringArray:
    """Decimals in plain notation without trailing zeros: `12.5`, `0`, `1200`."""
    text = array.cast(pa.string())
    if array.type.scale <= 0:
        return _written_out(array, text) if array.type.scale < 0 else text
    text = pc.utf8_rtrim(pc.utf8_rtrim(text, characters="0"), characters=".")
    if array.type.scale > 6:  # Arrow writes numbers this small with an exponent
        zero = pc.equal(array, pa.scalar(Decimal(0), array.type))
        text = pc.if_else(zero, "0", text)
        text = _written_out(array, text)
    return pc.if_else(pc.equal(text, ""), "0", text)


def _written_out(array: pa.Array, text: pa.StringArray) -> pa.StringArray:
    """Exponents written out, in the few cells that have one."""
    exponent = pc.match_substring(text, "E")
    if not pc.any(exponent).as_py():
        return text
    cells = [plain_decimal(value.as_py()) for value in array.filter(exponent)]
    return pc.replace_with_mask(text, pc.fill_null(exponent, False), pa.array(cells, pa.string()))


def plain_decimal(value: Decimal) -> str:
    """One decimal as `decimal_text` writes it."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _float_text(array: pa.Array) -> pa.StringArray:
    """The shortest text that reads back as the same float; a whole number as an integer."""
    if pa.types.is_float16(array.type):
        array = array.cast(pa.float32())
    text = array.cast(pa.string())
    wide = array.cast(pa.float64())
    whole = pc.and_(pc.equal(pc.trunc(wide), wide), pc.less(pc.abs(wide), INT64_SPAN))
    if not pc.any(whole).as_py():
        return text
    integers = pc.if_else(whole, wide, pa.scalar(None, pa.float64())).cast(pa.int64())
    return pc.if_else(whole, integers.cast(pa.string()), text)


def _time_text(array: pa.Array) -> pa.StringArray:
    aware = array.type.tz is not None
    text = array.cast(pa.timestamp(array.type.unit)).cast(pa.string())  # an aware column's own numbers are UTC
    if array.type.unit != "s":
        text = pc.utf8_rtrim(pc.utf8_rtrim(text, characters="0"), characters=".")
    return pc.binary_join_element_wise(text, "Z", "") if aware else text


def _plain(array: pa.Array) -> pa.Array:
    kind = array.type
    if isinstance(kind, pa.UuidType):
        return pa.array([None if each is None else str(each) for each in array.to_pylist()], pa.string())
    if isinstance(kind, pa.BaseExtensionType):
        return _plain(array.storage)
    if pa.types.is_dictionary(kind):
        return _plain(array.dictionary_decode())
    for test, plain in _NARROWED:
        if test(kind):
            return array.cast(plain)
    if pa.types.is_nested(kind) or pa.types.is_interval(kind) or pa.types.is_duration(kind):
        return _texts(array.to_pylist())[0]
    if pa.types.is_null(kind):
        return pa.nulls(len(array), pa.string())
    return array


_NARROWED: tuple[tuple[Callable[[pa.DataType], bool], pa.DataType], ...] = (
    (pa.types.is_large_string, pa.string()),
    (pa.types.is_string_view, pa.string()),
    (pa.types.is_large_binary, pa.binary()),
    (pa.types.is_binary_view, pa.binary()),
    (pa.types.is_fixed_size_binary, pa.binary()),
    (pa.types.is_date64, pa.timestamp("ms")),
    (pa.types.is_uint64, pa.decimal128(20, 0)),
)


def _from_pandas(series: pd.Series) -> pa.Array | pa.ChunkedArray | tuple[pa.Array, Broken]:
    if series.dtype != object:
        return pa.array(series, from_pandas=True)
    cells = present(series)
    if len({kind_of(cell) for cell in cells if cell is not None}) <= 1:
        try:
            return pa.array(cells)
        except (pa.ArrowException, OverflowError, TypeError, UnicodeEncodeError):
            pass  # one kind, but beyond what an Arrow column of it holds: huge integers, infinite decimals, surrogates
    # of a mixture Arrow would make its own guess, and for one cut the time off a datetime that stands among dates
    return _texts(cells)


def kind_of(cell: object) -> object:
    """Cells of one kind may share an Arrow column without changing each other; None has no kind."""
    if isinstance(cell, dt.datetime):
        return type(cell), cell.tzinfo is None
    return None if cell is None else type(cell)


def present(series: pd.Series) -> list[object]:
    """The cells of an object column as a list, every kind of null as None."""
    return [
        None if cell is None or cell is pd.NA or cell is pd.NaT or (isinstance(cell, float) and cell != cell) else cell
        for cell in series
    ]


def _texts(cells: list[object]) -> tuple[pa.Array, Broken]:
    texts = [None if type(cell) is float else _text(cell) for cell in cells]
    floats = [row for row, cell in enumerate(cells) if type(cell) is float]
    if floats:  # all at once: a column of money in a database without decimals is a mixture of these and integers
        told = plain_text(pa.array([cells[row] for row in floats], pa.float64())).to_pylist()
        for row, text in zip(floats, told, strict=True):
            texts[row] = text
    broken = np.zeros(len(texts), dtype=bool)
    for row, text in enumerate(texts):
        if isinstance(text, bytes):
            texts[row] = text.decode("utf-8", "backslashreplace")
            broken[row] = True
    return pa.array(texts, pa.string()), broken if broken.any() else None


def _text(cell: object) -> str | bytes | None:
    """One cell's text; bytes where it is not Unicode."""
    if isinstance(cell, np.generic) and not isinstance(cell, np.datetime64):
        cell = cell.item()
    match cell:
        case None:
            return None
        case bool():
            return "true" if cell else "false"
        case float():
            return str(plain_text(pa.array([cell], pa.float64()))[0])
        case dt.datetime():
            return _moment(cell)
        case dt.date() | dt.time():
            return cell.isoformat()
        case bytes():
            return _decoded(cell)
        case Decimal() if cell.is_finite() and abs(cell.adjusted()) <= WRITTEN_OUT:
            return plain_decimal(cell)
        case int() if cell.bit_length() > 10_000:  # Python refuses to spell integers this long
            return hex(cell)
        case _:
            text = str(cell)
            return text if text.isascii() else _decoded(text.encode("utf-8", "surrogatepass"))


def _moment(cell: dt.datetime) -> str:
    if cell.tzinfo is None:
        return cell.isoformat(" ")
    try:
        return cell.astimezone(dt.UTC).replace(tzinfo=None).isoformat(" ") + "Z"
    except OverflowError:  # in UTC it would lie outside the years 1 to 9999
        return str(cell)


def _decoded(raw: bytes) -> str | bytes:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw
