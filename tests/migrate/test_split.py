"""A batch with a bad record is split until that record stands alone; who only fell with it goes again."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from changeover.connectors.change import CONTAGION, Outcome, OutcomeState
from changeover.connectors.testing.hostile import Fault, FaultKind
from changeover.migrate.sending.answer import told_apart
from changeover.migrate.sending.split import Line
from changeover.runs.ledger.operations import Settled

from .sending import Open, Sending, _planned, sending

N = 64
BAD = [[0], [N - 1], [17], [0, 1], [0, N - 1], [31, 32], [3, 4, 40, 41], [*range(0, N, 8)]]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    with ExitStack() as stack:
        yield lambda *faults, **how: stack.enter_context(sending(tmp_path / "move", *faults, **how))


def rejected(ended: Sequence[Settled]) -> set[int]:
    return {int(each.our_key.partition(":")[2]) for each in ended if each.state == "rejected"}


def judge(rig: Sending, ended: Sequence[Settled], numbers: range, bad: Sequence[int]) -> None:
    """The bad ones are rejected by their own code, all others done, once; and each call was written down."""
    assert len(ended) == len(numbers) == len({each.our_key for each in ended})
    assert rejected(ended) == set(bad)
    assert {each.code for each in ended if each.state == "rejected"} == {"target.required"}
    assert rig.line.inner.count("sample") == len(numbers) - len(bad)
    told = rig.operations()
    assert (told["acked"], told["rejected"]) == (len(numbers) - len(bad), len(bad))
    assert sum(told.values()) == sum(rig.sizes())
    assert told.keys() <= {"acked", "rejected", "not_sent"}
    contagious = rig.session.ledger.db.execute("select count(*) from operation where code = ?", (CONTAGION,))
    assert contagious.fetchone()[0] == told.get("not_sent", 0)


def bound(number: int, bad: int) -> int:
    """Calls beyond the first."""
    return 2 * bad * math.ceil(math.log2(number))


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: f"{len(bad)} from {bad[0]}")
def test_a_target_that_answers_as_one(opened: Open, bad: list[int]) -> None:
    rig = opened(whole=True, names=False)
    judge(rig, rig.send(range(N), bad), range(N), bad)
    print(f"{N} changes, {len(bad)} bad: {len(rig.writes)} calls, {1 + bound(N, len(bad))} at most")
    assert len(rig.writes) <= 1 + bound(N, len(bad))


def test_any_number_of_bad_ones_anywhere(opened: Open) -> None:
    rig = opened(whole=True, names=False)
    some = random.Random(20240229)
    for start in range(0, 3000, 100):
        numbers = range(start, start + some.randint(1, 100))
        bad = some.sample(numbers, some.randint(0, min(6, len(numbers))))
        before = len(rig.writes)
        assert rejected(rig.send(numbers, bad)) == set(bad)
        assert len(rig.writes) - before <= 1 + bound(len(numbers), len(bad))


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: f"{len(bad)} from {bad[0]}")
def test_a_target_that_names_the_guilty(opened: Open, bad: list[int]) -> None:
    """One call that fails, one without the guilty."""
    rig = opened(whole=True)
    judge(rig, rig.send(range(N), bad), range(N), bad)
    assert rig.sizes() == [N, N - len(bad)]


@pytest.mark.parametrize("kind", [FaultKind.HALF_ANSWERED, FaultKind.SHORT])
def test_half_an_answer_that_names_nobody_condemns_nobody(opened: Open, kind: FaultKind) -> None:
    rig = opened(Fault(1, kind), whole=True, names=False)
    assert rejected(rig.send(range(4), [3])) == {3}
    assert rig.line.inner.count("sample") == 3


def test_a_batch_without_a_bad_record_is_one_call(opened: Open) -> None:
    rig = opened(whole=True, names=False)
    judge(rig, rig.send(range(N), [0]), range(N), [0])
    before = len(rig.writes)
    rig.send(range(N, 2 * N))
    assert len(rig.writes) == before + 1


def test_a_target_that_tells_each_record_is_not_split(opened: Open) -> None:
    rig = opened()
    judge(rig, rig.send(range(N), [5, 6]), range(N), [5, 6])
    assert rig.sizes() == [N]


def test_splitting_goes_on_where_it_was_turned_away(opened: Open) -> None:
    """Thrown back to the whole batch each time, it would never come to the bad record."""
    turned_away = range(3, 400, 3)
    rig = opened(*(Fault(call, FaultKind.THROTTLED) for call in turned_away), whole=True, names=False)
    judge_codes = rig.send(range(N), [0])
    assert rejected(judge_codes) == {0}
    assert len(rig.writes) <= 1.5 * (1 + bound(N, 1)) + 1


def test_splitting_goes_on_over_calls_that_nobody_answers(opened: Open) -> None:
    lost = [Fault(call, kind) for call, kind in ((2, FaultKind.LOST_AFTER), (5, FaultKind.LOST_BEFORE))]
    rig = opened(*lost, whole=True, names=False)
    ended = rig.send(range(N), [40])
    assert rejected(ended) == {40}
    assert rig.line.inner.count("sample") == N - 1
    assert len(rig.writes) <= 1 + bound(N, 1) + 4


def test_whoever_has_enough_stops_it(opened: Open) -> None:
    """A batch of which everything is bad is not taken apart to its last record."""
    rig = opened(whole=True, names=False)
    seen: list[str] = []

    def enough(ended: Sequence[Settled]) -> bool:
        seen.extend(each.our_key for each in ended if each.state == "rejected")
        return len(seen) >= 3

    ended = rig.send(range(N), range(N), enough)
    assert rejected(ended) == {0, 1, 2}
    assert len(rig.writes) <= 1 + math.log2(N) + 4
    assert rig.operations().keys() == {"not_sent", "rejected"}


def test_a_change_that_was_alone_fell_with_nobody() -> None:
    alone = [(_planned(1, False), Outcome("ours:1", OutcomeState.NOT_SENT, code=CONTAGION))]
    ((_, outcome),) = told_apart(alone, answers_as_one=False)
    assert outcome is not None
    assert outcome.state is OutcomeState.REJECTED


def test_a_lone_refusal_of_a_target_that_answers_as_one_is_true() -> None:
    alone = [(_planned(1, False), Outcome("ours:1", OutcomeState.REJECTED, code="target.required"))]
    assert told_apart(alone, answers_as_one=True) == alone


def test_refusals_of_a_target_that_names_its_records_are_true() -> None:
    both = [(_planned(n, False), Outcome(f"ours:{n}", OutcomeState.REJECTED, code="target.x")) for n in (1, 2)]
    assert told_apart(both, answers_as_one=False) == both
    assert [each and each.code for _, each in told_apart(both, answers_as_one=True)] == [CONTAGION] * 2


def test_the_line_keeps_its_order() -> None:
    line = Line([_planned(number, False) for number in range(5)], 2)
    first = line.take()
    assert [[each.change.our_key for each in first], len(line)] == [["ours:0", "ours:1"], 3]
    line.back([first])
    assert [each.change.our_key for each in line.take(1)] == ["ours:0"]
    assert [each.change.our_key for each in line.take()] == ["ours:1"]
