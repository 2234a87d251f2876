"""Rows as they are fetched, and the chunk that they become."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ..chunk import Chunk, join_key
from .cells import column_array, key_texts
from .dialect import Dialect
from .tables import Column, Table

FEW, MANY = 100, 2_000
"""Rows fetched at first, while it is not known how large they are, and then."""
_LONG = (str, bytes)

Narrow = Callable[[sa.Select[Any]], sa.Select[Any]]


class Rows:
    """Rows of a table with some of its columns. whole: none were left behind for want of room."""

    def __init__(
        self, table: Table, columns: Sequence[Column], rows: Sequence[tuple[object, ...]], whole: bool = True
    ) -> None:
        self.table = table
        self.rows = rows
        self.whole = whole
        self._keys: list[str] | None = None
        self._columns = {column.name: column for column in columns}
        self._places = {column.name: place for place, column in enumerate(columns)}

    def __len__(self) -> int:
        return len(self.rows)

    def cells(self, name: str) -> list[object]:
        place = self._places[name]
        return [row[place] for row in self.rows]

    def array(self, name: str) -> Any:
        return column_array(self.cells(name), self._columns[name])

    def keys(self) -> list[str]:
        """The key text of each row."""
        if self._keys is None:
            self._keys = self._key_texts()
        return self._keys

    def _key_texts(self) -> list[str]:
        parts = [key_texts(self.cells(name), self._columns[name]) for name in self.table.key]
        return parts[0] if len(parts) == 1 else [join_key(key) for key in zip(*parts, strict=True)]

    def key_cells(self, row: int) -> tuple[object, ...]:
        return tuple(self.rows[row][self._places[name]] for name in self.table.key)

    def of(self, rows: Sequence[tuple[object, ...]]) -> Rows:
        """Other rows of the same columns."""
        return Rows(self.table, list(self._columns.values()), rows)

    def kept(self, places: Sequence[int]) -> Rows:
        if len(places) == len(self.rows):
            return self
        return self.of([self.rows[place] for place in places])

    def frame(self, fields: Sequence[str]) -> pd.DataFrame:
        columns = {name: pd.Series(pd.arrays.ArrowExtensionArray(self.array(name)), copy=False) for name in fields}
        return pd.DataFrame(columns, index=pd.RangeIndex(len(self.rows)), columns=list(fields), copy=False)

    def chunk(self, fields: Sequence[str], cursor: str = "", our_keys: Sequence[str | None] = ()) -> Chunk:
        return Chunk(self.table.name, self.frame(fields), self.keys(), cursor, list(our_keys))


def fetch(
    connection: Connection,
    dialect: Dialect,
    table: Table,
    names: Sequence[str],
    narrow: Narrow,
    *,
    budget: int | None = None,
) -> Rows:
    """The rows of `narrow(SELECT names FROM table)`. budget: stop after about so many bytes of text.

    Where the driver cannot read some cell, all are fetched once more in a way that reads every one of them.
    """
    columns = [table.columns[name] for name in dict.fromkeys(names)]
    for tolerant in (False, True):
        # nameless: `CAST(id AS TEXT) AS id` would turn PostgreSQL's ORDER BY id into an order by text
        selected = [dialect.fetched(column, tolerant).label(None) for column in columns]
        statement = narrow(sa.select(*selected).select_from(table.clause))
        dialect.tolerate(connection, tolerant)
        try:
            if budget is None:
                return Rows(table, columns, _all(connection, statement))
            return Rows(table, columns, *_streamed(connection, dialect, statement, budget))
        except Exception as error:
            if tolerant or not dialect.unreadable(error):
                raise
        finally:
            dialect.tolerate(connection, False)
    raise AssertionError


def _all(connection: Connection, statement: sa.Select[Any]) -> list[tuple[object, ...]]:
    """The driver's own tuples: a Row of SQLAlchemy's for each would cost as much as the fetching."""
    cursor = connection.execute(statement).cursor
    if cursor is None:
        return []
    with closing(cursor):
        return list(cursor.fetchall())


def _streamed(
    connection: Connection, dialect: Dialect, statement: sa.Select[Any], budget: int
) -> tuple[list[tuple[object, ...]], bool]:
    """The rows until their text comes to the budget, and whether they are all there are.

    By the driver's cursor: SQLAlchemy's own streaming keeps rows back in a buffer of its own.
    """
    compiled = statement.compile(connection, compile_kwargs={"render_postcompile": True})
    parameters: Any = compiled.params
    if compiled.positiontup is not None:
        parameters = tuple(parameters[name] for name in compiled.positiontup)
    rows: list[tuple[object, ...]] = []
    spent, size = 0, FEW
    with closing(dialect.stream(connection)) as cursor:
        cursor.execute(str(compiled), parameters)
        while part := cursor.fetchmany(size):
            rows += part
            spent += _weight(part)
            if spent >= budget:
                return rows, False
            size = max(1, min(MANY, (budget - spent) * len(rows) // max(spent, 1)))
    return rows, True


def _weight(rows: Sequence[tuple[object, ...]]) -> int:
    """About how many letters and bytes the rows hold, by every eighth of them."""
    return 8 * sum(len(cell) for row in rows[::8] for cell in row if isinstance(cell, _LONG))
