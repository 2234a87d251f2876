"""Our key in databases: in step with its record, in a table beside it or in a column of its own."""

from __future__ import annotations

import pytest
from changeover.connectors.change import Batch, Change, ChangeKind
from changeover.connectors.errors import InputError
from changeover.connectors.port import KEY, OUR_KEY

from .sql_kit import ACKED, EVERY, Kit, adopt, create, numbered, pairs, told, update, write


@EVERY
def test_a_record_that_a_user_deleted_is_created_again(opened: Kit) -> None:
    opened.sql("CREATE TABLE t (id varchar(9) PRIMARY KEY, name varchar(9))")
    connector = opened.connector()
    write(connector, "t", create("o:1", id="a"), create("o:2", id="b"), create("o:3", id="c"))
    opened.sql("DELETE FROM t WHERE id <> 'c'")
    assert pairs(connector, "t") == {"o:3": "c"}
    assert len(connector.find("t", (OUR_KEY,), [("o:1",), ("o:2",)], [])) == 0
    # under its own key, under another's key, and one that is still there
    outcomes = write(connector, "t", create("o:1", id="a"), create("o:9", id="b"), create("o:3", id="c"))
    assert told(outcomes) == [ACKED, ACKED, ("exists", "target.exists", None)]
    assert pairs(connector, "t") == {"o:1": "a", "o:9": "b", "o:3": "c"}


@EVERY
def test_a_key_of_ours_moves_on_when_its_record_is_gone(opened: Kit) -> None:
    opened.sql("CREATE TABLE t (id varchar(9) PRIMARY KEY)")
    connector = opened.connector()
    write(connector, "t", create("o:1", id="a"))
    opened.sql("DELETE FROM t", "INSERT INTO t VALUES ('b')")
    assert told(write(connector, "t", adopt("o:1", "b"))) == [ACKED]
    assert pairs(connector, "t") == {"o:1": "b"}


@EVERY
def test_one_record_is_adopted_once(opened: Kit) -> None:
    opened.sql("CREATE TABLE t (id varchar(9) PRIMARY KEY)", "INSERT INTO t VALUES ('a'), ('b')")
    connector = opened.connector()
    outcomes = write(connector, "t", adopt("o:1", "a"), adopt("o:2", "a"), adopt("o:3", "b"))
    assert told(outcomes) == [ACKED, ("rejected", "target.taken", None), ACKED]
    assert told(write(connector, "t", adopt("o:1", "a"))) == [ACKED]
    assert pairs(connector, "t") == {"o:1": "a", "o:3": "b"}


@EVERY
def test_case_and_space_make_another_key(opened: Kit) -> None:
    """MariaDB's collation takes them for the same in WHERE."""
    opened.sql("CREATE TABLE t (id varchar(9) PRIMARY KEY, name varchar(9))", "INSERT INTO t VALUES ('a', 'x')")
    connector = opened.connector()
    outcomes = write(
        connector, "t", update("o:1", "A", name="y"), adopt("o:2", "a "), Change(ChangeKind.DELETE, "o:3", "A")
    )
    assert [each.code for each in outcomes] == ["target.gone"] * 3
    assert opened.rows("SELECT id, name FROM t") == [("a", "x")]
    assert connector.find("t", (KEY,), [("A",), ("a ",)], []).keys == []


@EVERY
def test_our_key_in_a_column_of_the_object(opened: Kit) -> None:
    opened.sql(
        f"CREATE TABLE t (id {numbered(opened)}, name varchar(9), ext varchar(40) UNIQUE)",
        "INSERT INTO t (name) VALUES ('theirs')",
    )
    connector = opened.connector(our_key={"t": "ext"}, objects=["t"])
    outcomes = write(
        connector,
        "t",
        create("o:1", name="a"),
        create("O:1", name="b") if opened.engine.dialect.name != "mariadb" else create("o:x", name="b"),
    )
    assert told(outcomes) == [ACKED, ACKED]
    assert told(write(connector, "t", create("o:1", name="again"))) == [("exists", "target.exists", None)]
    assert told(write(connector, "t", adopt("o:9", "1", name="ours"))) == [ACKED]
    assert told(write(connector, "t", adopt("o:8", "1"))) == [("rejected", "target.taken", None)]
    assert opened.rows("SELECT ext FROM t WHERE id = 1") == [("o:9",)]
    assert connector.find("t", (OUR_KEY,), [("o:9",), ("nobody",)], ["name"]).our_keys == ["o:9"]
    assert sorted(connector.find("t", ("name",), [("ours",), ("a",)], []).our_keys, key=str) == ["o:1", "o:9"]
    assert set(pairs(connector, "t")) == {"o:9", *(each.our_key for each in outcomes)}
    assert told(write(connector, "t", Change(ChangeKind.RELEASE, "o:9", "1", {"name": "theirs"}))) == [ACKED]
    assert opened.rows("SELECT name, ext FROM t WHERE id = 1") == [("theirs", None)]
    made = outcomes[0].target_key
    assert told(write(connector, "t", Change(ChangeKind.DELETE, "o:1", made))) == [ACKED]
    assert told(write(connector, "t", create("o:1", name="a"))) == [ACKED]
    with pytest.raises(Exception, match="changeover_keys"):
        opened.rows("SELECT * FROM changeover_keys")


def test_many_keys_are_listed_page_by_page(lite: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    from changeover.connectors.sql import keys

    monkeypatch.setattr(keys, "PAGE", 3)
    lite.sql("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)", "CREATE TABLE other (id INTEGER PRIMARY KEY)")
    connector = lite.connector()
    write(connector, "t", *(create(f"o:{n}", name="x") for n in range(10)))
    write(connector, "other", create("o:5"))
    lite.sql("DELETE FROM t WHERE id IN (1, 5)")
    assert pairs(connector, "t") == {f"o:{n}": str(n + 1) for n in range(10) if n not in (0, 4)}


def test_writing_needs_a_place_for_our_keys(lite: Kit) -> None:
    lite.sql("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    with pytest.raises(InputError, match=r"sql\.not_prepared"):
        write(lite.unprepared(), "t", create("o:1"))
    assert lite.rows("SELECT count(*) FROM t") == [(0,)]


def test_more_changes_than_it_takes_are_refused(lite: Kit) -> None:
    lite.sql("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    connector = lite.connector()
    size = connector.capabilities.batch_size
    with pytest.raises(ValueError, match=f"{size + 1} changes"):
        connector.write(Batch("t", tuple(create(f"o:{n}") for n in range(size + 1))))
