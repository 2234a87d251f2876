"""The laws can fail: each step of the protocol taken away is caught by at least one of them, under a disturbance that
the whole protocol stands. The steps and what takes them away: protocol.py."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from changeover.runs.ledger import sqlite

from .laws import Move
from .points import MOVES, Trial, every_move
from .protocol import BUGS, SOME_DEATH, STEPS, Bug
from .small_laws import broken_laws
from .small_move import SmallMove
from .small_process import DEATH, Strike
from .small_target import KINDS
from .small_trials import SmallTrial, Trials

PAGE = Path(__file__).parents[2] / "docs" / "testing.md"
Folder = Callable[[str], Path]


@pytest.fixture(scope="module")
def moves(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Move]:
    return every_move(tmp_path_factory.mktemp)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Trials]:
    return cache(lambda kind: Trials(tmp_path_factory.mktemp(kind), kind))


@dataclass(frozen=True)
class Planting:
    """Small trials of a world in which a bug may be planted."""

    trials: Trials
    world: SmallMove

    def broken(self, trial: SmallTrial, bug: Bug | None, *, guarded: bool = True) -> set[str]:
        world = self.world
        world.without = () if guarded or bug is None or bug.guard is None else (bug.guard,)
        try:
            with world.in_process() as patch:
                if bug is not None:
                    bug.plant(patch)
                with world.trial(trial.faults, trial.strikes, world.moments[0]) as ended:
                    return {*broken_laws(world, ended, self.trials.wanted, thorough=True)}
        finally:
            world.without = ()

    def under(self, bug: Bug) -> list[SmallTrial]:
        kind, *words = bug.trial.split()
        if words != [SOME_DEATH]:
            return [SmallTrial.read([kind, *words])]
        commits = [each.number for each in self.trials.undisturbed if each.what == "commit"]
        return [SmallTrial(kind, (), (Strike(number, DEATH),)) for number in commits]


@pytest.mark.parametrize("bug", [each for each in BUGS if each.trial.split()[0] in KINDS], ids=str)
def test_a_step_taken_out_of_a_small_move_is_noticed(bug: Bug, small: Callable[[str], Trials], tmp_path: Path) -> None:
    trials = small(bug.trial.split()[0])
    world = trials.world
    if bug.early:
        with pytest.MonkeyPatch.context() as patch:
            bug.plant(patch)
            world = SmallMove(tmp_path / "move", trials.world.kind)
    planting = Planting(trials, world)
    under = planting.under(bug)
    whole = Planting(trials, trials.world)
    assert not set().union(*(whole.broken(each, None) for each in under))
    broken = [planting.broken(each, bug, guarded=False) for each in under]
    assert any(bug.caught <= each for each in broken), broken
    if bug.guard is not None:
        stopped = set().union(*(planting.broken(each, bug) for each in under))
        assert not bug.caught & stopped, stopped
        assert world.stopped is not None


@pytest.mark.parametrize("bug", [each for each in BUGS if each.trial.split()[0] in MOVES], ids=str)
def test_a_step_taken_out_of_a_whole_move_is_noticed(bug: Bug, moves: Callable[[str], Move]) -> None:
    name, *words = bug.trial.split()
    move = moves(name)
    with move.world.in_process() as patch:
        if words != [SOME_DEATH]:
            faults = Trial.read([name, *words]).faults
            assert move.trial(*faults) == {}
            bug.plant(patch)
            broken = {*move.trial(*faults)}
        else:
            bug.plant(patch)
            move.world.back_to(move.start)
            deaths = ({*move.trial(start=each)} for each in move.world.moments() if each.effect == "commit")
            broken = next((each for each in deaths if bug.caught <= each), set())
    assert bug.caught <= broken


def test_every_step_of_the_protocol_can_be_missed() -> None:
    assert {each.step for each in BUGS} == set(STEPS)


def test_everything_that_guards_the_store_can_be_missed() -> None:
    """What guards leases is not part of this protocol: tests/runs/test_leases*.py."""
    script = Path(sqlite.__file__).with_name("schema.sql").read_text("utf-8")
    guards = {f"trigger {name}" for name in re.findall(r"^create trigger (?!partition)(\w+)", script, re.M)}
    guards |= {f"index {name}" for name in re.findall(r"^create unique index (\w+)", script, re.M)}
    assert {each.guard for each in BUGS if each.guard} == guards


def test_the_documentation_lists_what_is_planted() -> None:
    told = re.findall(r"^\| (\d+) \| `(\w+)` \| ([^|]*) \|", PAGE.read_text("utf-8"), re.M)
    laws: dict[tuple[str, str], set[str]] = {}
    for each in BUGS:
        laws.setdefault((each.step, each.plant.__name__), set()).update(each.caught)
    assert {(step, name): set(text.split(", ")) for step, name, text in told} == laws
