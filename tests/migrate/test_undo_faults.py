"""An undo cannot lose an edit, delete what is not ours, or stop half way: every fault at every point of it, and a death
there, typed again until it ends. What it leaves must be what lay there before the run.

The same at every single call, and two at random at a time, under the mark `torture`.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest
from changeover.connectors.testing.hostile import FaultKind, Operation

from .laws import Move, state_of
from .points import DEATH, DEATHS, FURTHER, HEARD, IN_TARGET, Points, Trial, interrupted, some_of_each_kind, some_ways
from .undoing import CALM, UNDOS, UndoMove, UndoWorld, differing, held, prepared_undo

pytestmark = pytest.mark.long
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
        ("roomless", {"deleted": 6, "restored": 0, "released": 1, "fields": 3, "spared": 0}),
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


Told = tuple[dict[str, dict[str, dict[str, str]]], ...]


@pytest.fixture(scope="module")
def tried(moves: Callable[[str], UndoMove]) -> Told:
    return try_all(moves, HEARD, FURTHER)


def try_all(moves: Callable[[str], UndoMove], each: int, further: int) -> Told:
    """Every kind of disturbance at each so-manieth point of an undo, and once more at each so-manieth of the points
    that only a disturbance leads to. (trials by their last disturbance, for the first time and the second)"""
    points = Points({name: moves(name) for name in UNDOS})
    all_told: list[dict[str, dict[str, dict[str, str]]]] = []
    todo = some_of_each_kind(points.undisturbed(), each)
    for _ in range(2):
        told: dict[str, dict[str, dict[str, str]]] = {}
        then: list[Trial] = []
        for trial in todo:
            broken, led_to = points.tried(trial)
            told.setdefault(trial.last, {})[str(trial)] = broken
            then += led_to
        all_told.append(told)
        todo = some_of_each_kind(then, further)
    return tuple(all_told)


@pytest.mark.parametrize("kind", KINDS)
def test_everything_that_may_happen_at_every_point(tried: Told, kind: str) -> None:
    assert tried[0][kind]
    assert {trial: broken for trial, broken in tried[0][kind].items() if broken} == {}


def test_something_more_where_only_a_disturbance_leads(
    tried: Told,
) -> None:
    assert {DEATH, FaultKind.FIND_BREAKS} <= tried[1].keys()
    assert {trial: broken for told in tried[1].values() for trial, broken in told.items() if broken} == {}


@pytest.mark.torture
def test_everything_more_where_only_a_disturbance_leads(moves: Callable[[str], UndoMove]) -> None:
    once, twice = try_all(moves, 1, 1)
    every = [*once.values(), *twice.values()]
    assert {trial: broken for told in every for trial, broken in told.items() if broken} == {}


@pytest.mark.parametrize("name", ["levels", "updated"])
def test_an_interruption_at_points_where_one_is_heard(name: str, begun: Callable[[str], UndoMove]) -> None:
    assert interrupted(begun(name), some_ways) == {}


@pytest.mark.parametrize("each", [HEARD, pytest.param(1, marks=pytest.mark.torture)])
@pytest.mark.parametrize("name", ["levels", "updated"])
def test_nobodys_edit_is_written_over_or_deleted_whenever_the_process_died(
    name: str, each: int, begun: Callable[[str], UndoMove]
) -> None:
    move = begun(name)
    world = move.world
    world.back_to(move.start)
    moments = world.moments(lambda effect: effect in IN_TARGET)
    assert len(moments) > 10
    for moment in moments[::each]:
        world.back_to(moment)
        there = [(object_name, key) for object_name in EDITED for key in world.target._tables[object_name].records]
        for object_name, key in there:
            world.target.edit(object_name, key, {EDITED[object_name]: "mine"}, by="a user")
        assert world.until_it_ends().report is not None
        left = held(world.target)
        assert {left[object_name].get(key, ({}, ""))[0].get(EDITED[object_name]) for object_name, key in there} == {
            "mine"
        }, moment


@pytest.mark.parametrize("each", [HEARD, pytest.param(1, marks=pytest.mark.torture)])
def test_a_run_that_died_anywhere_is_taken_back_whole(each: int, tmp_path: Path) -> None:
    world = UndoWorld(tmp_path / "move", CALM)
    with world.in_process():
        start = world.moment()
        before = held(world.target)
        deaths = {moment.left: moment for moment in world.moments()}
        tried = 0
        for moment in list(deaths.values())[::each]:
            world.back_to(moment)
            world.undoes = 0
            if not (world.place.exists() and world.ask("select 1 from run")):
                continue
            world.undoes, tried = 1, tried + 1
            foreseen = world.forecast().extra if tried % 4 == 0 else {}
            ended = world.until_it_ends()
            assert ended.report is not None, ended.stopped
            assert {name: ended.report.extra[name] for name in foreseen if name != "seconds"} == {
                name: told for name, told in foreseen.items() if name != "seconds"
            }
            world.rest()
            assert (differing(held(world.target), before), ended.report.extra["spared"]) == ("", 0), moment
            assert world.ask("select our_key from operation where state in ('planned', 'intent', 'unknown')") == []
            assert world.ask("select our_key from record where target_key is not null") == []
            world.undoes = 0
        assert tried > 30 / each
        world.back_to(start)
        wanted = state_of(world, world.until_it_ends())
        world.back_to(moment)
        world.undoes = 1
        world.until_it_ends()
        world.undoes = 0
        assert state_of(world, world.until_it_ends()).target == wanted.target, "and it is moved again"


def broken_by(move: Move, trials: list[Trial]) -> dict[str, dict[str, str]]:
    assert trials
    return {str(each): told for each in trials if (told := move.trial(*each.faults, deaths=each.deaths))}


@pytest.mark.torture
@pytest.mark.parametrize("name", list(UNDOS))
def test_every_fault_at_every_call(name: str, begun: Callable[[str], UndoMove]) -> None:
    move = begun(name)
    kinds = [each for each in FaultKind if each not in DEATHS]
    assert broken_by(move, [Trial(name, (fault,)) for fault in move.faults(*kinds)]) == {}


@pytest.mark.torture
@pytest.mark.parametrize("name", list(UNDOS))
def test_a_death_before_every_effect(name: str, begun: Callable[[str], UndoMove]) -> None:
    move = begun(name)
    deaths = [(each,) for each in range(1, move.effects + 1)] + [(each, each) for each in range(1, move.effects + 1)]
    assert broken_by(move, [Trial(name, (), each) for each in deaths]) == {}


@pytest.mark.torture
@pytest.mark.parametrize("name", list(UNDOS))
def test_two_at_a_time(name: str, begun: Callable[[str], UndoMove]) -> None:
    """Two faults, a fault and a death, or two deaths in a row."""
    move = begun(name)
    chance = random.Random(f"{SEED} undo {name}")
    faults = move.faults()
    trials = []
    for number in range(PAIRS):
        deaths = tuple(chance.randrange(2, move.effects) for _ in range(number % 3))
        chosen = tuple(chance.sample(faults, 2 - number % 3))
        if len({(each.kind.operation, each.call) for each in chosen}) == len(chosen):
            trials.append(Trial(name, chosen, deaths))
    assert broken_by(move, trials) == {}


@pytest.mark.torture
@pytest.mark.parametrize("name", list(UNDOS))
def test_an_interruption_between_any_two_steps(name: str, begun: Callable[[str], UndoMove]) -> None:
    assert interrupted(begun(name), lambda ways: range(len(ways))) == {}
