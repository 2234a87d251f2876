"""Firms, people and deals: two systems in memory with different words for them, and the project that moves them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from changeover.connectors.cell import Cell
from changeover.connectors.change import Change, ChangeKind, Outcome
from changeover.connectors.chunk import Chunk
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.memory_table import RefusedError, Table
from changeover.connectors.port import KEY, OUR_KEY, Ordeal, OurKeyPlace
from changeover.connectors.schema import Field, FieldType, ObjectSchema, Schema

BATCH, CHUNK = 2, 3


def _object(name: str, *fields: Field) -> ObjectSchema:
    return ObjectSchema(name, (fields[0].name,), fields)


def _reference(name: str, to: str, *, required: bool = False) -> Field:
    return Field(name, FieldType.REFERENCE, references=(to,), required=required)


def _text(name: str, *, required: bool = False, unique: bool = False) -> Field:
    return Field(name, FieldType.TEXT, required=required, unique=unique)


_KEY, _NUMBER = _text("id", required=True), Field("id", FieldType.INTEGER)
_FIRM = ("id", "name", "parent", "chief", "tax", "city")
_PERSON = ("id", "name", "firm")
_DEAL = ("id", "title", "firm", "amount", "number")
SOURCE = Schema(
    {
        "firm": _object(
            "firm",
            _KEY,
            _text("name"),
            _reference("parent", "firm"),
            _reference("chief", "person"),
            _text("tax"),
            _text("city"),
        ),
        "person": _object("person", _KEY, _text("name"), _reference("firm", "firm")),
        "deal": _object("deal", _KEY, _text("title"), _reference("firm", "firm"), _text("amount"), _text("number")),
    }
)
TARGET = Schema(
    {
        "account": _object(
            "account",
            _NUMBER,
            _text("name", required=True),
            _reference("parent_id", "account"),
            _reference("chief_id", "contact"),
            _text("tax_no", unique=True),
            _text("city"),
        ),
        "contact": _object(
            "contact", _NUMBER, _text("name", required=True), _reference("account_id", "account", required=True)
        ),
        "deal": _object(
            "deal",
            _NUMBER,
            _text("title", required=True),
            _reference("account_id", "account"),
            Field("amount", FieldType.DECIMAL, precision=18, scale=2),
            _text("number", unique=True),
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
Rows = Mapping[str, list[dict[str, Cell]]]


def _rows(names: tuple[str, ...], *rows: tuple[str | None, ...]) -> list[dict[str, Cell]]:
    return [dict(zip(names, row, strict=True)) for row in rows]


LEVELS: Rows = {
    "firm": _rows(
        _FIRM,
        ("f1", "总公司", None, "p1", "T1", "北京"),
        ("f2", "before its parent", "f3", None, "T2", "上海"),
        ("f3", "second level", "f1", None, "T3", "广州"),
        ("f6", "there already", "f1", None, "T6", "成都"),
        ("f8", "not wanted", None, None, "T8", "test"),
    ),
    "person": _rows(_PERSON, ("p1", "王芳", "f1"), ("p3", "of no firm yet", "f9")),
    "deal": _rows(
        _DEAL,
        ("d1", "first", "f1", "10.50", "N1"),
        ("d2", "target adds to it", "f2", "0.10", "N2"),
        ("d3", "no number", "f3", "twelve", "N3"),
        ("d4", "taken by somebody", "f3", "1.00", "N9"),
    ),
}
"""Levels of firms in the wrong order, one that is there already, one that is filtered; a chief who comes after his
firm; a person whose firm is missing; deals over two chunks, one rejected here, one by the target."""

BATCHES: Rows = {**LEVELS, "deal": [*LEVELS["deal"], *_rows(_DEAL, ("d5", "with a bad one", "f1", "2.00", "N5"))]}
"""The same, and a batch that is still one of several once each object's first record went alone."""

PLAIN: Rows = {**LEVELS, "deal": [{**each, "title": "plain"} for each in LEVELS["deal"]]}
"""The same, and the target adds to nothing."""

ONE: Rows = {"firm": _rows(_FIRM, ("f1", "总公司", None, None, "T1", "北京")), "person": [], "deal": []}

CIRCLE: Rows = {
    "firm": _rows(
        _FIRM,
        ("f4", "one of a circle", "f5", "p4", "T4", "深圳"),
        ("f5", "the other of it", "f4", None, "T5", "深圳"),
        ("f7", "parent unknown", "f9", None, "T7", "武汉"),
    ),
    "person": _rows(_PERSON, ("p4", "李娜", "f5")),
    "deal": [],
}
"""Firms that are each other's parent, and one whose parent is missing: both kinds of second operation."""


PAIR: Rows = {**CIRCLE, "person": [*CIRCLE["person"], *_rows(_PERSON, ("p5", "刘洋", "f4"))]}
"""The same, and a person after the first one."""


FAMILIES: Rows = {
    "firm": _rows(
        _FIRM,
        ("f1", "first", None, None, "T1", "北京"),
        ("f2", "its chief is inside", None, "p2", "T2", "上海"),
        ("f3", "a detail is refused", None, None, "T3", "广州"),
        ("f4", "more than fit", None, None, "T4", "深圳"),
        ("f5", "refused itself", None, None, "T5", "nowhere"),
        ("f6", "there already", None, None, "T6", "成都"),
    ),
    "person": _rows(
        _PERSON,
        ("p1", "王芳", "f1"),
        ("p2", "李娜", "f2"),
        ("p3", "刘洋", "f3"),
        ("p4", "陈静", "f4"),
        ("p9", "无", "f9"),
    ),
    "deal": _rows(
        _DEAL,
        ("d1", "first", "f1", "10.50", "N1"),
        ("d2", "second", "f2", "0.10", "N2"),
        ("d3", "no number", "f2", "twelve", "N3"),
        ("d4", "taken by somebody", "f3", "1.00", "N9"),
        ("d5", "beside it", "f3", "2.00", "N5"),
        ("d6", "one", "f4", "3.00", "N6"),
        ("d7", "target adds to it", "f4", "4.00", "N7"),
        ("d8", "three", "f4", "5.00", "N8"),
        ("d9", "of one that is there", "f6", "6.00", "N10"),
        ("d10", "of one that is refused", "f5", "7.00", "N11"),
    ),
}
"""People and deals of each firm: some that may be created inside it, one that is bad, one that the target refuses."""


FAMILY: Rows = {
    "firm": _rows(_FIRM, ("f1", "first", None, None, "T1", "北京"), ("f2", "with its deals", None, None, "T2", "上海")),
    "person": [],
    "deal": _rows(
        _DEAL,
        ("d1", "first", "f1", "10.50", "N1"),
        ("d2", "second", "f2", "0.10", "N2"),
        ("d3", "target adds to it", "f2", "2.00", "N3"),
    ),
}
"""The smallest of them: two deals are created inside their firm."""


def _mastered(schema: ObjectSchema) -> ObjectSchema:
    fields = (replace(each, master=each.name == "account_id") for each in schema.fields)
    return replace(schema, fields=tuple(fields))


MASTERED = Schema({name: _mastered(each) for name, each in TARGET.objects.items()})


class Mastered(MemoryConnector):
    """A target whose accounts are created with up to three of their contacts and deals, and that knows cities. tells:
    what became of them; else of the account alone."""

    carries, tells, abreast = 3, True, 1

    def __init__(self, _schema: Schema, **given: Any) -> None:
        size = {"batch_size": 1, "at_once": self.abreast} if self.abreast > 1 else {}
        super().__init__(MASTERED, details=self.carries, answers_details=self.tells, **size, **given)

    def _create(self, table: Table, change: Change) -> Outcome:
        if change.values.get("city") == "nowhere":
            raise RefusedError("target.refused", "city")
        return super()._create(table, change)


class Apart(Mastered):
    """The same, and none is created inside another."""

    carries = 0


class Untold(Mastered):
    tells = False


class Abreast(Untold):
    """And it takes several calls at a time, of one account each, as a CRM does."""

    abreast = 3


class Keyless(MemoryConnector):
    """A target that finds our key and does not mind having it twice: a field of ours that is not unique."""

    def _create(self, table: Table, change: Change) -> Outcome:
        holder = table.our_keys.pop(change.our_key, None)
        try:
            return super()._create(table, change)
        except RefusedError:
            if holder is not None:
                table.our_keys[change.our_key] = holder
            raise

    def _change(self, table: Table, change: Change) -> Outcome:
        outcome = super()._change(table, change)
        for key, record in table.records.items():
            if change.kind is ChangeKind.DELETE and record.our_key == change.our_key:
                table.our_keys[change.our_key] = key
        return outcome

    def find(
        self, object_name: str, by: Sequence[str], values: Sequence[tuple[Cell, ...]], fields: Sequence[str]
    ) -> Chunk:
        """By our key: all that have it."""
        if tuple(by) != (OUR_KEY,):
            return super().find(object_name, by, values, fields)
        wanted = {value for (value,) in values}
        seen = self._tables[object_name].visible(self._clock.now())
        keys = [key for key, record in seen.items() if record.our_key in wanted]
        return super().find(object_name, (KEY,), [(key,) for key in keys], fields)


class NoRoom(MemoryConnector):
    """A target that has no room for our key."""

    def __init__(self, schema: Schema, **given: Any) -> None:
        super().__init__(schema, our_key=OurKeyPlace.NONE, **given)


class Tried(MemoryConnector):
    """A target that puts our first records through every ordeal."""

    def __init__(self, schema: Schema, **given: Any) -> None:
        super().__init__(schema, ordeals=tuple(Ordeal), owner="city", **given)


def automation(object_name: str, kind: ChangeKind, key: str, row: Mapping[str, Cell]) -> Mapping[str, Cell] | None:
    """What the target does by itself: it adds to one deal."""
    amount = row.get("amount")
    if row.get("title") != "target adds to it" or not isinstance(amount, Decimal):
        return None
    return {"amount": amount + 1}


def write_project(folder: Path, ledger: str | None = None) -> None:
    """ledger: the URL of the server to keep it on."""
    (folder / "mappings").mkdir(parents=True)
    added = f'    ledger: "{ledger}"\nlimits' if ledger else "limits"
    (folder / "changeover.yaml").write_text(PROJECT.replace("limits", added), "utf-8")
    for name, text in MAPPINGS.items():
        (folder / "mappings" / f"{name}.yaml").write_text(text, "utf-8")
