"""Records that are created inside their master: it comes to the same as if each had gone by itself, in fewer calls."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

import pytest
from changeover.connectors.change import Batch, Change, ChangeKind, Details, Outcome
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.memory_table import Record
from changeover.connectors.port import OurKeyPlace
from changeover.connectors.secrets import Secrets
from changeover.connectors.testing.hostile import Call, Operation
from changeover.migrate import run as running
from changeover.migrate.run import Order
from changeover.migrate.undoing.take_back import undo

from .firms import FAMILIES, MASTERED, Abreast, Apart, Mastered, Untold
from .laws import Move, first, prepared
from .moving import SERVER_MAXIMUM, START


@dataclass(frozen=True)
class Case:
    """A move undisturbed. writes: its calls. took: until everything had come to rest."""

    move: Move
    writes: list[Call]
    took: dt.timedelta


Made = Callable[[type[MemoryConnector]], Case]


class Roomless(Mastered):
    def __init__(self, schema: object, **given: object) -> None:
        super().__init__(MASTERED, our_key=OurKeyPlace.NONE, **given)


class Loses(Untold):
    """One detail, without a word: it goes by itself."""

    def write(self, batch: Batch) -> list[Outcome]:
        return super().write(Batch(batch.object, tuple(map(_without, batch.changes))))


def _without(change: Change) -> Change:
    details = (replace(each, changes=tuple(_kept(each))) for each in change.details)
    return replace(change, details=tuple(details))


def _kept(details: Details) -> list[Change]:
    return [each for each in details.changes if each.our_key != "old:deal:d7"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    def make(kind: type[MemoryConnector]) -> Case:
        move = prepared(tmp_path_factory.mktemp("details"), FAMILIES, kind, first)
        return Case(move, move.world.calls(Operation.WRITE), move.world.clock.now() - START)

    return cache(make)


def inside(writes: Sequence[Call]) -> dict[str, list[str]]:
    """Our key of each master -> our keys of what was sent inside it."""
    changes = [each for call in writes if call.batch for each in call.batch.changes]
    return {
        each.our_key: [detail.our_key for some in each.details for detail in some.changes]
        for each in changes
        if each.details
    }


INSIDE = {
    "old:firm:f2": ["old:person:p2", "old:deal:d2"],
    "old:firm:f3": ["old:person:p3", "old:deal:d4", "old:deal:d5"],
    "old:firm:f4": ["old:person:p4", "old:deal:d6", "old:deal:d7"],
    "old:firm:f5": ["old:deal:d10"],
}


@pytest.mark.parametrize("kind", [Mastered, Untold, Abreast, Loses])
def test_it_comes_to_the_same_as_if_each_had_gone_by_itself(made: Made, kind: type[MemoryConnector]) -> None:
    case = made(kind)
    assert case.move.wanted == made(Apart).move.wanted
    assert inside(case.writes) == INSIDE
    masters = [
        (change.our_key, bool(change.details))
        for call in case.writes
        if call.batch and call.object == "account"
        for change in call.batch.changes
        if change.kind is ChangeKind.CREATE
    ]
    assert [each for each in masters if each[0] == "old:firm:f1"] == [("old:firm:f1", False)] * 2  # alone, and proven
    refused = [each for each in masters if each[0] in ("old:firm:f3", "old:firm:f5")]
    assert sorted(refused) == [(f"old:firm:{key}", whole) for key in ("f3", "f5") for whole in (False, True)]
    assert not any(here == there for here, there in pairwise(masters) if here[1])  # never so again


def test_only_the_lag_is_waited_for_where_the_master_was_answered_for(made: Made) -> None:
    assert made(Untold).took - made(Mastered).took < SERVER_MAXIMUM


def test_a_source_is_asked_for_no_more_masters_than_it_takes(made: Made) -> None:
    move = made(Mastered).move
    world = move.world
    with world.in_process():
        world.back_to(move.start)
        world.source.capabilities = replace(world.source.capabilities, find_size=2)
        world.faults()
        assert move.judged(world.until_it_ends()) == {}
    assert inside(world.calls(Operation.WRITE)) == INSIDE


def test_plan_foretells_what_goes_inside(made: Made) -> None:
    move = made(Mastered).move
    world = move.world
    with world.in_process():
        world.back_to(move.start)
        running.plan(world.project, Order(), Secrets(), world.clock, lambda _tick: None)
        text = next(world.project.runs.glob("plans/*.json")).read_text("utf-8")
        assert not world.calls(Operation.WRITE)
        assert '"carried": 9' in text


def test_an_undo_takes_all_of_it_back(made: Made) -> None:
    move = made(Untold).move
    world = move.world
    with world.in_process():
        world.back_to(move.start)
        before = {name: set(table.records) for name, table in world.target._tables.items()}
        world.run()
        undo(world.project, 1, True, Secrets(), world.clock, lambda _tick: None)
    assert {name: set(table.records) for name, table in world.target._tables.items()} == before


@pytest.mark.parametrize("children", [True, False])
def test_a_run_of_chosen_records_brings_no_others(made: Made, children: bool) -> None:
    move = made(Mastered).move
    world = move.world
    with world.in_process():
        world.back_to(move.start)
        order = Order(keys=["firm:f1,f2,f4"], children=children)
        running.run(world.project, order, Secrets(), world.clock, lambda _tick: None)
    there = {record.our_key for table in world.target._tables.values() for record in table.records.values()} - {None}
    persons = {"old:person:p2"}  # the chief of a firm that was chosen
    if children:
        persons |= {
            f"old:{each}" for each in ("person:p1", "person:p4", "deal:d1", "deal:d2", "deal:d6", "deal:d7", "deal:d8")
        }
    assert there == {"old:firm:f1", "old:firm:f2", "old:firm:f4"} | persons
    assert bool(inside(world.calls(Operation.WRITE))) is children


def test_what_waited_for_its_master_follows_it_once_that_is_mended(made: Made) -> None:
    """By itself, for the run was asked for the master alone."""
    move = made(Mastered).move
    world = move.world
    with world.in_process():
        world.back_to(move.start)
        world.run()
        table = world.source._tables["firm"]
        record = table.records["f5"]
        table.put("f5", Record({**record.values, "city": "北京"}, record.our_key))
        world.faults()
        [[code]] = world.ask("select code from record where our_key = 'old:firm:f5'")
        running.run(world.project, Order(rejected=True, code=code), Secrets(), world.clock, lambda _tick: None)
    keys = {name: {record.our_key for record in table.records.values()} for name, table in world.target._tables.items()}
    assert ("old:firm:f5" in keys["account"], "old:deal:d10" in keys["deal"]) == (True, True)
    assert inside(world.calls(Operation.WRITE)) == {}


def test_a_degraded_target_gets_none(made: Made) -> None:
    assert inside(made(Roomless).writes) == {}
