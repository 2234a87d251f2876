"""An undo cannot lose an edit, delete what is not ours, or stop half way: every fault at every point of it, and a death
there, typed again until it ends. What it leaves must be what lay there before the run.

The same at every single call, and two at random at a time, under the mark `torture`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import pytest
from changeover.connectors.testing.hostile import FaultKind, Operation

from .points import DEATH, DEATHS, Points, Trial
from .undoing import UNDOS, UndoMove, UndoWorld, held, prepared_undo

PAIRS = int(os.environ.get("CHANGEOVER_TEST_PAIRS", "100"))
SEED = int(os.environ.get("CHANGEOVER_TEST_SEED", "20240229"))
KINDS = [*(each for each in FaultKind if each not in DEATHS and each.operation is not Operation.READ), DEATH]
EDITED = {"account": "city", "contact": "name", "deal": "title"}


@pytest.fixture(scope="module")
def moves(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], UndoMove]:
    return cache(lambda name: prepared_undo(tmp_path_factory.mktemp(name), *UNDOS[name]))


@pytest.fixture
def begun(moves: Callable[[str], UndoMove]) -> Iterator[Callable[[str], UndoMove]]:
    """Moves whose world is the one that this process sees."""
    with ExitStack() as stack:

        def enter(name: str) -> UndoMove:
            move = moves(name)
            stack.enter_context(move.world.in_process())
            return move

        yield enter


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("levels", {"deleted": 6, "restored": 0, "released": 1, "fields": 3, "spared": 0}),
        ("circle", {"deleted": 3, "restored": 0, "released": 0, "fields": 0, "spared": 0}),
        ("edited", {"deleted": 4, "restored": 0, "released": 1, "fields": 2, "spared": 3}),
        ("updated", {"deleted": 3, "restored": 4, "released": 0, "fields": 4, "spared": 1}),
    ],
)
def test_undisturbed_everything_is_as_before_the_run_but_for_the_edits(
    name: str, told: dict[str, int], begun: Callable[[str], UndoMove]
) -> None:
    move = begun(name)
    assert {what: move.told[what] for what in told} == told
    world = move.world
    assert isinstance(world, UndoWorld)
    world.back_to(move.start)
    foreseen = world.forecast()
    assert {what: foreseen.extra[what] for what in told} == told
    assert len(world.record.arrived) == move.arrived, "a forecast writes nothing"
    assert world.until_it_ends().report is not None
    assert held(world.target) == world.before


@pytest.fixture(scope="module")
def tried(moves: Callable[[str], UndoMove]) -> tuple[dict[str, dict[str, dict[str, str]]], ...]:
    """Every kind of disturbance at every point of an undo that the smallest move comes to; and once more at every
    point that only a disturbance leads to. (trials by their last disturbance, for the first time and the second)"""
    points = Points({name: moves(name) for name in UNDOS})
    all_told: list[dict[str, dict[str, dict[str, str]]]] = []
    todo = points.undisturbed()
    for _ in range(2):
        told: dict[str, dict[str, dict[str, str]]] = {}
        then: list[Trial] = []
        for trial in todo:
            broken, further = points.tried(trial)
            told.setdefault(trial.last, {})[str(trial)] = broken
            then += further
        all_told.append(told)
        todo = then
    return tuple(all_told)


@pytest.mark.parametrize("kind", KINDS)
def test_everything_that_may_happen_at_every_point(
    tried: tuple[dict[str, dict[str, dict[str, str]]], ...], kind: str
) -> None:
    assert tried[0][kind]
    assert {trial: broken for trial, broken in tried[0][kind].items() if broken} == {}


def test_something_more_where_only_a_disturbance_leads(
    tried: tuple[dict[str, dict[str, dict[str, str]]], ...],
) -> None:
    assert {DEATH, FaultKind.FIND_BREAKS} <= tried[1].keys()
    assert {trial: broken for told in tried[1].values() for trial, broken in told.items() if broken} == {}
