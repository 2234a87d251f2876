"""Targets that do what a proof is made to find, and a world to prove in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from changeover.connectors.cell import Cell
from changeover.connectors.change import Change, ChangeKind, Outcome, OutcomeState
from changeover.connectors.chunk import Chunk
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.memory_table import Record, Row, Table
from changeover.connectors.port import KEY, OUR_KEY, Ordeal, OurKeyPlace
from changeover.connectors.schema import Schema
from changeover.connectors.secrets import Secrets
from changeover.migrate import check, compare, run, status
from changeover.migrate.run import Order
from changeover.runs.report.model import Report, Text

from .firms import PLAIN, Rows, Tried
from .moving import World


class Busy(MemoryConnector):
    """It makes a deal of its own for each new account, and gives the account a city."""

    def _create(self, table: Table, change: Change) -> Outcome:
        outcome = super()._create(table, change)
        if table.schema.name == "account" and outcome.state is OutcomeState.ACKED and outcome.target_key:
            self.seed("deal", [{"title": "made by the target", "account_id": outcome.target_key}])
            row = table.records[outcome.target_key]
            table.put(outcome.target_key, Record({**row.values, "city": "of the target's"}, row.our_key))
        return outcome


class BusyWithDeals(MemoryConnector):
    """It writes every deal's title its own way."""

    def _create(self, table: Table, change: Change) -> Outcome:
        outcome = super()._create(table, change)
        if table.schema.name == "deal" and outcome.target_key is not None:
            row = table.records[outcome.target_key]
            title = str(row.values["title"]).upper()
            table.put(outcome.target_key, Record({**row.values, "title": title}, row.our_key))
        return outcome


class RoomlessShouts(BusyWithDeals):
    """The same without room for our key."""

    def __init__(self, schema: Schema, **given: Any) -> None:
        super().__init__(schema, our_key=OurKeyPlace.NONE, **given)


class Hides(Tried):
    """Whoever searches by our key does not see a record that has no owner."""

    def find(
        self, object_name: str, by: Sequence[str], values: Sequence[tuple[Cell, ...]], fields: Sequence[str]
    ) -> Chunk:
        if tuple(by) == (OUR_KEY,):
            keys = super().find(object_name, by, values, ()).keys
            owned = [key for key in keys if self.record(object_name, key).get("city", "") is not None]
            return super().find(object_name, (KEY,), [(key,) for key in owned], fields)
        return super().find(object_name, by, values, fields)


class Forgets(Tried):
    """While a record is in the bin, its key of ours is free."""

    def _create(self, table: Table, change: Change) -> Outcome:
        holder = table.our_keys.get(change.our_key)
        if holder is None or not table.records[holder].binned:
            return super()._create(table, change)
        del table.our_keys[change.our_key]
        free = {name: None if name == "tax_no" else cell for name, cell in change.values.items()}
        return super()._create(table, Change(change.kind, change.our_key, None, free))

    def _change(self, table: Table, change: Change) -> Outcome:
        outcome = super()._change(table, change)
        for key, record in table.records.items():
            if change.kind is ChangeKind.DELETE and record.our_key == change.our_key:
                table.our_keys[change.our_key] = key
        return outcome


class Keeps(Tried):
    """It does not let a lock be taken back."""

    def take_back(
        self, ordeal: Ordeal, object_name: str, our_key: str, key: str, before: Mapping[str, Cell]
    ) -> Outcome:
        if ordeal is Ordeal.LOCK:
            return Outcome(our_key, OutcomeState.REJECTED, key, "target.refused")
        return super().take_back(ordeal, object_name, our_key, key, before)


@contextmanager
def proving(folder: Path, kind: type[MemoryConnector], rows: Rows = PLAIN) -> Iterator[World]:
    world = World(folder / "move", rows, kind)
    with world.in_process():
        yield world


def go(world: World, **order: Any) -> Report:
    """`changeover run --execute` with these options."""
    return run.run(world.project, Order(**order), Secrets(), world._target_line.clock, lambda _tick: None)


def reports(world: World) -> list[Report]:
    """What `check`, `status` and `reconcile` say now."""
    clock = world._target_line.clock
    return [
        check.check(world.project, Secrets(), clock),
        status.status(world.project, Secrets()),
        compare.reconcile(world.project, Order(), Secrets(), clock, lambda _tick: None),
    ]


def fact(report: Report, code: str) -> Mapping[str, str | int] | None:
    """The params of a fact that is a text."""
    return next((told.params for name, told in report.facts if name == code and isinstance(told, Text)), None)


def graded(report: Report) -> dict[str, tuple[str, list[str]]]:
    grades: dict[str, Any] = report.extra["grades"]  # type: ignore[assignment]
    return {name: (each["grade"], each["reasons"]) for name, each in grades.items()}


def ours(world: World, name: str) -> dict[str, Row]:
    """Our key -> the record that the ledger knows under it."""
    known = world.ask(f"select our_key, target_key from record where object = '{name}' and target_key is not null")
    return {our_key: world.target._tables[name].records[key].values for our_key, key in known}


def made(world: World, name: str) -> list[tuple[str, str, str]]:
    """(kind, our key, outcome) of every change that reached an object, in its order."""
    return [
        (change.kind.value, change.our_key, outcome.state.value)
        for change, outcome in world.record.arrived
        if change.our_key.split(":")[1] == {"account": "firm", "contact": "person", "deal": "deal"}[name]
    ]
