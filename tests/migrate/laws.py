"""What must hold however a move was disturbed: judged from the target itself and from the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from changeover.connectors.cell import Cell
from changeover.connectors.change import ChangeKind, OutcomeState
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.port import OurKeyPlace
from changeover.connectors.schema import Field
from changeover.connectors.testing.hostile import Fault, FaultKind, Operation, every_fault
from changeover.runs.report.model import BUCKETS

from .firms import Rows
from .moving import Ended, Moment, World

Cells = tuple[tuple[str, str | None], ...]


@dataclass(frozen=True)
class State:
    """Everything a move leaves behind, in words that do not depend on the target's numbering.

    target: (object, our key) -> cells, references as our keys. foreign: records that are not ours. twice: our keys that
    two records have. ledger: (object, our key) -> all that the ledger says of a record. not_ended: operations without
    an end. not_read_back: records whose last write nobody looked at. counts, exit_code: of the last report.
    """

    target: dict[tuple[str, str], Cells]
    foreign: list[tuple[str, Cells]]
    twice: list[str]
    ledger: dict[tuple[str, str], tuple[object, ...]]
    crosswalk: list[tuple[str, ...]]
    not_ended: list[tuple[str, ...]]
    not_read_back: list[tuple[str, ...]]
    findings: Counter[tuple[object, ...]]
    counts: dict[str, dict[str, int]]
    exit_code: int | None


def state_of(world: World, ended: Ended) -> State:
    world.rest()
    told = world.ask(
        "select object, our_key, target_key, state, mapping, code, waits_for, adopted, run, bucket from record"
    )
    ours = {(name, key): our_key for name, our_key, key, *_ in told if key is not None}
    target, foreign, twice = _in_target(world, ours)
    return State(
        target,
        foreign,
        twice,
        {(name, our_key): (key is not None, *rest) for name, our_key, key, *rest in told},
        world.ask("select source_object, source_key, object, our_key from record order by 1, 2, 3, 4"),
        world.ask("select our_key from operation where state in ('planned', 'intent', 'unknown')"),
        world.ask(
            "select our_key from operation where state = 'acked' and kind <> 'prove' union all "
            "select our_key from record where target_key is not null and back is null"
        ),
        Counter(world.ask("select run, mapping, object, key, field, code, severity, params from finding")),
        {each.mapping: {"read": each.read, "adopted": each.adopted, **each.buckets} for each in ended.report.counts}
        if ended.report
        else {},
        ended.report.exit_code if ended.report else None,
    )


def _in_target(
    world: World, ours: Mapping[tuple[str, str], str]
) -> tuple[dict[tuple[str, str], Cells], list[tuple[str, Cells]], list[str]]:
    target: dict[tuple[str, str], Cells] = {}
    foreign: list[tuple[str, Cells]] = []
    twice = []
    room = world.target.capabilities.our_key is not OurKeyPlace.NONE  # else the ledger alone knows what is ours
    for name, table in world.target._tables.items():
        for key, record in table.records.items():
            cells = tuple((each.name, _told(each, record.values[each.name], ours)) for each in table.schema.fields[1:])
            believed = ours.get((name, key))
            our_key = record.our_key if room else believed
            if our_key is None:
                foreign.append((name, cells))
            elif (name, our_key) in target:
                twice.append(our_key)
            else:
                target[name, our_key] = cells if believed == our_key else (*cells, ("ledger", believed))
    return target, foreign, twice


def _told(described: Field, cell: Cell, ours: Mapping[tuple[str, str], str]) -> str | None:
    if cell is not None and described.references:
        return ours.get((described.references[0], str(cell)), "@" + str(cell))
    return None if cell is None else str(cell)


def broken_laws(world: World, ended: Ended, wanted: State) -> dict[str, str]:
    """The laws that this end breaks, each with what broke it. wanted: of the same move undisturbed."""
    found = state_of(world, ended)
    deleted = {outcome.target_key for change, outcome in world.record.arrived if change.kind is ChangeKind.DELETE}
    creates = Counter(
        change.our_key
        for change, outcome in world.record.arrived
        if change.kind is ChangeKind.CREATE and outcome.state is OutcomeState.ACKED
        if outcome.target_key not in deleted  # a proof takes its own double away
    )
    doubled = [key for key, number in creates.items() if number > 1]
    done = {key for key, row in found.ledger.items() if row[0]}
    off_balance = [
        name for name, each in found.counts.items() if each["read"] != sum(each[bucket] for bucket in BUCKETS)
    ]
    judged: dict[str, object] = {
        "it ends": None if ended.report else ended.stopped,
        "nothing lost": sorted(wanted.target.keys() - found.target.keys()),
        "nothing doubled": [*found.twice, *doubled, *(each for each in found.foreign if each not in wanted.foreign)],
        "right values": _differences(found, wanted, "target"),
        "done is done": sorted(done ^ found.target.keys()),
        "no operation open": found.not_ended,
        "read back": found.not_read_back,
        "named state": _differences(found, wanted, "ledger") + _differences(found, wanted, "crosswalk"),
        "counts balance": off_balance,
        "counts told": _differences(found, wanted, "counts") + _differences(found, wanted, "exit_code"),
        "findings told": _differences(found, wanted, "findings"),
        "intent first": world.record.unwritten,
        "settled stays settled": world.record.again,
    }
    return {law: str(why) for law, why in judged.items() if why}


def _differences(found: State, wanted: State, name: str) -> list[str]:
    assert name in {each.name for each in fields(State)}
    here, there = getattr(found, name), getattr(wanted, name)
    if here == there:
        return []
    if not isinstance(here, dict):
        return [f"{here}, not {there}"]
    keys = sorted({*here, *there}, key=str)
    return [f"{key}: {here.get(key)}, not {there.get(key)}" for key in keys if here.get(key) != there.get(key)]


@dataclass
class Move:
    """A move that was made once undisturbed: what came of it, and how many calls and effects that took."""

    world: World
    start: Moment
    wanted: State
    calls: dict[Operation, int]
    effects: int

    def trial(self, *faults: Fault, deaths: tuple[int, ...] = (), start: Moment | None = None) -> dict[str, str]:
        """The laws broken by the same move under these faults, by a process that dies at these effects."""
        self.world.back_to(start or self.start)
        self.world.faults(*faults)
        return self.judged(self.world.until_it_ends(*deaths))

    def judged(self, ended: Ended) -> dict[str, str]:
        """The laws that this end breaks."""
        return broken_laws(self.world, ended, self.wanted)

    def faults(self, *kinds: FaultKind) -> list[Fault]:
        calls = self.calls
        everything = every_fault(calls[Operation.WRITE], calls[Operation.FIND], calls[Operation.READ])
        return [each for each in everything if each.kind in (kinds or FaultKind)]


def first(world: World) -> None:
    """Nothing has been moved yet."""


def prepared(
    folder: Path,
    rows: Rows,
    target: type[MemoryConnector],
    begun: Callable[[World], None],
    ledger: str | None = None,
    kind: type[World] = World,
) -> Move:
    return made(kind(folder / "move", rows, target, ledger), begun)


def made(world: World, begun: Callable[[World], None]) -> Move:
    """The move of that world, made once."""
    with world.in_process():
        begun(world)
        world.faults()
        start = world.moment()
        ended = world.until_it_ends()
        calls = {operation: len(world.calls(operation)) for operation in Operation}
        effects = len(world.mortality.effects)
        wanted = state_of(world, ended)
        assert broken_laws(world, ended, wanted) == {}
    return Move(world, start, wanted, calls, effects)
