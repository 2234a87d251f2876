"""Finding records in databases: by dirty keys, by odd values, and not by what only looks alike."""

from __future__ import annotations

from decimal import Decimal

import pytest
from changeover.connectors.port import KEY

from .sql_kit import EVERY, Kit, resumes_everywhere


@EVERY
def test_a_value_that_the_column_cannot_hold_finds_nothing(opened: Kit) -> None:
    opened.sql(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, paid DECIMAL(9,2), born DATE, name VARCHAR(9), active BOOLEAN)",
        "INSERT INTO t VALUES (1, 5, '2024-02-29', 'x', true)",
    )
    connector = opened.unprepared()
    odd = ["x", "", "1 ", " 1", "1.5", "9" * 30, "\0", "01", "é", "\ud800"]
    assert connector.find("t", (KEY,), [(text,) for text in odd], []).keys == []
    for field in ("paid", "born", "active"):
        assert connector.find("t", (field,), [(text,) for text in ("x", "", "2024-02-30", "\0")], []).keys == []
    assert connector.find("t", ("name",), [("x\0",), ("\ud800",), ("X",), ("x ",)], []).keys == []
    assert connector.find("t", ("name", "paid"), [("x", Decimal("5.00"))], ["name"]).keys == ["1"]


def test_a_number_is_found_however_sqlite_stored_it(lite: Kit) -> None:
    lite.sql("CREATE TABLE t (id INTEGER PRIMARY KEY, paid DECIMAL(18,2))", "INSERT INTO t VALUES (1, 5), (2, '12.50')")
    connector = lite.unprepared()
    assert connector.find("t", ("paid",), [(Decimal("5.00"),)], []).keys == ["1"]
    assert connector.find("t", ("paid",), [(Decimal("12.5"),)], []).keys == ["2"]


def test_a_record_with_a_dirty_key_is_found_by_it(lite: Kit) -> None:
    lite.sql("CREATE TABLE t (id INT PRIMARY KEY, n INT)", "INSERT INTO t VALUES (7, 1), ('seven', 2), ('', 3)")
    connector = lite.unprepared()
    found = resumes_everywhere(connector, "t", 3)
    assert found == ["7", "", "seven"]
    assert sorted(connector.find("t", (KEY,), [(key,) for key in found], []).keys) == sorted(found)
    assert connector.find("t", ("n",), [("\ud800",), ("2",)], []).keys == ["seven"]


def test_more_values_than_it_takes_are_refused(lite: Kit) -> None:
    lite.sql("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    with pytest.raises(ValueError, match="5001"):
        lite.unprepared().find("t", (KEY,), [("1",)] * 5_001, [])
