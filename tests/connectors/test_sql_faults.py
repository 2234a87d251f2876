"""A database that goes away, is full, locked or may only be read: what was done is told truly."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from changeover.connectors.change import Change, ChangeKind
from changeover.connectors.errors import UnavailableError
from changeover.connectors.sql import mariadb, postgresql, sqlite

from .sql_kit import BOTH, EVERY, Kit, create, engine, kit, only_once, told, write

TABLE = "CREATE TABLE t (id int PRIMARY KEY, name varchar(40))"
THREE = tuple(create(f"o:{n}", id=n, name=f"n{n}") for n in range(3))


@pytest.fixture
def opened(opened: Kit) -> Kit:
    opened.sql(TABLE)
    return opened


def session(connection: sa.Connection) -> int:
    asked = {"postgresql": "SELECT pg_backend_pid()", "mariadb": "SELECT CONNECTION_ID()"}
    return int(connection.exec_driver_sql(asked[connection.dialect.name]).scalar_one())


def end(opened: Kit, number: int) -> None:
    """End a session from another one, as an administrator would."""
    if opened.engine.dialect.name == "postgresql":
        opened.rows(f"SELECT pg_terminate_backend({number}, 10000)")
    else:
        opened.sql(f"KILL {number}")


def kill(opened: Kit, connection: sa.Connection) -> None:
    end(opened, session(connection))


# The connection goes


@BOTH
def test_a_connection_lost_between_batches_is_opened_again(opened: Kit) -> None:
    connector = opened.connector()
    write(connector, "t", create("o:9", id=9))
    with engine(connector).connect() as connection:
        number = session(connection)
    end(opened, number)
    assert told(write(connector, "t", *THREE)) == [("acked", None, None)] * 3
    assert connector.count("t") == 4


@BOTH
@pytest.mark.parametrize("at", ["INSERT INTO t", "COPY", "SAVEPOINT", "UPDATE", "SELECT"])
def test_a_connection_lost_within_a_batch_has_written_nothing(opened: Kit, at: str) -> None:
    connector = opened.connector()
    write(connector, "t", create("o:9", id=9, name="old"))
    change = Change(ChangeKind.UPDATE, "o:9", "9", {"name": "new"}, {"name": "old"})
    killing = only_once(lambda connection: kill(opened, connection))

    def before(connection: sa.Connection, cursor: object, statement: str, *rest: object) -> None:
        # COPY passes SQLAlchemy by: the last statement before it is the one that makes the savepoint
        if statement.startswith(at) and connection.get_execution_options().get("writes"):
            killing(connection)

    def after(connection: sa.Connection, name: str) -> None:
        if at == "COPY":
            killing(connection)

    sa.event.listen(engine(connector), "before_cursor_execute", before)
    sa.event.listen(engine(connector), "savepoint", after)
    outcomes = write(connector, "t", change, *THREE)
    if at == "INSERT INTO t" and opened.engine.dialect.name == "postgresql":
        assert told(outcomes) == [("acked", None, None)] * 4  # it never says INSERT
        return
    assert told(outcomes) == [("not_sent", "target.connection_lost", None)] * 4
    assert opened.rows("SELECT id, name FROM t") == [(9, "old")]
    assert opened.rows("SELECT count(*) FROM changeover_keys") == [(1,)]
    assert told(write(connector, "t", change, *THREE)) == [("acked", None, None)] * 4


@BOTH
def test_a_connection_lost_at_the_commit_leaves_it_unknown(opened: Kit) -> None:
    connector = opened.connector()
    write(connector, "t", create("o:9", id=9))
    sa.event.listen(engine(connector), "commit", only_once(lambda connection: kill(opened, connection)))
    outcomes = write(connector, "t", create("o:7", id=9), create("o:9", id=9), *THREE)
    assert [(str(each.state), each.code) for each in outcomes] == [
        ("rejected", "target.duplicate"),
        ("exists", "target.exists"),
        *[("unknown", "target.unknown")] * 3,
    ]
    assert [each.target_key for each in outcomes[2:]] == ["0", "1", "2"]
    assert connector.count("t") == 1
    assert told(write(connector, "t", *THREE)) == [("acked", None, None)] * 3


@BOTH
def test_a_connection_lost_while_reading_is_told_and_opened_again(opened: Kit) -> None:
    opened.sql(*(f"INSERT INTO t VALUES ({n}, 'x')" for n in range(4)))
    connector = opened.unprepared()
    chunks = connector.read("t", ["name"], size=2)
    first = next(chunks)
    killing = only_once(lambda connection: kill(opened, connection))
    sa.event.listen(engine(connector), "begin", killing)
    with pytest.raises(UnavailableError, match=r"sql\.unreachable"):
        next(chunks)
    assert [chunk.keys for chunk in connector.read("t", ["name"], after=first.cursor, size=2)] == [["2", "3"]]


def test_a_server_that_stays_away_is_told_before_anything_is_sent(mariadb_url: str) -> None:
    with kit(mariadb_url) as opened:
        opened.sql(TABLE)
        connector = opened.connector()
        connector.describe()
        opened.sql(f"DROP DATABASE {opened.engine.url.database}")
        connector.close()
        with pytest.raises(UnavailableError, match=r"sql\.unreachable"):
            write(connector, "t", *THREE)
        server = sa.create_engine(opened.engine.url.set(database="mysql"))
        with server.begin() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {opened.engine.url.database}")


@EVERY
def test_an_interruption_within_a_batch_undoes_it(opened: Kit) -> None:
    connector = opened.connector()

    def interrupt(connection: sa.Connection) -> None:
        raise KeyboardInterrupt

    sa.event.listen(engine(connector), "release_savepoint", only_once(interrupt))
    with pytest.raises(KeyboardInterrupt):
        write(connector, "t", *THREE)
    assert opened.rows("SELECT count(*) FROM t") == [(0,)]
    assert told(write(connector, "t", *THREE)) == [("acked", None, None)] * 3


# The database cannot


@EVERY
def test_a_lock_that_somebody_else_holds(opened: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, wait in ((sqlite, 0.05), (postgresql, 0.05), (mariadb, 1)):
        monkeypatch.setattr(module, "LOCK_WAIT", wait)
    opened.sql("INSERT INTO t VALUES (9, 'theirs')")
    connector = opened.connector()
    with opened.engine.connect() as other:
        other.exec_driver_sql("BEGIN IMMEDIATE" if opened.engine.dialect.name == "sqlite" else "SELECT 1")
        other.exec_driver_sql("UPDATE t SET name = 'being edited' WHERE id = 9")
        change = Change(ChangeKind.UPDATE, "o:9", "9", {"name": "ours"})
        outcomes = write(connector, "t", change, *THREE)
        other.rollback()
    assert told(outcomes) == [("not_sent", "target.locked", None)] * 4
    assert opened.rows("SELECT id, name FROM t") == [(9, "theirs")]
    assert told(write(connector, "t", change, *THREE)) == [("acked", None, None)] * 4


@EVERY
def test_nobody_changes_what_was_looked_at_before_it_is_written(opened: Kit) -> None:
    opened.sql("INSERT INTO t VALUES (9, 'old')")
    if opened.engine.dialect.name == "sqlite":
        opened.rows("PRAGMA journal_mode = WAL")
    connector = opened.connector()
    tried: list[str] = []

    def edit(connection: sa.Connection) -> None:
        wait = {"postgresql": "SET lock_timeout = 1", "mariadb": "SET innodb_lock_wait_timeout = 1"}
        with opened.engine.connect() as other:
            other.exec_driver_sql(wait.get(other.dialect.name, "PRAGMA busy_timeout = 1"))
            try:
                other.exec_driver_sql("UPDATE t SET name = 'edited meanwhile' WHERE id = 9")
                other.commit()
                tried.append("edited")
            except sa.exc.OperationalError:
                tried.append("refused")

    editing = only_once(edit)

    def before(connection: sa.Connection, cursor: object, statement: str, *rest: object) -> None:
        if statement.startswith("UPDATE"):
            editing(connection)

    sa.event.listen(engine(connector), "before_cursor_execute", before)
    change = Change(ChangeKind.UPDATE, "o:9", "9", {"name": "new"}, {"name": "old"})
    assert told(write(connector, "t", change)) == [("acked", None, None)]
    assert tried == ["refused"]
    assert opened.rows("SELECT name FROM t") == [("new",)]


def test_a_full_disk(lite: Kit) -> None:
    lite.sql(TABLE)
    connector = lite.connector()

    def limit(pages: int) -> None:
        with engine(connector).connect() as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    ((pages,),) = lite.rows("PRAGMA page_count")
    limit(pages)
    large = tuple(create(f"o:{n}", id=n, name="x" * 40) for n in range(1000))
    assert set(told(write(connector, "t", *large))) == {("fatal", "target.disk_full", None)}
    assert lite.rows("SELECT count(*) FROM t") == [(0,)]
    assert lite.rows("PRAGMA integrity_check") == [("ok",)]
    limit(pages + 1000)
    assert set(told(write(connector, "t", *large))) == {("acked", None, None)}


@EVERY
def test_a_database_that_may_only_be_read(opened: Kit) -> None:
    opened.connector()
    connector = opened.unprepared()
    statement = {
        "sqlite": "PRAGMA query_only = ON",
        "postgresql": "SET default_transaction_read_only = on",
        "mariadb": "SET SESSION TRANSACTION READ ONLY",
    }[opened.engine.dialect.name]

    def may_only_read(connection: Any, record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(statement)
        cursor.close()
        connection.commit()

    sa.event.listen(engine(connector), "connect", may_only_read)
    assert told(write(connector, "t", *THREE)) == [("fatal", "target.read_only", None)] * 3
    assert connector.count("t") == 0
    opened.sql("DROP TABLE changeover_keys")
    with pytest.raises(UnavailableError, match=r"sql\.refused") as caught:
        connector.prepare()
    assert "read" in str(caught.value.params["reason"]).lower()


def test_a_right_that_is_missing(pg: Kit) -> None:
    pg.sql(TABLE, "INSERT INTO t VALUES (1, 'x')", "DROP ROLE IF EXISTS guest", "CREATE ROLE guest LOGIN")
    try:
        with kit(pg.engine.url.set(username="guest").render_as_string(False)) as guest:
            connector = guest.unprepared()
            with pytest.raises(UnavailableError) as caught:
                connector.count("t")
            assert caught.value.code == "sql.refused"
            assert "permission denied" in str(caught.value.params["reason"])
            with pytest.raises(UnavailableError, match=r"sql\.refused"):
                connector.prepare()
    finally:
        pg.sql("DROP ROLE guest")


@EVERY
def test_a_table_that_changed_since_it_was_described(opened: Kit) -> None:
    connector = opened.connector()
    connector.describe()
    opened.sql("ALTER TABLE t DROP COLUMN name")
    assert told(write(connector, "t", *THREE)) == [("not_sent", "target.batch_refused", None)] * 3
    with pytest.raises(UnavailableError, match=r"sql\.refused"):
        list(connector.read("t", ["name"]))
