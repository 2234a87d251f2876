"""A run that several processes share: `run --workers`, `run --join`. What is refused, what is told, what it comes to.
Where they die: test_workers_killed.py."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from changeover.connectors.clock import Clock, SystemClock, VirtualClock
from changeover.connectors.errors import ChangeoverError
from changeover.connectors.pace import Allowance, Asked, Interface, Rate
from changeover.connectors.port import OurKeyPlace
from changeover.connectors.secrets import Secrets
from changeover.connectors.sql.connector import SqlConnector
from changeover.migrate.pace.pacing import paces_of
from changeover.migrate.prepare import prepare
from changeover.migrate.project import load_project
from changeover.migrate.run import Order
from changeover.migrate.sending.send import Sender, held
from changeover.migrate.session import open_session
from changeover.migrate.sharing import crew, partition, share, terms
from changeover.migrate.sharing.join import join
from changeover.migrate.sharing.partition import Hands
from changeover.migrate.sharing.pulse import Pulse
from changeover.runs.ledger import partitions, runlog, workers
from changeover.runs.ledger.permits import Permits
from changeover.runs.ledger.store import Ledger

from ..servers import fresh_database
from .company import Told, make_company
from .test_server_ledger import OnServer, on_server

CUSTOMERS = 60
DAY = dt.timedelta(days=1)


@pytest.fixture(scope="module")
def url(postgres: sa.URL) -> Iterator[str]:
    """Of a database for ledgers."""
    with fresh_database(postgres) as text:
        yield sa.make_url(text).set(drivername="postgresql").render_as_string(hide_password=False).replace(":@", "@")


@pytest.fixture
def company(url: str, tmp_path: Path) -> OnServer:
    made = on_server(make_company(tmp_path / "move", chunk=40, batch=5), url)
    made.customer("C0", sjkh=None)
    for number in range(1, CUSTOMERS):
        made.customer(f"C{number}", sjkh=f"C{number // 4}")
    return made


@contextmanager
def coordinated(company: OnServer) -> Iterator[int]:
    """As if a process somewhere shared a run of this company, once one record has been moved; the run's number."""
    company.run("t_customer:C0")
    (last,) = company.ledger("select mapping_digest from run order by id desc limit 1")
    with Ledger(company.place) as ledger:
        ledger.take_over()
        run = runlog.begin(ledger, "run", dt.datetime.now(dt.UTC), str(last[0]))
        workers.enlist(ledger, "host 1", workers.COORDINATOR)
        yield run.id


def joined(company: OnServer, order: Order | None = None, *, execute: bool = True, clock: Clock | None = None) -> Told:
    def verb(project, secrets):  # type: ignore[no-untyped-def]
        return join(project, order or Order(), execute, secrets, clock or SystemClock(), lambda _tick: None)

    return company._verb(verb)


def refused(company: OnServer, order: Order | None = None) -> tuple[str, int]:
    with pytest.raises(ChangeoverError) as caught:
        joined(company, order)
    return caught.value.code, caught.value.exit_code


# Alone, but as it is shared


def test_a_run_that_nobody_joins_comes_to_the_same(company: OnServer) -> None:
    told = company.run(workers=1)
    assert (told.code, told.verdict) == (0, "run.done")
    assert told.counts("customer") == {"read": CUSTOMERS, "created": CUSTOMERS}
    assert dict(told.report.facts)["fact.took_part"] == 1
    assert int(str(dict(told.report.facts)["fact.partitions"])) > 3
    assert company.ledger("select count(*) from partition where content is not null") == [(0,)]
    assert company.ledger("select count(*) from batch where partition is null and run = 1") != [(0,)]
    assert company.reconcile().code == 0


def test_it_is_resumed_and_says_how(company: OnServer, monkeypatch: pytest.MonkeyPatch) -> None:
    take = Hands.take

    def interrupted(self: Hands) -> bool:
        took = take(self)
        self._session.interruption.asked = True
        return took

    monkeypatch.setattr(Hands, "take", interrupted)
    told = company.run(workers=1)
    assert told.code == 130
    assert told.report.next_steps[0] == "changeover run --execute --workers 1"
    monkeypatch.undo()
    assert company.ledger("select count(*) from partition where state <> 'done'") == [(0,)]
    again = company.run(workers=1)
    assert (again.code, again.counts("customer")) == (0, {"read": CUSTOMERS, "created": CUSTOMERS})
    assert company.ledger("select count(*) from partition where content is not null") == [(0,)]


REFUSES = """
create trigger refuses before insert on customer when new.name like '%坏%'
begin select raise(abort, '谁也不要坏的'); end
"""


def test_what_is_refused_too_often_alike_stops_it(company: OnServer) -> None:
    company.new(REFUSES)
    company.old("update t_customer set khmc = case khbh when 'C0' then khmc else '坏' || khbh end, sjkh = null")
    company.rewrite("changeover.yaml", ("batch: 5", "batch: 2, stop_after_alike: 2"))
    told = company.run(workers=1)
    assert (told.code, told.verdict) == (1, "run.stopped")
    assert company.ledger("select count(*) from partition where state <> 'done' or content is not null") == [(0,)]
    assert 8 <= told.counts("customer")["rejected"] <= 10, "a fifth of those read so far"


WITH_WORDS = """select o.our_key from operation o join batch b on b.id = o.batch join partition p on p.id = b.partition
where o.state = 'rejected' and p.words is not null"""


def test_a_run_that_is_not_shared_knows_what_those_called_who_shared_one(company: OnServer) -> None:
    with Permits(company.place, "target", 1) as book:
        assert book.take(Asked("create", 1, Allowance(others=Interface((Rate(9, 20),))))).taken
        book.answered("create", 1)
    project, clock = load_project(company.folder), SystemClock()
    for how, known in (({}, []), ({"shared": True, "knows": True}, []), ({"knows": True}, ["create"])):
        paces = paces_of(project, Secrets(), clock, lambda: None, **how)
        assert paces.target._lately is not None
        assert list(paces.target._lately.earlier) == known
        paces.close()


# Somebody else works on the partitions


class Other:
    """In place of the coordinator's own hands: those of a joined process, in this one."""

    made: Other
    worked: int = 0

    def __init__(self, session, worker, pulse, **_told) -> None:  # type: ignore[no-untyped-def]
        self._stack = ExitStack()
        project = load_project(session.project.folder)
        other = self._stack.enter_context(open_session(project, Secrets(), SystemClock(), alone=False, shared=True))
        prepare(other, people=False)
        other.ledger.follow(session.ledger.epoch)
        number = workers.enlist(other.ledger, "host 2")
        beats = self._stack.enter_context(Pulse(other.ledger.place, session.ledger.epoch, number, 30))
        self.hands = Hands(other, number, beats, enough=lambda: False, carries=True)
        Other.made = self

    def take(self) -> bool:
        return self.hands.take()


def test_the_targets_words_travel_back_sealed(company: OnServer, monkeypatch: pytest.MonkeyPatch) -> None:
    company.new(REFUSES)
    company.old("update t_customer set khmc = '坏客户' where khbh in ('C7', 'C40')")
    kept: list[bytes] = []

    def seen(self: share.SharedSender, collected, *rest):  # type: ignore[no-untyped-def]
        kept.extend(filter(None, [collected.words]))
        return settled(self, collected, *rest)

    settled = share.SharedSender._settled
    monkeypatch.setattr(share.SharedSender, "_settled", seen)
    monkeypatch.setattr(share, "Hands", Other)
    told = company.run(workers=1)
    Other.made._stack.close()
    assert told.counts("customer")["rejected"] == 2
    assert Other.made.hands.worked.outcomes["rejected"] > 0
    assert kept
    assert not any("谁也".encode() in each for each in kept)
    for key in ("C7", "C40"):
        explained = company.explain(key, show_values=True)
        assert "谁也不要坏的" in json.dumps(explained.document, ensure_ascii=False)


@pytest.mark.parametrize("key_lost", [False, True])
def test_words_that_nobody_collected_are_kept_by_the_next_coordinator(
    company: OnServer, monkeypatch: pytest.MonkeyPatch, *, key_lost: bool
) -> None:
    company.new(REFUSES)
    company.old("update t_customer set khmc = '坏客户' where khbh in ('C13', 'C14', 'C15')")

    settled = share.SharedSender._settled

    def died(self, collected, *rest):  # type: ignore[no-untyped-def]
        if any(each.state == "rejected" for each in collected.settled):
            raise RuntimeError("the coordinator is gone")
        return settled(self, collected, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(share, "Hands", Other)
        patch.setattr(share.SharedSender, "_settled", died)
        with pytest.raises(RuntimeError):
            company.run(workers=1)
        Other.made._stack.close()
    if key_lost:
        monkeypatch.setenv("CHANGEOVER_DATA_KEY", "A" * 43 + "=")
    rejected = [str(row[0]).rpartition(":")[2] for row in company.ledger(WITH_WORDS)]
    assert rejected
    told = company.run(workers=1)
    assert told.counts("customer")["rejected"] == 3
    assert company.ledger("select count(*) from partition where words is not null") == [(0,)]
    said = json.dumps(company.explain(rejected[0], show_values=True).document, ensure_ascii=False)
    assert ("谁也不要坏的" in said) != key_lost


def test_who_was_not_heard_of_counts_as_dead(company: OnServer) -> None:
    with coordinated(company):
        with Ledger(company.place) as ledger:
            ledger.follow(int(str(company.ledger("select epoch from control")[0][0])))
            workers.enlist(ledger, "host 3")
        company.ledger("update worker set seen = '2000-01-01T00:00:00+00:00' where role = 'worker' returning 1")
    assert company.run(workers=1).code == 0
    assert company.ledger("select name from worker where ended is null") == []


def test_a_change_that_was_set_aside_is_held(company: OnServer, monkeypatch: pytest.MonkeyPatch) -> None:
    class SetsAside(Sender):
        def send(self, *what):  # type: ignore[no-untyped-def]
            *names, planned = what
            stays = [each for each in planned if each.change.our_key.endswith(":C50")]
            return [*super().send(*names, [each for each in planned if each not in stays]), *map(held, stays)]

    monkeypatch.setattr(partition, "Sender", SetsAside)
    told = company.run(workers=1)
    assert (told.code, told.counts("customer")) == (1, {"read": CUSTOMERS, "created": CUSTOMERS - 1, "held": 1})
    assert told.causes() == {("target.undone", "t_customer"): ["C50"]}
    monkeypatch.undo()
    assert company.run(workers=1).counts("customer") == {"read": CUSTOMERS, "created": 1, "unchanged": CUSTOMERS - 1}


def test_a_lease_is_kept_as_long_as_the_process_lives(company: OnServer, monkeypatch: pytest.MonkeyPatch) -> None:
    company.rewrite("changeover.yaml", ("batch: 5", "batch: 5, lease: 1"))
    write = SqlConnector.write
    leases = "select lease_until from partition where state = 'leased'"
    renewed: list[bool] = []

    def slow(self, batch):  # type: ignore[no-untyped-def]
        before, until = company.ledger(leases), time.monotonic() + 20
        while before and not renewed and company.ledger(leases) == before and time.monotonic() < until:
            time.sleep(0.05)
        if before and not renewed:
            renewed.append(company.ledger(leases) > before)
        return write(self, batch)

    monkeypatch.setattr(SqlConnector, "write", slow)
    told = company.run(workers=1)
    assert renewed == [True]
    assert (told.code, told.counts("customer")) == (0, {"read": CUSTOMERS, "created": CUSTOMERS})
    assert company.ledger("select max(fence) from partition") == [(1,)]


# Who may not


def test_a_ledger_in_a_file_cannot_be_shared(tmp_path: Path) -> None:
    alone = make_company(tmp_path / "move")
    alone.customer("A")
    for words in (("run", "--execute", "--workers", "2"), ("run", "--join", "--execute")):
        said = alone.say(*words)
        assert (said.code, "ledger: postgresql://" in said.err) == (2, True)
    assert alone.new("select count(*) from customer") == [(0,)]


@pytest.mark.parametrize("words", [("plan",), ("run",)])
def test_only_a_run_that_writes_is_shared(company: OnServer, words: tuple[str, ...]) -> None:
    if words == ("plan",):
        with pytest.raises(ChangeoverError) as caught:
            company.plan(workers=2)
        assert (caught.value.code, caught.value.exit_code) == ("workers.needs_execute", 2)
        return
    said = company.say(*words, "--workers", "2")
    assert (said.code, "--execute" in said.err) == (2, True)


def test_a_target_without_room_for_our_key_is_not_shared(company: OnServer, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = SqlConnector.__init__

    def degraded(self, *given, **named) -> None:  # type: ignore[no-untyped-def]
        opened(self, *given, **named)
        object.__setattr__(self.capabilities, "our_key", OurKeyPlace.NONE)

    monkeypatch.setattr(SqlConnector, "__init__", degraded)
    with pytest.raises(ChangeoverError) as caught:
        company.run(workers=2)
    assert (caught.value.code, caught.value.exit_code) == ("workers.degraded", 2)
    assert company.new("select count(*) from customer") == [(0,)]


def test_there_must_be_a_run_to_join(company: OnServer) -> None:
    assert refused(company) == ("join.no_run", 2)
    company.run("t_customer:C0")
    assert refused(company) == ("join.no_run", 2)
    with coordinated(company):
        pass


def test_who_could_join_is_told_so_without_execute(company: OnServer) -> None:
    with coordinated(company) as run:
        told = joined(company, execute=False)
        assert (told.code, told.verdict, told.document["runs"]) == (0, "join.could", [run])
        assert told.report.next_steps == ("changeover run --join --execute",)
        assert company.ledger("select count(*) from worker") == [(1,)]


@pytest.mark.parametrize("order", [Order(workers=2), Order(sample=3), Order(keys=("a:b",)), Order(plan="p")])
def test_what_is_moved_is_not_the_joiners_affair(company: OnServer, order: Order) -> None:
    with coordinated(company):
        assert refused(company, order) == ("join.with_others", 2)


def test_other_mappings_are_refused(company: OnServer) -> None:
    with coordinated(company):
        company.rewrite("mappings/customer.yaml", ("tax_no: sh", "tax_no: {from: sh, transform: trim}"))
        assert refused(company) == ("join.mappings", 2)


LIMITS = "limits: {chunk: 40, batch: 5}"


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        (("      acting_user: changeover", "      acting_user: changeover\n      pace: {reserve: 9}"), "target:"),
        (("      zone: Asia/Shanghai\n      audit", "      zone: UTC\n      audit"), "target:"),
        ((LIMITS, LIMITS.replace("5", "5, lease: 1")), "limits:"),
        (
            (LIMITS, f'{LIMITS}\nschedule: {{zone: UTC, hours: [{{days: [mon], from: "08:00", to: "09:00"}}]}}'),
            "schedule:",
        ),
        (("__version__", "0.0.1"), "changeover"),
    ],
)
def test_who_would_share_it_on_other_terms_is_refused(
    company: OnServer, changed: tuple[str, str], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with coordinated(company):
        with Ledger(company.place) as ledger:
            terms.note_terms(ledger, load_project(company.folder))
        assert joined(company, execute=False).verdict == "join.could"
        if changed[0] == "__version__":
            monkeypatch.setattr(terms, "__version__", changed[1])
        else:
            company.rewrite("changeover.yaml", changed)
        with pytest.raises(ChangeoverError) as caught:
            joined(company, execute=False)
        assert (caught.value.code, caught.value.params["what"]) == ("join.otherwise", what)


def test_the_terms_are_noted_before_anybody_can_join(company: OnServer, monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[object] = []

    def enlist(ledger, *what):  # type: ignore[no-untyped-def]
        noted.append(ledger.get_meta(terms.TERMS))
        return enlisted(ledger, *what)

    enlisted = workers.enlist
    monkeypatch.setattr(workers, "enlist", enlist)
    assert company.run(workers=1).code == 0
    assert noted == [json.dumps(terms.terms_of(load_project(company.folder)))]


@pytest.mark.parametrize(("key", "code"), [("data", "join.data_key"), ("digest", "key.digest_exchanged")])
def test_other_keys_are_refused(company: OnServer, key: str, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with coordinated(company):
        length = 32 if key == "data" else 16
        monkeypatch.setenv(f"CHANGEOVER_{key.upper()}_KEY", "A" * (length * 4 // 3) + {32: "A=", 16: "A=="}[length])
        assert refused(company) == (code, 1)
    assert company.ledger("select count(*) from worker where role = 'worker'") == [(0,)]


def test_a_host_without_the_keys_gets_none(company: OnServer) -> None:
    with coordinated(company):
        home = company.folder.parent / "home"
        home.rename(home.with_name("elsewhere"))
        assert refused(company) == ("key.none", 1)
        assert not home.exists()


def test_another_target_is_refused(company: OnServer) -> None:
    with coordinated(company):
        company.crm.unlink()
        shutil.copy(make_company(company.folder.parent / "another" / "move").crm, company.crm)
        assert refused(company) == ("org.another", 1)


# What is told


def test_who_is_at_work_is_told(company: OnServer) -> None:
    with coordinated(company):
        said = company.say("status")
        assert "host 1" in said.out
        assert "coordinator" in said.out
        assert "workers at work" in company.say("runs").out


def test_a_coordinator_that_is_gone_is_waited_for_and_then_given_up(
    company: OnServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("changeover.migrate.sharing.join.PATIENCE", 0.0)
    with coordinated(company):
        company.ledger("update worker set seen = '2000-01-01T00:00:00+00:00' returning 1")
        assert refused(company) == ("join.coordinator_gone", 3)


def test_who_waits_for_a_coordinator_ends_with_a_run_that_goes_on_without(company: OnServer) -> None:
    """It was killed, and the run was typed again without sharing it."""
    clock = VirtualClock(dt.datetime.now(dt.UTC))
    sleep, others = clock.sleep, []

    def meanwhile(seconds: float) -> None:
        sleep(seconds)
        if not others:
            others.append(company.run())

    clock.sleep = meanwhile  # type: ignore[method-assign]
    with coordinated(company) as run:
        company.ledger("update worker set seen = '2000-01-01T00:00:00+00:00' returning 1")
        told = joined(company, clock=clock)
    assert [each.code for each in others] == [0]
    assert (told.code, told.verdict, told.document["runs"]) == (0, "join.done", [run])


CODE = "import json, sys; print(json.dumps({'error': {'text': 'no way in'}})); sys.exit(3)"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (CODE, [("worker.gave_up", "no way in")]),
        ("import sys; sys.exit(0)", []),
        ("import os; os.kill(os.getpid(), 9)", [("worker.killed", "")] * 3 + [("worker.gone", "")]),
    ],
    ids=["gives up", "ends well", "is killed again and again"],
)
def test_what_started_processes_come_to_is_told(
    company: OnServer, code: str, told: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew, "joining", lambda *_where: [sys.executable, "-c", code])
    started = crew.Crew(load_project(company.folder), 1)
    died: list[str] = []
    while started._joiners:
        died += started.watch()
    assert [(each.code, each.params.get("reason", "")) for each in started.findings] == told
    assert len(died) == max(1, len(told))


def test_no_secret_is_in_the_command_that_joins(company: OnServer) -> None:
    project = load_project(company.folder)
    assert crew.joining(project.folder, project.env)[1:] == [
        *("-m", "changeover", "run", "--join", "--execute", "--json"),
        *("--project", str(company.folder), "--env", "mock"),
    ]


def test_what_a_shared_run_has_left_sealed_is_dropped_by_a_run_that_nobody_shares(company: OnServer) -> None:
    with coordinated(company) as run:
        with Ledger(company.place) as ledger:
            ledger.take_over()
            partitions.put(ledger, run, "customer", "customer", "t_customer", None, [(1, b"sealed")])
        company.run("t_customer:C1")
    assert company.ledger("select count(*) from partition where content is not null") == [(0,)]
