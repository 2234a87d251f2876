"""The hostile double does what its script says, no more, and never breaks the contract by itself."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest
from changeover.connectors.change import Batch, Change, ChangeKind, OutcomeState
from changeover.connectors.clock import VirtualClock
from changeover.connectors.errors import UnavailableError
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.port import OUR_KEY, Ordeal
from changeover.connectors.testing.contract import TargetContract
from changeover.connectors.testing.hostile import Fault, FaultKind, Hostile, Operation, ProcessDied, every_fault
from changeover.connectors.testing.sample import SCHEMA, sample_row

START = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
LAG, SERVER_MAXIMUM = dt.timedelta(seconds=5), dt.timedelta(seconds=30)


class TestHostileWithoutAScript(TargetContract):
    @pytest.fixture
    def connector(self) -> Hostile:
        return Hostile(MemoryConnector(SCHEMA))


class TestHostileThatOnlyReorders(TargetContract):
    @pytest.fixture
    def connector(self) -> Hostile:
        return Hostile(MemoryConnector(SCHEMA), [Fault(call, FaultKind.REORDERED) for call in range(1, 50)])


def hostile(*script: Fault, lag: dt.timedelta = dt.timedelta(0)) -> Hostile:
    clock = VirtualClock(START)
    inner = MemoryConnector(SCHEMA, clock=clock, read_back_lag=lag, server_maximum=SERVER_MAXIMUM)
    return Hostile(inner, script, clock=clock)


def batch(*numbers: int) -> Batch:
    changes = (Change(ChangeKind.CREATE, f"ours:{number}", values=sample_row(number)) for number in numbers)
    return Batch("sample", tuple(changes))


def found(connector: Hostile, *numbers: int) -> list[str]:
    return connector.find("sample", (OUR_KEY,), [(f"ours:{number}",) for number in numbers], []).keys


@pytest.mark.parametrize(
    ("kind", "states", "done"),
    [
        (FaultKind.LOST_AFTER, {OutcomeState.UNKNOWN: 4}, 4),
        (FaultKind.SERVER_ERROR, {OutcomeState.UNKNOWN: 4}, 4),
        (FaultKind.LOST_BEFORE, {OutcomeState.UNKNOWN: 4}, 0),
        (FaultKind.LATE, {OutcomeState.UNKNOWN: 4}, 0),
        (FaultKind.HALF_DONE, {OutcomeState.UNKNOWN: 4}, 2),
        (FaultKind.HALF_ANSWERED, {OutcomeState.ACKED: 2, OutcomeState.UNKNOWN: 2}, 4),
        (FaultKind.TWICE, {OutcomeState.EXISTS: 4}, 4),
        (FaultKind.REORDERED, {OutcomeState.ACKED: 4}, 4),
        (FaultKind.THROTTLED, {OutcomeState.THROTTLED: 4}, 0),
        (FaultKind.EXPIRED, {OutcomeState.EXPIRED: 4}, 0),
        (FaultKind.FULL, {OutcomeState.FATAL: 4}, 0),
    ],
)
def test_a_write_is_struck_as_told(kind: FaultKind, states: dict[OutcomeState, int], done: int) -> None:
    connector = hostile(Fault(2, kind))
    assert {outcome.state for outcome in connector.write(batch(1, 2))} == {OutcomeState.ACKED}
    outcomes = connector.write(batch(3, 4, 5, 6))
    assert Counter(outcome.state for outcome in outcomes) == states
    assert sorted(outcome.our_key for outcome in outcomes) == [f"ours:{number}" for number in (3, 4, 5, 6)]
    assert connector.inner.count("sample") == 2 + done
    assert {outcome.state for outcome in connector.write(batch(7))} == {OutcomeState.ACKED}


def test_outcomes_come_in_another_order() -> None:
    outcomes = hostile(Fault(1, FaultKind.REORDERED)).write(batch(1, 2, 3, 4, 5))
    assert [outcome.our_key for outcome in outcomes] != [f"ours:{number}" for number in (1, 2, 3, 4, 5)]
    assert all(outcome.target_key == f"s000{outcome.our_key[-1]}" for outcome in outcomes)


@pytest.mark.parametrize(
    ("kind", "raised", "done"),
    [
        (FaultKind.UNREACHABLE, UnavailableError, 0),
        (FaultKind.DIES_BEFORE, ProcessDied, 0),
        (FaultKind.DIES_AFTER, ProcessDied, 2),
    ],
)
def test_a_write_does_not_return(kind: FaultKind, raised: type[BaseException], done: int) -> None:
    connector = hostile(Fault(1, kind))
    with pytest.raises(raised):
        connector.write(batch(1, 2))
    assert connector.count("sample") == done


def test_a_dead_process_is_not_caught_by_accident() -> None:
    assert not issubclass(ProcessDied, Exception)


@pytest.mark.parametrize("after", [None, dt.timedelta(0), dt.timedelta(seconds=7)])
def test_a_late_write_is_done_when_its_time_has_come(after: dt.timedelta | None) -> None:
    connector = hostile(Fault(1, FaultKind.LATE, after=after))
    connector.write(batch(1))
    due = SERVER_MAXIMUM if after is None else after
    if due:
        connector.clock.sleep(due.total_seconds() - 1)
        assert found(connector, 1) == []
        connector.clock.sleep(1)
    assert found(connector, 1) == ["s0001"]
    assert connector.late == []


def test_a_late_write_is_seen_once_server_and_lag_have_had_their_time() -> None:
    connector = hostile(Fault(1, FaultKind.LATE), lag=LAG)
    connector.write(batch(1))
    connector.clock.sleep((SERVER_MAXIMUM + LAG).total_seconds())
    assert found(connector, 1) == ["s0001"]


def test_a_late_write_meets_what_was_written_meanwhile() -> None:
    connector = hostile(Fault(1, FaultKind.LATE, after=dt.timedelta(seconds=9)))
    connector.write(batch(1))
    assert connector.write(batch(1))[0].state is OutcomeState.ACKED
    connector.clock.sleep(10)
    assert connector.count("sample") == 1


def test_a_find_breaks() -> None:
    connector = hostile(Fault(2, FaultKind.FIND_BREAKS))
    connector.write(batch(1))
    assert found(connector, 1) == ["s0001"]
    with pytest.raises(UnavailableError):
        found(connector, 1)
    assert found(connector, 1) == ["s0001"]


@pytest.mark.parametrize("chunks", [0, 1, 3])
def test_a_read_breaks_off_and_resumes(chunks: int) -> None:
    connector = hostile(Fault(1, FaultKind.READ_BREAKS, chunks=chunks))
    connector.write(batch(*range(6)))
    seen: list[str] = []
    cursors: list[str | None] = [None]

    def read_on() -> None:
        for chunk in connector.read("sample", ["name"], after=cursors[-1], size=1):
            seen.extend(chunk.keys)
            cursors.append(chunk.cursor)

    with pytest.raises(UnavailableError):
        read_on()
    assert len(seen) == chunks
    read_on()
    assert seen == [f"s000{number}" for number in range(6)]


def test_it_counts_calls_and_what_they_carried() -> None:
    connector = hostile(Fault(2, FaultKind.LOST_AFTER))
    connector.write(batch(1, 2))
    connector.write(batch(3))
    found(connector, 1, 2, 3)
    list(connector.read("sample", []))
    assert [(call.operation, call.number, call.records, call.fault) for call in connector.calls] == [
        (Operation.WRITE, 1, 2, None),
        (Operation.WRITE, 2, 1, FaultKind.LOST_AFTER),
        (Operation.FIND, 1, 3, None),
        (Operation.READ, 1, 0, None),
    ]
    assert connector.calls[0].batch == batch(1, 2)
    assert connector.number(Operation.WRITE) == 2


def test_an_answer_that_falls_short_says_nothing_of_the_second_half() -> None:
    connector = hostile(Fault(1, FaultKind.SHORT))
    outcomes = connector.write(batch(1, 2, 3))
    assert [(each.our_key, each.state) for each in outcomes] == [("ours:1", OutcomeState.ACKED)]
    assert connector.inner.count("sample") == 3


def test_an_answer_that_falls_short_leaves_an_ordeal_unknown() -> None:
    connector = hostile(Fault(2, FaultKind.SHORT))
    [made] = connector.write(batch(1))
    told = connector.put_through(Ordeal.LOCK, "sample", "ours:1", made.target_key or "")
    assert (told.our_key, told.state) == ("ours:1", OutcomeState.UNKNOWN)


def test_every_fault_at_every_call() -> None:
    faults = list(every_fault(writes=3, finds=2, reads=1))
    assert len(faults) == len(set(faults)) == 15 * 3 + 2 + 1
    assert {fault.kind for fault in faults} == set(FaultKind)


def test_a_call_has_one_fault() -> None:
    with pytest.raises(ValueError, match="two faults"):
        hostile(Fault(1, FaultKind.LATE), Fault(1, FaultKind.TWICE))
