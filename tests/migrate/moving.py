"""A small company moved in this process between two systems in memory, behind a line that fails and by a process that
dies, each at a chosen moment; and the laws that hold whatever happens."""

from __future__ import annotations

import copy
import datetime as dt
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from changeover.connectors.cell import Cell
from changeover.connectors.change import Batch, Change, ChangeKind, Outcome, OutcomeState
from changeover.connectors.clock import Clock, VirtualClock
from changeover.connectors.errors import ChangeoverError
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.memory_table import Record, Table
from changeover.connectors.port import Connector
from changeover.connectors.schema import Field, FieldType, ObjectSchema, Schema
from changeover.connectors.secrets import Secrets
from changeover.connectors.testing.hostile import Call, Fault, Hostile, Operation, ProcessDied
from changeover.mappings.compile import load_mapping_files
from changeover.migrate import prepare as preparing
from changeover.migrate import run as running
from changeover.migrate import session as sessions
from changeover.migrate.project import Project, load_project
from changeover.runs.ledger.store import Ledger
from changeover.runs.report.model import BUCKETS, Report
from changeover.runs.stage import Stage
from changeover.runs.values import ValueStore

START = dt.datetime(2024, 2, 29, 8, 0, tzinfo=dt.UTC)
SERVER_MAXIMUM = dt.timedelta(seconds=30)
LAG = dt.timedelta(seconds=2)
BATCH, CHUNK = 2, 3
RUNS_AT_MOST = 5

_KEY = Field("id", FieldType.TEXT, required=True)
SOURCE = Schema(
    {
        "firm": ObjectSchema(
            "firm",
            ("id",),
            (
                _KEY,
                Field("name", FieldType.TEXT),
                Field("parent", FieldType.REFERENCE, references=("firm",)),
                Field("chief", FieldType.REFERENCE, references=("person",)),
                Field("tax", FieldType.TEXT),
                Field("city", FieldType.TEXT),
            ),
        ),
        "person": ObjectSchema(
            "person",
            ("id",),
            (_KEY, Field("name", FieldType.TEXT), Field("firm", FieldType.REFERENCE, references=("firm",))),
        ),
        "deal": ObjectSchema(
            "deal",
            ("id",),
            (
                _KEY,
                Field("title", FieldType.TEXT),
                Field("firm", FieldType.REFERENCE, references=("firm",)),
                Field("amount", FieldType.TEXT),
                Field("number", FieldType.TEXT),
            ),
        ),
    }
)
_NUMBER = Field("id", FieldType.INTEGER)
TARGET = Schema(
    {
        "account": ObjectSchema(
            "account",
            ("id",),
            (
                _NUMBER,
                Field("name", FieldType.TEXT, required=True),
                Field("parent_id", FieldType.REFERENCE, references=("account",)),
                Field("chief_id", FieldType.REFERENCE, references=("contact",)),
                Field("tax_no", FieldType.TEXT, unique=True),
                Field("city", FieldType.TEXT),
            ),
        ),
        "contact": ObjectSchema(
            "contact",
            ("id",),
            (
                _NUMBER,
                Field("name", FieldType.TEXT, required=True),
                Field("account_id", FieldType.REFERENCE, required=True, references=("account",)),
            ),
        ),
        "deal": ObjectSchema(
            "deal",
            ("id",),
            (
                _NUMBER,
                Field("title", FieldType.TEXT, required=True),
                Field("account_id", FieldType.REFERENCE, references=("account",)),
                Field("amount", FieldType.DECIMAL, precision=18, scale=2),
                Field("number", FieldType.TEXT, unique=True),
            ),
        ),
    }
)
PROJECT = f"""
project: moving
default: mock
environments:
  mock:
    source: {{connector: memory, name: old, file: none, zone: UTC}}
    target: {{connector: memory, name: new, file: none, zone: UTC}}
limits: {{chunk: {CHUNK}, batch: {BATCH}}}
"""
MAPPINGS = {
    "account": """
mapping: account
from: firm
to: account
where: {city: {not_equals: test}}
match: [tax_no]
fields:
  name: name
  parent_id: {from: parent, reference: account}
  chief_id: {from: chief, reference: contact}
  tax_no: tax
  city: city
""",
    "contact": """
mapping: contact
from: person
to: contact
fields:
  name: name
  account_id: {from: firm, reference: account}
""",
    "deal": """
mapping: deal
from: deal
to: deal
fields:
  title: title
  account_id: {from: firm, reference: account}
  amount: amount
  number: number
""",
}
FIRMS = (
    ("f1", "总公司", None, "p1", "T1", "北京"),
    ("f2", "before its parent", "f3", "p2", "T2", "上海"),
    ("f3", "second level", "f1", None, "T3", "广州"),
    ("f4", "one of a circle", "f5", None, "T4", "深圳"),
    ("f5", "the other of it", "f4", None, "T5", "深圳"),
    ("f6", "there already", "f1", None, "T6", "成都"),
    ("f7", "parent unknown", "f9", None, "T7", "武汉"),
    ("f8", "not wanted", None, None, "T8", "test"),
)
PEOPLE = (("p1", "王芳", "f1"), ("p2", "李娜", "f2"), ("p3", "of a held firm", "f7"))
DEALS = (
    ("d1", "first", "f1", "10.50", "N1"),
    ("d2", "second", "f2", "0.10", "N2"),
    ("d3", "no number", "f3", "twelve", "N3"),
    ("d4", "taken by somebody", "f3", "1.00", "N9"),
    ("d5", "target adds to it", "f6", "3.00", "N5"),
)


class Keyless(MemoryConnector):
    """A target that finds our key and does not mind having it twice: a field of ours that is not unique."""

    def _create(self, table: Table, change: Change) -> Outcome:
        table.our_keys.pop(change.our_key, None)
        return super()._create(table, change)


def _added(object_name: str, kind: ChangeKind, key: str, row: Mapping[str, Cell]) -> Mapping[str, Cell] | None:
    """The target's own automation: it rounds one deal up."""
    return {"amount": row["amount"] + 1} if row.get("title") == "target adds to it" else None  # type: ignore[operator]


@dataclass
class Sent:
    """A change as it left, and what the inner target made of it."""

    object: str
    change: Change
    outcome: Outcome | None = None


class Recorder:
    """In front of the real target, behind the bad line: every change that really arrives. And behind a dying process:
    what the ledger on disk says at the moment when a batch leaves."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.arrived: list[Sent] = []
        self.unwritten: list[str] = []
        self.again: list[str] = []

    def write(self, inner: Callable[[Batch], list[Outcome]], batch: Batch) -> list[Outcome]:
        outcomes = inner(batch)
        self.arrived += [
            Sent(batch.object, change, outcome) for change, outcome in zip(batch.changes, outcomes, strict=True)
        ]
        return outcomes

    def leaving(self, batch: Batch) -> None:
        """Read by a connection of its own, so that only what is committed counts."""
        ledger = sqlite3.connect(self.world.ledger_path)
        try:
            for change in batch.changes:
                told = ledger.execute(
                    "select kind, state, sent, written from operation where object = ? and our_key = ? order by batch",
                    (batch.object, change.our_key),
                ).fetchall()
                mine = [row for row in told if row[1] == "intent" and row[0] == change.kind.value]
                if not mine:
                    self.unwritten.append(change.our_key)
                done = [(row[0], row[2], row[3]) for row in told if row[1] in ("acked", "verified", "diverged")]
                latest = done[-1] if done else None
                if mine and latest == (mine[0][0], mine[0][2], mine[0][3]):
                    self.again.append(change.our_key)
                if change.kind is ChangeKind.CREATE and done:
                    self.again.append(change.our_key)
        finally:
            ledger.close()


class Mortality:
    """Counts the effects of a process (ledger commits, stage and value store writes, target writes) and lets it die
    just before one of them, or in the middle of a target write; what is dead has no effects."""

    def __init__(self) -> None:
        self.effects: list[str] = []
        self.dies_at: int | None = None
        self.dead = False

    def before(self, what: str) -> None:
        if self.dead:
            raise ProcessDied
        self.effects.append(what)
        if len(self.effects) == self.dies_at:
            self.dead = True
            raise ProcessDied

    def born_again(self, dies_at: int | None = None) -> None:
        self.dead, self.dies_at = False, dies_at
        self.effects.clear()


class Mortal:
    """The target as a process that may die sees it."""

    def __init__(self, hostile: Hostile, world: World) -> None:
        self._hostile = hostile
        self._world = world

    def __getattr__(self, name: str) -> Any:
        return getattr(self._hostile, name)

    def write(self, batch: Batch) -> list[Outcome]:
        self._world.mortality.before(f"write {batch.object}")
        self._world.recorder.leaving(batch)
        outcomes = self._hostile.write(batch)
        self._world.mortality.before(f"answer {batch.object}")
        return outcomes


class _Recorded:
    def __init__(self, inner: MemoryConnector, world: World) -> None:
        self._inner = inner
        self._world = world

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def write(self, batch: Batch) -> list[Outcome]:
        return self._world.recorder.write(self._inner.write, batch)


@dataclass
class Ended:
    """How a trial ended: the last run's report, or why the last attempt stopped. runs: how many it took."""

    report: Report | None
    stopped: BaseException | None
    runs: int


@dataclass
class State:
    """Everything a run leaves behind, in words that do not depend on the target's numbering."""

    target: dict[tuple[str, str], tuple[tuple[str, str | None], ...]]
    foreign: list[tuple[str, tuple[tuple[str, str | None], ...]]]
    twice: list[str]
    ledger: dict[tuple[str, str], tuple[object, ...]]
    crosswalk: dict[tuple[str, str], tuple[str, ...]]
    not_ended: list[str]
    not_read_back: list[str]
    findings: Counter[tuple[object, ...]]
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    exit_code: int | None = None


class World:
    """Both systems, a project folder, and the process that moves the one into the other. Everything is made anew by
    `begin`."""

    def __init__(self, folder: Path, target: type[MemoryConnector] = MemoryConnector) -> None:
        self.folder = folder
        self.kind = target
        (folder / "mappings").mkdir(parents=True)
        (folder / "changeover.yaml").write_text(PROJECT, "utf-8")
        for name, text in MAPPINGS.items():
            (folder / "mappings" / f"{name}.yaml").write_text(text, "utf-8")
        self.project = load_project(folder)
        self.mapping_files = load_mapping_files(folder / "mappings")
        self.mortality = Mortality()
        self._saved: tuple[Any, ...] | None = None
        self.begin()

    @property
    def ledger_path(self) -> Path:
        return self.project.runs / "ledger.db"

    def begin(self) -> None:
        """A source with its records and a target that holds a few of somebody's, nothing moved."""
        shutil.rmtree(self.folder / "runs", ignore_errors=True)
        self.clock = VirtualClock(START)
        self.source = MemoryConnector(SOURCE, clock=self.clock, name="old")
        for name, rows in (("firm", FIRMS), ("person", PEOPLE), ("deal", DEALS)):
            self.source.seed(name, [dict(zip(SOURCE.objects[name].field_names, row, strict=True)) for row in rows])
        self.target = self.kind(
            TARGET,
            clock=self.clock,
            name="new",
            read_back_lag=LAG,
            server_maximum=SERVER_MAXIMUM,
            automation=_added,
            acting_user="changeover",
        )
        self.target.seed("account", [{"name": "旧客户", "tax_no": "T6", "city": "重庆"}, {"name": "not ours"}])
        self.target.seed("deal", [{"title": "not ours", "number": "N9"}])
        self._connect()

    def time_passes(self) -> None:
        """After a first run: people go on working in both systems."""
        for name, key, values in (
            ("firm", "f1", {"city": "天津", "chief": "p2"}),
            ("firm", "f2", {"parent": "f1"}),
            ("firm", "f3", {"city": "佛山"}),
            ("firm", "f6", {"name": "renamed"}),
            ("person", "p2", {"name": "李娜娜"}),
            ("deal", "d1", {"amount": "11.00"}),
            ("deal", "d3", {"amount": "12.00"}),
        ):
            self.source.edit(name, key, values, by="somebody")
        self.source.seed("firm", [{"id": "f9", "name": "the parent comes", "city": "长沙"}])
        ours = self.target._tables["account"].our_keys
        self.target.edit("account", ours["old:firm:f3"], {"city": "东莞"}, by="a user")
        self.target.edit("account", ours["old:firm:f1"], {"name": "edited"}, by="a user")
        self.clock.sleep(3600)

    def save(self) -> None:
        """Remember how everything stands, for `restore`."""
        kept = self.folder / "kept"
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(self.folder / "runs", kept)
        self._saved = copy.deepcopy((self.clock, self.source, self.target))

    def restore(self) -> None:
        """As it stood at `save`."""
        if self._saved is None:
            raise RuntimeError("nothing saved")
        shutil.rmtree(self.folder / "runs", ignore_errors=True)
        shutil.copytree(self.folder / "kept", self.folder / "runs")
        self.clock, self.source, self.target = copy.deepcopy(self._saved)
        self._connect()

    def _connect(self) -> None:
        self.recorder = Recorder(self)
        self.mortality.born_again()
        self.line_in = Hostile(self.source, clock=self.clock)
        self.line_out = Hostile(_Recorded(self.target, self), clock=self.clock)  # type: ignore[arg-type]

    def faults(self, *faults: Fault) -> None:
        """What happens to the calls from now on: reads of the source, writes and finds of the target."""
        reads = [each for each in faults if each.kind.operation is Operation.READ]
        others = [each for each in faults if each.kind.operation is not Operation.READ]
        self.line_in = Hostile(self.source, reads, clock=self.clock)
        self.line_out = Hostile(_Recorded(self.target, self), others, clock=self.clock)  # type: ignore[arg-type]

    @property
    def calls(self) -> list[Call]:
        return [*self.line_in.calls, *self.line_out.calls]

    @contextmanager
    def connectors(self, _project: Project, _secrets: Secrets, _clock: Clock) -> Iterator[tuple[Connector, Connector]]:
        yield self.line_in, Mortal(self.line_out, self)  # type: ignore[misc]

    def run(self) -> Report:
        """`changeover run --execute` in this process."""
        return running.run(self.project, running.Order(), Secrets(), self.line_out.clock, lambda _tick: None)

    def until_it_ends(self, *deaths: int) -> Ended:
        """Run, and where it stops or dies run again. deaths: before which of its effects each life ends."""
        stopped: BaseException | None = None
        for life in range(RUNS_AT_MOST):
            self.mortality.born_again(deaths[life] if life < len(deaths) else None)
            try:
                return Ended(self.run(), None, life + 1)
            except (ChangeoverError, ProcessDied) as error:
                stopped = error
        return Ended(None, stopped, RUNS_AT_MOST)

    def state(self, ended: Ended) -> State:
        """What there is now, read from the inner target and from the ledger's file."""
        ledger = sqlite3.connect(self.ledger_path)
        try:
            return self._state(ledger, ended)
        finally:
            ledger.close()

    def _state(self, ledger: sqlite3.Connection, ended: Ended) -> State:
        rows = ledger.execute(
            "select object, our_key, target_key, state, code, waits_for, adopted, run, bucket, back is null, mapping "
            "from record"
        ).fetchall()
        ours = {(name, key): our_key for name, our_key, key, *_ in rows if key is not None}
        target, foreign, twice = self._in_target(ours)
        return State(
            target,
            foreign,
            twice,
            {(row[0], row[1]): (row[2] is not None, *row[3:9], row[10]) for row in rows},
            {
                (name, key): tuple(sorted(row[0] for row in made_of))
                for name, key, *_ in rows
                if (
                    made_of := ledger.execute(
                        "select source_key from contribution where object = ? and our_key = ?", (name, key)
                    ).fetchall()
                )
            },
            [
                f"{row[0]} {row[1]}"
                for row in ledger.execute(
                    "select our_key, state from operation where state in ('planned', 'intent', 'unknown')"
                )
            ],
            [row[0] for row in ledger.execute("select our_key from operation where state = 'acked'")]
            + [row[1] for row in rows if row[2] is not None and row[9]],
            Counter(
                ledger.execute(
                    "select run, mapping, object, key, field, code, severity, params from finding"
                ).fetchall()
            ),
            {each.mapping: {"read": each.read, "adopted": each.adopted, **each.buckets} for each in ended.report.counts} if ended.report else {},
            ended.report.exit_code if ended.report else None,
        )

    def _in_target(
        self, ours: Mapping[tuple[str, str], str]
    ) -> tuple[
        dict[tuple[str, str], tuple[tuple[str, str | None], ...]],
        list[tuple[str, tuple[tuple[str, str | None], ...]]],
        list[str],
    ]:
        target: dict[tuple[str, str], tuple[tuple[str, str | None], ...]] = {}
        foreign, twice = [], []
        for name, table in self.target._tables.items():
            for key, record in table.records.items():
                cells = tuple(
                    (each.name, _told(each, record.values[each.name], ours))
                    for each in table.schema.fields
                    if each.name != "id"
                )
                if record.our_key is None:
                    foreign.append((name, cells))
                elif (name, record.our_key) in target:
                    twice.append(record.our_key)
                else:
                    believed = ours.get((name, key))
                    said = () if believed == record.our_key else (("ledger says", believed),)
                    target[name, record.our_key] = (*cells, *said)
        return target, foreign, twice


def _told(described: Field, cell: Cell, ours: Mapping[tuple[str, str], str]) -> str | None:
    if cell is not None and described.references:
        return ours.get((described.references[0], str(cell)), f"@{cell}")
    return None if cell is None else str(cell)


def broken_laws(world: World, ended: Ended, state: State, wanted: State) -> set[str]:
    """The laws that this end breaks, by name."""
    broken = set()
    if ended.report is None:
        broken.add("it ends")
    if wanted.target.keys() - state.target.keys():
        broken.add("nothing lost")
    creates = Counter(
        sent.change.our_key
        for sent in world.recorder.arrived
        if sent.change.kind is ChangeKind.CREATE and sent.outcome and sent.outcome.state is OutcomeState.ACKED
    )
    if state.twice or any(number > 1 for number in creates.values()) or state.foreign != wanted.foreign:
        broken.add("nothing doubled")
    if state.target.keys() - wanted.target.keys() or any(
        state.target[key] != cells for key, cells in wanted.target.items() if key in state.target
    ):
        broken.add("right values")
    if {key for key, row in state.ledger.items() if row[0]} != state.target.keys():
        broken.add("done is done")
    if state.not_ended:
        broken.add("no operation open")
    if state.not_read_back:
        broken.add("read back")
    if state.ledger != wanted.ledger or state.crosswalk != wanted.crosswalk:
        broken.add("named state")
    if any(each["read"] != sum(each[name] for name in BUCKETS) for each in state.counts.values()):
        broken.add("counts balance")
    if state.counts != wanted.counts or state.exit_code != wanted.exit_code:
        broken.add("counts told")
    if state.findings != wanted.findings:
        broken.add("findings told")
    if world.recorder.unwritten:
        broken.add("intent first")
    if world.recorder.again:
        broken.add("settled stays settled")
    return broken


@contextmanager
def in_process(world: World) -> Iterator[pytest.MonkeyPatch]:
    """Let the verb open this world's systems, its process be mortal, and the ledger do without waiting for the disk
    (a death here is an exception: what was handed to the system stays)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHANGEOVER_DATA_KEY", "A" * 43 + "=")
        patch.setenv("CHANGEOVER_DIGEST_KEY", "A" * 22 + "==")
        patch.setattr(sessions, "open_connectors", world.connectors)
        patch.setattr(preparing, "load_mapping_files", lambda _folder: world.mapping_files)
        _make_mortal(patch, world.mortality)
        yield patch


def _make_mortal(patch: pytest.MonkeyPatch, mortality: Mortality) -> None:
    transaction, opened = Ledger.transaction, Ledger.__init__

    @contextmanager
    def counted(self: Ledger) -> Iterator[None]:
        mortality.before("commit")
        with transaction(self):
            yield

    def quick(self: Ledger, path: Path, *, durable: bool = True) -> None:
        opened(self, path, durable=False)

    patch.setattr(Ledger, "transaction", counted)
    patch.setattr(Ledger, "__init__", quick)
    for owner, name in ((Stage, "put"), (Stage, "drop"), (ValueStore, "put_many")):
        patch.setattr(owner, name, _counted(getattr(owner, name), name, mortality))


def _counted(method: Callable[..., Any], name: str, mortality: Mortality) -> Callable[..., Any]:
    def counted(*arguments: Any, **named: Any) -> Any:
        mortality.before(name)
        return method(*arguments, **named)

    return counted
