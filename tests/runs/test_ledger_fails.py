"""A database that fails under the ledger, at whatever is asked of it: the operator's error, and nothing half done."""

from __future__ import annotations

import datetime as dt
import gc
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from changeover.connectors.errors import ChangeoverError, DecisionError, UnavailableError
from changeover.connectors.secrets import Secrets
from changeover.runs.ledger import events, records, runlog
from changeover.runs.ledger.permits import Permits
from changeover.runs.ledger.place import Place, Server
from changeover.runs.ledger.sqlite import SQLite
from changeover.runs.ledger.store import Ledger
from psycopg import RawServerCursor

from ..migrate.company import ask

NOW = dt.datetime(2024, 2, 29, 8, 0, tzinfo=dt.UTC)
FAILED = ("ledger.failed", 3)
DAMAGED = ("ledger.damaged", 1)
PATIENCE = 30
"""Seconds to wait for the server at most."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "ledger.db"


@pytest.fixture
def server(postgres_url: str) -> Server:
    """Alone in its database."""
    url = sa.make_url(postgres_url).set(drivername="postgresql")
    return Server(url.render_as_string(hide_password=False), "ledger", Secrets())


def told(act: Callable[[], object], left: str | None = None) -> tuple[str, int]:
    """(code, exit code) of the operator's error. left: a database that nobody is connected with any more while the
    error is still being told."""
    with pytest.raises(ChangeoverError) as caught:
        act()
    deadline = time.monotonic() + PATIENCE
    while left and ask(left, "select 1 from pg_stat_activity where datname = current_database() offset 1"):
        assert time.monotonic() < deadline, "a connection is left open"
        time.sleep(0.01)
    return caught.value.code, caught.value.exit_code


# A file


def test_a_head_by_which_nobody_may_write_is_damage(file: Path) -> None:
    """A flipped bit in the version that SQLite writes."""
    Ledger(file).close()
    body = bytearray(file.read_bytes())
    body[18] ^= 1 << 5
    file.write_bytes(body)

    def write() -> None:
        with closing(Ledger(file)) as ledger, ledger.transaction():
            ledger.set_meta("name", "value")

    assert told(write) == DAMAGED


def test_another_database_is_no_ledger(file: Path) -> None:
    file.parent.mkdir(mode=0o700)
    with closing(sqlite3.connect(file)) as other:
        other.execute("create table something (of_it text)")
    assert told(lambda: Ledger(file)) == FAILED


def test_a_text_that_is_none_any_more_is_damage(file: Path) -> None:
    with Ledger(file) as ledger:
        runlog.begin(ledger, "run", NOW)
        ledger.db.execute("update run set verb = cast(x'ff' as text)")

        def read() -> None:
            with ledger.told():
                runlog.history(ledger)

        assert told(read) == DAMAGED


def test_an_event_that_is_no_text_any_more_is_named(file: Path) -> None:
    with Ledger(file) as ledger:
        runlog.begin(ledger, "run", NOW)
        runlog.end(ledger, 1, "finished", NOW)
        ledger.db.execute("drop trigger event_unchanged")
        ledger.db.execute("update event set told = cast(x'ff' as text) where id = 2")
        with pytest.raises(DecisionError, match=r"ledger\.history_broken.*event=2"):
            events.check_chain(ledger)


def test_a_writer_that_does_not_let_go_is_told(file: Path) -> None:
    with Ledger(file) as ledger, Ledger(file) as other:
        ledger.db.execute("pragma busy_timeout = 0")
        with other.transaction():
            assert told(lambda: runlog.begin(ledger, "run", NOW)) == ("ledger.busy", 4)
        assert runlog.begin(ledger, "run", NOW).id == 1


def test_what_cannot_be_taken_back_is_gone_with_the_connection(file: Path) -> None:
    """Not even a roll-back is possible: nothing of what was half done is there for the next process."""

    def refuse(_action: int, word: str | None, *_more: Any) -> int:
        return sqlite3.SQLITE_DENY if word == "ROLLBACK" else sqlite3.SQLITE_OK

    ledger = Ledger(file)
    assert isinstance(ledger.db, SQLite)
    ledger.db.connection.set_authorizer(refuse)
    with suppress(KeyError), ledger.transaction():
        ledger.set_meta("half", "done")
        raise KeyError
    assert told(lambda: runlog.begin(ledger, "run", NOW)) == FAILED
    with Ledger(file) as after:
        assert after.get_meta("half") is None
        assert runlog.begin(after, "run", NOW).id == 1


def test_what_it_wrote_itself_and_cannot_read_any_more(file: Path) -> None:
    with Ledger(file) as ledger:
        runlog.begin(ledger, "run", NOW)
        number = records.fieldset(ledger, "customer", "account", "digest", ["name"])
        with closing(sqlite3.connect(file)) as other, other:
            other.execute("update fieldset set fields = '[\"na'")
        assert told(lambda: records.fieldset_of(ledger, number)) == DAMAGED


# A server


def test_a_server_that_takes_no_writes_is_told_and_left(server: Server, postgres_url: str) -> None:
    only_read = "?options=-c%20default_transaction_read_only%3Don"
    url = f"{server.url}{only_read.replace('?', '&') if '?' in server.url else only_read}"
    assert told(lambda: Ledger(Server(url, server.schema, server.secrets)), postgres_url) == FAILED


def test_a_connection_lost_in_a_transaction_takes_it_along(server: Server, postgres_url: str) -> None:
    ledger = Ledger(server)
    lose = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() "
    with suppress(KeyError), ledger.transaction():
        ledger.set_meta("half", "done")
        ask(postgres_url, f"{lose} and pid <> pg_backend_pid()")
        raise KeyError
    assert told(lambda: runlog.begin(ledger, "run", NOW)) == ("ledger.unreachable", 3)
    with Ledger(server) as after:
        assert after.get_meta("half") is None


def test_a_rehearsal_for_which_there_is_no_room_is_told(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = SQLite.__init__

    def tight(base: SQLite, path: Path, version: str, **named: bool) -> None:
        made(base, path, version, **named)
        base.execute("pragma max_page_count = 1")

    with Ledger(server) as ledger:
        with ledger.transaction():
            ledger.set_meta("much", "m" * 1_000_000)
        with monkeypatch.context() as patch:
            patch.setattr(SQLite, "__init__", tight)
            with pytest.raises(UnavailableError, match=r"ledger\.disk_full") as full:
                ledger.scratch(tmp_path / "runs" / "dry.db")
        assert not any(isinstance(each, RawServerCursor) and not each.closed for each in gc.get_objects())
        assert full.value.exit_code == 3
        with ledger.scratch(tmp_path / "runs" / "dry.db") as copy:
            assert copy.get_meta("much") == "m" * 1_000_000


# Either


def test_a_table_that_is_gone_is_noticed(place: Place) -> None:
    with Ledger(place) as ledger:
        ledger.db.execute("drop table partition")
        assert told(ledger.check) == (FAILED if ledger.shared else DAMAGED)


def test_a_rehearsal_without_a_table_is_refused(server: Server, tmp_path: Path) -> None:
    with Ledger(server) as ledger:
        ledger.db.execute("drop table claim")
        assert told(lambda: ledger.scratch(tmp_path / "runs" / "dry.db")) == FAILED


def test_a_book_that_is_gone_is_told_and_left(server: Server, postgres_url: str) -> None:
    with Ledger(server) as ledger:
        ledger.db.execute("drop table calls")
    assert told(lambda: Permits(server, "target", 1), postgres_url) == FAILED
