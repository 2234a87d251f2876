"""What may become of a change is told by the target alone: contradictions, and answers that come to the wrong one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from changeover.connectors.change import Batch, Outcome, OutcomeState
from changeover.connectors.clock import VirtualClock
from changeover.connectors.errors import BusyError
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.secrets import Secrets
from changeover.connectors.sql.connector import SqlConnector
from changeover.connectors.testing.hostile import Fault, FaultKind, Operation, ProcessDied
from changeover.migrate.loading import load
from changeover.migrate.sending import send as sending_room
from changeover.migrate.sending.caller import Answer, Threads
from changeover.migrate.undoing import take_back
from changeover.runs.ledger.store import Ledger

from .company import Company, copied, make_company
from .firms import ONE, NoRoom
from .held import Held
from .moving import World
from .proving import go, ours, proving
from .sending import START, Open, sending
from .test_input import cut_off
from .test_trouble import key_file


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    with ExitStack() as stack:
        yield lambda *faults, **how: stack.enter_context(sending(tmp_path / "move", *faults, **how))


@pytest.fixture(scope="module")
def changed_since(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """With two customers that were moved, and changed in the source since."""
    made = make_company(tmp_path_factory.mktemp("changed") / "move")
    for key in "AB":
        made.customer(key, khmc=f"old {key}")
    assert made.run().code == 0
    made.old("update t_customer set khmc = 'new A' where khbh = 'A'")
    made.old("update t_customer set rq = '2021-01-01' where khbh = 'B'")
    return made


@pytest.fixture
def company(changed_since: Company, tmp_path: Path) -> Company:
    return copied(changed_since, tmp_path / "desk")


def ended(company: Company, run: int = 2) -> list[tuple[object, ...]]:
    """(our key, state, code) of what a run had under way."""
    return company.ledger(
        "select o.our_key, o.state, o.code from operation o join batch b on b.id = o.batch "
        f"where b.run = {run} order by 1"
    )


@contextmanager
def cut_off_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The process ends when its first batch is about to leave."""

    def die(_connector: SqlConnector, _batch: Batch) -> None:
        raise RuntimeError("as if the process had been killed")

    with monkeypatch.context() as patch, suppress(RuntimeError):
        patch.setattr(SqlConnector, "write", die)
        yield
        pytest.fail("nothing was to be written")


@contextmanager
def not_read_back(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The process ends when its first batch is settled."""

    def die(*_asked: object) -> None:
        raise RuntimeError("as if the process had been killed")

    with monkeypatch.context() as patch, suppress(RuntimeError):
        patch.setattr(load, "read_back", die)
        yield
        pytest.fail("nothing was to be read back")


# Answers


def test_an_answer_that_says_two_things_of_a_record_is_none(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = opened()
    write = rig.line.inner.write

    def contradicts(batch: Batch) -> list[Outcome]:
        refused = Outcome(batch.changes[0].our_key, OutcomeState.REJECTED, code="target.refused")
        return [refused, *write(batch)]

    monkeypatch.setattr(rig.line.inner, "write", contradicts)
    assert {each.our_key: each.state for each in rig.send(range(3))} == {f"ours:{n}": "acked" for n in range(3)}
    asked = [each.records for each in rig.line.calls if each.operation is Operation.FIND]
    assert (asked, rig.line.inner.count("sample")) == ([1], 3)


class Overtaken(Held):
    """Another process takes the ledger over while the first call is under way."""

    def __init__(self, **how: Any) -> None:
        super().__init__(**how)
        self.ledger: Ledger | None = None

    def first(self, answers: Sequence[Answer], seconds: float) -> Sequence[Answer]:
        if self.ledger is not None:
            with Ledger(self.ledger.place) as other:
                other.take_over()
            self.ledger = None
        return super().first(answers, seconds)


def test_a_deadline_that_cannot_be_moved_on_ends_the_run(opened: Open) -> None:
    """Whoever has the ledger now asks for what is under way when the deadline that it knows of has passed."""
    clock = VirtualClock(START)
    held = Overtaken(clock=clock, seconds=3600)
    rig = opened(size=1, at_once=2, caller=held, clock=clock)
    held.ledger = rig.session.ledger
    with pytest.raises(BusyError, match=r"ledger\.fenced"):
        rig.send(range(5))
    assert rig.operations() == {"intent": 2}


def test_what_goes_wrong_in_a_thread_is_told_to_the_run(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = opened(size=1, at_once=3)
    assert isinstance(rig.session.caller, Threads)

    departed = Barrier(3)

    def fails(_batch: Batch) -> list[Outcome]:
        departed.wait(60)  # one that is still here when another fails is called back, and is not sent
        raise MemoryError("no room for another call")

    with monkeypatch.context() as patch:
        patch.setattr(rig.session.target, "write", fails)
        with pytest.raises(MemoryError, match="another call"):
            rig.send(range(3))
    assert rig.operations() == {"intent": 3}


def test_a_call_waits_while_only_siblings_are_left(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending_room, "touches", lambda _mapping: lambda _planned: ("their parent",))
    held = Held()
    rig = opened(size=1, at_once=3, caller=held)
    assert {each.state for each in rig.send(range(4))} == {"acked"}
    assert (held.most, rig.sizes()) == (1, [1] * 4)


# What a dead process left


def test_an_update_of_a_record_that_is_gone_is_a_conflict(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    with cut_off(monkeypatch):
        company.run()
    company.new("delete from customer where tax_no = 'TAXA'")
    told = company.run()
    assert ended(company) == [
        ("legacy:t_customer:A", "conflict", "target.gone"),
        ("legacy:t_customer:B", "verified", None),
    ]
    assert told.code == 1


def test_only_what_wrote_no_field_of_today_is_left_open_to_the_new_mapping(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    with cut_off(monkeypatch):
        company.run()
    company.rewrite("mappings/customer.yaml", ("  opened_on: rq\n", ""))
    company.run()
    assert [row[1:] for row in ended(company)] == [("verified", None), ("conflict", "recover.mapping_gone")]
    assert company.new("select name from customer order by 1") == [("new A",), ("old B",)]


def test_what_was_never_read_back_is_not_taken_for_undone(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    with cut_off_before(monkeypatch):
        company.run()
    company.ledger("update record set back = null where our_key like '%A'")
    company.run()
    assert [row[1:] for row in ended(company)] == [
        ("conflict", "conflict.edited"),
        ("not_sent", "target.no_answer"),
        ("verified", None),
    ]


def test_a_data_key_lost_in_the_middle_keeps_no_run_from_going_on(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    with cut_off_before(monkeypatch):
        company.run()
    key_file(company, "data").unlink()
    assert company.run().counts("customer") == {"read": 2, "updated": 2}
    assert company.new("select name from customer order by 1") == [("new A",), ("old B",)]


def test_a_record_whose_key_of_ours_lies_on_another_one_is_not_adopted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = make_company(tmp_path / "move")
    company.customer("A")
    company.run()
    company.customer("B")
    company.new("insert into customer (id, name, tax_no) values (7, 'here before', 'TAXB'), (8, 'another', 'X')")
    with cut_off_before(monkeypatch):
        company.run()
    company.new("insert into changeover_keys values ('customer', 'legacy:t_customer:B', '8')")
    assert company.run().code == 1
    assert ended(company) == [("legacy:t_customer:B", state, "target.taken") for state in ("conflict", "rejected")]
    assert company.new("select name from customer where id in (7, 8)") == [("here before",), ("another",)]


def test_what_was_not_read_back_and_cannot_be_compared_any_more_is_told(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    with not_read_back(monkeypatch):
        company.run()
    company.new("update customer set name = 'edited A' where tax_no = 'TAXA'")
    company.new("delete from customer where tax_no = 'TAXB'")
    company.rewrite("mappings/customer.yaml", ("  opened_on: rq\n", ""))
    told = company.run().causes()
    assert told[("readback.diverged", "t_customer")] == ["A"]
    assert told[("readback.missing", "t_customer")] == ["B"]
    assert company.new("select name from customer") == [("edited A",)]


def test_what_was_not_read_back_of_a_mapping_that_is_gone_waits(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    with not_read_back(monkeypatch):
        company.run()
    text = (company.folder / "mappings" / "customer.yaml").read_text(encoding="utf-8")
    (company.folder / "mappings" / "customer.yaml").unlink()
    (company.folder / "mappings" / "order.yaml").unlink()
    (company.folder / "mappings" / "client.yaml").write_text(
        text.replace("mapping: customer", "mapping: client").replace("reference: customer", "reference: client"),
        encoding="utf-8",
    )
    company.run()
    assert {row[1] for row in ended(company)} == {"acked"}


# Targets that can do less


class NoCompare(NoRoom):
    """It writes whatever lies there."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.capabilities = replace(self.capabilities, compare_and_set=False)


FOUND = {"id": "f6", "name": "旧客户", "parent": None, "chief": None, "tax": "T6", "city": "成都"}
"""In the target it is in another city."""
TWO_FIRMS = {**ONE, "firm": [*ONE["firm"], FOUND]}


def city(world: World) -> object:
    rows = (row.values for row in world.target._tables["account"].records.values())
    return next(row["city"] for row in rows if row["tax_no"] == "T6")


@pytest.mark.parametrize("kind", [NoRoom, NoCompare])
def test_adopting_without_room_for_our_key_goes_again_only_where_an_edit_would_refuse_it(
    tmp_path: Path, kind: type[NoRoom]
) -> None:
    """There is no key to ask for, and the record does not hold what was sent: somebody may have edited it since."""
    with proving(tmp_path, kind, TWO_FIRMS) as world:
        world.faults(
            Fault(2 if kind is NoRoom else 1, FaultKind.LOST_BEFORE)
        )  # else it is adopted before any is created
        report = go(world)
        adopted = ("verified", "成都") if kind is NoRoom else ("conflict", "重庆")
        states = world.ask("select state from operation where kind = 'adopt' order by batch desc limit 1")
        assert (states[0][0], city(world)) == adopted
        assert report.exit_code == (0 if kind is NoRoom else 1)


@pytest.mark.parametrize("kind", [MemoryConnector, NoRoom])
@pytest.mark.parametrize("call", range(1, 4))
def test_an_undo_without_an_answer_puts_back_once(tmp_path: Path, kind: type[MemoryConnector], call: int) -> None:
    with proving(tmp_path, kind, TWO_FIRMS) as world:
        go(world)
        assert city(world) == "成都"
        world.faults(Fault(call, FaultKind.LOST_AFTER))
        take_back.undo(world.project, 1, True, Secrets(), world._target_line.clock, lambda _tick: None)
        assert city(world) == "重庆"
        assert ours(world, "account") == {}
        assert world.ask("select count(*) from operation where state in ('intent', 'unknown')") == [(0,)]


def test_an_undo_that_died_while_it_put_back_goes_on(tmp_path: Path) -> None:
    with proving(tmp_path, NoRoom, TWO_FIRMS) as world:
        go(world)
        world.faults(Fault(1, FaultKind.DIES_AFTER))
        for _life in range(2):
            with suppress(ProcessDied):
                take_back.undo(world.project, 1, True, Secrets(), world._target_line.clock, lambda _tick: None)
        assert city(world) == "重庆"
        assert ours(world, "account") == {}
