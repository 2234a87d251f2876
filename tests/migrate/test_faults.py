"""A move cannot lose, double or falsely report a record: every fault at every call, and a death before every effect."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import pytest
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.testing.hostile import Fault, FaultKind, ProcessDied
from changeover.migrate.session import Interrupted, Interruption

from .firms import CIRCLE, LEVELS, Keyless, Rows
from .laws import Move, State, broken_laws, first, prepared, state_of
from .moving import World

SEED = 20_240_229
DEATHS = (FaultKind.DIES_BEFORE, FaultKind.DIES_AFTER)
"""Two of the effects before which a process may die."""
PAIRS = int(os.environ.get("CHANGEOVER_TEST_PAIRS", "12"))
"""Of two disturbances, for each move; more by night."""


def later(world: World) -> None:
    """It was all moved once, and people went on working in both systems."""
    world.run()
    for name, key, values in (
        ("firm", "f1", {"city": "天津"}),
        ("firm", "f2", {"parent": "f1"}),
        ("firm", "f3", {"city": "佛山"}),
        ("firm", "f6", {"name": "renamed"}),
        ("person", "p1", {"name": "王芳芳"}),
        ("deal", "d1", {"amount": "11.00"}),
        ("deal", "d3", {"amount": "12.00"}),
    ):
        world.source.edit(name, key, values, by="somebody")
    world.source.seed("firm", [{"id": "f9", "name": "the parent comes", "city": "长沙"}])
    account = key_in_target(world, "account", "old:firm:f3")
    world.target.edit("account", account, {"city": "东莞"}, by="a user")
    world.clock.sleep(3600)


def key_in_target(world: World, name: str, our_key: str) -> str:
    return next(key for key, each in world.target._tables[name].records.items() if each.our_key == our_key)


@pytest.fixture(scope="module")
def moves(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Move]:
    """Each move made once, when it is first asked for."""
    known: dict[str, tuple[Rows, type[MemoryConnector], Callable[[World], None]]] = {
        "levels": (LEVELS, MemoryConnector, first),
        "circle": (CIRCLE, MemoryConnector, first),
        "update": (LEVELS, MemoryConnector, later),
        "keyless": (CIRCLE, Keyless, first),
    }
    return cache(lambda name: prepared(tmp_path_factory.mktemp(name), *known[name]))


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


@pytest.fixture(params=["levels", "circle", "update", "keyless"])
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
    assert buckets(state, "deal") == {"read": 4, "created": 2, "rejected": 2}
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
    assert buckets(update.wanted, "deal") == {"read": 4, "created": 1, "updated": 1, "unchanged": 1, "rejected": 1}
    assert dict(update.wanted.target["account", "old:firm:f3"])["city"] == "东莞"


def test_what_is_there_is_not_written_again(move: Move) -> None:
    move.trial()
    written = len(move.world.record.arrived)
    again = state_of(move.world, move.world.until_it_ends())
    assert len(move.world.record.arrived) == written
    for counts in again.counts.values():
        assert not any(counts[name] for name in ("created", "updated", "pending", "adopted"))


@pytest.mark.parametrize("kind", [each for each in FaultKind if each not in DEATHS])
def test_every_fault_at_every_call(move: Move, kind: FaultKind) -> None:
    if move.world._kind is Keyless and kind is FaultKind.TWICE:
        pytest.skip("a call that is delivered twice doubles where our key is not unique: DESIGN §5 calls it DEGRADED")
    faults = move.faults(kind)
    assert faults
    assert {fault: broken for fault in faults if (broken := move.trial(fault))} == {}


def test_a_death_before_every_effect(move: Move) -> None:
    move.world.back_to(move.start)
    moments = move.world.moments()
    assert len(moments) == move.effects
    assert {"send", "answer", "commit"} <= {each.effect for each in moments}
    if move.world._kind is Keyless:
        moments = [each for each in moments if each.effect in ("send", "half", "answer")]
    different = list({each.left: each for each in moments}.values())
    broken = {f"{each.number} {each.effect}": told for each in different if (told := move.trial(start=each))}
    print(f"{len(moments)} deaths, {len(different)} of which leave something else behind")
    assert broken == {}


def test_two_at_a_time(move: Move) -> None:
    """Two faults, a fault and a death, or two deaths in a row."""
    chance = random.Random(SEED)
    faults = [each for each in move.faults() if not (move.world._kind is Keyless and each.kind is FaultKind.TWICE)]
    broken = {}
    for number in range(PAIRS):
        deaths = tuple(chance.randrange(2, move.effects) for _ in range(number % 3))
        chosen = chance.sample(faults, 2 - number % 3)
        if len({(each.kind.operation, each.call) for each in chosen}) == len(chosen) and (
            told := move.trial(*chosen, deaths=deaths)
        ):
            broken[str((chosen, deaths))] = told
    assert broken == {}


@pytest.mark.parametrize("name", ["levels", "update"])
def test_an_interruption_between_any_two_steps(
    name: str, begun: Callable[[str], Move], monkeypatch: pytest.MonkeyPatch
) -> None:
    move = begun(name)
    asked = 0
    at: int | None = None

    def check(_self: Interruption) -> None:
        nonlocal asked
        asked += 1
        if asked == at:
            raise Interrupted

    monkeypatch.setattr(Interruption, "check", check)
    move.trial()
    broken = {}
    for place in range(1, asked + 1):
        asked, at = 0, place
        move.world.back_to(move.start)
        assert move.world.run().exit_code == 130
        if told := broken_laws(move.world, move.world.until_it_ends(), move.wanted):
            broken[place] = told
    assert broken == {}


def test_nobodys_edit_is_written_over_whenever_the_process_died(update: Move) -> None:
    world = update.world
    world.back_to(update.start)
    edited = {"account": "city", "contact": "name", "deal": "title"}
    for moment in world.moments():
        if moment.effect not in ("send", "half", "answer"):
            continue
        world.back_to(moment)
        ours = [
            (name, key) for name in edited for key, each in world.target._tables[name].records.items() if each.our_key
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
        each for each in world.moments() if list(each.files.glob("*/stage/*wait*")) and each.effect == "send"
    )
    world.back_to(waiting)
    for piece in world.project.runs.glob("stage/*"):
        piece.unlink()
    found = state_of(world, world.until_it_ends())
    assert (found.target, found.foreign) == (levels.wanted.target, levels.wanted.foreign)
    assert found.counts["contact"]["held"] == 1


def test_a_run_that_was_taken_back_is_not_gone_on_with(levels: Move) -> None:
    from changeover.connectors.secrets import Secrets
    from changeover.migrate.take_back import undo

    world = levels.world
    world.back_to(levels.start)
    world.mortality.born(levels.effects - 5)
    with pytest.raises(ProcessDied):
        world.run()
    world.mortality.born()
    undo(world.project, 1, True, Secrets(), world._target_line.clock, lambda _tick: None)
    assert state_of(world, world.until_it_ends()).target == levels.wanted.target
