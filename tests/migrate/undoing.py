"""Moves that are taken back, in the world of moving.py: the undo is what is disturbed, and what must hold is that
the target is as it was before the run but for what somebody edited since."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from changeover.connectors.cell import Cell
from changeover.connectors.change import Batch, Outcome
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.port import OurKeyPlace
from changeover.connectors.secrets import Secrets
from changeover.connectors.testing.hostile import Operation
from changeover.migrate.undoing import take_back
from changeover.runs.report.model import Report

from .firms import CIRCLE, LEVELS, Rows
from .laws import Move, State, broken_laws, state_of
from .moving import Ended, World
from .points import key_in_target, later

CALM: Rows = {
    **LEVELS,
    "deal": [{**each, "title": str(each["title"]).replace("target adds to it", "calm")} for each in LEVELS["deal"]],
}
"""The same, but the target adds nothing by itself: what it adds to a record that nobody could look at any more is taken
for somebody's edit."""

Held = dict[str, dict[str, tuple[dict[str, Cell], str | None]]]
"""Object -> target key -> (cells, our key)."""


def held(target: MemoryConnector) -> Held:
    return {
        name: {key: (dict(each.values), each.our_key) for key, each in sorted(table.records.items())}
        for name, table in target._tables.items()
    }


class UndoWorld(World):
    """A world whose process runs until `undoes` names a run; then it undoes that. before: what the target held before
    that run, with what somebody edited since."""

    undoes = 0
    before: Held = {}  # noqa: RUF012 - put in place, never changed

    def run(self) -> Report:
        if not self.undoes:
            return super().run()
        clock = self._target_line.clock
        return take_back.undo(self.project, self.undoes, True, Secrets(), clock, lambda _tick: None)

    def forecast(self) -> Report:
        clock = self._target_line.clock
        return take_back.undo(self.project, self.undoes, False, Secrets(), clock, lambda _tick: None)

    def about_to_undo(self, number: int, before: Held) -> None:
        self.before, self.undoes = before, number

    def edit(self, name: str, our_key: str, values: Mapping[str, Cell]) -> None:
        """A user edits one of our records after the run."""
        self.target.edit(name, key_in_target(self, name, our_key), values, by="a user")


def moved(world: UndoWorld) -> None:
    """All was moved, nobody has done anything since."""
    before = held(world.target)
    World.run(world)
    world.about_to_undo(1, before)


def edited(world: UndoWorld) -> None:
    """All was moved, and then somebody edited a record that the run had created and one that it had adopted."""
    before = held(world.target)
    World.run(world)
    world.edit("contact", "old:person:p1", {"name": "somebody's"})
    world.edit("account", "old:firm:f6", {"city": "拉萨"})
    stays = held(world.target)
    adopted = key_in_target(world, "account", "old:firm:f6")
    before["account"][adopted] = ({**before["account"][adopted][0], "city": "拉萨"}, None)
    for name, our_key in (("contact", "old:person:p1"), ("account", "old:firm:f1")):
        key = key_in_target(world, name, our_key)
        before[name][key] = stays[name][key]
    world.about_to_undo(1, before)


def updated(world: UndoWorld) -> None:
    """The second of two runs: it updated, adopted nothing, created a parent and hung a record under it. A user had
    edited one record before it, and edits another one after it."""
    later(world)
    world.source.edit("firm", "f2", {"parent": "f9"}, by="somebody")
    before = held(world.target)
    World.run(world)
    world.clock.sleep(3600)
    world.edit("contact", "old:person:p1", {"name": "somebody's"})
    key = key_in_target(world, "contact", "old:person:p1")
    before["contact"][key] = ({**before["contact"][key][0], "name": "somebody's"}, "old:person:p1")
    world.about_to_undo(2, before)


class Roomless(MemoryConnector):
    """A target with no room for our key."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.capabilities = replace(self.capabilities, our_key=OurKeyPlace.NONE)

    def write(self, batch: Batch) -> list[Outcome]:
        outcomes = super().write(batch)
        table = self._tables[batch.object]
        table.our_keys.clear()
        for key, each in table.records.items():
            table.records[key] = replace(each, our_key=None)
        return outcomes


UNDOS: dict[str, tuple[Rows, type[MemoryConnector], Callable[[UndoWorld], None]]] = {
    "levels": (LEVELS, MemoryConnector, moved),
    "circle": (CIRCLE, MemoryConnector, moved),
    "edited": (CALM, MemoryConnector, edited),
    "updated": (LEVELS, MemoryConnector, updated),
    "roomless": (CALM, Roomless, moved),
}


@dataclass
class UndoMove(Move):
    """A move whose undo was made once undisturbed. told: what its report counted. arrived: how many changes had reached
    the target before it."""

    told: Mapping[str, Any] = field(default_factory=dict)
    arrived: int = 0

    def judged(self, ended: Ended) -> dict[str, str]:
        """The laws that this end breaks."""
        broken = broken_laws(self.world, ended, self.wanted)
        assert isinstance(self.world, UndoWorld)
        broken.pop("read back", None)  # of what is deleted there is nothing to be read
        if unread := self.world.ask("select our_key from operation where state = 'acked' and kind = 'update'"):
            broken["read back"] = str(unread)
        if held(self.world.target) != self.world.before:
            broken["as before the run"] = differing(held(self.world.target), self.world.before)
        if ended.report is not None and counted(ended.report) != self.told:
            broken["undo told"] = f"{counted(ended.report)}, not {self.told}"
        return broken


def counted(report: Report) -> dict[str, Any]:
    names = ("undoes", "run", "deleted", "restored", "released", "fields", "spared", "differences")
    return {name: report.extra[name] for name in names}


def differing(here: Held, there: Held) -> str:
    return "; ".join(
        f"{name} {key}: {here[name].get(key)}, not {there[name].get(key)}"
        for name in there
        for key in sorted({*here[name], *there[name]})
        if here[name].get(key) != there[name].get(key)
    )


def prepared_undo(
    folder: Path, rows: Rows, target: type[MemoryConnector], begun: Callable[[UndoWorld], None]
) -> UndoMove:
    world = UndoWorld(folder / "move", rows, target)
    with world.in_process():
        begun(world)
        world.faults()
        start = world.moment()
        arrived = len(world.record.arrived)
        ended = world.until_it_ends()
        assert ended.report is not None, ended.stopped
        calls = {operation: len(world.calls(operation)) for operation in Operation}
        effects = len(world.mortality.effects)
        wanted: State = state_of(world, ended)
        move = UndoMove(world, start, wanted, calls, effects, counted(ended.report), arrived)
        broken = move.judged(ended)
        assert broken == {}, broken
    return move
