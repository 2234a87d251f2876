"""A process that makes a small move: it dies before chosen effects, its commits fail, its calls go over a line that
fails."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from changeover.connectors.change import Batch, Change, ChangeKind, Outcome
from changeover.connectors.memory_table import Table
from changeover.connectors.port import AuditFields
from changeover.connectors.testing.hostile import Call, Fault, Hostile, Operation, ProcessDied
from changeover.migrate.sending.caller import Answer, Inline
from changeover.migrate.session import Interruption
from changeover.runs.ledger.sqlite import SQLite

from .moving import carried

if TYPE_CHECKING:
    from .small_move import SmallMove

DEATH = "death"
COMMIT_FAILS, COMMIT_LOST = "commit_fails", "commit_lost"
TAKEN, EDIT, INTERRUPT = "taken", "edit", "interrupt"


@dataclass(frozen=True, order=True)
class Strike:
    """What happens before the n-th effect of a trial, whichever process has it. kind: the process dies; the commit
    fails, or is kept and not answered; another process takes the ledger over and ends before this one goes on; a user
    edits a record; the operator presses Ctrl-C."""

    at: int
    kind: str


class Reached(NamedTuple):
    """Something that a trial came to. what: an effect (commit, send, half, answer, put) or a call's operation. number:
    among all effects, or among the calls of this operation. records, created: of a write, how many and whether one of
    them is a create."""

    what: str
    number: int
    records: int = 0
    created: bool = False


class Process:
    """One life of the process that moves. What it does has effects until it is dead. failing: how its next commit
    fails."""

    def __init__(self, world: SmallMove) -> None:
        self.world = world
        self.dead = False
        self.failing: str | None = None
        self.interruption = Interruption()

    def before(self, effect: str) -> None:
        if self.dead:
            raise ProcessDied
        self.world.comes_to(effect, self)
        if self.dead:
            raise ProcessDied


class InMemory(SQLite):
    """The ledger's database as one process sees it: its transactions are savepoints within the trial's own."""

    def __init__(self, connection: sqlite3.Connection, process: Process) -> None:
        self.connection, self._path = connection, Path("memory")
        self._process = process
        self.open = False

    def begin(self) -> int:
        self._process.before("commit")
        self.execute("savepoint effect")
        self.open = True
        return int(self.execute("select epoch from control").fetchone()[0])

    def commit(self) -> None:
        how, self._process.failing = self._process.failing, None
        if how != COMMIT_FAILS:
            self.execute("release effect")
            self.open = False
        if how is not None:
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorname = "SQLITE_FULL" if how == COMMIT_FAILS else "SQLITE_IOERR"
            raise error

    def roll_back(self) -> None:
        if self.open:
            self.execute("rollback to effect")
            self.execute("release effect")
            self.open = False

    def close(self) -> None:
        """The next process has the same."""


class Values:
    """The value store's place in the order of effects; its own files are tried in tests/runs."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def put_many(self, items: Iterable[object]) -> None:
        self._process.before("put")
        list(items)


class Near:
    """The target as the process sees it: behind the line, and watched by the witness."""

    def __init__(self, world: SmallMove, process: Process, base: InMemory) -> None:
        self.capabilities = world.target.capabilities
        self._world, self._process, self._base = world, process, base
        self.find = world.line.find

    def write(self, batch: Batch) -> list[Outcome]:
        world = self._world
        self._process.before("send")
        world.line.finish_late(world.clock.now())
        if self._base.open:
            world.record.unwritten += [each.our_key for each in batch.changes]
        else:
            world.record.leaving(world.ask, batch)
        world.sender = self._process
        try:
            outcomes = world.line.write(batch)
        finally:
            world.sender = None
        self._process.before("answer")
        return outcomes

    def audit_fields(self, _object_name: str) -> AuditFields:
        """It does not tell who changed a record."""
        return AuditFields()

    def acting_user(self) -> str | None:
        return None


class LastFirst(Inline):
    """Of the calls under way, that departed last is answered first."""

    def first(self, answers: Sequence[Answer], seconds: float) -> Sequence[Answer]:
        return answers[-1:]


class Line(Hostile):
    """A line whose calls are among what a trial came to."""

    def __init__(self, world: SmallMove, faults: Sequence[Fault]) -> None:
        super().__init__(Far(world), faults, clock=world.clock)
        self._world = world

    def _called(self, operation: Operation, name: str, records: int = 0, batch: Batch | None = None) -> Fault | None:
        fault = super()._called(operation, name, records, batch)
        created = batch is not None and any(each.kind is ChangeKind.CREATE for each in batch.changes)
        self._world.reached.append(Reached(operation, self.calls[-1].number, records, created))
        return fault


class Far:
    """The target itself: a batch may be no transaction there, so that its sender may die while half of it is done."""

    def __init__(self, world: SmallMove) -> None:
        self._world = world
        self.capabilities = world.target.capabilities
        self.find = world.target.find

    def write(self, batch: Batch) -> list[Outcome]:
        world = self._world
        middle = len(batch.changes) // 2 if world.kind.parts and world.sender is not None else 0
        outcomes: list[Outcome] = []
        if middle and world.sender is not None:
            outcomes = self._arrive(Batch(batch.object, batch.changes[:middle]))
            world.sender.before("half")
        return outcomes + self._arrive(Batch(batch.object, batch.changes[middle:]))

    def _arrive(self, batch: Batch) -> list[Outcome]:
        outcomes = self._world.target.write(batch)
        told = {each.our_key: each for each in outcomes}
        self._world.record.arrived += [(each, told[each.our_key]) for each in carried(batch) if each.our_key in told]
        return outcomes


@dataclass(frozen=True)
class Moment:
    """How everything stands before a step of a run that nothing has disturbed; before its first effect where step is
    None. seconds: passed until then."""

    connection: sqlite3.Connection
    tables: dict[str, Table]
    seconds: float
    effects: int = 0
    reached: tuple[Reached, ...] = ()
    calls: tuple[Call, ...] = ()
    arrived: tuple[tuple[Change, Outcome], ...] = ()
    step: int | None = None
    run: int = 0

    def is_before(self, faults: Iterable[Fault], strikes: Iterable[Strike]) -> bool:
        made = Counter(each.operation for each in self.calls)
        return all(each.call > made[each.kind.operation] for each in faults) and all(
            each.at > self.effects for each in strikes
        )
