"""Stubs, addresses, details, teams, branches, what is put together, corrections and `wins`, all in one move: it comes
to what anybody works out from the records alone, whatever disturbs it."""

from __future__ import annotations

import pytest
from changeover.connectors.secrets import Secrets
from changeover.connectors.testing.hostile import Operation
from changeover.migrate.compare import reconcile
from changeover.migrate.run import Order, plan
from changeover.migrate.undoing.take_back import undo
from changeover.runs.report.model import Report

from .everything import USERS, Everything, wanted, went_on
from .laws import Move, State, first, made, state_of
from .test_details import inside
from .undoing import differing, held

DEATHS = 1
"""So many deaths of each of the two moves are tried in the suite; all of them in torture."""
TOLD = ("table.outside", "table.old_addresses", "table.stubs", "table.decided", "table.decided_records")
Cells = dict[tuple[str, str], dict[str, str | None]]


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Move:
    return made(Everything(tmp_path_factory.mktemp("begun") / "move"), first)


@pytest.fixture(scope="module")
def gone_on(tmp_path_factory: pytest.TempPathFactory) -> Move:
    return made(Everything(tmp_path_factory.mktemp("gone_on") / "move"), went_on)


def there(state: State) -> Cells:
    """(object, our key) -> cells that are not empty."""
    return {
        key: {name: cell for name, cell in cells if cell is not None and name != "id"}
        for key, cells in state.target.items()
    }


def as_users_left_it(cells: Cells) -> Cells:
    """What their edits in `everything.USERS` make of it."""
    account, contract = cells["account", "old:firm:f1"], cells["contract", "assembly:contract:K1"]
    del account["level"]  # emptied, and wins
    contract["amount"] = "999.00"
    cells["account", "old:firm:f2"]["note"] = "call first"
    conflicted = cells["account", "old:firm:f3"]
    conflicted["city"] = "金州"
    del conflicted["parent_id"]  # it comes with the rest of the record
    return cells


def test_it_comes_to_what_is_worked_out(begun: Move) -> None:
    assert there(begun.wanted) == wanted(begun.world)
    carried = inside(begun.world.calls(Operation.WRITE))
    assert carried["old:deal:d2"] == ["old:item:i2", "old:item:i3"]  # with addresses, under a stub
    assert carried["old:request:r3#solution"] == ["old:request:r3#medical"]
    world = begun.world
    with world.in_process():
        compared = reconcile(world.project, Order(), Secrets(), world.clock, lambda _tick: None)
    assert compared.verdict.code == "reconcile.equal"


def test_so_it_does_when_people_go_on_in_both_systems(gone_on: Move) -> None:
    assert there(gone_on.wanted) == as_users_left_it(wanted(gone_on.world))
    assert {name: counts["conflicted"] for name, counts in gone_on.wanted.counts.items() if counts["conflicted"]} == {
        "account": 1
    }


@pytest.mark.torture
@pytest.mark.parametrize("name", ["begun", "gone_on"])
def test_a_plan_foretells_all_of_it(name: str, request: pytest.FixtureRequest) -> None:
    move: Move = request.getfixturevalue(name)
    world = move.world
    with world.in_process():
        world.back_to(move.start)
        planned = plan(world.project, Order(), Secrets(), world.clock, lambda _tick: None)
        done = world.run()
    assert planned.counts == done.counts
    assert {code: rows_of(planned, code) for code in TOLD} == {code: rows_of(done, code) for code in TOLD}
    assert all(rows_of(done, code) for code in TOLD[:2])


def rows_of(report: Report, title: str) -> list[str]:
    return sorted(str(row) for table in report.tables if table.title.code == title for row in table.rows)


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.torture)])
@pytest.mark.parametrize("name", ["begun", "gone_on"])
def test_so_it_does_where_the_process_dies(name: str, every: bool, request: pytest.FixtureRequest) -> None:
    move: Move = request.getfixturevalue(name)
    step = 1 if every else move.effects // DEATHS
    with move.world.in_process():
        told = {number: move.trial(deaths=(number,)) for number in range(step // 2 + 1, move.effects + 1, step)}
    assert {number: broken for number, broken in told.items() if broken} == {}
    assert len(told) >= DEATHS


def test_both_runs_are_taken_back_but_for_what_users_have_edited(gone_on: Move) -> None:
    world = gone_on.world
    with world.in_process():
        world.back_to(gone_on.start)
        before = held(world.target)
        world.run()
        undo(world.project, 2, True, Secrets(), world.clock, lambda _tick: None)
        assert differing(held(world.target), before) == ""
        undo(world.project, 1, True, Secrets(), world.clock, lambda _tick: None)
        left = {each.our_key for table in world.target._tables.values() for each in table.records.values()}
    assert left - {None} == {our_key for _, our_key, _ in USERS}


def test_chosen_records_come_first_and_then_the_rest(begun: Move) -> None:
    world = begun.world
    with world.in_process():
        world.back_to(begun.start)
        world.order = Order(keys=["deal:d1,d2,d4", "visit:v2,v3", "request:r2,r3", "reply:y2"])
        world.run()
        world.order = Order()
        assert there(state_of(world, world.until_it_ends())) == there(begun.wanted)
