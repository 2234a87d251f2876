"""What only a ledger on a server has: other machines, connections that break, secrets in its URL."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from changeover.connectors.change import ChangeKind
from changeover.connectors.errors import BusyError, ChangeoverError, DecisionError, UnavailableError
from changeover.connectors.secrets import Secrets
from changeover.runs.ledger import control, events, operations, records, runlog
from changeover.runs.ledger.operations import Intent, Settled
from changeover.runs.ledger.place import Server
from changeover.runs.ledger.postgresql import PostgreSQL
from changeover.runs.ledger.store import Ledger

from ..servers import new_server

NOW = dt.datetime(2024, 2, 29, 8, 0, tzinfo=dt.UTC)
WAITS = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
GONE = "select count(*) = 0 from pg_stat_activity where pid = ?"
PATIENCE = 30
"""Seconds to wait for the server at most."""


@pytest.fixture
def server(postgres: sa.URL) -> Server:
    return new_server(postgres)


@pytest.fixture
def ledger(server: Server) -> Iterator[Ledger]:
    with Ledger(server) as opened:
        yield opened


def base(ledger: Ledger) -> PostgreSQL:
    assert isinstance(ledger.db, PostgreSQL)
    return ledger.db


def cut_off(ledger: Ledger) -> None:
    """As a server does that is stopped."""
    with Ledger(ledger.place) as other:
        number = base(ledger).connection.info.backend_pid
        assert other.db.execute("select pg_terminate_backend(?)", (number,)).fetchone()[0]


def await_server(ledger: Ledger, question: str, *values: object) -> None:
    """Until it says so, asked by a connection of its own."""
    deadline = time.monotonic() + PATIENCE
    with Ledger(ledger.place) as other:
        while not other.db.execute(question, values).fetchone()[0]:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def intend(ledger: Ledger, run: int, *keys: str) -> int:
    number = records.fieldset(ledger, "customer", "account", "digest", ["name"])
    intents = [Intent(key, ChangeKind.CREATE, None, b"12345678", b"\x01", "created", key) for key in keys]
    return operations.intend(ledger, run, "customer", "t_customer", number, intents, NOW, dt.timedelta(seconds=60))


def test_both_databases_keep_the_same_tables(ledger: Ledger, tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db") as filed:
        there = filed.db.execute(
            'select t.name, c.name, c."notnull" from sqlite_schema t join pragma_table_info(t.name) c '
            "where t.type = 'table' and t.name <> 'edge'"
        ).fetchall()
        indexes = filed.db.execute("select name from sqlite_schema where type = 'index' and sql is not null").fetchall()
    here = ledger.db.execute(
        "select table_name, column_name, (is_nullable = 'NO')::int from information_schema.columns "
        "where table_schema = current_schema()"
    ).fetchall()
    told = {(table, column): bool(given) for table, column, given in there}
    assert {(table, column) for table, column, _ in here} == told.keys()
    assert {(table, column) for table, column, given in here if given} == {
        place for place, given in told.items() if given or place[1] == "id"
    }
    made = ledger.db.execute("select indexname from pg_indexes where schemaname = current_schema()").fetchall()
    assert {name for (name,) in indexes} <= {name for (name,) in made}


def test_a_commit_is_kept_when_it_returns(ledger: Ledger) -> None:
    assert ledger.db.execute("show synchronous_commit").fetchone()[0] == "on"


def test_two_who_make_it_at_once_make_it_once(server: Server) -> None:
    def opened(_number: int) -> str | None:
        with Ledger(server) as each:
            return each.get_meta("version")

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(opened, range(8))) == {"4"}


# Who may write


def test_who_takes_over_waits_for_the_writer_and_fences_it_then(ledger: Ledger, server: Server) -> None:
    ledger.take_over()
    run = runlog.begin(ledger, "run", NOW).id
    took: list[int] = []

    def take_over() -> None:
        with Ledger(server) as other:
            took.append(other.take_over())

    other = threading.Thread(target=take_over)
    with ledger.transaction():
        other.start()
        await_server(ledger, WAITS)
        assert not took  # the epoch was checked: nobody comes between that and the commit
        events.note(ledger, NOW, "late", run)
    other.join()
    assert took == [2]
    with pytest.raises(BusyError, match=r"ledger\.fenced.*ours=1, now=2"):
        runlog.end(ledger, run, "finished", NOW)
    assert runlog.get(ledger, run).state == "open"
    assert events.check_chain(ledger) == 2


def test_a_writer_that_waited_for_a_new_epoch_sees_it(ledger: Ledger, server: Server) -> None:
    ledger.take_over()
    refused: list[str] = []

    def write() -> None:
        try:
            runlog.begin(ledger, "run", NOW)
        except ChangeoverError as error:
            refused.append(error.code)

    late = threading.Thread(target=write)
    with Ledger(server) as other:
        with other.transaction():
            other.db.execute("update control set epoch = epoch + 1")
            late.start()
            await_server(other, WAITS)
        late.join()
        assert refused == ["ledger.fenced"]
        assert runlog.history(other) == []


def test_events_of_several_writers_make_one_chain(server: Server) -> None:
    def write(writer: int) -> None:
        with Ledger(server) as each:
            for number in range(25):
                with each.transaction():
                    events.note(each, NOW, "noted", told={"writer": writer, "number": number})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    with Ledger(server) as ledger:
        assert events.check_chain(ledger) == 100


def test_what_is_asked_from_another_connection_is_seen_during_a_transaction(ledger: Ledger, server: Server) -> None:
    ledger.take_over()
    with Ledger(server) as other:
        assert control.pause(other, NOW)
        assert control.read(ledger).paused_at == NOW.isoformat()


def test_a_second_machine_is_kept_out_and_a_killed_one_lets_go(server: Server, tmp_path: Path) -> None:
    script = (
        "import os, sys, time\nfrom changeover.connectors.secrets import Secrets\n"
        "from changeover.runs.ledger.place import Server\nfrom changeover.runs.ledger.store import Ledger\n"
        "with Ledger(Server('${LEDGER_URL}', sys.argv[1], Secrets())) as ledger, ledger.held():\n"
        "    print('held', flush=True)\n    time.sleep(60)\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script, server.schema],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "LEDGER_URL": server.url},
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with Ledger(server) as ledger:
            assert ledger.at_work(tmp_path)
            with pytest.raises(BusyError) as caught, ledger.held():
                pass
            assert (caught.value.code, caught.value.exit_code) == ("ledger.held", 4)
            holder.kill()
            with ledger.held():  # at once: the server has a moment to notice
                assert events.check_chain(ledger) == 0
            assert not ledger.at_work(tmp_path)
    finally:
        holder.kill()
        holder.wait()


def test_two_ledgers_of_a_server_do_not_keep_each_other_out(ledger: Ledger, postgres: sa.URL) -> None:
    with ExitStack() as stack:
        other = stack.enter_context(Ledger(new_server(postgres)))
        stack.enter_context(ledger.held())
        stack.enter_context(other.held())
        assert runlog.begin(other, "run", NOW).id == 1
    assert runlog.history(ledger) == []


# When something breaks


def test_a_connection_lost_in_a_transaction_leaves_nothing_and_the_next_run_goes_on(ledger: Ledger) -> None:
    run = runlog.begin(ledger, "run", NOW).id
    intend(ledger, run, "a")

    def lost() -> None:
        with ledger.transaction():
            events.note(ledger, NOW, "never", run)
            cut_off(ledger)
            ledger.db.execute("update run set state = 'finished'")

    for again in (lost, lambda: intend(ledger, run, "b"), lambda: records.lookup(ledger, "customer", ["a"])):
        with pytest.raises(UnavailableError, match=r"ledger\.unreachable"):
            again()
    with Ledger(ledger.place) as anew:
        assert runlog.get(anew, run).state == "open"
        assert [each.our_key for each in operations.open_operations(anew)] == ["a"]
        assert events.check_chain(anew) == 2
        settled = [Settled("a", "unknown", code="recover.process_ended")]
        operations.settle(anew, run, 1, "account", settled, NOW)


def test_a_connection_lost_at_the_commit_leaves_nothing(ledger: Ledger) -> None:
    def lost() -> None:
        with ledger.transaction():
            events.note(ledger, NOW, "never")
            cut_off(ledger)

    with pytest.raises(UnavailableError, match=r"ledger\.unreachable"):
        lost()
    with Ledger(ledger.place) as anew:
        assert events.check_chain(anew) == 0


def test_a_failure_that_was_passed_over_is_no_commit(ledger: Ledger) -> None:
    def write() -> None:
        with ledger.transaction():
            events.note(ledger, NOW, "never")
            with suppress(psycopg.Error):
                ledger.db.execute("select 1 / 0")

    with pytest.raises(UnavailableError, match=r"ledger\.failed"):
        write()
    assert events.check_chain(ledger) == 0


def test_a_writer_that_stands_still_lets_go(ledger: Ledger, server: Server) -> None:
    ledger.db.execute("set idle_in_transaction_session_timeout = '100ms'")

    def stand_still() -> None:
        with ledger.transaction():
            events.note(ledger, NOW, "never")
            await_server(ledger, GONE, base(ledger).connection.info.backend_pid)

    with pytest.raises(UnavailableError, match=r"ledger\.unreachable"):
        stand_still()
    with Ledger(server) as other:
        assert other.take_over() == 1
        assert events.check_chain(other) == 0


def test_who_waits_too_long_for_a_writer_is_told(ledger: Ledger, server: Server) -> None:
    with Ledger(server) as other:
        other.db.execute("set lock_timeout = '100ms'")
        with ledger.transaction(), pytest.raises(BusyError, match=r"ledger\.busy"):
            control.pause(other, NOW)
        assert control.pause(other, NOW)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (psycopg.errors.DiskFull(), (UnavailableError, "ledger.disk_full")),
        (psycopg.errors.DataCorrupted(), (DecisionError, "ledger.damaged")),
        (psycopg.errors.InsufficientPrivilege(), (UnavailableError, "ledger.failed")),
    ],
)
def test_what_the_server_says_is_told(
    ledger: Ledger, error: psycopg.Error, told: tuple[type[ChangeoverError], str]
) -> None:
    with pytest.raises(told[0]) as caught, ledger.transaction():
        raise error
    assert caught.value.code == told[1]


@pytest.mark.parametrize("statement", ["drop trigger event_kept on event", "alter table operation disable trigger all"])
def test_a_guard_that_was_taken_away_is_noticed(ledger: Ledger, statement: str) -> None:
    ledger.check()
    ledger.db.execute(statement)
    with pytest.raises(DecisionError, match=r"ledger\.damaged"):
        ledger.check()


def test_history_cannot_be_emptied_at_once_either(ledger: Ledger) -> None:
    with pytest.raises(psycopg.IntegrityError, match="an event is never taken out"):
        ledger.db.execute("truncate event")


# How it is reached


def failure(server: Server) -> ChangeoverError:
    with pytest.raises(ChangeoverError) as caught, Ledger(server):
        pass
    return caught.value


def test_no_secret_is_told_when_nobody_answers(server: Server) -> None:
    names = {"LEDGER_PASSWORD": "p@ss/word", "LEDGER_HOST": "127.0.0.1"}
    closed = replace(server, url="postgresql://me:${LEDGER_PASSWORD}@${LEDGER_HOST}:1/x", secrets=Secrets(names.get))
    error = failure(closed)
    assert (error.code, error.exit_code) == ("ledger.unreachable", 3)
    assert "${LEDGER_PASSWORD}" in str(error)
    assert not any(value in str(error) for value in names.values())
    assert "p@ss" not in repr(closed)


def test_no_secret_is_told_when_it_is_the_whole_url(server: Server) -> None:
    names = {"LEDGER_URL": "postgresql://me:hush-hush@127.0.0.1:1/x"}
    error = failure(replace(server, url="${LEDGER_URL}", secrets=Secrets(names.get)))
    assert error.code == "ledger.unreachable"
    assert "hush" not in str(error)


@pytest.mark.parametrize("url", ["mysql://h/d", "postgresql://h:no/d", "postgresql://h/d?colour=red", "${LEDGER_URL}"])
def test_a_url_that_is_none_is_told(server: Server, url: str) -> None:
    error = failure(replace(server, url=url, secrets=Secrets({"LEDGER_URL": "hush"}.get)))
    assert (error.code, error.exit_code) == ("ledger.url", 2)
    assert "hush" not in str(error)


def test_a_missing_driver_is_told(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "changeover.runs.ledger.postgresql")
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert failure(server).code == "ledger.driver"


def test_who_may_make_no_schema_is_given_one(postgres: sa.URL, server: Server) -> None:
    user = f"u{server.schema}"
    url = postgres.set(drivername="postgresql", username=user).render_as_string(hide_password=False)
    own = replace(server, url=url)
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute(f"create role {user} login".encode())
        assert failure(own).code == "ledger.failed"
        admin.execute(f"create schema {server.schema} authorization {user}".encode())
    with Ledger(own) as ledger:
        assert ledger.take_over() == 1


# Copies and long answers


def test_a_rehearsal_knows_what_was_refused_and_what_is_open(ledger: Ledger, tmp_path: Path) -> None:
    run = runlog.begin(ledger, "run", NOW).id
    batch = intend(ledger, run, "a", "b", "c")
    told = [Settled("a", "rejected", code="target.check", field="name"), Settled("b", "acked", "live", "T1")]
    operations.settle(ledger, run, batch, "account", told, NOW)
    runlog.begin(ledger, "undo", NOW, undoes=run)
    with ledger.scratch(tmp_path / "copy" / "ledger.db") as copy:
        assert operations.last_refused(copy, "customer", ["a"]) == operations.last_refused(ledger, "customer", ["a"])
        assert operations.open_operations(copy) == operations.open_operations(ledger) != []
        assert records.counts_by_state(copy) == records.counts_by_state(ledger)
        assert runlog.history(copy) == runlog.history(ledger)
        assert copy.get_meta("digest_key") == ledger.get_meta("digest_key")
        with pytest.raises(UnavailableError):
            intend(copy, run, "c")


def test_a_long_answer_leaves_room_for_other_questions(ledger: Ledger) -> None:
    run = runlog.begin(ledger, "run", NOW).id
    keys = [f"k{number:05d}" for number in range(6_000)]
    settled = [Settled(key, "acked", "live", f"T-{key}") for key in keys]
    operations.settle(ledger, run, intend(ledger, run, *keys), "account", settled, NOW)
    seen = []
    for _, source_key, object_name, our_key, target_key, *_ in records.crosswalk(ledger):
        seen.append(our_key)
        if len(seen) % 1_000 == 1:
            assert records.target_keys(ledger, object_name, [our_key]) == {source_key: target_key}
    assert seen == keys
    assert list(records.crosswalk(ledger, "nothing")) == []
