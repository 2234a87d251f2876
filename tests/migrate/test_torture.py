"""Every fault at every call, a death before every effect, and two disturbances at random: the full enumeration of which
test_faults.py tries one of each sort. `make torture`."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator

import pytest
from changeover.connectors.testing.hostile import FaultKind

from .firms import Keyless
from .laws import Move
from .points import DEATHS, DEGRADED, IN_TARGET, MOVES, Trial, every_move, interrupted

pytestmark = pytest.mark.torture
PAIRS = int(os.environ.get("CHANGEOVER_TEST_PAIRS", "100"))
"""Of two disturbances, for each move."""
SEED = int(os.environ.get("CHANGEOVER_TEST_SEED", "20240229"))


@pytest.fixture(scope="module")
def moves(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Move]:
    return every_move(tmp_path_factory.mktemp)


@pytest.fixture(params=list(MOVES))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def move(name: str, moves: Callable[[str], Move]) -> Iterator[Move]:
    """A move whose world is the one that this process sees."""
    made = moves(name)
    with made.world.in_process():
        yield made


def broken_by(move: Move, trials: list[Trial]) -> dict[str, dict[str, str]]:
    assert trials
    return {str(each): told for each in trials if (told := move.trial(*each.faults, deaths=each.deaths))}


@pytest.mark.parametrize("kind", [each for each in FaultKind if each not in DEATHS])
def test_every_fault_at_every_call(name: str, move: Move, kind: FaultKind) -> None:
    if move.world.kind in DEGRADED and kind is FaultKind.TWICE:
        pytest.skip("a call that is delivered twice doubles where our key is not unique: DESIGN §5 calls it DEGRADED")
    assert broken_by(move, [Trial(name, (fault,)) for fault in move.faults(kind)]) == {}


def test_a_death_before_every_effect(name: str, move: Move) -> None:
    """From what a kill would have left on the disk."""
    move.world.back_to(move.start)
    moments = move.world.moments()
    assert len(moments) == move.effects
    assert {"send", "answer", "commit"} <= {each.effect for each in moments}
    if move.world.kind is Keyless:
        moments = [each for each in moments if each.effect in IN_TARGET]
    different = list({each.left: each for each in moments}.values())
    broken = {str(Trial(name, (), (each.number,))): told for each in different if (told := move.trial(start=each))}
    print(f"{len(moments)} deaths, {len(different)} of which leave something else behind")
    assert broken == {}


def test_two_at_a_time(name: str, move: Move) -> None:
    """Two faults, a fault and a death, or two deaths in a row."""
    chance = random.Random(f"{SEED} {name}")
    degraded = move.world.kind in DEGRADED
    faults = [each for each in move.faults() if not (degraded and each.kind is FaultKind.TWICE)]
    trials = []
    for number in range(PAIRS):
        deaths = tuple(chance.randrange(2, move.effects) for _ in range(number % 3))
        chosen = tuple(chance.sample(faults, 2 - number % 3))
        if len({(each.kind.operation, each.call) for each in chosen}) == len(chosen):
            trials.append(Trial(name, chosen, deaths))
    assert broken_by(move, trials) == {}


def test_an_interruption_between_any_two_steps(move: Move) -> None:
    assert interrupted(move, lambda ways: range(len(ways))) == {}
