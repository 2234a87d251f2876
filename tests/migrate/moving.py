"""A move in this process between two systems in memory, over a line that fails at chosen calls and by a process that
dies before chosen effects."""

from __future__ import annotations

import copy
import datetime as dt
import hashlib
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from changeover.connectors.change import Batch, Change, ChangeKind, Outcome
from changeover.connectors.clock import Clock, VirtualClock
from changeover.connectors.errors import ChangeoverError
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.memory_table import Row
from changeover.connectors.port import Connector, Ordeal
from changeover.connectors.secrets import Secrets
from changeover.connectors.testing.hostile import Call, Fault, Hostile, Operation, ProcessDied
from changeover.mappings.compile import load_mapping_files
from changeover.migrate import prepare as preparing
from changeover.migrate import run as running
from changeover.migrate import session as sessions
from changeover.migrate.pace.pacing import Paces
from changeover.migrate.project import Project, load_project
from changeover.runs.ledger.place import Place, Server
from changeover.runs.ledger.store import Ledger
from changeover.runs.report.model import Report
from changeover.runs.stage import Stage
from changeover.runs.values import ValueStore

from .firms import LEVELS, MASTERED, SOURCE, TARGET, Rows, automation, write_project

START = dt.datetime(2024, 2, 29, 8, 0, tzinfo=dt.UTC)
SERVER_MAXIMUM = dt.timedelta(seconds=30)
LAG = dt.timedelta(seconds=2)
RUNS_AT_MOST = 5
PRODUCT = ("changeover.migrate.", "changeover.runs.")
Way = tuple[tuple[str, int], ...]
Ask = Callable[[str], list[tuple[Any, ...]]]


def way() -> Way:
    """How the verb came here: the lines that called one another, the innermost first."""
    lines: list[tuple[str, int]] = []
    frame = sys._getframe(1)
    while frame is not None:
        module = str(frame.f_globals.get("__name__"))
        if module.startswith(PRODUCT):
            lines.append((module, frame.f_lineno))
        frame = frame.f_back  # type: ignore[assignment]
    return tuple(lines)


@dataclass
class Record:
    """What really happened, kept by a witness outside the process. arrived: every change that reached the target, with
    what it made of it. unwritten: changes that left without an intent on the disk. again: changes that left although
    the ledger had them as done. edited: our key -> the latest batch when a user changed the record in the target;
    what was done before that may have to be done again."""

    arrived: list[tuple[Change, Outcome]] = field(default_factory=list)
    unwritten: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    edited: dict[str, int] = field(default_factory=dict)

    def leaving(self, ask: Ask, batch: Batch) -> None:
        """Look into the ledger by a connection of its own, so that only what is committed counts."""
        written = ask("select our_key, state, kind, sent, written, batch from operation order by batch")
        for change in carried(batch):
            since = self.edited.get(change.our_key, 0) if change.kind is ChangeKind.UPDATE else 0
            told = [row[1:] for row in written if row[0] == change.our_key and row[5] > since]
            now = [row[1:4] for row in told if row[0] == "intent" and row[1] in (change.kind.value, "prove")]
            done = [row[1:4] for row in told if row[0] in ("acked", "verified", "diverged") and row[1] != "prove"]
            if not now:
                self.unwritten.append(change.our_key)
            proving = now[:1] and now[0][0] == "prove"  # a proof sends again on purpose
            if not proving and done and (change.kind is ChangeKind.CREATE or now == done[-1:]):
                self.again.append(change.our_key)


def carried(batch: Batch) -> list[Change]:
    """All changes of a batch, those inside others too."""
    inside = (each for change in batch.changes for some in change.details for each in some.changes)
    return [*batch.changes, *inside]


class Mortality:
    """Counts the effects of a process (commits, files of the stage, values, batches sent, halves of them, answers) and
    lets it die just before one of them; what is dead has no effects. watch: called before every effect."""

    def __init__(self) -> None:
        self.effects: list[str] = []
        self.dies_at = 0
        self.dead = False
        self.watch: Callable[[str], None] = lambda _effect: None

    def before(self, effect: str) -> None:
        if self.dead:
            raise ProcessDied
        self.watch(effect)
        self.effects.append(effect)
        if len(self.effects) == self.dies_at:
            self.dead = True
            raise ProcessDied

    def born(self, dies_at: int = 0) -> None:
        self.dead, self.dies_at = False, dies_at
        self.effects.clear()


class _Line(Hostile):
    """A line that somebody listens in to."""

    def __init__(self, inner: Connector, script: Sequence[Fault], clock: Clock, world: World) -> None:
        super().__init__(inner, script, clock=clock)
        self._world = world

    def _called(self, operation: Operation, name: str, records: int = 0, batch: Batch | None = None) -> Fault | None:
        fault = super()._called(operation, name, records, batch)
        self._world.listen(self.calls[-1])
        return fault


class _Near:
    """The target as the process sees it: behind the line, and watched by the witness."""

    def __init__(self, line: _Line, world: World) -> None:
        self._line = line
        self._world = world

    def __getattr__(self, name: str) -> Any:
        return getattr(self._line, name)

    def write(self, batch: Batch) -> list[Outcome]:
        self._world.mortality.before("send")
        self._world.record.leaving(self._world.ask, batch)
        outcomes = self._line.write(batch)
        self._world.mortality.before("answer")
        return outcomes

    def put_through(self, ordeal: Ordeal, object_name: str, our_key: str, key: str) -> Outcome:
        return self._undergone(our_key, object_name, key, partial(self._line.put_through, ordeal))

    def take_back(self, ordeal: Ordeal, object_name: str, our_key: str, key: str, before: Row) -> Outcome:
        return self._undergone(our_key, object_name, key, partial(self._line.take_back, ordeal), before)

    def _undergone(self, our_key: str, object_name: str, key: str, act: Callable[..., Outcome], *more: Row) -> Outcome:
        self._world.mortality.before("send")
        change = Change(ChangeKind.UPDATE, our_key, key)
        self._world.record.leaving(self._world.ask, Batch(object_name, (change,)))
        outcome = act(object_name, our_key, key, *more)
        self._world.mortality.before("answer")
        return outcome


class _Far:
    """The target itself: a batch is no transaction there, so that its sender may die while half of it is done."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world.target, name)

    def write(self, batch: Batch) -> list[Outcome]:
        middle = len(batch.changes) // 2
        outcomes = self._world.target.write(Batch(batch.object, batch.changes[:middle])) if middle else []
        if middle:
            self._world.mortality.before("half")
        outcomes += self._world.target.write(Batch(batch.object, batch.changes[middle:]))
        told = {each.our_key: each for each in outcomes}
        self._world.record.arrived += [(each, told[each.our_key]) for each in carried(batch) if each.our_key in told]
        return outcomes


@dataclass(frozen=True)
class Ended:
    """How a trial ended: the last run's report, or why the last attempt stopped. runs: how many it took."""

    report: Report | None
    stopped: BaseException | None
    runs: int


@dataclass(frozen=True)
class Moment:
    """Everything that is left of a process killed just before its n-th effect. left: a digest of it."""

    number: int
    effect: str
    files: Path
    kept: tuple[Any, ...]
    left: str


class World:
    """Both systems, a project folder, and the process that moves the one into the other. life: which of its lives the
    process is in, from 0. listen: told of every call. order: what it is asked for. ledger: the URL of a server to keep
    it on; such a world knows no moments but the one before everything."""

    def __init__(
        self,
        folder: Path,
        rows: Rows = LEVELS,
        target: type[MemoryConnector] = MemoryConnector,
        ledger: str | None = None,
    ) -> None:
        self.folder = folder
        self._rows, self.kind = rows, target
        self.write(ledger)
        self.project = load_project(folder)
        self.place = self.project.ledger(Secrets())
        self.mapping_files = load_mapping_files(folder / "mappings")
        self.mortality = Mortality()
        self._moments = 0
        self.life = 0
        self.order = running.Order()
        self.listen: Callable[[Call], None] = lambda _call: None
        self.begin()

    def write(self, ledger: str | None) -> None:
        """Its project, into its folder."""
        write_project(self.folder, ledger)

    def begin(self) -> None:
        """A source with its records, a target that holds a few of somebody's, nothing moved."""
        self._forget()
        self.clock = self.new_clock()
        self.source = MemoryConnector(SOURCE, clock=self.clock, name="old", rows=self._rows)
        self.target = self.kind(
            TARGET,
            clock=self.clock,
            name="new",
            read_back_lag=LAG,
            server_maximum=SERVER_MAXIMUM,
            automation=automation,
        )
        self.target.seed("account", [{"name": "旧客户", "tax_no": "T6", "city": "重庆"}, {"name": "not ours"}])
        self.target.seed("deal", [{"title": "not ours", "number": "N9"}])
        self.record = Record()
        self.faults()

    def new_clock(self) -> VirtualClock:
        return VirtualClock(START)

    def _forget(self) -> None:
        shutil.rmtree(self.folder / "runs", ignore_errors=True)
        if isinstance(self.place, Server):
            with psycopg.connect(self.place.url, autocommit=True) as server:
                server.execute(f"drop schema if exists {self.place.schema} cascade".encode())

    def ask(self, question: str) -> list[tuple[Any, ...]]:
        """What the ledger answers to somebody who only sees what is committed."""
        if isinstance(self.place, Server):
            with psycopg.connect(self.place.url, options=f"-c search_path={self.place.schema}") as server:
                return server.execute(question.encode()).fetchall()
        with closing(sqlite3.connect(self.place)) as file:
            return file.execute(question).fetchall()

    def faults(self, *faults: Fault) -> None:
        """What happens to the calls from now on: reads of the source, writes and finds of the target."""
        reads = [each for each in faults if each.kind.operation is Operation.READ]
        others = [each for each in faults if each.kind.operation is not Operation.READ]
        self._source_line = _Line(self.source, reads, self.clock, self)
        self._target_line = _Line(_Far(self), others, self.clock, self)
        self.mortality.born()

    def calls(self, operation: Operation) -> list[Call]:
        lines = (self._source_line, self._target_line)
        return [call for line in lines for call in line.calls if call.operation is operation]

    def moment(self, effect: str = "") -> Moment:
        """How everything stands now, for `back_to`."""
        number = len(self.mortality.effects) + 1
        self._moments += 1
        files = self.folder / "moments" / str(self._moments)
        if self.project.runs.is_dir():
            shutil.copytree(self.folder / "runs", files)
        return Moment(number, effect, files, _copied((self.clock, self.source, self.target, self.record)), self._left())

    def _left(self) -> str:
        """What the target, the ledger and the stage hold; not the values, nor what somebody has already seen."""
        told = [str(sorted(table.records.items())) for table in self.target._tables.values()]
        if isinstance(self.place, Path) and self.place.exists():
            with closing(sqlite3.connect(self.place)) as ledger:
                told += ledger.iterdump()
        told += sorted(path.name for path in self.project.runs.glob("stage/*"))
        return hashlib.sha256("\n".join(told).encode()).hexdigest()

    def back_to(self, moment: Moment) -> None:
        self._forget()
        if moment.files.is_dir():
            shutil.copytree(moment.files, self.folder / "runs")
        self.clock, self.source, self.target, self.record = _copied(moment.kept)
        self.faults()

    def run(self) -> Report:
        """`changeover run --execute` in this process."""
        return running.run(self.project, self.order, Secrets(), self._target_line.clock, lambda _tick: None)

    def until_it_ends(self, *deaths: int) -> Ended:
        """Run, and where it stops or dies run again. deaths: before which of its effects each life ends; 0: before
        none."""
        stopped: BaseException | None = None
        for life in range(RUNS_AT_MOST):
            self.life = life
            self.mortality.born(deaths[life] if life < len(deaths) else 0)
            try:
                return Ended(self.run(), None, life + 1)
            except (ChangeoverError, ProcessDied) as error:
                stopped = error
        return Ended(None, stopped, RUNS_AT_MOST)

    def moments(self, wanted: Callable[[str], bool] = lambda _effect: True) -> list[Moment]:
        """Run undisturbed, and tell how everything stood before every effect that is wanted: what a kill there would
        have left."""
        found: list[Moment] = []

        def watch(effect: str) -> None:
            if wanted(effect):
                found.append(self.moment(effect))

        self.mortality.watch = watch
        try:
            self.run()
        finally:
            self.mortality.watch = lambda _effect: None
        return found

    def rest(self) -> None:
        """Everything that is still on its way arrives."""
        self.clock.sleep(24 * 3600)
        self._target_line.finish_late(self.clock.now())

    @contextmanager
    def connectors(
        self, _project: Project, _secrets: Secrets, _paces: Paces, _clock: Clock
    ) -> Iterator[tuple[Connector, Connector]]:
        yield self._source_line, _Near(self._target_line, self)

    @contextmanager
    def in_process(self) -> Iterator[pytest.MonkeyPatch]:
        """Let the verb open this world's systems, its process be mortal, and nothing wait for the disk: what a dead
        process has handed to the system stays, so that a moment may be copied."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CHANGEOVER_DATA_KEY", "A" * 43 + "=")
            patch.setenv("CHANGEOVER_DIGEST_KEY", "A" * 22 + "==")
            patch.setattr(os, "fsync", lambda _file: None)
            patch.setattr(sessions, "open_connectors", self.connectors)
            patch.setattr(preparing, "load_mapping_files", lambda _folder: self.mapping_files)
            _make_mortal(patch, self.mortality)
            yield patch


def _copied(kept: tuple[Any, ...]) -> tuple[Any, ...]:
    """A copy that shares the schemas, which nobody changes."""
    shared = [each for schema in (SOURCE, TARGET, MASTERED) for each in (schema, *schema.objects.values())]
    return copy.deepcopy(kept, {id(each): each for each in shared})


def _make_mortal(patch: pytest.MonkeyPatch, mortality: Mortality) -> None:
    transaction, opened = Ledger.transaction, Ledger.__init__

    @contextmanager
    def counted(self: Ledger) -> Iterator[None]:
        mortality.before("commit")
        with transaction(self):
            yield

    def quick(self: Ledger, place: Place, *, durable: bool = True, **named: Any) -> None:
        opened(self, place, durable=False, **named)

    patch.setattr(Ledger, "transaction", counted)
    patch.setattr(Ledger, "__init__", quick)
    for owner, name in ((Stage, "put"), (Stage, "drop"), (ValueStore, "put_many")):
        patch.setattr(owner, name, _counted(getattr(owner, name), name, mortality))


def _counted(method: Callable[..., Any], name: str, mortality: Mortality) -> Callable[..., Any]:
    def counted(*arguments: Any, **named: Any) -> Any:
        mortality.before(name)
        return method(*arguments, **named)

    return counted
