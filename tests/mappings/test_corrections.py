"""Corrections over a chunk: in the column's own type, only where the cell is still what was corrected."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pytest
from changeover.connectors.chunk import Chunk
from changeover.connectors.schema import Field, FieldType, ObjectSchema, Schema
from changeover.mappings.corrections import Correction, by_object, check_corrections, correct, read_corrections

HEAD = "object,key,field,old,new,who,why\n"
SHANGHAI = ZoneInfo("Asia/Shanghai")
FIELDS = (
    Field("id", FieldType.TEXT),
    Field("name", FieldType.TEXT),
    Field("amount", FieldType.DECIMAL, scale=2),
    Field("count", FieldType.INTEGER),
    Field("active", FieldType.BOOLEAN),
    Field("day", FieldType.DATE),
    Field("at", FieldType.INSTANT),
)
OBJECT = ObjectSchema("cust", ("id",), FIELDS)


def correction(field: str, old: str, new: str, key: str = "K1") -> Correction:
    return Correction("cust", key, field, old, new, "Zhang", "checked the contract", "corrections/a.csv", 2)


def chunk(**columns: pa.Array) -> Chunk:
    frame = pd.DataFrame({name: pd.Series(pd.arrays.ArrowExtensionArray(column)) for name, column in columns.items()})
    return Chunk("cust", frame, [f"K{row}" for row in range(len(frame))])


def corrected(given: Chunk, *corrections: Correction) -> tuple[Chunk, list[bool]]:
    done, looked = correct(given, OBJECT, by_object(corrections)["cust"], SHANGHAI)
    return done, [looked[each] for each in corrections if each in looked]


CELLS = [
    ("name", pa.array(["a", "b ", None]), "b ", "新", "新"),
    ("name", pa.array(["a", None, None]), "", "filled", "filled"),
    ("name", pa.array(["a", "", None]), "", "filled", "filled"),
    ("name", pa.array(["a", "b", None]), "b", "", None),
    ("name", pa.array([None, None, None]), "", "x", "x"),
    ("amount", pa.array([1, Decimal("12.50"), 2], pa.decimal128(18, 2)), "12.5", "13", Decimal("13.00")),
    ("amount", pa.array(["1", "12.50", None]), "12.5", "13", "13"),
    ("amount", pa.array([1.0, 12.5, 2.0]), "12.5", "0.1", 0.1),
    ("count", pa.array([1, 2, 3]), "2", "7", 7),
    ("active", pa.array([1, 0, None]), "false", "true", 1),
    ("day", pa.array(["2023-01-01", "2023-02-30", None]), "2023-02-30", "2023-02-28", "2023-02-28"),
    ("day", pa.array([None, dt.date(2023, 2, 1), None]), "2023-02-01", "2023-02-28", dt.date(2023, 2, 28)),
]


@pytest.mark.parametrize(("field", "column", "old", "new", "becomes"), CELLS)
def test_a_cell_is_corrected_in_its_own_type(field: str, column: pa.Array, old: str, new: str, becomes: object) -> None:
    given = chunk(**{field: column})
    done, holds = corrected(given, correction(field, old, new))
    assert holds == [True]
    assert pa.array(done.frame[field]).to_pylist()[1] == becomes
    assert pa.array(done.frame[field]).to_pylist()[0::2] == column.to_pylist()[0::2]
    assert pa.array(given.frame[field]).to_pylist() == column.to_pylist()
    if not pa.types.is_null(column.type):
        assert pa.array(done.frame[field]).type == column.type


def test_an_instant_is_the_same_in_any_zone() -> None:
    given = chunk(at=pa.array([None, dt.datetime(2024, 1, 1, tzinfo=dt.UTC)], pa.timestamp("us", "UTC")))
    done, holds = corrected(given, correction("at", "2024-01-01 08:00:00", "2024-01-02 08:00:00"))
    assert holds == [True]
    assert pa.array(done.frame["at"]).to_pylist()[1] == dt.datetime(2024, 1, 2, tzinfo=dt.UTC)


def test_a_value_with_no_place_in_the_column_makes_it_text() -> None:
    """As a connector hands over a column of several kinds."""
    given = chunk(amount=pa.array([1, 2, 3]))
    done, _ = corrected(given, correction("amount", "2", "2.5"))
    assert pa.array(done.frame["amount"]).to_pylist() == ["1", "2.5", "3"]


def test_where_the_source_has_changed_nothing_is() -> None:
    given = chunk(name=pa.array(["a", "changed", None]))
    done, holds = corrected(given, correction("name", "b", "new"))
    assert holds == [False]
    assert done is given


def test_only_what_was_read_is_looked_at() -> None:
    given = chunk(name=pa.array(["a", "b"]))
    done, holds = corrected(given, correction("amount", "1", "2"), correction("name", "b", "new", key="K9"))
    assert (done, holds) == (given, [])


def test_a_file_is_read_with_commas_quotes_and_line_ends_in_cells() -> None:
    text = (
        HEAD.replace("\n", "\r\n") + 'cust,K1,name,"a, b","say ""x""\r\nmore",Li ,because\r\n\r\ncust, K2 ,name,,,Li,w'
    )
    read, wrong = read_corrections(text, "a.csv")
    assert wrong == []
    assert [(each.key, each.old, each.new, each.who, each.line) for each in read] == [
        ("K1", "a, b", 'say "x"\r\nmore', "Li", 2),
        (" K2 ", "", "", "Li", 5),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", [("correction.no_column", 1)] * 7),
        ("object,key,field,old,new,who,wyh\n", [("correction.no_column", 1), ("correction.strange_column", 1)]),
        (HEAD + "cust,K1,name,a,b,Li\n", [("correction.cells", 2)]),
        (HEAD + "cust,K1,name,a,b,Li,w,more\n", [("correction.cells", 2)]),
        (HEAD + "cust,K1,name,a,b,,\n,,,a,b,Li,w\n", [("correction.empty", 2), ("correction.empty", 3)]),
        (HEAD + 'cust,K1,name,a,"b"c,Li,w\n', [("correction.unreadable", 2)]),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_line(text: str, told: list[tuple[str, int]]) -> None:
    _, wrong = read_corrections(text, "a.csv")
    assert [(each.code, each.line) for each in wrong] == told


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (Correction("kust", "1", "name", "", "b", "w", "y", "f", 2), "correction.no_object"),
        (correction("nam", "a", "b"), "correction.no_field"),
        (correction("id", "K1", "K2"), "correction.of_the_key"),
        (correction("amount", "x", "12.345"), "correction.value_type"),
        (correction("day", "x", "2023-02-30"), "correction.value_type"),
        (correction("count", "1", "2"), "correction.not_read"),
    ],
)
def test_what_names_nothing_or_does_not_fit_is_told(given: Correction, code: str) -> None:
    used = {"cust": {"name", "amount", "day"}}
    found = list(check_corrections([given], Schema({"cust": OBJECT}), used, lambda _object: SHANGHAI))
    assert [each.code for each in found] == [code]
    assert (found[0].file, found[0].line) == (given.file, 2)
    if "nearest" in found[0].params:
        assert found[0].params["nearest"] in ("cust", "name")


def test_a_cell_corrected_twice_names_both_lines() -> None:
    given = [correction("name", "a", "b"), correction("name", "a", "c")]
    found = list(check_corrections(given, Schema({"cust": OBJECT}), {"cust": {"name"}}, lambda _object: None))
    assert [(each.code, each.params["first"]) for each in found] == [("correction.twice", "corrections/a.csv:2")]
