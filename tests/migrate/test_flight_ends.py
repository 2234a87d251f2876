"""What ends several calls under way: everything is settled first, and what is told to many counts once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from changeover.connectors.change import Batch, Outcome
from changeover.connectors.errors import UnavailableError
from changeover.connectors.pace import Allowance, Interface, Quota, QuotaSpentError
from changeover.connectors.testing.hostile import FaultKind
from changeover.migrate.session import Interrupted
from changeover.runs.ledger import control, operations

from .flying import NUMBERS, after, all_done, codes, faults, nothing_open
from .held import Held, last
from .sending import Open, Sending, sending


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    with ExitStack() as stack:
        yield lambda *faults, **how: stack.enter_context(sending(tmp_path / "move", *faults, **how))


# What ends it: everything under way is settled first


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


@pytest.mark.parametrize("threads", [False, True], ids=["held", "the product's own threads"])
def test_a_mistake_of_the_connector_leaves_its_own_batch_open(
    opened: Open, threads: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = opened(size=1, at_once=4, caller=None if threads else Held())
    write, calls = rig.line.inner.write, iter(range(100))

    def mistaken(batch: Batch) -> list[Outcome]:
        if next(calls) == 2:
            raise ZeroDivisionError
        return write(batch)

    monkeypatch.setattr(rig.line, "write", mistaken)
    with pytest.raises(ZeroDivisionError):
        rig.send(NUMBERS)
    told = rig.operations()
    assert told.pop("intent") == 1
    assert threads or told == {"acked": 5}
    assert not told.keys() - {"acked", "not_sent"}


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
