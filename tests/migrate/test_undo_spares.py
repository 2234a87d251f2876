"""What undo does not touch, and the reason that it gives."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from changeover.connectors.change import ChangeKind, Outcome
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.secrets import Secrets
from changeover.migrate.session import open_ledger
from changeover.runs.ledger import operations, records
from changeover.runs.ledger.operations import Intent, Settled
from changeover.runs.report.model import Report, Text

from .company import Company, Told, copied, make_company
from .firms import LEVELS, Rows
from .moving import World
from .points import key_in_target
from .undoing import CALM, Roomless, UndoWorld, held


def reasons(report: Report) -> dict[str, str]:
    """Old key -> why it is spared."""
    rows = [row for table in report.tables if table.title.code == "table.spared" for row in table.rows]
    return {str(row[1]): row[3].code for row in rows if isinstance(row[3], Text)}


@pytest.fixture(scope="module")
def moved_twice(tmp_path_factory: pytest.TempPathFactory) -> Company:
    made = make_company(tmp_path_factory.mktemp("twice") / "move")
    made.customer("A", khmc="first")
    made.run()
    made.old("update t_customer set khmc = 'second', je = '2.00'")
    made.run()
    return made


@pytest.fixture
def company(moved_twice: Company, tmp_path: Path) -> Company:
    return copied(moved_twice, tmp_path / "desk")


def name_of(company: Company) -> object:
    return company.new("select name from customer")[0][0]


def both(company: Company, run: int) -> Told:
    """The forecast says what the deed says."""
    foreseen, done = company.undo(run), company.undo(run, execute=True)
    assert reasons(foreseen.report) == reasons(done.report)
    assert foreseen.table("table.undo") == done.table("table.undo")
    assert done.code == (1 if reasons(done.report) else 0)
    return done


def test_what_was_there_before_is_not_kept_here(company: Company) -> None:
    for file in (company.folder / "runs" / "mock").glob("values.db*"):
        file.unlink()
    assert reasons(both(company, 2).report) == {"t_customer:A": "undo.no_image"}
    assert name_of(company) == "second"


def test_a_field_that_is_mapped_no_more_is_told_and_the_others_are_put_back(company: Company) -> None:
    company.rewrite("mappings/customer.yaml", ("  revenue: je\n", ""))
    done = both(company, 2)
    assert reasons(done.report) == {"t_customer:A": "undo.unmapped"}
    assert company.new("select name, revenue from customer") == [("first", 2)]


def test_a_record_that_no_longer_carries_our_key_is_nobodys_to_delete(company: Company) -> None:
    company.undo(2, execute=True)
    company.new("delete from changeover_keys")
    assert reasons(both(company, 1).report) == {"t_customer:A": "undo.not_ours"}
    assert name_of(company) == "first"


def test_an_edit_to_exactly_what_was_there_before_is_nothing_to_spare(company: Company) -> None:
    company.new("update customer set name = 'first'")
    done = both(company, 2)
    assert (reasons(done.report), done.table("table.undo")) == ({}, [("customer", 0, 1, 0, 1, 0)])
    assert company.new("select name, revenue from customer") == [("first", 1000.5)]


@pytest.mark.parametrize("more", [False, True])
def test_what_both_sides_were_brought_to_alike_is_somebodys_edit(company: Company, more: bool) -> None:
    """more: a later run writes another field of the record, and is taken back first."""
    company.old(f"update t_customer set khmc = 'agreed', je = '{3 if more else 2}.00'")
    company.new("update customer set name = 'agreed'")
    assert company.run().counts("customer") == {"read": 1, "updated" if more else "unchanged": 1}
    if more:
        company.undo(3, execute=True)
    assert reasons(both(company, 2).report) == {"t_customer:A": "undo.edited"}
    assert company.new("select name, revenue from customer") == [("agreed", 1000.5)]
    assert reasons(both(company, 1).report) == {"t_customer:A": "undo.edited"}


# On systems in memory, where somebody can act in the middle


@pytest.fixture
def world_of(tmp_path: Path) -> Callable[..., UndoWorld]:
    def made(rows: Rows = CALM, target: type[MemoryConnector] = MemoryConnector) -> UndoWorld:
        return UndoWorld(tmp_path / "move", rows, target)

    return made


def undo(world: UndoWorld, run: int = 1) -> Report:
    world.undoes = run
    ended = world.until_it_ends()
    assert ended.report is not None, ended.stopped
    return ended.report


class NoDeletes(MemoryConnector):
    def __init__(self, *arguments: object, **named: object) -> None:
        super().__init__(*arguments, **named)  # type: ignore[arg-type]
        self.capabilities = replace(self.capabilities, deletes=False)


def test_a_target_that_deletes_nothing_keeps_what_was_created(world_of: Callable[..., UndoWorld]) -> None:
    world = world_of(CALM, NoDeletes)
    with world.in_process():
        World.run(world)
        there = held(world.target)
        report = undo(world)
    created = {"firm:f1", "firm:f2", "firm:f3", "person:p1", "deal:d1", "deal:d2"}
    assert reasons(report) == dict.fromkeys(created, "undo.no_deletes")
    assert (report.extra["deleted"], report.extra["released"]) == (0, 1)
    assert {name: set(records) for name, records in held(world.target).items()} == {
        name: set(records) for name, records in there.items()
    }


class Meddled(MemoryConnector):
    """meddle: called as the first change of this sort, to this object, arrives."""

    at = ("contact", ChangeKind.DELETE)
    meddle: Callable[[], None] | None = None

    def _apply(self, table: object, change: object) -> Outcome:
        name, kind = table.schema.name, change.kind  # type: ignore[attr-defined]
        if self.meddle is not None and (name, kind) == self.at:
            meddle, self.meddle = self.meddle, None
            meddle()
        return super()._apply(table, change)  # type: ignore[arg-type]


def test_what_somebody_hangs_under_a_record_meanwhile_stays_and_keeps_it(world_of: Callable[..., UndoWorld]) -> None:
    """On a target that would delete children with their parent, asking once and long before is not enough."""
    world = world_of(CALM, Meddled)
    with world.in_process():
        World.run(world)
        account = key_in_target(world, "account", "old:firm:f2")
        target = world.target
        assert isinstance(target, Meddled)
        target._refuse_while_referenced = lambda *_: None  # type: ignore[method-assign]
        target.meddle = lambda: target.seed("deal", [{"title": "theirs", "account_id": account}]) and None
        report = undo(world)
    assert reasons(report) == dict.fromkeys(("firm:f1", "firm:f2", "firm:f3"), "undo.children")
    assert [each["title"] for each, _ in held(target)["deal"].values()] == ["not ours", "theirs"]


def test_what_undo_itself_has_put_back_is_not_seen_late(world_of: Callable[..., UndoWorld]) -> None:
    """An adopted record lets go of its parent, which can go then: the target shows that only after its lag."""
    firms = [each for each in LEVELS["firm"] if each["id"] in ("f1", "f6")]
    world = world_of({"firm": [{**each, "chief": None} for each in firms], "person": [], "deal": []})
    with world.in_process():
        before = held(world.target)
        World.run(world)
        report = undo(world)
    assert (report.exit_code, report.extra["deleted"], report.extra["released"]) == (0, 1, 1)
    assert held(world.target) == before


def test_what_somebody_edits_meanwhile_is_not_deleted(world_of: Callable[..., UndoWorld]) -> None:
    world = world_of(CALM, Meddled)
    with world.in_process():
        World.run(world)
        account = key_in_target(world, "account", "old:firm:f2")
        target = world.target
        assert isinstance(target, Meddled)
        target.meddle = lambda: target.edit("account", account, {"city": "mine"}, by="a user")
        report = undo(world)
    told = reasons(report)
    assert told.pop("firm:f2") in ("undo.edited", "undo.conflict")
    assert told == dict.fromkeys(("firm:f1", "firm:f3"), "undo.children")
    assert target.record("account", account)["city"] == "mine"


def test_what_somebody_edits_as_the_change_arrives_stays(world_of: Callable[..., UndoWorld]) -> None:
    world = world_of(CALM, Meddled)
    with world.in_process():
        World.run(world)
        world.source.edit("deal", "d1", {"amount": "12.00"}, by="somebody")
        World.run(world)
        target = world.target
        assert isinstance(target, Meddled)
        deal, account = key_in_target(world, "deal", "old:deal:d1"), key_in_target(world, "account", "old:firm:f2")
        target.at = ("deal", ChangeKind.UPDATE)
        target.meddle = lambda: target.edit("deal", deal, {"amount": Decimal(77)}, by="a user")
        assert reasons(undo(world, 2)) == {"deal:d1": "undo.conflict"}
        assert target.record("deal", deal)["amount"] == 77
        target.at = ("account", ChangeKind.DELETE)
        target.meddle = lambda: target.edit("account", account, {"city": "mine"}, by="a user")
        told = reasons(undo(world, 1))
    assert (told["deal:d1"], told["firm:f2"]) == ("undo.edited", "undo.conflict")
    assert target.record("account", account)["city"] == "mine"


def test_what_the_target_adds_to_what_is_put_back_is_told(world_of: Callable[..., UndoWorld]) -> None:
    world = world_of(LEVELS)
    with world.in_process():
        World.run(world)
        world.source.edit("deal", "d2", {"amount": "5.00"}, by="somebody")
        World.run(world)
        report = undo(world, 2)
    assert (report.verdict.code, report.exit_code, report.extra["differences"]) == ("undo.diverged", 1, 1)
    assert [each.text.code for each in report.causes] == ["readback.diverged"]


def test_without_room_for_our_key_only_what_has_a_known_target_key_is_taken_back(
    world_of: Callable[..., UndoWorld],
) -> None:
    """One create had no answer, and several records may be it: it is listed, and none of them is touched."""
    world = world_of(CALM, Roomless)
    with world.in_process():
        before = held(world.target)
        World.run(world)
        maybe = world.target.seed("deal", [{"title": "may be ours"}, {"title": "may be ours"}])
        with open_ledger(world.project, Secrets()) as (ledger, _):
            known = records.lookup(ledger, "deal", ["old:deal:d1"])["old:deal:d1"]
            intent = Intent("old:deal:d8", ChangeKind.CREATE, None, known.sent, None, "created", "d8")
            now, deadline = world.clock.now(), dt.timedelta(seconds=60)
            batch = operations.intend(ledger, 1, "deal", "deal", known.fieldset, [intent], now, deadline)
            end = Settled("old:deal:d8", "unknown", code="target.no_answer")
            operations.settle(ledger, 1, batch, "deal", [end], now)
            operations.settle(ledger, 1, batch, "deal", [end._replace(state="conflict", code="several")], now)
        report = undo(world)
        written = [change for change, _ in world.record.arrived if change.kind is ChangeKind.RELEASE]
    assert written == [], "the ledger alone lets go of what was adopted"
    assert reasons(report) == {"deal:d8": "undo.untold"}
    assert (report.exit_code, report.extra["deleted"], report.extra["released"]) == (1, 6, 1)
    left = held(world.target)
    assert all(left["deal"].pop(key) for key in maybe)
    assert left == before
