"""Reading databases: every record once and as stored, whatever keys, collations and odd cells there are."""

from __future__ import annotations

import json
import sqlite3
import tracemalloc
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pytest
from changeover.connectors.cell import cast
from changeover.connectors.chunk import Chunk
from changeover.connectors.errors import InputError, StaleCursorError
from changeover.connectors.port import KEY, Connector
from changeover.connectors.schema import Field, FieldType
from changeover.connectors.sql import read
from hypothesis import given, settings
from hypothesis import strategies as st

from .sql_kit import Kit, kit, sqlite_url


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[Kit]:
    with kit(sqlite_url(tmp_path)) as opened:
        yield opened


@pytest.fixture
def pg(postgres_url: str) -> Iterator[Kit]:
    with kit(postgres_url) as opened:
        yield opened


@pytest.fixture
def my(mariadb_url: str) -> Iterator[Kit]:
    with kit(mariadb_url) as opened:
        yield opened


def keys(connector: Connector, name: str, size: int, after: str | None = None) -> list[str]:
    return [key for chunk in connector.read(name, [], size=size, after=after) for key in chunk.keys]


def column(chunk: Chunk, name: str) -> pa.Array:
    return pa.array(chunk.frame[name].array)


def only(connector: Connector, name: str, fields: list[str]) -> Chunk:
    (chunk,) = connector.read(name, fields)
    return chunk


def resumes_everywhere(connector: Connector, name: str, expected: int) -> list[str]:
    """Read in every small size and resume after every chunk; returns the keys in order."""
    whole = keys(connector, name, 1000)
    assert len(whole) == connector.count(name) == expected
    for size in (1, 2, 3, 5):
        seen: list[str] = []
        for chunk in connector.read(name, [], size=size):
            seen += chunk.keys
            assert seen + keys(connector, name, size, chunk.cursor) == whole, f"in chunks of {size}, after {seen[-1]}"
        assert seen == whole
    return whole


# Keys of every type


KEYS = {
    "integer": ("BIGINT", ["9", "10", "-3", "9007199254740993"]),
    "text": ("VARCHAR(40)", ["'b'", "'a'", "'B'", "'ä'", "'客户'", "''", "'O''Brien'", "'a\\b'"]),
    "decimal": ("DECIMAL(20,2)", ["1.50", "-0.01", "100000000000000000.01", "100000000000000000.02", "2"]),
    "date": ("DATE", ["'2024-02-29'", "'1999-12-31'", "'0044-03-15'"]),
    "time": ("{time}", ["'2024-02-29 01:02:03.000001'", "'2024-02-29 01:02:03'"]),
}


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("database", ["lite", "pg", "my"])
def test_reading_resumes_by_keys_of_every_type(request: pytest.FixtureRequest, database: str, kind: str) -> None:
    opened: Kit = request.getfixturevalue(database)
    declared, cells = KEYS[kind]
    declared = declared.replace("{time}", "DATETIME(6)" if database == "my" else "TIMESTAMP")
    if database == "my":  # its collation holds b and B for the same, and its decimals have at most two places here
        cells = [cell.replace("\\", "\\\\") for cell in cells if cell not in ("'B'", "'ä'")]
    if database == "lite" and kind == "decimal":
        cells = [cell for cell in cells if len(cell) < 16]
    opened.sql(f"CREATE TABLE t (id {declared} PRIMARY KEY)", *(f"INSERT INTO t VALUES ({cell})" for cell in cells))
    connector = opened.unprepared()
    found = resumes_everywhere(connector, "t", len(cells))
    for key in found:
        assert connector.find("t", (KEY,), [(key,)], ["id"]).keys == [key]


def test_reading_resumes_by_keys_whose_text_has_another_order(pg: Kit) -> None:
    pg.sql(
        "CREATE TYPE stage AS ENUM ('z', 'm', 'a', 'y', 'b')",
        "CREATE TABLE t (id stage PRIMARY KEY)",
        "INSERT INTO t VALUES ('a'), ('b'), ('m'), ('y'), ('z')",
    )
    connector = pg.unprepared()
    assert resumes_everywhere(connector, "t", 5) == ["z", "m", "a", "y", "b"]
    assert connector.find("t", (KEY,), [("m",), ("no stage",)], []).keys == ["m"]


def test_reading_resumes_by_uuids(pg: Kit) -> None:
    pg.sql("CREATE TABLE t (id uuid PRIMARY KEY)", "INSERT INTO t SELECT gen_random_uuid() FROM generate_series(1, 9)")
    connector = pg.unprepared()
    found = resumes_everywhere(connector, "t", 9)
    assert found == [str(key) for (key,) in pg.rows("SELECT id FROM t ORDER BY id")]
    assert sorted(connector.find("t", (KEY,), [(key,) for key in found], []).keys) == sorted(found)
    assert connector.find("t", (KEY,), [("no uuid",), ("",)], []).keys == []


@pytest.mark.parametrize("database", ["lite", "pg", "my"])
def test_reading_resumes_by_composite_keys(request: pytest.FixtureRequest, database: str) -> None:
    opened: Kit = request.getfixturevalue(database)
    rows = [f"('{a}', {b}, '{c}')" for a in "xy" for b in (2, 10, -1) for c in "pq"]
    opened.sql(
        "CREATE TABLE t (a VARCHAR(9), b INTEGER, c VARCHAR(9), PRIMARY KEY (a, b, c))",
        f"INSERT INTO t VALUES {', '.join(rows)}",
    )
    found = resumes_everywhere(opened.unprepared(), "t", 12)
    assert found[:3] == ["x|-1|p", "x|-1|q", "x|2|p"]


@settings(max_examples=25, deadline=None)
@given(texts=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5), unique=True))
def test_any_text_keys_are_read_once(texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    with kit(sqlite_url(tmp_path_factory.mktemp("keys"))) as opened:
        opened.sql("CREATE TABLE t (id TEXT PRIMARY KEY NOT NULL)")
        with opened.engine.begin() as connection:
            for text in texts:
                connection.exec_driver_sql("INSERT INTO t VALUES (?)", (text,))
        assert sorted(resumes_everywhere(opened.unprepared(), "t", len(texts))) == sorted(texts)


# Keys that nothing keeps apart


@pytest.mark.parametrize("database", ["lite", "pg", "my"])
def test_declared_keys_lose_no_record(request: pytest.FixtureRequest, database: str) -> None:
    """Keys that differ in case alone, or not at all, under a collation that takes them for the same."""
    opened: Kit = request.getfixturevalue(database)
    collation = {"lite": "COLLATE NOCASE", "pg": "", "my": "COLLATE utf8mb4_general_ci"}[database]
    cells = ["a", "A", "b", "B", "B", "B", "B", "c ", "c", "ä", "Ä"]
    opened.sql(
        f"CREATE TABLE t (code VARCHAR(9) {collation}, number INTEGER)",
        *(f"INSERT INTO t VALUES ('{cell}', {number})" for number, cell in enumerate(cells)),
    )
    connector = opened.unprepared(keys={"t": ["code"]})
    assert sorted(resumes_everywhere(connector, "t", len(cells))) == sorted(cells)
    numbers = [
        each for chunk in connector.read("t", ["number"], size=2) for each in column(chunk, "number").to_pylist()
    ]
    assert sorted(numbers) == list(range(len(cells)))
    assert connector.find("t", (KEY,), [("a",)], []).keys == ["a"]


@pytest.mark.parametrize("database", ["lite", "pg"])
def test_records_without_a_key_come_last_and_are_counted(request: pytest.FixtureRequest, database: str) -> None:
    opened: Kit = request.getfixturevalue(database)
    opened.sql(
        "CREATE TABLE t (a TEXT, b INTEGER, name TEXT)"
        if database == "pg"
        else "CREATE TABLE t (a TEXT, b INTEGER, name TEXT, PRIMARY KEY (a, b))",
        "INSERT INTO t VALUES ('x', 1, 'one'), (NULL, 1, 'two'), ('x', NULL, 'three'), ('x', 2, 'four'), "
        "(NULL, NULL, 'v')",
    )
    connector = opened.unprepared(keys={"t": ["a", "b"]})
    chunks = list(connector.read("t", ["name"], size=3))
    assert [chunk.keys for chunk in chunks] == [["x|1", "x|2"], ["", "", ""]]
    assert sorted(column(chunks[1], "name").to_pylist()) == ["three", "two", "v"]
    assert [each.keys for each in connector.read("t", ["name"], after=chunks[0].cursor, size=3)] == [chunks[1].keys]
    assert list(connector.read("t", ["name"], after=chunks[1].cursor, size=3)) == []
    assert connector.count("t") == 5
    assert connector.find("t", (KEY,), [(key,) for key in chunks[1].keys], []).keys == []
    with pytest.raises(InputError) as caught:
        list(connector.read("t", ["name"], size=2))
    assert caught.value.code == "sql.keyless_many"


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "[]", "[1]", '["keyed"]', '["keyed",1,2]', '["keyed",{"what":"1"}]', '["keyed",{"decimal":"x"}]'],
)
def test_a_cursor_of_another_system_is_refused(lite: Kit, cursor: str) -> None:
    lite.sql("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    with pytest.raises(StaleCursorError, match=r"sql\.cursor"):
        list(lite.unprepared().read("t", [], after=cursor))


# Cells as stored


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


@pytest.mark.parametrize("database", ["lite", "pg", "my"])
def test_a_page_ends_early_where_its_text_is_large(
    request: pytest.FixtureRequest, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: Kit = request.getfixturevalue(database)
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


# Finding


@pytest.mark.parametrize("database", ["lite", "pg", "my"])
def test_a_value_that_the_column_cannot_hold_finds_nothing(request: pytest.FixtureRequest, database: str) -> None:
    opened: Kit = request.getfixturevalue(database)
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


def test_cursors_hold_no_more_than_the_key(lite: Kit) -> None:
    lite.sql("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)", "INSERT INTO t VALUES (7, 'secret')")
    assert json.loads(only(lite.unprepared(), "t", ["name"]).cursor) == ["keyed", 7]
