"""Cells as stored to the type of a field, one by one, on whole columns.

A cell either becomes exactly the same value in the field's type or it is a misfit: nothing is rounded, cut, guessed or
wrapped around. Each way first asks whether all cells are of the plain kind that Arrow converts at once, and looks
closer only where some are not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Context, Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .held_file import no_files, to_files
from .schema import Field, FieldType
from .stored import kind_of, plain_text, present, readable
from .zoned import INSTANT, LOCAL, to_instant, to_local

DECIMAL_PRECISION = 38
DEFAULT_SCALE = 12

_DAY = (
    r"(?:\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8]))"
    r"|(?:\d\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)"
)
_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?"
DATE_TEXT = rf"^{_DAY}(?:[ T]00:00(?::00(?:\.0+)?)?)?$"
LOCAL_TEXT = rf"^{_DAY}(?:[ T]{_CLOCK})?$"
ZONED_TEXT = rf"^{_DAY}[ T]{_CLOCK} ?(?:Z|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)$"
NUMBER_TEXT = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?$"
# at most 15 digits and a small exponent: a float holds every such number so that it reads back the same
FLOAT_TEXT = r"^[+-]?(?:\d{1,15}|\d{1,8}\.\d{0,7}|\.\d{1,15})(?:[eE][+-]?\d{1,2})?$"
_FIRST_TIME = pa.scalar(-62_135_596_800_000_000, pa.int64())  # 0001-01-01 00:00:00 in microseconds from 1970
_LAST_TIME = pa.scalar(253_402_300_799_999_999, pa.int64())  # 9999-12-31 23:59:59.999999


def arrow_type(field: Field) -> pa.DataType:
    """The Arrow type a column of this field has in every room: text for references, exact decimals for money."""
    match field.type:
        case FieldType.INTEGER:
            return pa.int64()
        case FieldType.DECIMAL:
            return pa.decimal128(DECIMAL_PRECISION, DEFAULT_SCALE if field.scale is None else field.scale)
        case FieldType.FLOAT:
            return pa.float64()
        case FieldType.BOOLEAN:
            return pa.bool_()
        case FieldType.DATE:
            return pa.date32()
        case FieldType.INSTANT:
            return INSTANT
        case FieldType.LOCAL_TIME:
            return LOCAL
        case FieldType.BINARY:
            return pa.binary()
        case _:
            return pa.string()


def cast(
    column: pd.Series | pa.Array | pa.ChunkedArray, field: Field, zone: ZoneInfo | None = None
) -> tuple[pa.Array, pa.BooleanArray]:
    """The column in `arrow_type(field)`, and a mask without nulls: true where a cell that was there did not fit (the
    result is null in that place). Never raises on account of a cell.

    Text is read with space around it ignored: numbers plain or with an exponent, `true/false/t/f/1/0`, `YYYY-MM-DD`,
    times in ISO form with space or T, a fraction of up to six digits that count, an offset or Z. Blank text is null for
    every type but TEXT and BINARY; an empty text is for a TEXT that does not tell them apart, and an empty list of
    files is null. The parts of a TEXT that is a set are put in order, each once; a TEXT that is kept trimmed loses the
    blanks around it. A float becomes the decimal that its shortest text says. A decimal with more places than the
    field, an integer beyond 64 bits, NaN and infinity (but in FLOAT) and a DATE with a time of day are misfits. FLOAT
    takes the nearest float of a fraction, and no integer that it cannot hold exactly.

    zone: what a wall clock time means where an INSTANT is wanted, and the other way round; without it such a cell is a
    misfit. A wall clock time that was skipped is a misfit; one that occurred twice is the earlier instant.
    """
    if isinstance(column, pd.Series) and column.dtype == object:
        cells = present(column)
        if len(kinds := {kind_of(cell) for cell in cells} - {None}) > 1:
            return _cast_apart(cells, kinds, field, zone)
    array, broken = readable(column)
    kind = arrow_type(field)
    if broken is None and array.type == kind and not _needs_a_look(field):
        return array, pa.array(np.zeros(len(array), dtype=bool))
    array = _in_order(array, field.parts) if field.parts else array
    array = pc.ascii_trim_whitespace(array) if field.trimmed and pa.types.is_string(array.type) else array
    array = _without_blanks(array, field)
    typed = _WAYS.get(field.type, _to_text)(array, kind, zone)
    missed = pc.and_(array.is_valid(), typed.is_null(nan_is_null=False))
    if broken is not None:
        missed = pc.or_(missed, pa.array(broken))
        typed = pc.if_else(pa.array(broken), pa.scalar(None, kind), typed)
    return typed, missed


def _cast_apart(
    cells: list[object], kinds: set[object], field: Field, zone: ZoneInfo | None
) -> tuple[pa.Array, pa.BooleanArray]:
    """A column of several kinds of cells, each kind cast by itself, so that a cell's neighbours change nothing."""
    typed, missed = pa.nulls(len(cells), arrow_type(field)), np.zeros(len(cells), dtype=bool)
    for kind in kinds:
        own = np.fromiter((kind_of(cell) == kind for cell in cells), dtype=bool, count=len(cells))
        part, bad = cast(pd.Series([cell for cell in cells if kind_of(cell) == kind], dtype=object), field, zone)
        typed = pc.replace_with_mask(typed, pa.array(own), part)
        missed[own] = bad.to_numpy(zero_copy_only=False)
    return typed, pa.array(missed)


def cast_frame(
    frame: pd.DataFrame, fields: Sequence[Field], zone: ZoneInfo | None = None
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """The named columns of the frame, in the fields' order, typed on `pd.ArrowDtype`; and for each field with misfits
    its boolean mask, a row each. Raises KeyError where the frame lacks a field's column."""
    columns, masks = {}, {}
    for field in fields:
        typed, missed = cast(frame[field.name], field, zone)
        columns[field.name] = pd.Series(pd.arrays.ArrowExtensionArray(typed), copy=False)
        mask = missed.to_numpy(zero_copy_only=False)
        if mask.any():
            masks[field.name] = mask
    return pd.DataFrame(columns, index=pd.RangeIndex(len(frame)), copy=False), masks


def _needs_a_look(field: Field) -> bool:
    """Fields whose Arrow type holds cells that they may not."""
    return bool(not field.empty_text or field.parts or field.trimmed) or field.type in (
        FieldType.INSTANT,
        FieldType.LOCAL_TIME,
        FieldType.CHOICE,
        FieldType.REFERENCE,
        FieldType.FILE,
    )


def _without_blanks(array: pa.Array, field: Field) -> pa.Array:
    as_is = field.type is FieldType.BINARY or (field.type is FieldType.TEXT and field.empty_text)
    if not pa.types.is_string(array.type) or as_is or "" in field.choices:
        return array
    if field.type is FieldType.FILE:
        blank = no_files(array)
    else:
        blank = pc.equal(array if field.type is FieldType.TEXT else pc.utf8_trim_whitespace(array), "")
    return pc.if_else(blank, pa.scalar(None, pa.string()), array) if pc.any(blank).as_py() else array


def _in_order(array: pa.Array, separator: str) -> pa.Array:
    if not pa.types.is_string(array.type):
        return array
    told = array.dictionary_encode()
    sets = [sorted({part for part in each.split(separator) if part}) for each in told.dictionary.to_pylist()]
    return pa.array([separator.join(each) for each in sets], pa.string()).take(told.indices)


def _only(text: pa.StringArray, pattern: str) -> pa.StringArray:
    """The cells that match; null for the others."""
    return pc.if_else(pc.match_substring_regex(text, pattern), text, pa.scalar(None, pa.string()))


def _trimmed(array: pa.Array) -> pa.StringArray:
    return pc.utf8_trim_whitespace(plain_text(array))


def _to_text(array: pa.Array, kind: pa.DataType, zone: ZoneInfo | None) -> pa.Array:
    if pa.types.is_floating(array.type):
        array = pc.if_else(pc.is_finite(array), array, pa.scalar(None, array.type))
    if pa.types.is_binary(array.type):
        text, broken = readable(array.cast(kind, safe=False))
        return text if broken is None else pc.if_else(pa.array(broken), pa.scalar(None, kind), text)
    return plain_text(array)


def _to_binary(array: pa.Array, kind: pa.DataType, zone: ZoneInfo | None) -> pa.Array:
    return array if pa.types.is_binary(array.type) else plain_text(array).cast(kind)


def _to_files(array: pa.Array, kind: pa.DataType, zone: ZoneInfo | None) -> pa.Array:
    return to_files(plain_text(array))


def _to_boolean(array: pa.Array, kind: pa.DataType, zone: ZoneInfo | None) -> pa.Array:
    if pa.types.is_boolean(array.type):
        return array
    text = pc.ascii_lower(_trimmed(array))
    yes = pc.is_in(text, value_set=pa.array(["true", "t", "1"]))
    no = pc.is_in(text, value_set=pa.array(["false", "f", "0"]))
    return pc.if_else(pc.or_(yes, no), yes, pa.scalar(None, kind))


def _to_integer(array: pa.Array, kind: pa.DataType, zone: ZoneInfo | None) -> pa.Array:
    if pa.types.is_integer(array.type) or pa.types.is_boolean(array.type):
        return array.cast(kind)
    whole = _to_decimal(array, pa.decimal128(DECIMAL_PRECISION, 0), zone)
    try:
        return whole.cast(kind)
    except pa.ArrowInvalid:
        low, high = (pa.scalar(Decimal(bound), whole.type) for bound in (-(2**63), 2**63 - 1))
        held = pc.and_(pc.greater_equal(whole, low), pc.less_equal(whole, high))
        return pc.if_else(held, whole, pa.scalar(None, whole.type)).cast(kind)


def _to_decimal(array: pa.Array, kind: pa.Decimal128Type, zone: ZoneInfo | None) -> pa.Array:
    if pa.types.is_boolean(array.type):
        array = array.cast(pa.int64())
    if pa.types.is_integer(array.type) or (pa.types.is_decimal(array.type) and _roomy(array, kind)):
        try:
            return array.cast(kind)
        except pa.ArrowInvalid:
            pass  # some cell does not fit, or the type is too narrow for the kind of integer: cell by cell below
    text = _trimmed(array)
    easy = pc.fill_null(_easy(text, kind), False)
    result = pc.if_else(easy, text, pa.scalar(None, pa.string())).cast(kind)
    rest = pc.and_(pc.invert(easy), text.is_valid())
    return pc.replace_with_mask(result, rest, _unusual(text.filter(rest), kind)) if pc.any(rest).as_py() else result


def _unusual(text: pa.StringArray, kind: pa.Decimal128Type) -> pa.Array:
    """The cells that are no number, have zeros to spare, or an exponent."""
    number = _only(text, NUMBER_TEXT)
    fraction = pc.match_substring_regex(number, r"^[^eE]*\.[^eE]*$")
    short = pc.if_else(fraction, pc.utf8_rtrim(number, characters="0"), number)
    easy = pc.fill_null(_easy(short, kind), False)
    result = pc.if_else(easy, short, pa.scalar(None, pa.string())).cast(kind)
    rest = pc.and_(pc.invert(easy), number.is_valid())
    cells = [_exact(cell, kind) for cell in number.filter(rest).to_pylist()]
    return pc.replace_with_mask(result, rest, pa.array(cells, kind))


def _roomy(array: pa.Array, kind: pa.Decimal128Type) -> bool:
    """Whether adding decimal places keeps every number within the type; Arrow overflows without a word."""
    bounds = pc.min_max(array)
    ends = [bounds[end].as_py() for end in ("min", "max")]
    return all(end is None or not end or end.adjusted() < kind.precision - kind.scale for end in ends)


def _easy(text: pa.StringArray, kind: pa.Decimal128Type) -> pa.BooleanArray:
    """Which cells Arrow can be trusted with: from more digits than the type holds it makes other numbers, silently."""
    before, after = max(kind.precision - kind.scale, 0), max(kind.scale, 0)
    digits = pc.match_substring_regex(text, rf"^[+-]?\d{{0,{before}}}(?:\.\d{{0,{after}}})?$")
    return pc.and_(digits, pc.match_substring_regex(text, r"\d"))


def _exact(text: str, kind: pa.Decimal128Type) -> Decimal | None:
    """The number in the type's scale, None where it has more places or digits than that."""
    number = Decimal(text)
    if not number:
        return Decimal(0)
    _, digits, exponent = number.as_tuple()
    spare = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    if not isinstance(exponent, int) or exponent + spare < -kind.scale:
        return None
    if number.adjusted() >= kind.precision - kind.scale:
        return None
    return number.quantize(Decimal(1).scaleb(-kind.scale), context=Context(prec=len(digits) + 2 * kind.precision))


def _to_float(array: pa.Array, kind: pa.DataType, zone: ZoneInfo | None) -> pa.Array:
    if pa.types.is_floating(array.type):
        return array.cast(kind)
    if pa.types.is_boolean(array.type):
        array = array.cast(pa.int64())
    if pa.types.is_integer(array.type):
        try:
            return array.cast(kind)
        except pa.ArrowInvalid:
            pass  # beyond 2**53 some integers have no float of their own
    text = _only(_trimmed(array), NUMBER_TEXT)
    easy = pc.match_substring_regex(text, FLOAT_TEXT)
    result = pc.if_else(easy, text, pa.scalar(None, pa.string())).cast(kind)
    hard = pc.and_(text.is_valid(), pc.invert(pc.fill_null(easy, False)))
    if not pc.any(hard).as_py():
        return result
    cells = [_nearest(cell) for cell in text.filter(hard).to_pylist()]
    return pc.replace_with_mask(result, hard, pa.array(cells, kind))


def _nearest(text: str) -> float | None:
    number, nearest = Decimal(text), float(text)
    if not np.isfinite(nearest) or (nearest == 0) != (not number):
        return None
    whole = number == number.to_integral_value() if abs(number.adjusted()) < 400 else True
    return None if whole and Decimal(nearest) != number and Decimal(repr(nearest)) != number else nearest


def _to_date(array: pa.Array, kind: pa.DataType, zone: ZoneInfo | None) -> pa.Array:
    if pa.types.is_timestamp(array.type) and array.type.tz is not None:
        array = _local(_to_time(array, INSTANT, zone), zone)
    text = _only(_trimmed(array), DATE_TEXT)
    return _in_calendar(pc.utf8_slice_codeunits(text, 0, 10)).cast(kind)


def _to_time(array: pa.Array, kind: pa.TimestampType, zone: ZoneInfo | None) -> pa.Array:
    local, instant = _moments(array)
    if kind == INSTANT:
        if zone is not None and local.null_count < len(local):
            instant = pc.coalesce(instant, to_instant(local, zone))
        return _in_range(instant, kind)
    if zone is not None and instant.null_count < len(instant):
        local = pc.coalesce(local, to_local(instant, zone))
    return _in_range(local, kind)


def _moments(array: pa.Array) -> tuple[pa.Array, pa.Array]:
    """The wall clock times and the instants among the cells, each null where the other is."""
    if array.type == LOCAL:
        return _in_range(array, LOCAL), pa.nulls(len(array), INSTANT)
    if pa.types.is_timestamp(array.type) and array.type.unit == "us":
        return pa.nulls(len(array), LOCAL), _in_range(array.cast(INSTANT), INSTANT)
    text = _trimmed(array)
    if pc.any(pc.match_substring_regex(text, r"\.\d{6}0")).as_py():
        text = pc.replace_substring_regex(text, r"(\.\d{6})0+", r"\1")
    local = _in_calendar(_only(text, LOCAL_TEXT)).cast(LOCAL)
    zoned = _in_calendar(_only(text, ZONED_TEXT))
    if zoned.null_count < len(zoned):
        zoned = pc.replace_substring_regex(zoned, r" ?(Z|[+-][\d:]+)$", r"\1")
    return local, zoned.cast(INSTANT)


def _local(instant: pa.Array, zone: ZoneInfo | None) -> pa.Array:
    return instant.view(LOCAL) if zone is None else to_local(instant, zone)


def _in_calendar(text: pa.StringArray) -> pa.StringArray:
    """There is no year 0."""
    return pc.if_else(pc.starts_with(text, "0000"), pa.scalar(None, pa.string()), text)


def _in_range(moments: pa.Array, kind: pa.TimestampType) -> pa.Array:
    """Only what lies in the years 1 to 9999."""
    count = moments.view(pa.int64())
    bounds = pc.min_max(count)
    low, high = bounds["min"].as_py(), bounds["max"].as_py()
    if low is None or (low >= _FIRST_TIME.as_py() and high <= _LAST_TIME.as_py()):
        return moments
    held = pc.and_(pc.greater_equal(count, _FIRST_TIME), pc.less_equal(count, _LAST_TIME))
    return pc.if_else(held, moments, pa.scalar(None, kind))


_WAYS: dict[FieldType, Callable[[pa.Array, pa.DataType, ZoneInfo | None], pa.Array]] = {
    FieldType.INTEGER: _to_integer,
    FieldType.DECIMAL: _to_decimal,
    FieldType.FLOAT: _to_float,
    FieldType.BOOLEAN: _to_boolean,
    FieldType.DATE: _to_date,
    FieldType.INSTANT: _to_time,
    FieldType.LOCAL_TIME: _to_time,
    FieldType.BINARY: _to_binary,
    FieldType.FILE: _to_files,
}
