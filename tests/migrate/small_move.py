"""A small move: the shipped loader and ledger below the batch cutter, from memory to memory, without a disk, a frame of
the source or a second of real time, so that it can be disturbed a hundred thousand times.

The ledger is one SQLite database in memory. What a trial commits lies in a transaction around it that is taken back at
its end; a process that dies loses what it has not committed, and nothing else.
"""

from __future__ import annotations

import datetime as dt
import random
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from changeover.connectors.cell import Cell
from changeover.connectors.change import Change, ChangeKind
from changeover.connectors.clock import VirtualClock
from changeover.connectors.errors import ChangeoverError
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.testing.hostile import Fault, ProcessDied
from changeover.mappings.compile import compile_mappings, load_mapping_files
from changeover.migrate.fingerprint import mapped_digests
from changeover.migrate.hooks import end_early
from changeover.migrate.project import load_project
from changeover.migrate.sending.answer import Planned
from changeover.migrate.sending.caller import Inline
from changeover.migrate.sending.send import Sender
from changeover.migrate.session import Interrupted, Session
from changeover.migrate.settling import readback, recover
from changeover.migrate.settling.readback import Written
from changeover.runs.digest import pack, unpack
from changeover.runs.keys import Keys
from changeover.runs.ledger import records, runlog, store
from changeover.runs.ledger.operations import Intent, Settled
from changeover.runs.ledger.records import RecordRow
from changeover.runs.ledger.runlog import Run
from changeover.runs.ledger.store import Ledger

from .moving import Record
from .small_details import read_back_details, with_details
from .small_memory import remember
from .small_process import (
    COMMIT_FAILS,
    COMMIT_LOST,
    DEATH,
    EDIT,
    TAKEN,
    InMemory,
    LastFirst,
    Line,
    Moment,
    Near,
    Process,
    Reached,
    Strike,
    Values,
)
from .small_target import (
    BEFORE,
    EDITED,
    MAY_EDIT,
    SEEDS,
    SOURCE,
    STEPS,
    TARGET,
    Asked,
    Kind,
    Step,
    tables_of,
    write_project,
)

START = dt.datetime(2024, 2, 29, 8, 0, tzinfo=dt.UTC)
KEYS = Keys(b"\1" * 32, b"\2" * 16)
LIVES_AT_MOST = 9


@dataclass(frozen=True)
class Ready:
    """What does not change from life to life. sent, written: of each record's change, packed."""

    sent: Mapping[str, bytes]
    written: Mapping[str, bytes]


class SmallMove:
    """What an earlier run has brought, what is asked now, and one process after another that does it.

    reached: what the processes of a trial came to, in order. between: called before each step of a run. without: what
    the ledger's store does without in a trial, as SQL drops it.
    """

    def __init__(self, folder: Path, kind: Kind) -> None:
        self.kind = kind
        self.without: tuple[str, ...] = ()
        self.between = _unheard
        write_project(folder)
        self.project = load_project(folder)
        compiled, _ = compile_mappings(
            load_mapping_files(folder / "mappings"), SOURCE, TARGET, "old", None, False, target_zone=None
        )
        self.mappings = dict(compiled)
        self.ready = {step: self._prepared(step) for step in (*BEFORE, *STEPS)}
        self.steps = BEFORE
        self.source = MemoryConnector(SOURCE, name="old")
        self.target = kind.made(VirtualClock(START))
        keys = self.target.seed("account", SEEDS)
        self.found = {str(each["tax_no"]): key for each, key in zip(SEEDS, keys, strict=True)}
        with self.in_process():
            self.moments = [Moment(_connection(), tables_of(self.target), 0.0)]
            self.begin()
            InMemory(self.connection, Process(self))._create(store.VERSION)
            assert self._life(), (self.stopped, self.crashes)
            self._edit(*EDITED)
            self.steps = STEPS
            self.moments = self._moments(Moment(self.connection, tables_of(self.target), self.clock.monotonic() + 3600))

    def _moments(self, first: Moment) -> list[Moment]:
        """Every moment of an undisturbed run, each with a ledger of its own."""
        found = [first]

        def keep(step: int, run: int) -> None:
            """Called between steps, while no transaction is open."""
            copy = _connection()
            self.connection.backup(copy)
            told = (self.effects, tuple(self.reached), tuple(self.line.calls), tuple(self.record.arrived), step, run)
            found.append(Moment(copy, tables_of(self.target), self.clock.monotonic(), *told))

        self.moments = [Moment(_connection(), first.tables, first.seconds)]
        first.connection.backup(self.moments[0].connection)
        self.begin()
        self.between = keep
        assert self._life(), (self.stopped, self.crashes)
        self.between = _unheard
        return found

    def _prepared(self, step: Step) -> Ready:
        mapping = self.mappings[step.object]
        names = [each.name for each in mapping.target_fields]
        sent, written = {}, {}
        for each in step.asked:
            if not each.cells:
                continue
            frame = pd.DataFrame(
                {name: pd.Series([each.cells[name]], dtype=pd.ArrowDtype(pa.string())) for name in names}
            )
            sent[each.our_key] = pack(mapped_digests(mapping, frame, KEYS.digest))[0]
            whole = each.kind is ChangeKind.CREATE
            written[each.our_key] = bytes(whole or name in each.before for name in names)
        return Ready(sent, written)

    # A trial

    def begin(
        self, faults: Sequence[Fault] = (), strikes: Collection[Strike] = (), moment: Moment | None = None
    ) -> None:
        """As it was before everything, with these disturbances to come: where they come late, what is before them is
        not done again. moment: where to begin. For a trial that is to be taken back, see `trial`."""
        self.moment = moment or next(each for each in reversed(self.moments) if each.is_before(faults, strikes))
        self.connection = self.moment.connection
        self.clock = VirtualClock(START)
        self.clock.sleep(self.moment.seconds)
        self.target._clock = self.clock
        self.target._tables = tables_of(self.moment.tables)
        self.record = Record(arrived=list(self.moment.arrived))
        self.effects, self.reached = self.moment.effects, list(self.moment.reached)
        self.edited = False
        self.lives = 0
        self.stopped: BaseException | None = None
        self.crashes: list[str] = []
        self.sender: Process | None = None
        self.line = Line(self, faults)
        self.line.calls += self.moment.calls
        self._strikes: dict[int, list[str]] = {}
        for each in strikes:
            self._strikes.setdefault(each.at, []).append(each.kind)
        random.seed(1)  # the jitter of waits

    @contextmanager
    def trial(
        self, faults: Sequence[Fault] = (), strikes: Collection[Strike] = (), moment: Moment | None = None
    ) -> Iterator[bool]:
        """One life after another under these disturbances; whether one of them came to its end. What was done to the
        ledger is taken back afterwards."""
        self.begin(faults, strikes, moment)
        self.connection.execute("begin")
        try:
            for guard in self.without:
                self.connection.execute(f"drop {guard}")
            yield self.until_it_ends()
        finally:
            self.connection.execute("rollback")

    def until_it_ends(self) -> bool:
        """One life after another, until one comes to its end."""
        ended = self._life(self.moment)
        while not ended and self.lives < LIVES_AT_MOST:
            ended = self._life()
        return ended

    def comes_to(self, effect: str, process: Process) -> None:
        self.effects += 1
        self.reached.append(Reached(effect, self.effects))
        for kind in self._strikes.get(self.effects, ()):
            if kind == DEATH:
                process.dead = True
            elif kind in (COMMIT_FAILS, COMMIT_LOST):
                process.failing = kind
            elif kind == TAKEN:
                self._life()
            elif kind == EDIT:
                self.edited = True
                self._edit(MAY_EDIT[0], {MAY_EDIT[1]: MAY_EDIT[2]})
            else:
                process.interruption.asked = True

    def _edit(self, our_key: str, cells: Mapping[str, Cell]) -> None:
        for table in self.target._tables.values():
            if our_key in table.our_keys:
                self.target.edit(table.schema.name, table.our_keys[our_key], cells, by="a user")

    def ask(self, question: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(question).fetchall()

    # A life

    def _life(self, moment: Moment | None = None) -> bool:
        """Whether it came to its end. moment: at which it already is."""
        self.lives += 1
        if self.lives > LIVES_AT_MOST:
            return False
        process = Process(self)
        base = InMemory(self.connection, process)
        try:
            session = self._session(process, base)
            if moment is not None and moment.step is not None:
                session.ledger.epoch = int(self.ask("select epoch from control")[0][0])
                self._steps(session, runlog.get(session.ledger, moment.run), moment.step)
            else:
                self._run(session)
        except (ChangeoverError, ProcessDied, Interrupted) as error:
            self.stopped = error
            return False
        except Exception as error:  # the end of this process too, and nobody's intention
            self.crashes.append(repr(error))
            return False
        return True

    def _session(self, process: Process, base: InMemory) -> Session:
        return Session(
            project=self.project,
            source=self.source,
            target=Near(self, process, base),
            paces=None,
            ledger=Ledger(base),  # type: ignore[arg-type] - see in_process
            values=Values(process),
            stage=None,
            bodies=None,
            keys=KEYS,
            clock=self.line.clock,
            source_schema=SOURCE,
            target_schema=TARGET,
            mappings=self.mappings,
            interruption=process.interruption,
            caller=LastFirst() if self.kind.last else Inline(),
            proven=set(TARGET.objects) if self.kind.proven else set(),
        )

    def _run(self, session: Session) -> None:
        ledger, clock = session.ledger, session.clock
        ledger.take_over()
        recover.recover(session)
        session.breaker.probing = runlog.paused(ledger)
        meant = str(len(self.steps))
        run = runlog.resumable(ledger, "run", meant, "")
        if run is None:
            run = runlog.begin(ledger, "run", clock.now(), meant)
        else:
            runlog.reopen(ledger, run.id, clock.now())
        self._steps(session, run, None)

    def _steps(self, session: Session, run: Run, begun: int | None) -> None:
        """begun: at which step; None: at what comes before all of them."""
        ledger, clock = session.ledger, session.clock
        try:
            if begun is None:
                readback.read_back_left(session, run.id)
            for number, step in enumerate(self.steps[begun or 0 :], begun or 0):
                self.between(number, run.id)
                self._step(session, run.id, step)
        except Interrupted:
            runlog.end(ledger, run.id, "interrupted", clock.now())
            raise
        except ChangeoverError as error:
            end_early(session, run, error)
            raise
        runlog.end(ledger, run.id, "finished", clock.now())

    def _step(self, session: Session, run: int, step: Step) -> None:
        """Send what the ledger does not have as done, and read it back."""
        mapping, ready = self.mappings[step.object], self.ready[step]
        known = records.lookup(session.ledger, step.object, [each.our_key for each in step.asked])
        left = [each for each in step.asked if not _over(each, known.get(each.our_key), ready)]
        if not left:
            return
        names = [each.name for each in mapping.target_fields]
        number = records.fieldset(session.ledger, step.object, step.object, mapping.digest, names)
        parents = records.target_keys(session.ledger, "account", [str(each.cells.get("account_id")) for each in left])
        planned = [
            self.planned(each, known.get(each.our_key), ready, parents)
            for each in left
            if "account_id" not in each.cells or each.cells["account_id"] in parents
        ]
        sender = Sender(session, run)
        planned = [with_details(self, session, each) for each in planned]
        ended = sender.send(step.object, step.object, mapping.source.name, number, planned)
        read_back_details(self, session, run, sender.details)
        acked = [each for each in ended if each.state == "acked" and each.record != "gone"]
        if acked:
            done = _written(acked, sender.batches, known, ready, len(names))
            readback.read_back(session, mapping, done, run)

    def planned(self, asked: Asked, known: RecordRow | None, ready: Ready, parents: Mapping[str, str]) -> Planned:
        key = known.target_key if known else self.found.get(asked.found or "")
        cells: dict[str, Cell] = dict(asked.cells)
        parent = asked.cells.get("account_id")
        if parent is not None:
            cells["account_id"] = parents[parent]
        kind = asked.kind
        if kind is not ChangeKind.CREATE:
            cells = {name: cells[name] for name in asked.before if name in cells}
        change = Change(kind, asked.our_key, key, cells, asked.before or None)
        sent, written = ready.sent.get(asked.our_key), ready.written.get(asked.our_key)
        gone = kind in (ChangeKind.DELETE, ChangeKind.RELEASE)
        bucket = "deleted" if gone else "created" if kind is ChangeKind.CREATE else "updated"
        intent = Intent(asked.our_key, kind, key, sent, written, bucket, None if gone else asked.our_key)
        return Planned(change, intent, "gone" if gone else "live")

    @contextmanager
    def in_process(self) -> Iterator[pytest.MonkeyPatch]:
        """Let a ledger be opened over the database that it is given, and what depends on nothing but its arguments be
        computed once."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(store, "_opened", lambda base, *_: base)
            remember(patch)
            yield patch


def _connection() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None, cached_statements=512)
    connection.execute("pragma foreign_keys = on")
    return connection


def _unheard(_step: int, _run: int) -> None:
    pass


def _over(asked: Asked, known: RecordRow | None, ready: Ready) -> bool:
    """Whether the ledger has it as done, or as parked."""
    if known is None:
        return False
    if known.state in ("rejected", "conflicted", "gone"):
        return True
    match asked.kind:
        case ChangeKind.CREATE | ChangeKind.ADOPT:
            return known.target_key is not None
        case ChangeKind.UPDATE:
            return known.sent == ready.sent[asked.our_key]
        case _:
            return False


def _written(
    acked: Sequence[Settled], batches: Sequence[int], known: Mapping[str, RecordRow], ready: Ready, fields: int
) -> Written:
    keys = [each.our_key for each in acked]
    rows = [known.get(key) for key in keys]
    written = np.array([list(ready.written[key]) for key in keys], dtype=bool)
    before = [row.back if row is not None and row.back is not None else bytes(8 * fields) for row in rows]
    return Written(
        our_keys=keys,
        source_keys=keys,
        target_keys=[each.target_key or "" for each in acked],
        batches=batches,
        sent=unpack([ready.sent[key] for key in keys], fields),
        written=written,
        before=unpack(before, fields),
        as_sent=np.array([row is None for row in rows]) & written.all(axis=1),
    )
