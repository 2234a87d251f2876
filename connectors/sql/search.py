"""Finding records by values: many at once, and exactly, whatever the database counts as equal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ..cell import Cell, canonical_text
from ..chunk import split_key
from .cells import UnfitError, column_array
from .dialect import Dialect
from .rows import Rows, fetch
from .tables import Column, Table

T = TypeVar("T")


def search(
    connection: Connection,
    dialect: Dialect,
    table: Table,
    columns: Sequence[Column],
    values: Sequence[Sequence[Cell]],
    names: Sequence[str],
    *,
    lock: bool = False,
) -> Rows:
    """The records whose columns together equal one of the rows of values, with their keys, these columns and the named
    ones. Null equals nothing, nor does a value that the column cannot hold. lock: nobody else may change the records
    until the transaction ends."""
    wanted = _typed(dialect, columns, values)
    asked = [*table.key, *(column.name for column in columns), *names]
    found: list[tuple[object, ...]] = []
    rows = Rows(table, [table.columns[name] for name in dict.fromkeys(asked)], [])
    for some in slices(wanted, dialect.at_once // len(columns)):

        def narrow(statement: sa.Select[Any], some: Sequence[tuple[object, ...]] = some) -> sa.Select[Any]:
            one = len(columns) == 1
            among = dialect.any_of(columns[0], [cell for (cell,) in some]) if one else dialect.any_row_of(columns, some)
            return statement.where(among).with_for_update() if lock else statement.where(among)

        rows = fetch(connection, dialect, table, asked, narrow)
        found += rows.rows
    rows = rows.of(found)
    if not any(column.is_text for column in columns):
        return rows
    asked_for = ([row[place] for row in wanted] for place in range(len(columns)))
    exactly = set(zip(*map(_comparable, asked_for, columns), strict=True))
    there = zip(*(_comparable(rows.cells(column.name), column) for column in columns), strict=True)
    return rows.kept([place for place, row in enumerate(there) if row in exactly])


def search_keys(
    connection: Connection,
    dialect: Dialect,
    table: Table,
    keys: Sequence[str],
    names: Sequence[str],
    *,
    lock: bool = False,
) -> Rows:
    """The records with these key texts, with the named columns."""
    single = len(table.key) == 1
    values = [(key,) for key in keys] if single else [parts for key in keys if (parts := _parts(table, key))]
    rows = search(connection, dialect, table, table.key_columns, values, names, lock=lock)
    asked = set(keys)
    return rows.kept([place for place, key in enumerate(rows.keys()) if key in asked])


def slices(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _parts(table: Table, key: str) -> tuple[str, ...] | None:
    try:
        return split_key(key, len(table.key))
    except ValueError:
        return None


def _typed(dialect: Dialect, columns: Sequence[Column], values: Sequence[Sequence[Cell]]) -> list[tuple[object, ...]]:
    """Each row of values once, as the columns are compared with."""
    if len(columns) == 1:
        cells = dialect.sought_all(columns[0], [cell for (cell,) in values])
        return [(cell,) for cell in dict.fromkeys(cells)]
    typings = [dialect.sought(column) for column in columns]
    typed: dict[tuple[object, ...], None] = {}
    for row in values:
        try:
            cells = tuple(typing(cell) for typing, cell in zip(typings, row, strict=True))
        except UnfitError:
            continue
        if None not in cells:
            typed[cells] = None
    return list(typed)


def _comparable(cells: Sequence[object], column: Column) -> list[object]:
    """Text letter by letter, all else by canonical text."""
    if column.is_text:
        return list(cells)
    canonical: list[object] = canonical_text(column_array(cells, column), column.field).to_pylist()
    return canonical
