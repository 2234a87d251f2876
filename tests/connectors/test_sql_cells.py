"""Reading databases: cells as stored, of every kind and beyond what a type holds."""

from __future__ import annotations

import sqlite3
import tracemalloc
from decimal import Decimal
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pytest
from changeover.connectors.cell import cast
from changeover.connectors.port import KEY
from changeover.connectors.schema import Field, FieldType
from changeover.connectors.sql import read

from .sql_kit import EVERY, Kit, column, only


def test_cells_of_one_kind_keep_their_kind(lite: Kit) -> None:
    lite.sql(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, money DECIMAL(18,2), whole INTEGER, text TEXT, bytes BLOB, "
        "empty DATE)",
        "INSERT INTO t VALUES (1, '12.50', 5, '007', x'00ff', NULL), (2, '3.00', NULL, NULL, NULL, NULL), "
        "(3, 1234567.89, 6, '', x'', NULL)",
    )
    chunk = only(lite.unprepared(), "t", ["money", "whole", "text", "bytes", "empty"])
    assert all(isinstance(kind, pd.ArrowDtype) for kind in chunk.frame.dtypes)
    assert column(chunk, "money").equals(pa.array([12.5, 3.0, 1234567.89]))
    assert column(chunk, "whole").equals(pa.array([5, None, 6]))
    assert column(chunk, "text").equals(pa.array(["007", None, ""]))
    assert column(chunk, "bytes").equals(pa.array([b"\0\xff", None, b""], pa.binary()))
    assert column(chunk, "empty").equals(pa.array([None] * 3, pa.date32()))


def test_cells_of_mixed_kinds_come_as_text(lite: Kit) -> None:
    lite.sql(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, whole INTEGER, money DECIMAL(18,2), large REAL)",
        "INSERT INTO t VALUES (1, 12, 0.1, 1e15), (2, 'about 12', 12, 2), (3, NULL, 'free', 0.1)",
        "INSERT INTO t VALUES (4, 1.5, 9007199254740993, 3)",
    )
    chunk = only(lite.unprepared(), "t", ["whole", "money", "large"])
    assert column(chunk, "whole").to_pylist() == ["12", "about 12", None, "1.5"]
    assert column(chunk, "money").to_pylist() == ["0.1", "12", "free", "9007199254740993"]
    assert column(chunk, "large").type == pa.float64()


def test_integers_beyond_what_floats_hold_are_not_bent(lite: Kit) -> None:
    lite.sql(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, n NUMERIC)",
        "INSERT INTO t VALUES (1, 9007199254740993), (2, 0.5)",
    )
    assert column(only(lite.unprepared(), "t", ["n"]), "n").to_pylist() == ["9007199254740993", "0.5"]


def test_text_that_is_not_unicode_costs_its_own_cell_alone(lite: Kit) -> None:
    path = lite.engine.url.database
    assert path is not None
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, other TEXT)")
        database.execute("INSERT INTO t VALUES (1, '北京', 'x'), (2, CAST(x'B1B1BEA9' AS TEXT), 'y'), (3, NULL, 'z')")
    connector = lite.unprepared()
    for chunk in (
        only(connector, "t", ["name", "other"]),
        connector.find("t", (KEY,), [("1",), ("2",), ("3",)], ["name"]),
    ):
        typed, misfits = cast(chunk.frame["name"], Field("name", FieldType.TEXT))
        assert typed.to_pylist() == ["北京", None, None]
        assert misfits.to_pylist() == [False, True, False]
    assert column(only(connector, "t", ["other"]), "other").type == pa.string()


def test_long_text_and_odd_letters_come_whole(lite: Kit) -> None:
    texts = ["长" * 3_500_000, "\0 inside", "👩‍⚕️", "", "\ufeff"]
    lite.sql("CREATE TABLE t (id INTEGER PRIMARY KEY, note TEXT)")
    with lite.engine.begin() as connection:
        for text in texts:
            connection.exec_driver_sql("INSERT INTO t (note) VALUES (?)", (text,))
    assert column(only(lite.unprepared(), "t", ["note"]), "note").to_pylist() == texts


@EVERY
def test_a_page_ends_early_where_its_text_is_large(opened: Kit, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "PAGE_BYTES", 3_000_000)
    opened.sql("CREATE TABLE t (id INTEGER PRIMARY KEY, note {})".format("LONGTEXT" if database == "my" else "TEXT"))
    with opened.engine.begin() as connection:
        for start in range(0, 600, 100):
            rows = ", ".join(f"({number}, '{str(number) * 7_000}')" for number in range(start, start + 100))
            connection.exec_driver_sql(f"INSERT INTO t VALUES {rows}")
    connector = opened.unprepared()
    connector.describe()
    tracemalloc.start()
    sizes, found = [], []
    for chunk in connector.read("t", ["note"]):
        sizes.append(len(chunk))
        found += chunk.keys
        del chunk
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == [str(number) for number in range(600)]
    assert max(sizes) < 600
    assert peak < 60_000_000


def test_times_beyond_python_are_handed_over_as_text(pg: Kit) -> None:
    pg.sql(
        "CREATE TABLE t (id int PRIMARY KEY, born date, seen timestamp, happened timestamptz)",
        "INSERT INTO t VALUES (1, '2024-02-29', '2024-02-29 01:02:03.5', '2024-02-29 01:02:03+08'), "
        "(2, 'infinity', '-infinity', 'infinity'), (3, '0044-03-15 BC', '20000-01-01', NULL), "
        "(4, NULL, NULL, '1890-01-01 00:00:00+00')",
        # where clocks were five minutes and 43 seconds beyond a whole zone then
        f"ALTER DATABASE {pg.engine.url.database} SET timezone = 'Asia/Shanghai'",
    )
    connector = pg.unprepared()
    for chunk in (
        only(connector, "t", ["born", "seen", "happened"]),
        connector.find("t", (KEY,), [("1",), ("2",), ("3",), ("4",)], ["born", "seen", "happened"]),
    ):
        for name, kind, expected in (
            ("born", FieldType.DATE, "2024-02-29"),
            ("seen", FieldType.LOCAL_TIME, "2024-02-29 01:02:03.500000"),
            ("happened", FieldType.INSTANT, "2024-02-28 17:02:03+00:00"),
        ):
            typed, misfits = cast(chunk.frame[name], Field(name, kind))
            assert str(typed[0].as_py()) == expected
            assert misfits.to_pylist() == [False, True, name != "happened", False]


def test_types_that_only_postgresql_has_come_as_its_text(pg: Kit) -> None:
    pg.sql(
        "CREATE TYPE stage AS ENUM ('open', 'won')",
        "CREATE TABLE t (id int PRIMARY KEY, code uuid, doc jsonb, tags text[], stage stage, at time, address inet, "
        "short char(5), number numeric, ratio real, huge numeric)",
        "INSERT INTO t VALUES (1, 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '{\"b\": 1.10}', '{a,b}', 'won', '12:30', "
        "'10.0.0.1/8', 'ab', 1.500, 0.1, 1e60), (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'NaN', 'NaN', 2)",
    )
    chunk = only(
        pg.unprepared(), "t", ["code", "doc", "tags", "stage", "at", "address", "short", "number", "ratio", "huge"]
    )
    first = chunk.frame.iloc[0].to_dict()
    assert first == {
        "code": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "doc": '{"b": 1.10}',
        "tags": "{a,b}",
        "stage": "won",
        "at": "12:30:00",
        "address": "10.0.0.1/8",
        "short": "ab",
        "number": "1.5",
        "ratio": 0.1,
        "huge": "1" + "0" * 60,
    }


def test_types_that_only_mariadb_has_come_as_cells(my: Kit) -> None:
    my.sql(
        "SET SESSION sql_mode = ''",
        "CREATE TABLE t (id int PRIMARY KEY, flag bit(1), bits bit(12), at time, founded year, tags set('a','b'), "
        "born date, seen datetime, happened timestamp NULL, paid decimal(18,2), big bigint unsigned)",
    )
    with my.engine.begin() as connection:
        connection.exec_driver_sql("SET SESSION sql_mode = '', time_zone = '+08:00'")
        connection.exec_driver_sql(
            "INSERT INTO t VALUES (1, 1, 5, '-12:30:00', 1999, 'a,b', '0000-00-00', '2024-02-30 00:00:00', "
            "'2024-02-29 08:00:00', 12.50, 18446744073709551615), (2, 0, 0, '838:59:59', 2024, '', '2024-02-29', "
            "'2024-02-29 01:02:03', NULL, NULL, 1)"
        )
    chunk = only(
        my.unprepared(), "t", ["flag", "bits", "at", "founded", "tags", "born", "seen", "happened", "paid", "big"]
    )
    cells = {name: column(chunk, name).to_pylist() for name in chunk.frame.columns}
    assert cells["flag"] == ["1", "0"]
    assert cells["bits"] == ["5", "0"]
    assert cells["at"] == ["-12:30:00", "838:59:59"]
    assert cells["founded"] == [1999, 2024]
    assert cells["tags"] == ["a,b", ""]
    assert cells["born"] == ["0000-00-00", "2024-02-29"]
    assert cells["seen"][1] == "2024-02-29 01:02:03"
    assert [str(cell) for cell in cells["happened"]] == ["2024-02-29 00:00:00+00:00", "None"]
    assert cells["paid"] == [Decimal("12.50"), None]
    assert cells["big"] == ["18446744073709551615", "1"]


def test_a_sqlite_time_means_the_zone_of_the_connection(lite: Kit) -> None:
    lite.sql(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, seen TIMESTAMP)", "INSERT INTO t VALUES (1, '2024-02-29 08:00:00')"
    )
    chunk = only(lite.unprepared(), "t", ["seen"])
    typed, _ = cast(chunk.frame["seen"], Field("seen", FieldType.INSTANT), ZoneInfo("Asia/Shanghai"))
    assert str(typed[0].as_py()) == "2024-02-29 00:00:00+00:00"
