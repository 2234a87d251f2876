"""Reading databases: every record once, whatever keys and collations there are, and none is lost that has no key."""

from __future__ import annotations

import json

import pytest
from changeover.connectors.errors import InputError, StaleCursorError
from changeover.connectors.port import KEY
from hypothesis import given, settings
from hypothesis import strategies as st

from .sql_kit import EVERY, Kit, column, kit, only, resumes_everywhere, sqlite_url

KEYS = {
    "integer": ("BIGINT", ["9", "10", "-3", "9007199254740993"]),
    "text": ("VARCHAR(40)", ["'b'", "'a'", "'B'", "'ä'", "'客户'", "''", "'O''Brien'", "'a\\b'"]),
    "decimal": ("DECIMAL(20,2)", ["1.50", "-0.01", "100000000000000000.01", "100000000000000000.02", "2"]),
    "date": ("DATE", ["'2024-02-29'", "'1999-12-31'", "'0044-03-15'"]),
    "time": ("{time}", ["'2024-02-29 01:02:03.000001'", "'2024-02-29 01:02:03'"]),
}


@pytest.mark.parametrize("kind", KEYS)
@EVERY
def test_reading_resumes_by_keys_of_every_type(opened: Kit, database: str, kind: str) -> None:
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


@EVERY
def test_reading_resumes_by_composite_keys(opened: Kit) -> None:
    rows = [f"('{a}', {b}, '{c}')" for a in "xy" for b in (2, 10, -1) for c in "pq"]
    opened.sql(
        "CREATE TABLE t (a VARCHAR(9), b INTEGER, c VARCHAR(9), PRIMARY KEY (a, b, c))",
        f"INSERT INTO t VALUES {', '.join(rows)}",
    )
    found = resumes_everywhere(opened.unprepared(), "t", 12)
    assert found[:3] == ["x|-1|p", "x|-1|q", "x|2|p"]


@settings(max_examples=12, deadline=None)
@given(texts=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5), unique=True))
def test_any_text_keys_are_read_once(texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    with kit(sqlite_url(tmp_path_factory.mktemp("keys"))) as opened:
        opened.sql("CREATE TABLE t (id TEXT PRIMARY KEY NOT NULL)")
        with opened.engine.begin() as connection:
            for text in texts:
                connection.exec_driver_sql("INSERT INTO t VALUES (?)", (text,))
        assert sorted(resumes_everywhere(opened.unprepared(), "t", len(texts))) == sorted(texts)


# Keys that nothing keeps apart


@EVERY
def test_declared_keys_lose_no_record(opened: Kit, database: str) -> None:
    """Keys that differ in case alone, or not at all, under a collation that takes them for the same."""
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
def test_records_without_a_key_come_last_and_are_counted(opened: Kit, database: str) -> None:
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


def test_cursors_hold_no_more_than_the_key(lite: Kit) -> None:
    lite.sql("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)", "INSERT INTO t VALUES (7, 'secret')")
    assert json.loads(only(lite.unprepared(), "t", ["name"]).cursor) == ["keyed", 7]
