"""Tables as this connector sees them: what they say of themselves, and what the statements need to know besides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from ..schema import Field, FieldType, ObjectSchema

SIDE_TABLE = "changeover_keys"
ORG_TABLE = "changeover_org"
OURS = frozenset({SIDE_TABLE, ORG_TABLE})
PLAIN = sa.types.NULLTYPE  # cells go in and out as the driver has them: no type of SQLAlchemy's stands between


@dataclass(frozen=True, slots=True)
class Column:
    """field: as described. stored: the column's own type, beneath a reference too. as_text: the driver would hand over
    something that is no cell, so the database is asked for its text. uuid: a native UUID. nullable: null may stand in
    it. numbered: the database gives numbers by itself. default: its own expression where a create leaves the field out.
    measured: it holds bodies of files, and what is fetched is their size. piece: what is fetched is so much of it (from
    which byte, counted from 1, and how many).
    """

    field: Field
    stored: FieldType
    as_text: bool = False
    uuid: bool = False
    nullable: bool = True
    numbered: bool = False
    default: str | None = None
    measured: bool = False
    piece: tuple[int, int] | None = None

    @property
    def name(self) -> str:
        return self.field.name

    @property
    def is_text(self) -> bool:
        return self.stored in (FieldType.TEXT, FieldType.CHOICE) and not self.uuid


@dataclass(frozen=True, slots=True)
class Table:
    """One object. key: column names. unique_key: the database itself sees to it that no two records share a key.
    our_key: the column that holds our key, None where the side table does. rewriting: a trigger may change a record
    before it is inserted, or leave it out. constraints: columns of each named constraint and index, for what a refusal
    names."""

    name: str
    schema: str | None
    key: tuple[str, ...]
    columns: Mapping[str, Column]
    label: str = ""
    unique_key: bool = True
    our_key: str | None = None
    rewriting: bool = False
    constraints: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def described(self) -> ObjectSchema:
        return ObjectSchema(self.name, self.key, tuple(each.field for each in self.columns.values()), self.label)

    @property
    def key_columns(self) -> tuple[Column, ...]:
        return tuple(self.columns[name] for name in self.key)

    @property
    def clause(self) -> sa.TableClause:
        return sa.table(self.name, *(sa.column(name, PLAIN) for name in self.columns), schema=self.schema)


def quoted(*names: str | None) -> str:
    """`"schema"."table"` for statements that go to the driver past SQLAlchemy."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names if name)


def value(cell: object) -> sa.ColumnElement[object]:
    """A cell as a parameter that the driver gets as it is."""
    return sa.bindparam(None, cell, type_=PLAIN, unique=True)
