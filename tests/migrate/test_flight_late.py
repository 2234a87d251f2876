"""Calls and their deadlines, and a creation that nobody answered for and that is sent again at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from changeover.connectors.change import Batch, Change, ChangeKind, Outcome
from changeover.connectors.errors import BusyError, UnavailableError
from changeover.connectors.testing.hostile import Fault, FaultKind
from changeover.migrate.sending.answer import Planned
from changeover.migrate.sending.caller import Answer
from changeover.migrate.sending.send import Sender
from changeover.runs.catalogue import LANGUAGES, Catalogue
from changeover.runs.ledger import operations, records
from changeover.runs.ledger.operations import Intent
from changeover.runs.ledger.store import Ledger

from .flying import NUMBERS, after, all_done, codes, faults, nothing_open
from .held import Held, last
from .sending import LAG, SERVER_MAXIMUM, Open, Sending, sending


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    with ExitStack() as stack:
        yield lambda *faults, **how: stack.enter_context(sending(tmp_path / "move", *faults, **how))


# Deadlines


def not_after(rig: Sending) -> list[str]:
    return [row[0] for row in rig.session.ledger.db.execute("select not_after from batch order by id")]


def test_while_calls_are_under_way_their_deadlines_move_on(opened: Open) -> None:
    """Whoever asked the ledger would know that each of them may still leave."""
    rig: Sending
    left: list[bool] = []

    def look(_number: int) -> int:
        under_way = rig.session.ledger.db.execute(
            "select b.not_after from operation o join batch b on b.id = o.batch where o.state = 'intent'"
        )
        left.extend(row[0] > rig.clock.now().isoformat() for row in under_way)
        return 0

    held = Held(look, seconds=100.0)
    rig = opened(*faults(FaultKind.LATE, 2), size=1, at_once=4, caller=held, deadline=10)
    held.clock = rig.line.clock
    all_done(rig, rig.send(range(4)), 4)
    assert len(left) >= 4
    assert all(left)


@pytest.mark.parametrize("waiting", [False, True], ids=["when one is answered", "before any is"])
def test_a_ledger_that_another_process_has_taken_over_ends_them_all(opened: Open, waiting: bool) -> None:
    """Their deadlines cannot be moved on any more, and nobody waits for that for ever."""
    rig: Sending

    def taken_over(_number: int) -> int:
        if rig.session.ledger.epoch == 1:
            with Ledger(rig.session.ledger.place) as another:
                another.take_over()
        return 0

    class Waiting(Held):
        def first(self, answers: Sequence[Answer], seconds: float) -> Sequence[Answer]:
            taken_over(len(answers))
            return super().first(answers, seconds)

    held = Waiting(seconds=100.0) if waiting else Held(taken_over, seconds=100.0)
    rig = opened(size=1, at_once=4, caller=held, deadline=10)
    held.clock = rig.line.clock
    with pytest.raises(BusyError, match=r"ledger\.fenced"):
        rig.send(range(8))
    assert (len(rig.writes), held.left) == (4, 0), "it is raised once they are over"


def test_a_call_that_comes_too_late_is_not_sent(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process stood still between the intent and the call."""
    rig = opened(size=2, deadline=10)
    intend, calls = operations.intend, iter(range(100))

    def stood_still(*arguments: object) -> int:
        batch = intend(*arguments)  # type: ignore[arg-type]
        if next(calls) == 1:
            rig.clock.sleep(11)
        return batch

    monkeypatch.setattr(operations, "intend", stood_still)
    all_done(rig, rig.send(range(6)), 6)
    assert rig.operations() == {"acked": 6, "not_sent": 2}
    assert (len(rig.writes), codes(rig)) == (3, ["send.late"])
    for language in LANGUAGES:
        assert Catalogue(language).text("send.late") != "send.late"


def test_no_call_departs_after_what_the_ledger_says(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them wait for the pace in their threads when the machine is put to sleep for an hour: the first to wake up
    is late, and of the others the ledger knows first that they may leave."""
    rig: Sending
    held = Held(after(3, lambda: rig.clock.sleep(3600)), arrive_late=True)
    rig = opened(size=1, at_once=4, caller=held, deadline=10)
    write, too_late = rig.line.write, []

    def looked_at(batch: Batch) -> list[Outcome]:
        now = rig.clock.now().isoformat()
        too_late.extend(each for each in operations.open_operations(rig.session.ledger)
            if each.our_key == batch.changes[0].our_key and each.not_after < now)  # fmt: skip
        return write(batch)

    monkeypatch.setattr(rig.line, "write", looked_at)
    all_done(rig, rig.send(NUMBERS))
    assert too_late == []
    assert rig.operations() == {"acked": 20, "not_sent": 1}
    assert codes(rig) == ["send.late"]


def test_a_clock_that_stands_still_while_the_machine_sleeps_is_not_believed(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = opened(size=2, deadline=10)
    intend = operations.intend

    def slept(*arguments: object) -> int:
        batch = intend(*arguments)  # type: ignore[arg-type]
        if batch == 1:
            rig.clock.sleep(3600)
        return batch

    monkeypatch.setattr(operations, "intend", slept)
    monkeypatch.setattr(rig.clock, "monotonic", lambda: 0.0)
    assert len(rig.send(range(4))) == 4
    assert codes(rig) == ["send.late"]


def test_what_is_always_late_stops_the_run(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = opened(deadline=10)
    intend = operations.intend

    def slow(*arguments: object) -> int:
        batch = intend(*arguments)  # type: ignore[arg-type]
        rig.clock.sleep(11)
        return batch

    monkeypatch.setattr(operations, "intend", slow)
    with pytest.raises(UnavailableError) as stopped:
        rig.send(range(4))
    assert (stopped.value.code, stopped.value.params["reason"]) == ("target.lost", "@send.late")
    assert rig.writes == []


# A creation sent again at once


def proven(opened: Open, *struck: Fault, at_once: int = 1, **how: object) -> Sending:
    rig = opened(*struck, size=2, at_once=at_once, caller=Held(last) if at_once > 1 else None, **how)
    rig.session.proven.add("sample")
    return rig


@pytest.mark.parametrize("at_once", [1, 3])
@pytest.mark.parametrize(
    "kind",
    [FaultKind.LOST_AFTER, FaultKind.LOST_BEFORE, FaultKind.HALF_DONE, FaultKind.HALF_ANSWERED, FaultKind.SERVER_ERROR],
)
def test_a_creation_that_nobody_answered_for_is_settled_without_waiting(
    opened: Open, kind: FaultKind, at_once: int
) -> None:
    rig = proven(opened, Fault(2, kind), at_once=at_once)
    all_done(rig, rig.send(NUMBERS))
    assert rig.clock.monotonic() == 0
    assert len(rig.writes) == 11
    assert rig.operations() == {"acked": 20}, "the same operation, not a further one"


def test_one_that_arrives_late_finds_the_record_there(opened: Open) -> None:
    rig = proven(opened, Fault(2, FaultKind.LATE))
    all_done(rig, rig.send(NUMBERS))
    rig.line.clock.sleep(3600)
    assert rig.line.inner.count("sample") == 20
    assert rig.operations() == {"acked": 20}


@pytest.mark.parametrize(
    "kind", [FaultKind.LOST_AFTER, FaultKind.LOST_BEFORE, FaultKind.THROTTLED, FaultKind.UNREACHABLE, FaultKind.EXPIRED]
)
def test_where_the_second_call_says_nothing_either_it_is_waited_and_asked(opened: Open, kind: FaultKind) -> None:
    rig = proven(opened, Fault(2, FaultKind.LATE), Fault(3, kind))
    all_done(rig, rig.send(NUMBERS))
    assert rig.clock.monotonic() >= (SERVER_MAXIMUM + LAG).total_seconds()


def test_what_the_target_refuses_the_second_time_is_asked_for(opened: Open) -> None:
    """It may refuse it for what the first call has done."""
    rig = proven(opened, Fault(1, FaultKind.LOST_BEFORE))
    ended = rig.send(range(2), bad=[1])
    assert {each.our_key: each.state for each in ended} == {"ours:0": "acked", "ours:1": "rejected"}
    assert rig.clock.monotonic() >= (SERVER_MAXIMUM + LAG).total_seconds()
    nothing_open(rig)


def test_nothing_is_sent_again_where_the_key_is_not_proven(opened: Open) -> None:
    rig = opened(Fault(2, FaultKind.LOST_AFTER), size=2)
    all_done(rig, rig.send(NUMBERS))
    assert len(rig.writes) == 10
    assert rig.clock.monotonic() > 0


def test_an_update_is_never_sent_again_so(opened: Open) -> None:
    """Somebody may have written the record since."""
    rig = proven(opened, Fault(2, FaultKind.LOST_BEFORE))
    rig.send([1])
    change = Change(ChangeKind.UPDATE, "ours:1", "s0001", {"note": "new"})
    intent = Intent("ours:1", ChangeKind.UPDATE, "s0001", b"\1" * 8, b"\1", "updated")
    fieldset = records.fieldset(rig.session.ledger, "sample", "sample", "digest", ["name"])
    Sender(rig.session, rig.run).send("sample", "sample", "sample", fieldset, [Planned(change, intent)])
    assert len(rig.writes) == 2
    assert rig.clock.monotonic() >= (SERVER_MAXIMUM + LAG).total_seconds()


def test_its_deadline_is_moved_on_before_it_is_sent_again(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = proven(opened, Fault(1, FaultKind.LOST_BEFORE), deadline=10)
    write = rig.line.write
    until: list[str] = []

    def slow(batch: Batch) -> list[Outcome]:
        until.append(max(not_after(rig)))
        rig.clock.sleep(9)
        return write(batch)

    monkeypatch.setattr(rig.line, "write", slow)
    assert len(rig.send(range(2))) == 2
    assert until[0] < until[1]
    assert len(rig.writes) == 2
