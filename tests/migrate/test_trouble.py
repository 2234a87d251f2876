"""Disks that fill up, a server that goes away, keys that are lost, rejects without end: nothing doubled, and it goes
on."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from changeover.connectors.clock import VirtualClock
from changeover.connectors.errors import ChangeoverError, DecisionError, UnavailableError
from changeover.connectors.sql.sqlite import SQLite
from changeover.runs.ledger.store import Ledger

from .company import Company, ask, make_company, make_company_on_postgres

MANY = 3_000
REFUSES = """
create trigger refuse before insert on customer when new.name like '%refused%' begin
  select raise(abort, 'no'); end;
"""
STAFF = "mapping: staff\nfrom: t_staff\nto: visit\nfields: {note: yx}\n"


def fill(company: Company, number: int = MANY) -> None:
    company.old(
        "insert into t_customer (khbh, khmc, sh, je, rq) values (?, ?, ?, '1.00', '2020-02-29')",
        [(f"C{n:05}", "名" * 30, f"TAXC{n:05}") for n in range(number)],
    )


def once(company: Company, number: int = MANY) -> bool:
    """Whether everything is in the target once, each record under our key."""
    told = company.new(
        "select count(*), count(distinct tax_no), count(k.our_key) from customer c left join "
        "changeover_keys k on k.object = 'customer' and k.target_key = cast(c.id as text)"
    )
    return told == [(number, number, number)]


def pages(path: Path) -> int:
    database = sqlite3.connect(path)
    try:
        return int(database.execute("pragma page_count").fetchone()[0])
    finally:
        database.close()


# Rejects without end


def make_storm(folder: Path) -> Company:
    company = make_company(folder, batch=10)
    company.rewrite("changeover.yaml", ("batch: 10}", "batch: 10, stop_after_alike: 20, stop_share: 0.2}"))
    (company.folder / "mappings" / "staff.yaml").write_text(STAFF, encoding="utf-8")
    fill(company, 100)
    company.order(1, "C00000")
    return company


@pytest.mark.parametrize("ours", [True, False])
def test_a_reject_storm_stops_its_object_and_what_hangs_on_it(tmp_path: Path, ours: bool) -> None:
    company = make_storm(tmp_path / "move")
    company.new(REFUSES)
    company.old(f"update t_customer set khmc = {'null' if ours else repr('refused')} where khbh >= 'C00010'")
    told = company.run()
    assert (told.code, told.verdict) == (1, "run.stopped")
    assert told.counts("staff") == {"read": 2, "created": 2}
    assert told.table("table.stopped") == [("customer", "run.reject_storm"), ("order", "run.skipped")]
    (why,) = [row[1] for table in told.report.tables for row in table.rows if row[0] == "customer"]
    assert why.params["cause"] == ("@required.missing" if ours else "@target.refused")  # type: ignore[union-attr]
    assert 20 <= int(why.params["count"]) <= 90  # type: ignore[union-attr]
    there = company.new("select count(*) from customer")[0][0]
    counts = told.counts("customer")
    assert counts.get("created", 0) == there == (0 if ours else 10)
    assert counts["read"] == sum(number for name, number in counts.items() if name not in ("read", "adopted"))
    assert told.causes()[("required.missing" if ours else "target.refused", "t_customer")][0] == "C00010"
    company.old("update t_customer set khmc = 'mended'")
    done = company.run()
    assert (done.code, done.counts("order")) == (0, {"read": 1, "created": 1})
    assert once(company, 100)


# Disks that fill up


def stops(company: Company, code: str) -> str:
    with pytest.raises(UnavailableError) as stopped:
        company.run()
    assert (stopped.value.code, stopped.value.exit_code) == (code, 3)
    return str(stopped.value)


def test_a_full_disk_under_the_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    company = make_company(tmp_path / "move", chunk=1_000, batch=100)
    company.run()
    fill(company)
    opened = Ledger.__init__

    def tight(ledger: Ledger, path: Path, **more: bool) -> None:
        opened(ledger, path, **more)
        ledger.db.execute(f"pragma max_page_count = {room}")

    room = pages(company.folder / "runs" / "mock" / "ledger.db") + 150
    monkeypatch.setattr(Ledger, "__init__", tight)
    stops(company, "ledger.disk_full")
    there = int(str(company.new("select count(*) from customer")[0][0]))
    assert 0 < there < MANY
    stops(company, "ledger.disk_full")  # still full: nothing more may be sent than the ledger can tell
    monkeypatch.undo()
    done = company.run()
    assert (done.code, done.counts("customer")["read"]) == (0, MANY)
    assert once(company)
    assert company.run().counts("customer") == {"read": MANY, "unchanged": MANY}


def test_a_full_disk_under_the_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    company = make_company(tmp_path / "move", chunk=1_000, batch=100)
    company.run()
    fill(company)
    room = pages(company.crm) + 60
    connected = SQLite.connected

    def tight(dialect: SQLite, connection: sqlite3.Connection) -> None:
        connected(dialect, connection)  # type: ignore[arg-type]
        if "crm.db" in str(connection.execute("pragma database_list").fetchall()):
            connection.execute(f"pragma max_page_count = {room}")

    monkeypatch.setattr(SQLite, "connected", tight)
    stops(company, "target.disk_full")
    there = int(str(company.new("select count(*) from customer")[0][0]))
    assert 0 < there < MANY
    assert company.ledger("select count(*) from record where state = 'live'") == [(there,)]
    monkeypatch.undo()
    done = company.run()
    assert (done.code, done.counts("customer")) == (0, {"read": MANY, "created": MANY})
    assert once(company)


def test_a_disk_that_takes_no_more_of_any_file(tmp_path: Path) -> None:
    """RLIMIT_FSIZE, in a process of its own: whichever file meets it first, the error names it."""
    company = make_company(tmp_path / "move", batch=100)
    fill(company)
    words = ("sh", "-c", 'ulimit -f 400; exec "$@"', "sh")
    said = company.command("run", "--execute", "--json", under=words)
    assert (said.code, said.document["exit_code"]) == (3, 3)
    assert said.document["error"]["code"] in ("ledger.disk_full", "ledger.failed", "target.disk_full", "target.lost")  # type: ignore[index]
    assert "Traceback" not in said.err
    assert company.run().code == 0
    assert once(company)


# A server that goes away


def make_away(folder: Path, url: str) -> Company:
    company = make_company_on_postgres(folder, url, chunk=200, batch=50)
    fill(company, 300)
    return company


KILL = "select pg_terminate_backend(pid) from pg_stat_activity where datname = '{}' and pid <> pg_backend_pid()"


@contextmanager
def killing(url: str, event: str, times: range, *, lock_out: bool = False) -> Iterator[None]:
    """End the target's session at these events of writing transactions; with lock_out nobody gets in again."""
    name = sa.make_url(url).database or ""
    server = sa.make_url(url).set(database="postgres").render_as_string(hide_password=False)
    seen = -1

    def kill(connection: sa.Connection) -> None:
        nonlocal seen
        if connection.engine.url.database != name or not connection.get_execution_options().get("writes"):
            return
        seen += 1
        if seen in times:
            if lock_out:
                ask(server, f'alter database "{name}" allow_connections false')
            ask(server, KILL.format(name))

    sa.event.listen(sa.Engine, event, kill)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, event, kill)
        ask(server, f'alter database "{name}" allow_connections true')
        assert seen >= times[0], "the target was never written to"


def arrived(url: str) -> list[tuple[object, ...]]:
    return ask(
        url,
        "select count(*), count(distinct tax_no), count(distinct k.our_key) from customer c "
        "left join changeover_keys k on k.object = 'customer' and k.target_key = c.id::text",
    )


def patient() -> VirtualClock:
    return VirtualClock(dt.datetime(2024, 2, 29, tzinfo=dt.UTC))


@pytest.mark.parametrize("event", ["begin", "commit"])
def test_a_connection_that_is_cut_is_opened_again(tmp_path: Path, postgres_url: str, event: str) -> None:
    """At begin nothing was written; at commit nobody knows, and the target is asked."""
    company = make_away(tmp_path / "move", postgres_url)
    with killing(postgres_url, event, range(3, 5)):
        done = company.run(clock=patient())
    assert (done.code, done.counts("customer")) == (0, {"read": 300, "created": 300})
    assert arrived(postgres_url) == [(300, 300, 300)]
    assert company.ledger(
        "select count(*) from operation where state not in ('verified', 'not_sent') and kind <> 'prove'"
    ) == [(0,)]


def test_a_server_that_stays_away_stops_the_run_and_the_next_one_goes_on(tmp_path: Path, postgres_url: str) -> None:
    company = make_away(tmp_path / "move", postgres_url)
    with killing(postgres_url, "commit", range(3, 4), lock_out=True), pytest.raises(UnavailableError) as stopped:
        company.run(clock=patient())
    assert stopped.value.exit_code == 3
    assert stopped.value.code in ("target.lost", "sql.unreachable")
    assert arrived(postgres_url)[0][0] < 300
    done = company.run()
    assert (done.code, done.counts("customer")) == (0, {"read": 300, "created": 300})
    assert arrived(postgres_url) == [(300, 300, 300)]


# Keys that are lost


def key_file(company: Company, name: str) -> Path:
    (found,) = (company.folder.parent / "home" / "keys").glob(f"*/{name}.key")
    return found


def refused(company: Company, verb: str, *words: int) -> ChangeoverError:
    with pytest.raises(DecisionError) as stopped:
        company.undo(*words, execute=True) if verb == "undo" else getattr(company, verb)()
    assert stopped.value.exit_code == 1
    return stopped.value


def test_a_lost_data_key_costs_undo_and_no_run(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.customer("A", khmc="first")
    company.run()
    company.old("update t_customer set khmc = 'second'")
    company.order(1, "A")
    company.run()
    key_file(company, "data").unlink()
    before = company.new("select name from customer"), company.new("select count(*) from orders")
    error = refused(company, "undo", 2)
    assert error.code == "values.key_lost"
    assert (company.new("select name from customer"), company.new("select count(*) from orders")) == before
    company.old("update t_customer set khmc = 'third'")
    done = company.run()
    assert (done.code, done.counts("customer")) == (0, {"read": 1, "updated": 1})
    assert company.undo(3, execute=True).code == 0  # what was kept under the new key is there
    assert company.new("select name from customer") == [("second",)]


def test_a_note_of_the_digest_key_that_has_changed_is_damage(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.customer("A")
    company.run()
    with closing(sqlite3.connect(company.folder / "runs" / "mock" / "ledger.db")) as ledger, ledger:
        ledger.execute("update meta set value = value || '0' where name = 'digest_key'")
    assert refused(company, "run").code == "ledger.damaged"


def test_an_exchanged_digest_key_is_refused(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.customer("A")
    company.run()
    kept = key_file(company, "digest").read_bytes()
    key_file(company, "digest").unlink()
    company.old("update t_customer set khmc = 'second'")
    for verb in ("run", "plan", "reconcile", "check"):
        assert refused(company, verb).code == "key.digest_exchanged"
    assert company.new("select name from customer") == [("客户A",)]
    key_file(company, "digest").write_bytes(kept)
    assert company.run().counts("customer") == {"read": 1, "updated": 1}
