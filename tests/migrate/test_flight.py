"""Several calls under way at a time: each change is done once, whoever is answered first, and whatever ends it."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from changeover.connectors.change import Batch, Change, ChangeKind, Outcome
from changeover.connectors.errors import BusyError, UnavailableError
from changeover.connectors.pace import Action, Allowance, Interface, Need, Pace, Quota, QuotaSpentError, Rate
from changeover.connectors.port import OurKeyPlace
from changeover.connectors.testing.hostile import Fault, FaultKind
from changeover.migrate.sending.answer import Planned
from changeover.migrate.sending.caller import Answer, Threads, Write
from changeover.migrate.sending.send import Sender
from changeover.migrate.session import Interrupted
from changeover.runs.catalogue import LANGUAGES, Catalogue
from changeover.runs.ledger import control, operations, records
from changeover.runs.ledger.operations import Intent, Settled
from changeover.runs.ledger.store import Ledger

from ..connectors.arrivals import World, most_in_any, used
from .held import Held, last
from .sending import LAG, SERVER_MAXIMUM, Open, Sending, sending

NUMBERS = range(20)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    with ExitStack() as stack:
        yield lambda *faults, **how: stack.enter_context(sending(tmp_path / "move", *faults, **how))


def faults(kind: FaultKind, *calls: int) -> list[Fault]:
    return [Fault(call, kind) for call in calls]


def all_done(rig: Sending, ended: list[Settled], number: int = len(NUMBERS)) -> None:
    """Each once, and nothing is left open."""
    assert len({each.our_key for each in ended}) == len(ended) == number
    assert rig.line.inner.count("sample") == number
    assert rig.operations()["acked"] == number
    assert not rig.operations().keys() - {"acked", "not_sent"}


def nothing_open(rig: Sending) -> None:
    assert not rig.operations().keys() & {"intent", "unknown", "planned"}


def codes(rig: Sending) -> list[str]:
    return [row[0] for row in rig.session.ledger.db.execute("select distinct code from operation where code <> ''")]


# How many


@pytest.mark.parametrize("at_once", [2, 5, 50])
def test_as_many_are_under_way_as_the_connector_takes(opened: Open, at_once: int) -> None:
    held = Held()
    rig = opened(size=1, at_once=at_once, caller=held)
    all_done(rig, rig.send(NUMBERS))
    assert held.most == min(at_once, len(NUMBERS))
    assert rig.sizes() == [1] * len(NUMBERS)


def test_one_after_the_other_where_it_takes_no_more(opened: Open) -> None:
    held = Held()
    rig = opened(size=1, caller=held)
    all_done(rig, rig.send(NUMBERS))
    assert held.most == 1


def test_they_really_are_under_way_at_the_same_time(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the product's own threads: each call waits until three others are there."""
    rig = opened(size=1, at_once=4)
    assert isinstance(rig.session.caller, Threads)
    write, all_there = rig.line.inner.write, threading.Barrier(4, timeout=60)

    def together(batch: Batch) -> list[Outcome]:
        all_there.wait()
        return write(batch)

    monkeypatch.setattr(rig.session.target, "write", together)
    all_done(rig, rig.send(NUMBERS))


def test_no_more_than_the_pace_finds_good(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pace begins with one call, and takes one more with each good answer."""
    held = Held()
    rig = opened(size=1, at_once=9, caller=held)
    pace, write = rig.session.paces.target, rig.line.write
    allowance = Allowance(others=Interface(threads=3), needs={Action.WRITE: (Need("write"),)})
    rig.line.capabilities = replace(rig.line.capabilities, allowance=allowance)
    pace.obey(allowance)

    def paced(batch: Batch) -> list[Outcome]:
        with pace.call("write"):
            return write(batch)

    monkeypatch.setattr(rig.line, "write", paced)
    all_done(rig, rig.send(NUMBERS))
    assert held.most == 3


class OnWorld:
    """Calls that a target counts somewhere between departure and answer, on a clock on which answers come while
    somebody waits."""

    def __init__(self, world: World, latency: tuple[float, float]) -> None:
        self.arrivals: list[float] = []
        self.pace: Pace
        self._world, self._latency = world, latency
        self._chance = random.Random(20240229)

    def call(self, write: Write) -> Answer:
        answer: Answer = Future()
        self.pace.take("write")
        takes = self._chance.uniform(*self._latency)
        self.arrivals.append(self._world.passed + self._chance.choice((0.0, takes, self._chance.uniform(0, takes))))
        outcomes = write()

        def answered() -> None:
            self.pace.answered("write")
            answer.set_result(outcomes)

        self._world.later(takes, answered)
        return answer

    def first(self, answers: Sequence[Answer], seconds: float) -> Sequence[Answer]:
        until = self._world.passed + seconds
        while self._world.passed < until and not any(each.done() for each in answers):
            self._world.sleep(min(until, self._world.due[0][0]) - self._world.passed)
        return [each for each in answers if each.done()]

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize("latency", [(0.05, 0.8), (0.5, 0.5)])
def test_a_limit_is_used_to_95_percent_and_never_overstepped(opened: Open, latency: tuple[float, float]) -> None:
    """One record a call, 100 calls in any 20 s: over 20 windows. One call after the other would use 40 % of it."""
    world = World()
    calls = OnWorld(world, latency)
    rig = opened(size=1, at_once=12, caller=calls, clock=world)
    allowance = Allowance(others=Interface((Rate(100, 20),), threads=12), needs={Action.WRITE: (Need("write"),)})
    rig.line.capabilities = replace(rig.line.capabilities, allowance=allowance)
    calls.pace = Pace(world)
    calls.pace.obey(allowance)
    rig.session.paces = replace(rig.session.paces, target=calls.pace)
    all_done(rig, rig.send(range(2001)), 2001)
    assert most_in_any(calls.arrivals, 20) <= 100
    assert used(calls.arrivals, 100, 20) >= 0.95


@pytest.mark.parametrize("why", ["no key", "degraded", "rehearsal"])
def test_one_at_a_time_where_nothing_keeps_a_record_from_doubling(opened: Open, why: str) -> None:
    held = Held()
    rig = opened(size=1, at_once=5, caller=held)
    if why == "no key":
        rig.line.capabilities = replace(rig.line.capabilities, our_key=OurKeyPlace.NONE)
    elif why == "degraded":
        rig.session.degraded.add("sample")
    else:
        rig.session.rehearsal = True
    rig.send(NUMBERS)
    assert held.most == 1


# Whoever is answered first


@pytest.mark.parametrize("seed", range(8))
def test_in_whatever_order_they_are_answered(opened: Open, seed: int) -> None:
    some = random.Random(seed)
    struck = [Fault(call, some.choice(list(ENDLESS))) for call in some.sample(range(1, 12), 4)]
    held = Held(some.randrange, arrive_late=bool(seed % 2))
    rig = opened(*struck, size=2, at_once=4, caller=held)
    all_done(rig, rig.send(NUMBERS))


ENDLESS = {
    FaultKind.LOST_AFTER,
    FaultKind.LOST_BEFORE,
    FaultKind.LATE,
    FaultKind.HALF_DONE,
    FaultKind.HALF_ANSWERED,
    FaultKind.TWICE,
    FaultKind.REORDERED,
    FaultKind.THROTTLED,
    FaultKind.UNREACHABLE,
    FaultKind.SERVER_ERROR,
}


@pytest.mark.parametrize("bad", [[0], [17, 18, 40], [63]])
def test_a_bad_record_is_found_among_several_batches(opened: Open, bad: list[int]) -> None:
    rig = opened(whole=True, names=False, size=16, at_once=3, caller=Held(last))
    ended = rig.send(range(64), bad)
    assert {each.our_key for each in ended if each.state == "rejected"} == {f"ours:{number}" for number in bad}
    assert rig.line.inner.count("sample") == 64 - len(bad)
    nothing_open(rig)


def test_an_intent_is_on_the_disk_before_any_of_them_leaves(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = opened(size=2, at_once=4, caller=Held(last))
    write, known = rig.line.write, []

    def looked_at(batch: Batch) -> list[Outcome]:
        open_now = {each.our_key for each in operations.open_operations(rig.session.ledger)}
        known.append({each.our_key for each in batch.changes} <= open_now)
        return write(batch)

    monkeypatch.setattr(rig.line, "write", looked_at)
    all_done(rig, rig.send(NUMBERS))
    assert all(known)


# What ends it: everything under way is settled first


def after(number: int, happens: Callable[[], None]) -> Callable[[int], int]:
    """Of a Held: the first is always answered, and before the n-th answer something happens."""
    left = iter(range(number, -1_000_000, -1))

    def choose(_number: int) -> int:
        if next(left) == 1:
            happens()
        return 0

    return choose


def test_ctrl_c_finishes_what_is_under_way_and_sends_nothing_new(opened: Open) -> None:
    rig: Sending
    held = Held(after(3, lambda: setattr(rig.session.interruption, "asked", True)))
    rig = opened(size=1, at_once=4, caller=held)
    with pytest.raises(Interrupted):
        rig.send(NUMBERS)
    assert rig.operations() == {"acked": 2 + 4}
    assert len(rig.writes) == 2 + 4


def test_ctrl_c_calls_back_what_still_waits_for_the_pace(opened: Open) -> None:
    rig: Sending
    held = Held(after(3, lambda: setattr(rig.session.interruption, "asked", True)), arrive_late=True)
    rig = opened(size=1, at_once=4, caller=held)
    with pytest.raises(Interrupted):
        rig.send(NUMBERS)
    assert rig.operations() == {"acked": 2, "not_sent": 4}
    assert (len(rig.writes), codes(rig)) == (2, ["send.recalled"])
    rig.session.interruption.asked = False
    assert len(rig.send(range(2, 20))) == 18
    assert rig.line.inner.count("sample") == 20


def test_what_no_attempt_will_mend_ends_all_of_them(opened: Open) -> None:
    rig = opened(*faults(FaultKind.FULL, 3), size=1, at_once=4, caller=Held())
    with pytest.raises(UnavailableError) as stopped:
        rig.send(NUMBERS)
    assert stopped.value.code == "target.disk_full"
    assert len(rig.writes) == 3 + 3, "what was under way when it was told, and no more"
    assert rig.operations() == {"acked": 5, "not_sent": 1}


def test_a_spent_quota_ends_all_of_them(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = opened(size=1, at_once=4, caller=Held(last))
    pace, write = rig.session.paces.target, rig.line.write
    pace.obey(Allowance(others=Interface(threads=9), quota=Quota(6)))

    def paced(batch: Batch) -> list[Outcome]:
        with pace.call("write"):
            return write(batch)

    monkeypatch.setattr(rig.line, "write", paced)
    with pytest.raises(QuotaSpentError):
        rig.send(NUMBERS)
    told = rig.operations()
    assert (told["acked"], told.keys()) == (6, {"acked", "not_sent"})


def test_who_has_enough_stops_all_of_them(opened: Open) -> None:
    rig = opened(size=1, at_once=4, caller=Held())
    seen: list[str] = []

    def enough(ended: object) -> bool:
        seen.extend(each.our_key for each in ended if each.state == "rejected")  # type: ignore[attr-defined]
        return len(seen) >= 2

    ended = rig.send(NUMBERS, NUMBERS, enough)
    assert len(ended) == len(rig.writes) == len(seen) == 2 + 3
    nothing_open(rig)


def test_a_full_disk_under_the_ledger_stops_it(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be written down stays open, and what can be is."""
    rig = opened(size=1, at_once=4, caller=Held())
    settle, calls = operations.settle, iter(range(100))

    def fails_once(*arguments: object) -> None:
        if next(calls) == 2:
            raise UnavailableError("ledger.disk_full", path="ledger.db")
        settle(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(operations, "settle", fails_once)
    with pytest.raises(UnavailableError) as stopped:
        rig.send(NUMBERS)
    assert stopped.value.code == "ledger.disk_full"
    assert rig.operations() == {"acked": 5, "intent": 1}


def test_a_mistake_of_the_connector_leaves_its_own_batch_open(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = opened(size=1, at_once=4, caller=Held())
    write, calls = rig.line.write, iter(range(100))

    def mistaken(batch: Batch) -> list[Outcome]:
        if next(calls) == 2:
            raise ZeroDivisionError
        return write(batch)

    monkeypatch.setattr(rig.line, "write", mistaken)
    with pytest.raises(ZeroDivisionError):
        rig.send(NUMBERS)
    assert rig.operations() == {"acked": 5, "intent": 1}


def test_a_pause_from_another_terminal_waits_for_what_is_under_way(opened: Open) -> None:
    rig: Sending
    open_at_rest: list[int] = []

    def pause() -> None:
        rig.clock.sleep(2)
        assert control.pause(rig.session.ledger, rig.clock.now())

    held = Held(after(3, pause))
    rig = opened(size=1, at_once=4, caller=held)
    sleep = rig.clock.sleep

    def rest(seconds: float) -> None:
        sleep(seconds)
        open_at_rest.append(operations.count_open(rig.session.ledger))
        if len(open_at_rest) == 4:
            control.go_on(rig.session.ledger, rig.clock.now())

    rig.clock.sleep = rest  # type: ignore[method-assign]
    all_done(rig, rig.send(NUMBERS))
    assert open_at_rest == [4, 0, 0, 0], "the first is the moment at which it was asked for"


# What is told to many at once counts once


def test_a_session_that_ends_under_all_of_them_is_signed_in_once(opened: Open) -> None:
    rig = opened(*faults(FaultKind.EXPIRED, *range(1, 7)), size=1, at_once=6, caller=Held())
    all_done(rig, rig.send(NUMBERS))
    assert rig.clock.monotonic() == 0


def test_a_new_session_that_ends_as_well_is_fatal(opened: Open) -> None:
    rig = opened(*faults(FaultKind.EXPIRED, *range(1, 100)), size=1, at_once=6, caller=Held())
    with pytest.raises(UnavailableError) as stopped:
        rig.send(NUMBERS)
    assert stopped.value.code == "target.session_expired"
    assert len(rig.writes) == 12


def test_being_throttled_together_is_being_throttled_once(opened: Open) -> None:
    held = Held()
    rig = opened(*faults(FaultKind.THROTTLED, *range(1, 13)), size=1, at_once=6, caller=held, pause_after_throttled=3)
    all_done(rig, rig.send(NUMBERS))
    assert held.most == 6


def test_a_dead_target_is_not_called_by_all_of_them_time_and_again(opened: Open) -> None:
    rig = opened(*faults(FaultKind.LOST_BEFORE, *range(1, 100)), size=1, at_once=10, caller=Held(), pause_after=3)
    with pytest.raises(UnavailableError) as stopped:
        rig.send(range(60))
    assert stopped.value.code == "target.paused"
    assert len(rig.writes) <= 10 + 3 + 1


def test_a_target_that_comes_back_is_called_by_one_at_first(opened: Open) -> None:
    under_way: list[int] = []
    held = Held(lambda number: under_way.append(number) or 0)  # type: ignore[func-returns-value]
    rig = opened(*faults(FaultKind.UNREACHABLE, 1, 2, 3, 4, 5, 6), size=2, at_once=4, caller=held, pause_after=3)
    all_done(rig, rig.send(NUMBERS))
    assert rig.sizes()[:7] == [2] * 6 + [1], "the last of them is the one that tries"
    assert under_way[:8] == [4, 3, 2, 1, 1, 1, 1, 4]


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


def test_a_ledger_that_another_process_has_taken_over_ends_them_all(opened: Open) -> None:
    """Their deadlines cannot be moved on any more, and nobody waits for that for ever."""
    rig: Sending

    def taken_over(_number: int) -> int:
        if rig.session.ledger.epoch == 1:
            with Ledger(rig.session.ledger.place) as another:
                another.take_over()
        return 0

    held = Held(taken_over, seconds=100.0)
    rig = opened(size=1, at_once=4, caller=held, deadline=10)
    held.clock = rig.line.clock
    with pytest.raises(BusyError, match=r"ledger\.fenced"):
        rig.send(range(8))
    assert len(rig.writes) == 4


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
