"""A move cannot lose, double or falsely report a record: every fault at every point of the protocol, and a death there.

The same at every single call, and two at random at a time: test_torture.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from changeover.connectors.testing.hostile import Fault, FaultKind, ProcessDied

from .laws import Move, State, state_of
from .points import (
    DEATH,
    DEATHS,
    EACH,
    FURTHER,
    HEARD,
    IN_TARGET,
    MOVES,
    Points,
    every_move,
    interrupted,
    some_of_each_kind,
    some_ways,
)

pytestmark = pytest.mark.long
KINDS = [*(each for each in FaultKind if each not in DEATHS), DEATH]


@pytest.fixture(scope="module")
def moves(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Move]:
    return every_move(tmp_path_factory.mktemp)


@pytest.fixture
def begun(moves: Callable[[str], Move]) -> Iterator[Callable[[str], Move]]:
    """Moves whose world is the one that this process sees."""
    with ExitStack() as stack:

        def enter(name: str) -> Move:
            move = moves(name)
            stack.enter_context(move.world.in_process())
            return move

        yield enter


@pytest.fixture
def levels(begun: Callable[[str], Move]) -> Move:
    return begun("levels")


@pytest.fixture
def circle(begun: Callable[[str], Move]) -> Move:
    return begun("circle")


@pytest.fixture
def update(begun: Callable[[str], Move]) -> Move:
    return begun("update")


@pytest.fixture(params=list(MOVES))
def move(request: pytest.FixtureRequest, begun: Callable[[str], Move]) -> Move:
    return begun(request.param)


def buckets(state: State, mapping: str) -> dict[str, int]:
    return {name: number for name, number in state.counts[mapping].items() if number}


def test_undisturbed_everything_comes_to_its_place(levels: Move) -> None:
    state = levels.wanted
    assert buckets(state, "account") == {
        "read": 5, "created": 3, "adopted": 1, "updated": 1, "filtered": 1,
    }  # fmt: skip
    assert buckets(state, "contact") == {"read": 2, "created": 1, "held": 1}
    assert buckets(state, "deal") == {"read": 5, "created": 3, "rejected": 2}
    assert dict(state.target["account", "old:firm:f2"]) == {
        "name": "before its parent", "parent_id": "old:firm:f3", "chief_id": None, "tax_no": "T2", "city": "上海",
    }  # fmt: skip
    assert dict(state.target["account", "old:firm:f1"])["chief_id"] == "old:person:p1"
    assert dict(state.target["account", "old:firm:f6"])["city"] == "成都"
    assert dict(state.target["deal", "old:deal:d2"])["amount"] == "1.10"
    assert sorted(key[2:6] for key in state.findings) == [
        ("deal", "d2", "amount", "readback.diverged"),
        ("deal", "d3", "amount", "type.not_a_number"),
        ("deal", "d4", "number", "target.duplicate"),
        ("person", "p3", "account_id", "reference.missing"),
    ]


def test_undisturbed_a_circle_is_closed(circle: Move) -> None:
    target = circle.wanted.target
    assert dict(target["account", "old:firm:f4"])["parent_id"] == "old:firm:f5"
    assert dict(target["account", "old:firm:f5"])["parent_id"] == "old:firm:f4"
    assert dict(target["account", "old:firm:f4"])["chief_id"] == "old:person:p4"
    assert buckets(circle.wanted, "account") == {"read": 3, "created": 2, "held": 1}


def test_undisturbed_a_later_run_writes_what_changed_and_nothing_else(update: Move) -> None:
    assert buckets(update.wanted, "account") == {
        "read": 6, "created": 1, "updated": 3, "filtered": 1, "conflicted": 1,
    }  # fmt: skip
    assert buckets(update.wanted, "contact") == {"read": 2, "created": 1, "updated": 1}
    assert buckets(update.wanted, "deal") == {"read": 5, "created": 1, "updated": 1, "unchanged": 2, "rejected": 1}
    assert dict(update.wanted.target["account", "old:firm:f3"])["city"] == "东莞"


def test_what_is_there_is_not_written_again(move: Move) -> None:
    move.trial()
    written = len(move.world.record.arrived)
    again = state_of(move.world, move.world.until_it_ends())
    assert len(move.world.record.arrived) == written
    for counts in again.counts.values():
        assert not any(counts[name] for name in ("created", "updated", "pending", "adopted"))


@dataclass(frozen=True)
class Tried:
    """Trials by the kind of their last disturbance, and the laws that each broke."""

    once: dict[str, dict[str, dict[str, str]]]
    twice: dict[str, dict[str, dict[str, str]]]


def try_all(moves: Callable[[str], Move], each: int, further: int) -> Tried:
    """Every kind of disturbance at each so-manieth point, and once more at each so-manieth of the points that only a
    disturbance leads to, such as the asking for what nobody knows."""
    points = Points({name: moves(name) for name in MOVES})
    all_told = Tried({}, {})
    todo = some_of_each_kind(points.undisturbed(), each)
    for told in (all_told.once, all_told.twice):
        then = []
        for trial in todo:
            broken, led_to = points.tried(trial)
            told.setdefault(trial.last, {})[str(trial)] = broken
            then += led_to
        todo = some_of_each_kind(then, further)
    return all_told


@pytest.fixture(scope="module")
def tried(moves: Callable[[str], Move]) -> Tried:
    return try_all(moves, EACH, FURTHER)


@pytest.mark.parametrize("kind", KINDS)
def test_everything_that_may_happen_at_every_point(tried: Tried, kind: str) -> None:
    assert tried.once[kind]
    assert {trial: broken for trial, broken in tried.once[kind].items() if broken} == {}


def test_something_more_where_only_a_disturbance_leads(tried: Tried) -> None:
    assert {DEATH, FaultKind.FIND_BREAKS} <= tried.twice.keys()
    assert {trial: broken for told in tried.twice.values() for trial, broken in told.items() if broken} == {}


@pytest.mark.torture
def test_everything_more_where_only_a_disturbance_leads(moves: Callable[[str], Move]) -> None:
    told_all = try_all(moves, 1, 1)
    every = [*told_all.once.values(), *told_all.twice.values()]
    assert {trial: broken for told in every for trial, broken in told.items() if broken} == {}


@pytest.mark.parametrize("name", ["levels", "update"])
def test_an_interruption_at_points_where_one_is_heard(name: str, begun: Callable[[str], Move]) -> None:
    assert interrupted(begun(name), some_ways) == {}


@pytest.mark.parametrize("each", [HEARD, pytest.param(1, marks=pytest.mark.torture)])
def test_nobodys_edit_is_written_over_whenever_the_process_died(each: int, update: Move) -> None:
    world = update.world
    world.back_to(update.start)
    edited = {"account": "city", "contact": "name", "deal": "title"}
    for moment in world.moments(lambda effect: effect in IN_TARGET)[::each]:
        world.back_to(moment)
        ours = [
            (name, key) for name in edited for key, row in world.target._tables[name].records.items() if row.our_key
        ]
        for name, key in ours:
            world.target.edit(name, key, {edited[name]: "mine"}, by="a user")
        assert world.until_it_ends().report is not None
        for name, key, field in (("firm", "f1", "city"), ("firm", "f9", "city"), ("deal", "d1", "title")):
            world.source.edit(name, key, {field: "edited in the old system too"}, by="somebody")
        assert world.until_it_ends().report is not None
        assert {world.target.record(name, key)[edited[name]] for name, key in ours} == {"mine"}, moment


def test_what_the_target_makes_of_a_lost_update_is_taken_for_an_edit(levels: Move) -> None:
    """The answer is lost and the target holds neither what it held nor what was sent: it may be anybody's, so it is
    listed and left."""
    world = levels.world
    world.back_to(levels.start)
    world.run()
    world.source.edit("deal", "d2", {"amount": "5.00"}, by="somebody")
    world.faults(Fault(1, FaultKind.LOST_AFTER))
    for _ in range(2):
        told = state_of(world, world.until_it_ends())
        assert buckets(told, "deal")["conflicted"] == 1
    assert dict(told.target["deal", "old:deal:d2"])["amount"] == "6.00"


def test_a_lost_stage_costs_a_second_reading_and_nothing_more(levels: Move) -> None:
    world = levels.world
    world.back_to(levels.start)
    waiting = next(
        each for each in world.moments(lambda effect: effect == "send") if list(each.files.glob("*/stage/*wait*"))
    )
    world.back_to(waiting)
    for piece in world.project.runs.glob("stage/*"):
        piece.unlink()
    found = state_of(world, world.until_it_ends())
    assert (found.target, found.foreign) == (levels.wanted.target, levels.wanted.foreign)
    assert found.counts["contact"]["held"] == 1


def test_a_run_that_was_taken_back_is_not_gone_on_with(levels: Move) -> None:
    from changeover.connectors.secrets import Secrets
    from changeover.migrate.undoing.take_back import undo

    world = levels.world
    world.back_to(levels.start)
    world.mortality.born(levels.effects - 5)
    with pytest.raises(ProcessDied):
        world.run()
    world.mortality.born()
    undo(world.project, 1, True, Secrets(), world._target_line.clock, lambda _tick: None)
    assert state_of(world, world.until_it_ends()).target == levels.wanted.target
