"""Our key on a target: in the side table `changeover_keys(object, our_key, target_key)`, or in a column of the object.

The side table is written in the transaction of the record it speaks of. A pair whose record is gone counts for nothing:
it is not listed, does not stand in a create's way, and is cleared away by it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ..cell import Cell
from ..change import ChangeKind
from ..schema import Field, FieldType
from .database import Database
from .dialect import Dialect
from .rows import fetch
from .search import search, search_keys, slices
from .tables import ORG_TABLE, SIDE_TABLE, Column, Table, value

PAGE = 5_000
_TEXT = {name: Column(Field(name, FieldType.TEXT), FieldType.TEXT) for name in ("object", "our_key", "target_key")}


class OurKeys(Protocol):
    """Where the keys of one object lie. Target keys are key texts."""

    def of(self, connection: Connection, our_keys: Sequence[str]) -> dict[str, str]:
        """Our key -> target key, for those that some record has or had."""

    def holders(self, connection: Connection, target_keys: Sequence[str]) -> dict[str, str]:
        """Target key -> our key, for those that have one."""

    def values(self, kind: ChangeKind, our_key: str) -> Mapping[str, Cell]:
        """What a change of this kind writes into the record itself on our key's account."""

    def add(self, connection: Connection, pairs: Sequence[tuple[str, str]]) -> None: ...

    def remove(self, connection: Connection, our_keys: Sequence[str]) -> None: ...

    def clear(self, connection: Connection, target_keys: Sequence[str]) -> None:
        """Forget whoever had these target keys."""

    def pages(self, connection: Connection, after: str | None) -> list[tuple[str, str]]:
        """The next (our key, target key) behind `after`, in the order of our keys; empty at the end."""


def our_keys_of(database: Database, table: Table) -> OurKeys:
    if table.our_key is not None:
        return KeyColumn(database.dialect, table, table.columns[table.our_key])
    return SideTable(database, table.name)


class SideTable:
    def __init__(self, database: Database, object_name: str) -> None:
        self._dialect = database.dialect
        self._table = side_table(database)
        self._object = object_name

    def of(self, connection: Connection, our_keys: Sequence[str]) -> dict[str, str]:
        return dict(self._pairs(connection, "our_key", our_keys))

    def holders(self, connection: Connection, target_keys: Sequence[str]) -> dict[str, str]:
        return {target: ours for ours, target in self._pairs(connection, "target_key", target_keys)}

    def values(self, kind: ChangeKind, our_key: str) -> Mapping[str, Cell]:
        return {}

    def add(self, connection: Connection, pairs: Sequence[tuple[str, str]]) -> None:
        if pairs:
            rows = ((self._object, ours, target) for ours, target in pairs)
            self._dialect.insert(connection, self._table, list(_TEXT), rows)

    def remove(self, connection: Connection, our_keys: Sequence[str]) -> None:
        self._delete(connection, "our_key", our_keys)

    def clear(self, connection: Connection, target_keys: Sequence[str]) -> None:
        self._delete(connection, "target_key", target_keys)

    def pages(self, connection: Connection, after: str | None) -> list[tuple[str, str]]:
        side = self._table.clause
        statement = sa.select(side.c.our_key, side.c.target_key).where(side.c.object == self._object)
        if after is not None:
            statement = statement.where(side.c.our_key > after)
        found = connection.execute(statement.order_by(side.c.our_key).limit(PAGE))
        return [(ours, target) for ours, target in found]

    def _pairs(self, connection: Connection, by: str, keys: Sequence[str]) -> Iterator[tuple[str, str]]:
        side = self._table.clause
        for some in self._slices(by, keys):
            wanted = self._dialect.any_of(_TEXT[by], some)
            statement = sa.select(side.c.our_key, side.c.target_key).where(side.c.object == self._object, wanted)
            yield from ((ours, target) for ours, target in connection.execute(statement).all())

    def _delete(self, connection: Connection, by: str, keys: Sequence[str]) -> None:
        side = self._table.clause
        for some in self._slices(by, keys):
            wanted = self._dialect.any_of(_TEXT[by], some)
            connection.execute(sa.delete(side).where(side.c.object == self._object, wanted))

    def _slices(self, by: str, keys: Sequence[str]) -> Iterator[Sequence[object]]:
        return slices(self._dialect.sought_all(_TEXT[by], keys), self._dialect.at_once)


class KeyColumn:
    """Our key in a unique column of the object itself."""

    def __init__(self, dialect: Dialect, table: Table, column: Column) -> None:
        self._dialect = dialect
        self._table = table
        self._column = column

    def of(self, connection: Connection, our_keys: Sequence[str]) -> dict[str, str]:
        asked = [(each,) for each in our_keys]
        rows = search(connection, self._dialect, self._table, (self._column,), asked, ())
        return {str(ours): key for ours, key in zip(rows.cells(self._column.name), rows.keys(), strict=True)}

    def holders(self, connection: Connection, target_keys: Sequence[str]) -> dict[str, str]:
        rows = search_keys(connection, self._dialect, self._table, target_keys, [self._column.name])
        ours = rows.cells(self._column.name)
        return {key: str(each) for key, each in zip(rows.keys(), ours, strict=True) if each is not None}

    def values(self, kind: ChangeKind, our_key: str) -> Mapping[str, Cell]:
        match kind:
            case ChangeKind.CREATE | ChangeKind.ADOPT:
                return {self._column.name: our_key}
            case ChangeKind.RELEASE:
                return {self._column.name: None}
            case _:
                return {}

    def add(self, connection: Connection, pairs: Sequence[tuple[str, str]]) -> None:
        """The record itself carries it."""

    def remove(self, connection: Connection, our_keys: Sequence[str]) -> None:
        """It goes with the record, or with what a release writes."""

    def clear(self, connection: Connection, target_keys: Sequence[str]) -> None:
        """There is nothing beside the record."""

    def pages(self, connection: Connection, after: str | None) -> list[tuple[str, str]]:
        exact = self._dialect.exact(self._column)
        behind = [] if after is None else [exact > value(self._dialect.exact_value(self._column, after))]
        there = self._dialect.selected(self._column, False).is_not(None)
        rows = fetch(
            connection,
            self._dialect,
            self._table,
            [*self._table.key, self._column.name],
            lambda statement: statement.where(there, *behind).order_by(exact).limit(PAGE),
        )
        return [(str(ours), key) for ours, key in zip(rows.cells(self._column.name), rows.keys(), strict=True)]


# Making room


def side_table(database: Database) -> Table:
    return Table(SIDE_TABLE, database.schema, ("our_key", "object"), _TEXT)


def is_prepared(connection: Connection, database: Database) -> bool:
    return sa.inspect(connection).has_table(SIDE_TABLE, database.schema)


def make_room(database: Database) -> None:
    """Create the side table where it is not there, and the id of a database that has none of its own."""
    with database.writing() as connection:
        object_type, our_type, target_type = database.dialect.side_types(connection)
        quote = connection.dialect.identifier_preparer.quote
        prefix = f"{quote(database.schema)}." if database.schema else ""
        connection.exec_driver_sql(
            f"CREATE TABLE IF NOT EXISTS {prefix}{SIDE_TABLE} (object {object_type} NOT NULL, "
            f"our_key {our_type} NOT NULL, target_key {target_type} NOT NULL, "
            # the keys lead: by objects, of which there are few, a planner without statistics would read them all
            f"PRIMARY KEY (our_key, object), UNIQUE (target_key, object)){database.dialect.side_suffix}"
        )
        if database.dialect.needs_id:
            connection.exec_driver_sql(f"CREATE TABLE IF NOT EXISTS {ORG_TABLE} (id TEXT PRIMARY KEY NOT NULL)")
            if not connection.exec_driver_sql(f"SELECT count(*) FROM {ORG_TABLE}").scalar():  # noqa: S608
                connection.execute(sa.insert(sa.table(ORG_TABLE, sa.column("id"))).values(id=str(uuid.uuid4())))
