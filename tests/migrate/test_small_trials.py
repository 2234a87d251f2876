"""The enumeration of small moves itself: nothing is left out of it, and what it leaves undone twice changes nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache

import pytest
from changeover.connectors.change import ChangeKind
from changeover.connectors.testing.hostile import FaultKind

from .small_laws import End, end_of
from .small_process import Moment
from .small_suite import TRIALS, SmallMoves
from .small_target import KINDS
from .small_trials import AS_EFFECTS, AT_EFFECTS, LATEST, SmallTrial, Trials
from .test_small_abreast import TestAbreast as Abreast
from .test_small_doubtful import TestDoubtful as Doubtful
from .test_small_unique import TestUnique as Unique
from .test_small_whole import TestWhole as Whole

SUITES: tuple[type[SmallMoves], ...] = (Unique, Doubtful, Whole, Abreast)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Trials]:
    return cache(lambda kind: Trials(tmp_path_factory.mktemp(kind), kind))


def test_so_many_are_tried_in_all() -> None:
    kinds = [kind for suite in SUITES for kind in suite.kinds]
    assert sorted(kinds) == sorted(KINDS)
    assert TRIALS * len(kinds) == 4_000 or "CHANGEOVER_TEST_TRIALS" in os.environ


@pytest.mark.parametrize("kind", ["slow", "crossed"])
def test_every_fault_and_every_strike_is_among_the_single_ones(made: Callable[[str], Trials], kind: str) -> None:
    words = {word.partition("@")[0] for each in made(kind).singles for word in str(each).split()[1:]}
    strikes = {strike for each in AT_EFFECTS.values() for strike in each}
    assert words == {*FaultKind, LATEST, *strikes} - {*AS_EFFECTS, FaultKind.READ_BREAKS}


def test_every_kind_of_change_and_every_effect_is_there(made: Callable[[str], Trials]) -> None:
    trials = made("unique")
    world = trials.world
    with world.in_process(), world.trial(moment=world.moments[0]):
        assert {change.kind for change, _ in world.record.arrived} == set(ChangeKind)
    assert {each.what for each in trials.undisturbed} >= set(AT_EFFECTS)


@pytest.mark.parametrize("kind", ["twofold", "mute"])
def test_a_trial_reads_as_it_is_written(made: Callable[[str], Trials], kind: str) -> None:
    trials = made(kind)
    pairs = [trials.singles[0].and_then((*each.faults, *each.strikes)[0]) for each in trials.singles[1:]]
    for each in (*trials.singles, *pairs):
        assert SmallTrial.read(str(each).split()) == each


@pytest.mark.parametrize("kind", ["slow", "crossed"])
def test_what_is_before_the_first_disturbance_need_not_be_done_again(made: Callable[[str], Trials], kind: str) -> None:
    trials = made(kind)

    def told(trial: SmallTrial, moment: Moment | None) -> tuple[object, End, object]:
        world = trials.world
        with world.trial(trial.faults, trial.strikes, moment):
            operations = world.ask("select batch, our_key, kind, state, code, target_key from operation")
            return list(world.reached), end_of(world), (operations, world.ask("select told from event order by id"))

    begun = set()
    with trials.world.in_process():
        for each in trials.singles[:: len(trials.singles) // 40]:
            late = told(each, None)
            begun.add(trials.world.moment.step)
            assert late == told(each, trials.world.moments[0])
    assert len(begun) == len(trials.world.moments)
