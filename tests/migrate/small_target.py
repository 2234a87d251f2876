"""What small moves are made of: two objects of a target in memory, kinds of target, and the changes that are asked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from changeover.connectors.cell import Cell
from changeover.connectors.change import CONTAGION, Batch, ChangeKind, Outcome, OutcomeState
from changeover.connectors.clock import Clock
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.memory_table import Table
from changeover.connectors.schema import Field, FieldType, ObjectSchema, Schema

from .firms import Keyless

BATCH = 3
DEADLINE = 4
"""Seconds that a call may take. Few, for each second of a wait is counted."""
ADDED = "市"


def _object(name: str, *fields: Field) -> ObjectSchema:
    return ObjectSchema(name, ("id",), fields)


_NAME = Field("name", FieldType.TEXT, required=True)
SOURCE = Schema(
    {
        "firm": _object("firm", *(Field(name, FieldType.TEXT) for name in ("id", "name", "city", "tax"))),
        "person": _object(
            "person",
            Field("id", FieldType.TEXT),
            Field("name", FieldType.TEXT),
            Field("firm", FieldType.REFERENCE, references=("firm",)),
        ),
    }
)
TARGET = Schema(
    {
        "account": _object(
            "account",
            Field("id", FieldType.INTEGER),
            _NAME,
            Field("city", FieldType.TEXT),
            Field("tax_no", FieldType.TEXT, unique=True),
        ),
        "contact": _object(
            "contact",
            Field("id", FieldType.INTEGER),
            _NAME,
            Field("account_id", FieldType.REFERENCE, references=("account",), required=True, master=True),
        ),
    }
)
PROJECT = f"""
project: small
default: mock
environments:
  mock:
    source: {{connector: memory, name: old, file: none, zone: UTC}}
    target: {{connector: memory, name: new, file: none, zone: UTC}}
limits: {{batch: {BATCH}, deadline: {DEADLINE}, pause_after: 3, cool_down: 2}}
"""
MAPPINGS = {
    "account": "mapping: account\nfrom: firm\nto: account\nfields: {name: name, city: city, tax_no: tax}\n",
    "contact": "mapping: contact\nfrom: person\nto: contact\n"
    "fields:\n  name: name\n  account_id: {from: firm, reference: account}\n",
}


def write_project(folder: Path) -> None:
    (folder / "mappings").mkdir(parents=True)
    (folder / "changeover.yaml").write_text(PROJECT, "utf-8")
    for name, text in MAPPINGS.items():
        (folder / "mappings" / f"{name}.yaml").write_text(text, "utf-8")


class Alone(MemoryConnector):
    """Refuses one change of a batch alone, and says why in words of its own."""

    def write(self, batch: Batch) -> list[Outcome]:
        return [
            replace(each, detail="it is taken") if each.state is OutcomeState.REJECTED else each
            for each in super().write(batch)
        ]


class Twofold(Keyless, Alone):
    """Finds our key, and takes it twice."""


class Whole(Alone):
    """Takes a batch whole or not at all, and says which change was bad."""

    def write(self, batch: Batch) -> list[Outcome]:
        before = tables_of(self)
        outcomes = super().write(batch)
        bad = {each.our_key for each in outcomes if each.state is OutcomeState.REJECTED}
        if not bad or len(outcomes) == 1:
            return outcomes
        self._tables = before
        return [
            each if each.our_key in bad else Outcome(each.our_key, OutcomeState.NOT_SENT, code=CONTAGION)
            for each in outcomes
        ]


class Mute(Whole):
    """Takes a batch whole or not at all, and names nobody."""

    def write(self, batch: Batch) -> list[Outcome]:
        outcomes = super().write(batch)
        if len(outcomes) == 1 or not any(each.state is OutcomeState.REJECTED for each in outcomes):
            return outcomes
        return [Outcome(each.our_key, OutcomeState.REJECTED, code="target.refused") for each in batch.changes]


@dataclass(frozen=True)
class Kind:
    """A kind of target. lag, maximum: seconds. parts: half of a batch may be done. unique: it takes our key once.
    proven: and the loader knows. at_once: so many calls under way; last: that departed last is answered first. details:
    contacts that go inside a new account; tells: what became of them."""

    connector: type[MemoryConnector]
    lag: int = 0
    maximum: int = 0
    parts: bool = True
    unique: bool = True
    proven: bool = False
    batch: int = BATCH
    at_once: int = 1
    last: bool = False
    details: int = 0
    tells: bool = True
    words: Mapping[str, bool] = field(default_factory=dict)

    def made(self, clock: Clock) -> MemoryConnector:
        target = self.connector(
            TARGET,
            clock=clock,
            name="new",
            batch_size=self.batch,
            at_once=self.at_once,
            details=self.details,
            answers_details=self.tells,
            read_back_lag=dt.timedelta(seconds=self.lag),
            server_maximum=dt.timedelta(seconds=self.maximum),
            automation=automation,
        )
        target.capabilities = replace(target.capabilities, **self.words)
        return target


KINDS = {
    "unique": Kind(Alone),
    "slow": Kind(Alone, lag=2, maximum=5, details=1, tells=False),
    "proven": Kind(Alone, lag=2, maximum=5, proven=True, details=1),
    "twofold": Kind(Twofold, lag=1, maximum=3, unique=False),
    "whole": Kind(Whole, lag=1, maximum=3, parts=False, words={"all_or_nothing": True}),
    "mute": Kind(Mute, lag=1, maximum=3, parts=False, words={"all_or_nothing": True, "answers_as_one": True}),
    "abreast": Kind(Alone, lag=1, maximum=3, batch=2, at_once=2),
    "crossed": Kind(Alone, lag=1, maximum=3, batch=2, at_once=2, last=True),
}
"""By the names that trials give them."""


def automation(object_name: str, kind: ChangeKind, key: str, row: Mapping[str, Cell]) -> Mapping[str, Cell] | None:
    """What the target does by itself: a city that is no city's name in full gets one when the record is new."""
    city = row.get("city")
    if kind is not ChangeKind.CREATE or not isinstance(city, str) or len(city) > 1:
        return None
    return {"city": city + ADDED}


def tables_of(of: MemoryConnector | Mapping[str, Table]) -> dict[str, Table]:
    """Copies of its tables; the records themselves nobody changes."""
    tables = of._tables if isinstance(of, MemoryConnector) else of
    return {name: _copied(table) for name, table in tables.items()}


def _copied(table: Table) -> Table:
    copied = Table(table.schema, dict(table.records), dict(table.our_keys))
    copied.index = {name: {cell: set(keys) for cell, keys in held.items()} for name, held in table.index.items()}
    copied.unseen, copied.last_number = list(table.unseen), table.last_number
    return copied


Cells = Mapping[str, str | None]


@dataclass(frozen=True, eq=False)
class Asked:
    """One record's change. cells: all that it holds afterwards, references as our key of the parent. before: what an
    update, a delete or an adoption thinks that the target holds, of the fields that it writes. found: how a record of
    somebody's is found that is to become ours: by this tax_no."""

    kind: ChangeKind
    our_key: str
    cells: Cells
    before: Cells = field(default_factory=dict)
    found: str | None = None


@dataclass(frozen=True, eq=False)
class Step:
    """Changes of one object that are sent together."""

    object: str
    asked: tuple[Asked, ...]


def _account(name: str, city: str, tax_no: str | None) -> Cells:
    return {"name": name, "city": city, "tax_no": tax_no}


def _contact(name: str, parent: str) -> Cells:
    return {"name": name, "account_id": parent}


_CREATE, _UPDATE, _ADOPT = ChangeKind.CREATE, ChangeKind.UPDATE, ChangeKind.ADOPT
SEEDS = [
    {"name": "found at first", "city": "西安", "tax_no": "T1"},
    {"name": "found later", "city": "重庆", "tax_no": "T2"},
    {"name": "somebody's", "city": "青岛", "tax_no": "T3"},
]
BEFORE = (
    Step(
        "account",
        (
            Asked(_CREATE, "a1", _account("changes", "北京", "A1")),
            Asked(_CREATE, "a2", _account("is edited", "上海", "A2")),
            Asked(_CREATE, "a3", _account("is added to", "穗", "A3")),
            Asked(_ADOPT, "r1", _account("found at first", "西安", "T1"), found="T1"),
        ),
    ),
    Step("contact", (Asked(_CREATE, "d1", _contact("goes", "a1")),)),
)
"""What an earlier run has brought."""
EDITED = ("a2", {"city": "苏州"})
"""And what a user has written over since."""
STEPS = (
    Step(
        "account",
        (
            Asked(_CREATE, "c1", _account("new", "天津", None)),
            Asked(_ADOPT, "x1", _account("found later", "成都", "T2"), {"city": "重庆"}, found="T2"),
            Asked(_CREATE, "c2", _account("refused", "武汉", "T3")),
            Asked(_CREATE, "c3", _account("new and added to", "宁", None)),
            Asked(ChangeKind.RELEASE, "r1", {}),
        ),
    ),
    Step(
        "account",
        (
            Asked(_UPDATE, "a1", _account("has changed", "杭州", "A1"), {"name": "changes", "city": "北京"}),
            Asked(_UPDATE, "a2", _account("is edited", "无锡", "A2"), {"city": "上海"}),
            Asked(_UPDATE, "a3", _account("is added to", "长沙", "A3"), {"city": "穗市"}),
        ),
    ),
    Step(
        "contact",
        (
            Asked(_CREATE, "k1", _contact("of a new one", "c1")),
            Asked(_CREATE, "k2", _contact("of an old one", "a1")),
            Asked(_CREATE, "k3", _contact("of one that is refused", "c2")),
            Asked(ChangeKind.DELETE, "d1", {}, {"name": "goes"}),
        ),
    ),
)
"""What a trial asks for: every kind of change, one that the target refuses, one that a user has edited, one to which
the target adds by itself, a child of a parent that is new."""
MAY_EDIT = ("a1", "city", "mine")
"""What a user writes in a trial where one does."""
