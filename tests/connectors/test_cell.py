"""Cells keep their value or are called misfits: nothing in between."""

# ruff: noqa: DTZ001 - a local time is a datetime without a zone

from __future__ import annotations

import datetime as dt
import math
import unicodedata
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from changeover.connectors.cell import (
    Cell,
    arrow_type,
    canonical_text,
    canonical_value,
    cast,
    cast_frame,
    misfit_code,
    text_of,
)
from changeover.connectors.schema import Field, FieldType
from hypothesis import given, settings
from hypothesis import strategies as st

SHANGHAI = ZoneInfo("Asia/Shanghai")
NEW_YORK = ZoneInfo("America/New_York")
SAO_PAULO = ZoneInfo("America/Sao_Paulo")  # its summer time began at midnight
MISFIT = "misfit"


def field(kind: FieldType, **more: object) -> Field:
    return Field("f", kind, **more)  # type: ignore[arg-type]


def results(column: object, to: Field, zone: ZoneInfo | None = None) -> list[object]:
    if isinstance(column, list):
        column = pd.Series(column, dtype=object)
    typed, missed = cast(column, to, zone)  # type: ignore[arg-type]
    assert typed.type == arrow_type(to)
    assert missed.null_count == 0
    return [MISFIT if bad else cell for cell, bad in zip(typed.to_pylist(), missed.to_pylist(), strict=True)]


MONEY = field(FieldType.DECIMAL, precision=18, scale=2)
WHOLE = field(FieldType.INTEGER)
DAY = field(FieldType.DATE)
INSTANT = field(FieldType.INSTANT)
LOCAL = field(FieldType.LOCAL_TIME)
WORDS = field(FieldType.TEXT)
FLOAT = field(FieldType.FLOAT)
YES_NO = field(FieldType.BOOLEAN)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("12", "12"),
        (" 12 ", "12"),
        ("12.5", "12.5"),
        ("12.500000", "12.5"),
        ("1e3", "1000"),
        ("1.25E1", "12.5"),
        ("+.5", "0.5"),
        ("5.", "5"),
        ("-0", "0"),
        ("0" * 60 + "7.1" + "0" * 60, "7.1"),
        ("9" * 36 + ".99", "9" * 36 + ".99"),
    ],
)
def test_numbers_in_text_become_exactly_that_number(text: str, wanted: str) -> None:
    # a bad neighbour sends the column the long way, which must agree with the short one
    assert results([text], MONEY) == [Decimal(wanted)]
    assert results([text, "bad"], MONEY) == [Decimal(wanted), MISFIT]


@pytest.mark.parametrize(
    "text",
    [
        "12.005",
        "1e-3",
        "9" * 37,
        "1e37",
        "1e999999999",
        "abc",
        "１２",
        "0x1",
        "1_000",
        "1,000",
        "nan",
        "inf",
        ".",
        "--1",
    ],
)
def test_a_number_that_would_change_is_a_misfit(text: str) -> None:
    assert results([text, "1"], MONEY) == [MISFIT, Decimal(1)]


def test_arrows_silent_overflow_does_not_reach_us() -> None:
    ones = "1" * 38
    assert results([ones], MONEY) == [MISFIT]
    assert results(pa.array([Decimal(ones)], pa.decimal128(38, 0)), MONEY) == [MISFIT]
    assert results([Decimal(ones)], MONEY) == [MISFIT]
    assert results(["7.1" + "0" * 60], MONEY) == [Decimal("7.1")]


def test_integers() -> None:
    texts = ["12", "12.0", "1e3", str(2**63 - 1), str(-(2**63)), str(2**63), "12.5", "0x1", "十二"]
    assert results(texts, WHOLE) == [12, 12, 1000, 2**63 - 1, -(2**63), MISFIT, MISFIT, MISFIT, MISFIT]
    assert results(pa.array([2**64 - 1, 7], pa.uint64()), WHOLE) == [MISFIT, 7]
    assert results(pa.array([Decimal("12.00"), Decimal("12.01")]), WHOLE) == [12, MISFIT]
    assert results([True, False], WHOLE) == [1, 0]


def test_a_float_becomes_the_decimal_its_shortest_text_says() -> None:
    column = pa.array([0.1, 0.07, 1e15, 1e20, math.nan, math.inf, 0.125, None])
    assert results(column, MONEY) == [
        Decimal("0.1"),
        Decimal("0.07"),
        Decimal(10**15),
        Decimal(10**20),
        MISFIT,
        MISFIT,
        MISFIT,
        None,
    ]
    assert results(pa.array([0.1], pa.float32()), MONEY) == [Decimal("0.1")]


def test_floats_keep_what_a_float_can_keep() -> None:
    assert results(["0.1", "1e300", "1e999", "1e-400", str(2**53 + 1), "0.10000000000000001"], FLOAT) == [
        0.1,
        1e300,
        MISFIT,
        MISFIT,
        MISFIT,
        0.1,
    ]
    assert results(pa.array([2**53 + 1, 5]), FLOAT) == [MISFIT, 5.0]
    assert math.isnan(results(pa.array([math.nan]), FLOAT)[0])  # type: ignore[arg-type]


def test_nulls_and_blank_text() -> None:
    for to in (MONEY, WHOLE, DAY, INSTANT, LOCAL, FLOAT, YES_NO, field(FieldType.REFERENCE), field(FieldType.CHOICE)):
        assert results([None, "", "  ", math.nan, pd.NaT], to, SHANGHAI) == [None] * 5
    assert results([None, "", "  "], WORDS) == [None, "", "  "]
    assert results([""], field(FieldType.CHOICE, choices=("", "a"))) == [""]


def test_an_empty_text_is_null_where_the_field_does_not_tell_them_apart() -> None:
    column = pa.array(["", " ", "x", None])
    typed, missed = cast(column, Field("name", FieldType.TEXT, empty_text=False))
    assert (typed.to_pylist(), missed.to_pylist()) == ([None, " ", "x", None], [False] * 4)
    assert cast(column, Field("name", FieldType.TEXT))[0].to_pylist() == ["", " ", "x", None]


def test_the_parts_of_a_set_have_one_order() -> None:
    column = pa.array(["b;a;b", None, "", "a", ";", "b;a;b"])
    typed, missed = cast(column, Field("team", FieldType.TEXT, empty_text=False, parts=";"))
    assert (typed.to_pylist(), missed.to_pylist()) == (["a;b", None, None, "a", None, "a;b"], [False] * 6)
    assert cast(pa.array([3]), Field("team", FieldType.TEXT, parts=";"))[0].to_pylist() == ["3"]


def test_booleans() -> None:
    assert results(["true", "F", "1", "0", "yes", "2"], YES_NO) == [True, False, True, False, MISFIT, MISFIT]
    assert results([1, 0, 2], YES_NO) == [True, False, MISFIT]


def test_impossible_dates_and_lost_times_are_misfits() -> None:
    texts = ["2023-02-30", "2023-04-31", "1900-02-29", "2000-02-29", "0000-00-00", "0000-01-01", "2023-1-5", "20230105"]
    assert results(texts, DAY) == [MISFIT, MISFIT, MISFIT, dt.date(2000, 2, 29), MISFIT, MISFIT, MISFIT, MISFIT]
    assert results(["2023-01-05 00:00:00.000", "2023-01-05T10:00:00"], DAY) == [dt.date(2023, 1, 5), MISFIT]
    # Arrow's own guess for such a column would cut the time off
    assert results([dt.date(2023, 1, 5), dt.datetime(2023, 1, 5, 1)], DAY) == [dt.date(2023, 1, 5), MISFIT]
    assert results([20230105], DAY) == [MISFIT]


@settings(deadline=None)
@given(st.text("0123456789-", min_size=8, max_size=10) | st.dates().map(str))
def test_dates_in_text_are_those_of_the_calendar(text: str) -> None:
    try:
        wanted: object = dt.date.fromisoformat(text) if len(text) == 10 and text[4] == text[7] == "-" else MISFIT
    except ValueError:
        wanted = MISFIT
    assert results([text], DAY) == [wanted]


def test_two_kinds_of_time() -> None:
    texts = [
        "2023-01-05 10:00:00",
        "2023-01-05T10:00Z",
        "2023-01-05 10:00:00.25+08:00",
        "2023-01-05",
        "2023-01-05 24:00",
    ]
    at = dt.datetime
    assert results(texts, INSTANT, SHANGHAI) == [
        at(2023, 1, 5, 2, tzinfo=dt.UTC),
        at(2023, 1, 5, 10, tzinfo=dt.UTC),
        at(2023, 1, 5, 2, 0, 0, 250_000, tzinfo=dt.UTC),
        at(2023, 1, 4, 16, tzinfo=dt.UTC),
        MISFIT,
    ]
    assert results(texts, INSTANT) == [MISFIT, *results(texts, INSTANT, SHANGHAI)[1:3], MISFIT, MISFIT]
    assert results(texts, LOCAL, SHANGHAI)[:4] == [
        at(2023, 1, 5, 10),
        at(2023, 1, 5, 18),
        at(2023, 1, 5, 10, 0, 0, 250_000),
        at(2023, 1, 5),
    ]
    assert results(texts, LOCAL)[1] == MISFIT


def test_times_finer_than_a_microsecond_are_misfits() -> None:
    assert results(["2023-01-05 10:00:00.1234567", "2023-01-05 10:00:00.1234560"], LOCAL) == [
        MISFIT,
        dt.datetime(2023, 1, 5, 10, 0, 0, 123_456),
    ]
    nanos = pa.array([1, 1000], pa.timestamp("ns"))
    assert results(nanos, LOCAL) == [MISFIT, dt.datetime(1970, 1, 1, 0, 0, 0, 1)]


def test_skipped_and_repeated_hours() -> None:
    walls = [dt.datetime(2023, 3, 12, 2, 30), dt.datetime(2023, 11, 5, 1, 30), dt.datetime(2023, 7, 1, 12)]
    earlier = dt.datetime(2023, 11, 5, 5, 30, tzinfo=dt.UTC)
    noon = dt.datetime(2023, 7, 1, 16, tzinfo=dt.UTC)
    assert results(walls, INSTANT, NEW_YORK) == [MISFIT, earlier, noon]
    midnight = [dt.datetime(2017, 10, 15, 0, 30), dt.datetime(2017, 10, 14, 23, 30), dt.datetime(2017, 10, 15, 1)]
    assert results(midnight, INSTANT, SAO_PAULO) == [
        MISFIT,
        dt.datetime(2017, 10, 15, 2, 30, tzinfo=dt.UTC),
        dt.datetime(2017, 10, 15, 3, tzinfo=dt.UTC),
    ]


@settings(deadline=None)
@given(
    st.lists(st.datetimes(dt.datetime(1, 1, 3), dt.datetime(9999, 12, 28)), max_size=8),
    st.sampled_from(
        ["Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "Europe/Dublin", "Pacific/Apia", "UTC"]
    ),
)
def test_zones_agree_with_zoneinfo(walls: list[dt.datetime], name: str) -> None:
    zone = ZoneInfo(name)
    for wall, moment in zip(walls, results(pa.array(walls, pa.timestamp("us")), INSTANT, zone), strict=True):
        expected = wall.replace(tzinfo=zone).astimezone(dt.UTC)
        skipped = expected.astimezone(zone).replace(tzinfo=None) != wall
        assert moment == (MISFIT if skipped else expected)
    moments = pa.array(walls, pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
    shown = [wall.replace(tzinfo=dt.UTC).astimezone(zone).replace(tzinfo=None) for wall in walls]
    assert results(moments, LOCAL, zone) == shown


def test_text_from_other_kinds() -> None:
    reference = field(FieldType.REFERENCE)
    assert results([12], reference) == results(pa.array([12.0]), reference) == results([Decimal("12.00")], reference)
    assert results([12], reference) == ["12"]
    assert results([dt.date(2023, 1, 5)], WORDS) == ["2023-01-05"]
    assert results([dt.datetime(2023, 1, 5, 10, 10, 10)], WORDS) == ["2023-01-05 10:10:10"]
    assert results(pa.array(["沈阳".encode(), b"\xff"]), WORDS) == ["沈阳", MISFIT]
    assert results(pa.array([math.nan, math.inf]), WORDS) == [MISFIT, MISFIT]


def test_what_is_no_unicode_is_a_misfit_and_can_still_be_shown() -> None:
    assert results(["好", "\ud800"], WORDS) == ["好", MISFIT]
    raw = pa.array([b"ok", b"\xb1\xb1"]).view(pa.string())  # GBK bytes that someone called text
    assert results(raw, WORDS) == ["ok", MISFIT]
    assert results(raw, MONEY) == [MISFIT, MISFIT]
    assert text_of(raw).to_pylist() == ["ok", "\\xb1\\xb1"]


def test_frames() -> None:
    frame = pd.DataFrame({"a": ["1", "x"], "b": ["2", "3"], "c": ["4", "5"]}).convert_dtypes(dtype_backend="pyarrow")
    typed, masks = cast_frame(frame, [Field("b", FieldType.INTEGER), Field("a", FieldType.DECIMAL, scale=2)])
    assert list(typed.columns) == ["b", "a"]
    assert all(isinstance(kind, pd.ArrowDtype) for kind in typed.dtypes)
    assert {name: mask.tolist() for name, mask in masks.items()} == {"a": [False, True]}
    assert typed["b"].tolist() == [2, 3]


ANYTHING = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.dates()
    | st.datetimes(timezones=st.none() | st.sampled_from([SHANGHAI, NEW_YORK]))
    | st.times()
    | st.binary(max_size=5)
    | st.text(max_size=8)
    | st.characters(categories=["Cs"])
    | st.from_regex(r"[+-]?[0-9]{1,45}(\.[0-9]{0,20})?([eE][+-]?[0-9]{1,9})?", fullmatch=True)
    | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9:.]{0,15}([+-][0-9:]{2,5}|Z)?", fullmatch=True)
    | st.uuids()
    | st.lists(st.integers(), max_size=2)
)
FIELDS = st.sampled_from(
    [field(kind) for kind in FieldType] + [field(FieldType.DECIMAL, scale=scale) for scale in (0, 2, 38)]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(ANYTHING, max_size=6), FIELDS, st.sampled_from([None, SHANGHAI, NEW_YORK]))
def test_casting_never_fails_and_is_the_same_cell_by_cell(
    cells: list[object], to: Field, zone: ZoneInfo | None
) -> None:
    series = pd.Series(cells, dtype=object)
    together = results(series, to, zone)
    assert len(together) == len(cells)
    alone = [results(pd.Series([cell], dtype=object), to, zone)[0] for cell in cells]
    assert repr(together) == repr(alone)
    assert len(text_of(series)) == len(cells)
    typed, _ = cast(series, to, zone)
    texts = canonical_text(typed, to).to_pylist()
    assert texts == [canonical_value(cell, to) for cell in typed.to_pylist()]


@settings(deadline=None)
@given(st.lists(st.decimals(-(10**15), 10**15, places=4), max_size=6))
def test_decimals_are_kept_or_refused(numbers: list[Decimal]) -> None:
    wanted = [number if number == number.quantize(Decimal("0.01")) else MISFIT for number in numbers]
    assert results(pa.array(numbers, pa.decimal128(30, 4)), MONEY) == wanted
    assert results([str(number) for number in numbers], MONEY) == wanted


@settings(deadline=None)
@given(st.lists(st.integers(-(2**70), 2**70).map(str) | st.from_regex(r"-?[0-9]{1,19}\.0{0,3}", fullmatch=True)))
def test_integers_in_text_are_kept_or_refused(texts: list[str]) -> None:
    numbers = [int(Decimal(text)) for text in texts]
    assert results(texts, WHOLE) == [number if -(2**63) <= number < 2**63 else MISFIT for number in numbers]


@pytest.mark.parametrize(
    ("value", "to", "text"),
    [
        (Decimal("12.50"), MONEY, "12.5"),
        (Decimal("0.00"), MONEY, "0"),
        (Decimal("-0.00"), MONEY, "0"),
        (Decimal("1200"), MONEY, "1200"),
        (Decimal("0.0000001"), field(FieldType.DECIMAL), "0.0000001"),
        (Decimal("0"), field(FieldType.DECIMAL), "0"),
        (-0.0, FLOAT, "0"),
        (12.0, FLOAT, "12"),
        ("e\u0301", WORDS, "é"),
        ("", WORDS, ""),
        (True, YES_NO, "true"),
        (dt.date(33, 1, 5), DAY, "0033-01-05"),
        (dt.datetime(2023, 1, 5, 10), LOCAL, "2023-01-05 10:00:00.000000"),
        (dt.datetime(2023, 1, 5, 10, tzinfo=SHANGHAI), INSTANT, "2023-01-05 02:00:00.000000Z"),
        (b"\x00\xff", field(FieldType.BINARY), "00ff"),
        ("12.50", MONEY, "12.5"),
        ("not a number", MONEY, "not a number"),
    ],
)
def test_canonical_text(value: Cell, to: Field, text: str) -> None:
    assert canonical_value(value, to) == text
    column = pa.array([value, None], arrow_type(to)) if not isinstance(value, str) else pa.array([value, None])
    assert canonical_text(column, to).to_pylist() == [text, None]


def test_the_scale_of_a_column_does_not_show() -> None:
    for scale in (2, 6, 12):
        column = pa.array([Decimal("12.50"), Decimal(0), Decimal("-3")], pa.decimal128(38, scale))
        assert canonical_text(column, MONEY).to_pylist() == ["12.5", "0", "-3"]


@settings(deadline=None)
@given(st.text(max_size=6))
def test_equal_after_composition_is_equal(text: str) -> None:
    assert canonical_value(unicodedata.normalize("NFD", text), WORDS) == canonical_value(text, WORDS)


def test_every_type_has_its_code() -> None:
    codes = {kind: misfit_code(field(kind)) for kind in FieldType}
    assert codes[FieldType.DECIMAL] == codes[FieldType.FLOAT] == "type.not_a_number"
    assert codes[FieldType.INSTANT] == codes[FieldType.LOCAL_TIME] == "type.not_a_time"
    assert codes[FieldType.TEXT] == codes[FieldType.REFERENCE] == codes[FieldType.CHOICE] == "type.not_text"
    assert len(set(codes.values())) == 8


def test_masks_are_plain_arrays() -> None:
    _, masks = cast_frame(pd.DataFrame({"f": ["x"]}), [WHOLE])
    assert isinstance(masks["f"], np.ndarray)
    assert masks["f"].dtype == bool
