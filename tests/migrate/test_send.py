"""Each kind of error gets its own answer: again, later, with a new session, or not at all; never too often."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from changeover.connectors.change import Batch, Outcome, OutcomeState
from changeover.connectors.errors import UnavailableError
from changeover.connectors.pace import Allowance, Interface, Pace, Quota, QuotaSpentError, Rate
from changeover.connectors.testing import hostile
from changeover.connectors.testing.hostile import RETRY_AFTER, Fault, FaultKind, Operation
from changeover.migrate.sending.breaker import Breaker
from changeover.migrate.sending.send import ATTEMPTS
from changeover.migrate.settling.recover import recover
from changeover.runs.catalogue import LANGUAGES, Catalogue
from changeover.runs.ledger.operations import Settled

from .sending import LAG, SERVER_MAXIMUM, Open, Sending, sending

MORE_THAN_ENOUGH = 40


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    with ExitStack() as stack:
        yield lambda *faults, **how: stack.enter_context(sending(tmp_path / "move", *faults, **how))


def faults(kind: FaultKind, *calls: int) -> list[Fault]:
    return [Fault(call, kind) for call in calls]


def stops(rig: Sending, code: str, numbers: range = range(4)) -> UnavailableError:
    """Sending ends with this error, whose text says what to type; no operation is left that may still be sent."""
    with pytest.raises(UnavailableError) as stopped:
        rig.send(numbers)
    assert (stopped.value.code, stopped.value.exit_code) == (code, 3)
    for language in LANGUAGES:
        text = Catalogue(language).error(stopped.value)
        assert text.endswith("changeover run --execute")
        assert "{" not in text
    assert "intent" not in rig.operations()
    return stopped.value


def all_done(rig: Sending, ended: list[object], number: int = 4) -> None:
    assert len(ended) == number
    assert rig.line.inner.count("sample") == number
    assert rig.operations()["acked"] == number
    assert not rig.operations().keys() - {"acked", "not_sent"}


# Throttled


def test_a_throttled_call_waits_as_long_as_it_is_told(opened: Open) -> None:
    rig = opened(*faults(FaultKind.THROTTLED, 1, 2, 3))
    all_done(rig, rig.send(range(4)))
    assert rig.sizes() == [4] * 4
    assert 3 * RETRY_AFTER <= rig.clock.monotonic() <= 3 * (RETRY_AFTER + 0.5)


def test_being_throttled_is_no_failure_of_the_record(opened: Open) -> None:
    rig = opened(*faults(FaultKind.THROTTLED, *range(1, ATTEMPTS + 4)))
    all_done(rig, rig.send(range(4)))


def test_nothing_is_sent_before_the_time(opened: Open) -> None:
    """The other batches of the round wait too."""
    rig = opened(*faults(FaultKind.THROTTLED, 2), size=1)
    all_done(rig, rig.send(range(4)))
    assert rig.sizes() == [1] * 5
    keys = [each.batch.changes[0].our_key for each in rig.writes if each.batch]
    assert keys == ["ours:0", "ours:1", "ours:1", "ours:2", "ours:3"]


def test_throttled_without_a_time_backs_off(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    untold = Outcome("", OutcomeState.THROTTLED, code="target.throttled")
    monkeypatch.setitem(hostile._TURNED_AWAY, FaultKind.THROTTLED, untold)
    rig = opened(*faults(FaultKind.THROTTLED, 1, 2, 3))
    all_done(rig, rig.send(range(4)))
    assert 1 + 2 + 4 <= rig.clock.monotonic() <= 1 + 2 + 4 + 3


@pytest.mark.parametrize("kind", [FaultKind.THROTTLED, FaultKind.UNREACHABLE])
def test_back_off_begins_anew_once_something_was_done(
    opened: Open, monkeypatch: pytest.MonkeyPatch, kind: FaultKind
) -> None:
    monkeypatch.setitem(hostile._TURNED_AWAY, FaultKind.THROTTLED, Outcome("", OutcomeState.THROTTLED))
    rig = opened(*faults(kind, *range(2, 20, 2)), size=1)
    all_done(rig, rig.send(range(10)), 10)
    assert rig.clock.monotonic() <= 9 * 2  # the shortest pause, and what is added by chance


def test_throttled_beyond_reason_pauses(opened: Open) -> None:
    rig = opened(*faults(FaultKind.THROTTLED, *range(1, MORE_THAN_ENOUGH)), pause_after_throttled=6)
    stopped = stops(rig, "target.paused_throttled")
    assert (stopped.params["count"], len(rig.writes)) == (6, 6)


def test_a_wait_longer_than_the_project_allows_pauses_at_once(opened: Open) -> None:
    rig = opened(*faults(FaultKind.THROTTLED, 1), longest_wait=int(RETRY_AFTER) - 1)
    stops(rig, "target.long_wait")
    assert (len(rig.writes), rig.clock.monotonic()) == (1, 0)
    assert rig.operations() == {"not_sent": 4}


# Session expired


def test_an_expired_session_is_tried_once_more_at_once(opened: Open) -> None:
    rig = opened(*faults(FaultKind.EXPIRED, 1, 3), size=2)
    all_done(rig, rig.send(range(4)))
    assert (len(rig.writes), rig.clock.monotonic()) == (4, 0)


def test_a_second_expiry_in_a_row_is_fatal(opened: Open) -> None:
    rig = opened(*faults(FaultKind.EXPIRED, *range(1, MORE_THAN_ENOUGH)))
    stops(rig, "target.session_expired")
    assert len(rig.writes) == 2


# Fatal


def test_what_no_attempt_will_mend_is_not_tried_again(opened: Open) -> None:
    rig = opened(*faults(FaultKind.FULL, 2), size=2)
    stops(rig, "target.disk_full")
    assert (len(rig.writes), rig.clock.monotonic()) == (2, 0)
    assert rig.operations() == {"acked": 2, "not_sent": 2}


# The breaker


@pytest.mark.parametrize("kind", [FaultKind.UNREACHABLE, FaultKind.LOST_BEFORE])
def test_a_target_that_comes_back_soon_is_gone_on_with(opened: Open, kind: FaultKind) -> None:
    rig = opened(*faults(kind, 1, 2, 3, 4))
    all_done(rig, rig.send(range(4)))
    assert rig.sizes() == [4] * 5


@pytest.mark.parametrize("kind", [FaultKind.UNREACHABLE, FaultKind.LOST_BEFORE, FaultKind.SERVER_ERROR])
def test_a_target_that_stays_away_pauses_the_run(opened: Open, kind: FaultKind) -> None:
    """After so many calls a rest, one call with one change, and then no more."""
    rig = opened(*faults(kind, *range(1, MORE_THAN_ENOUGH)), size=1, pause_after=3, cool_down=60)
    stopped = stops(rig, "target.paused", range(9))
    assert (stopped.params["count"], rig.sizes()) == (4, [1] * 4)
    assert rig.clock.monotonic() >= 60


def test_a_target_that_stays_away_is_probed_with_one_change(opened: Open) -> None:
    rig = opened(*faults(FaultKind.UNREACHABLE, 1, 2, 3), pause_after=3, cool_down=60)
    all_done(rig, rig.send(range(4)))
    assert rig.sizes() == [4, 4, 4, 1, 3]
    assert not rig.session.breaker.probing


def test_an_answer_in_between_closes_the_breaker(opened: Open) -> None:
    rig = opened(*faults(FaultKind.UNREACHABLE, 1, 2, 4, 5, 7, 8), size=1, pause_after=3, cool_down=600)
    all_done(rig, rig.send(range(4)))
    assert rig.clock.monotonic() < 600


def test_a_run_that_goes_on_after_a_pause_begins_with_one_change(opened: Open) -> None:
    rig = opened(*faults(FaultKind.UNREACHABLE, 1))
    rig.session.breaker.probing = True
    assert stops(rig, "target.paused").params["count"] == 1
    assert rig.sizes() == [1]


def test_what_is_unknown_when_it_pauses_is_asked_for_by_the_next(opened: Open) -> None:
    rig = opened(*faults(FaultKind.LOST_AFTER, 1, 2, 3), size=1, pause_after=2, cool_down=0)
    stops(rig, "target.paused")
    assert rig.operations() == {"unknown": 3}
    assert recover(rig.session) == 3
    assert rig.operations() == {"acked": 3}


# A target that answers and leaves some undone


def struck(
    rig: Sending, monkeypatch: pytest.MonkeyPatch, keys: set[str], outcome: Callable[[str], Outcome], *, alone: bool
) -> None:
    """The target never does these. alone: their own change is left undone, else the whole call comes to nothing."""
    write = rig.line.inner.write

    def written(batch: Batch) -> list[Outcome]:
        hit = [each for each in batch.changes if each.our_key in keys]
        if hit and not alone:
            return [outcome(each.our_key) for each in batch.changes]
        done = write(Batch(batch.object, tuple(each for each in batch.changes if each not in hit)))
        return [*done, *(outcome(each.our_key) for each in hit)]

    monkeypatch.setattr(rig.line.inner, "write", written)


def set_aside(ended: list[Settled]) -> list[tuple[str, str | None]]:
    return [(each.our_key, each.code) for each in ended if each.state == "held"]


def silent(key: str) -> Outcome:
    return Outcome(key, OutcomeState.UNKNOWN, code="target.no_answer")


def locked(key: str) -> Outcome:
    return Outcome(key, OutcomeState.NOT_SENT, code="target.locked")


def test_a_record_that_stays_locked_is_set_aside(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others of its batch are done, and what comes after it."""
    rig = opened(size=4)
    struck(rig, monkeypatch, {"ours:2"}, locked, alone=True)
    ended = rig.send(range(8))
    assert set_aside(ended) == [("ours:2", "target.undone")]
    assert sorted(each.our_key for each in ended if each.state == "acked") == [f"ours:{n}" for n in range(8) if n != 2]
    assert not rig.operations().keys() - {"acked", "not_sent"}


@pytest.mark.parametrize("at_once", [1, 3])
@pytest.mark.parametrize("size", [1, 16])
@pytest.mark.parametrize("bad", [{5}, {0}, {15}, {3, 4}])
def test_a_record_that_the_target_breaks_off_at_is_found_and_set_aside(
    opened: Open, monkeypatch: pytest.MonkeyPatch, bad: set[int], size: int, at_once: int
) -> None:
    """Each call with it comes to nothing and names nobody."""
    rig = opened(size=size, at_once=at_once)
    struck(rig, monkeypatch, {f"ours:{n}" for n in bad}, silent, alone=False)
    ended = rig.send(range(16))
    assert set_aside(ended) == [(f"ours:{n}", "target.undone") for n in sorted(bad)]
    assert sum(each.state == "acked" for each in ended) == 16 - len(bad)
    assert len(rig.writes) < 16 * len(bad) + 40
    assert not rig.operations().keys() - {"acked", "not_sent"}


def begin_again(rig: Sending) -> None:
    """As a run does after one that was paused."""
    recover(rig.session)
    rig.session.breaker = Breaker(rig.session.project.spec.limits, probing=True)


def test_the_last_record_of_a_run_does_not_pause_it_for_ever(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else is left to be sent, so nobody can tell at first that the target is well."""
    rig = opened(size=1, pause_after=3)
    struck(rig, monkeypatch, {"ours:0"}, silent, alone=False)
    stops(rig, "target.paused", range(1))
    begin_again(rig)
    assert set_aside(rig.send(range(1))) == [("ours:0", "target.undone")]


def test_a_target_that_is_away_gets_no_record_set_aside(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = opened(size=1, pause_after=5)
    struck(rig, monkeypatch, {f"ours:{n}" for n in range(9)}, silent, alone=False)
    for _ in range(4):
        stops(rig, "target.paused", range(9))
        begin_again(rig)
    monkeypatch.undo()
    ended = rig.send(range(9))
    assert (len(ended), set_aside(ended)) == (9, [])


def test_our_key_that_is_there_and_cannot_be_found_is_set_aside(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """The target answers each call, so the breaker has nothing to say."""
    rig = opened()
    struck(rig, monkeypatch, {"ours:1"}, lambda key: Outcome(key, OutcomeState.EXISTS), alone=True)
    ended = rig.send(range(4))
    assert set_aside(ended) == [("ours:1", "target.undone")]
    assert len(rig.writes) == 1 + ATTEMPTS


def test_unknown_ones_wait_until_the_server_can_no_longer_finish(opened: Open) -> None:
    rig = opened(*faults(FaultKind.LATE, 1), deadline=10)
    all_done(rig, rig.send(range(4)))
    assert rig.clock.monotonic() >= 10 + (SERVER_MAXIMUM + LAG).total_seconds()
    assert rig.line.number(Operation.WRITE) == 1


def test_what_was_not_done_of_several_batches_goes_again_in_as_many(opened: Open) -> None:
    rig = opened(*faults(FaultKind.LOST_BEFORE, 1, 2), size=2)
    all_done(rig, rig.send(range(4)))
    assert rig.sizes() == [2] * 4


def paced(rig: Sending, monkeypatch: pytest.MonkeyPatch, allowance: Allowance) -> Pace:
    """Let every write wait for this pace, as a connector's does."""
    pace, write = rig.session.paces.target, rig.line.write
    pace.obey(allowance)

    def waiting(batch: Batch) -> list[Outcome]:
        with pace.call("write"):
            return write(batch)

    monkeypatch.setattr(rig.line, "write", waiting)
    return pace


def test_a_call_that_waited_for_the_pace_is_asked_for_no_earlier(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = opened(*faults(FaultKind.LATE, 1), deadline=10)
    pace = paced(rig, monkeypatch, Allowance(others=Interface(rates=(Rate(1, 600.0),))))
    with pace.call("write"):
        pass
    all_done(rig, rig.send(range(4)))
    assert rig.line.number(Operation.WRITE) == 1
    assert rig.clock.monotonic() >= 600 + (SERVER_MAXIMUM + LAG).total_seconds()


def test_a_spent_quota_pauses_at_once(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = opened(size=2)
    paced(rig, monkeypatch, Allowance(quota=Quota(1)))
    with pytest.raises(QuotaSpentError):
        rig.send(range(4))
    assert rig.sizes() == [2]
    assert rig.operations() == {"acked": 2, "not_sent": 2}
    assert rig.clock.monotonic() == 0
