"""Reading a whole object page by page in key order; each page resumes behind the key of the one before.

The order is the database's own order of the key columns where a primary key or unique constraint keeps every two keys
apart in it. Keys that a project declares have no such guarantee: they are ordered letter by letter, and records that
share a key are never torn apart by a page's end.

A record whose key is null or holds a null, which SQLite's primary keys and declared keys allow, comes last, in a chunk
with others such, and its key is the empty text: there is nothing to find it by again.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from ..chunk import Chunk
from ..errors import InputError, StaleCursorError
from .database import Database
from .dialect import Dialect
from .rows import Rows, fetch
from .tables import PLAIN, Table, value

PAGE_BYTES = 64 * 2**20
"""A page ends early once its text comes to about so much, so that memory stays flat whatever lies in it."""
NO_KEY = ""
_KEYED, _UNKEYED, _DONE = "keyed", "unkeyed", "done"

Key = tuple[object, ...]


def read_pages(
    database: Database,
    table: Table,
    fields: Sequence[str],
    after: str | None,
    size: int,
    only: sa.ColumnElement[bool] | None = None,
) -> Iterator[Chunk]:
    """The chunks behind the cursor. only: which records, else all. Raises StaleCursorError `sql.cursor` for a text that
    is no cursor of this key, InputError `sql.keyless_many` where more than `size` records have no key,
    UnavailableError as `Database.reading`."""
    stage, key = _read_cursor(after, table) if after is not None else (_KEYED, None)
    while stage == _KEYED:
        rows = _page(database, table, fields, key, size, only)
        if not len(rows):
            stage = _UNKEYED
            break
        key = rows.key_cells(len(rows) - 1)
        yield rows.chunk(fields, _cursor(_KEYED, key))
        if table.unique_key and rows.whole and len(rows) < size:
            stage = _UNKEYED
    if stage == _UNKEYED and any(column.nullable for column in table.key_columns):
        rows = _keyless(database, table, fields, size, only)
        if len(rows):
            chunk = rows.chunk(fields, _cursor(_DONE, ()))
            yield replace(chunk, keys=[NO_KEY] * len(rows))


def _page(
    database: Database,
    table: Table,
    fields: Sequence[str],
    after: Key | None,
    size: int,
    only: sa.ColumnElement[bool] | None,
) -> Rows:
    dialect = database.dialect
    ordered = _ordered(dialect, table)
    keyed: list[sa.ColumnElement[bool]] = [] if only is None else [only]
    keyed += [sa.column(column.name, PLAIN).is_not(None) for column in table.key_columns if column.nullable]
    limit = size if table.unique_key else size + 1

    def narrow(statement: sa.Select[Any]) -> sa.Select[Any]:
        behind = [] if after is None else [_behind(dialect, table, ordered, after)]
        return statement.where(*keyed, *behind).order_by(*ordered).limit(limit)

    with database.reading() as connection:
        rows = fetch(connection, dialect, table, [*table.key, *fields], narrow, budget=PAGE_BYTES)
        if table.unique_key:
            return rows
        whole = _whole_groups(rows, size) if len(rows) else rows
        if whole is not None:
            return whole
        same = _same(dialect, rows)
        same += [] if only is None else [only]
        return fetch(connection, dialect, table, [*table.key, *fields], lambda statement: statement.where(*same))


def _whole_groups(rows: Rows, size: int) -> Rows | None:
    """The rows without the last group of equal keys where the page's end may have torn it; None where that leaves
    nothing."""
    if rows.whole and len(rows) <= size:
        return rows
    last = rows.key_cells(len(rows) - 1)
    end = len(rows) - 1
    while end and rows.key_cells(end - 1) == last:
        end -= 1
    return rows.kept(range(end)) if end else None


def _same(dialect: Dialect, rows: Rows) -> list[sa.ColumnElement[bool]]:
    columns = rows.table.key_columns
    cells = rows.key_cells(0)
    return [
        dialect.exact(column) == value(dialect.exact_value(column, cell))
        for column, cell in zip(columns, cells, strict=True)
    ]


def _keyless(
    database: Database, table: Table, fields: Sequence[str], size: int, only: sa.ColumnElement[bool] | None
) -> Rows:
    def narrow(statement: sa.Select[Any]) -> sa.Select[Any]:
        missing = [sa.column(column.name, PLAIN).is_(None) for column in table.key_columns]
        some = [sa.or_(*missing), *([] if only is None else [only])]
        return statement.where(*some).order_by(*_ordered(database.dialect, table)).limit(size + 1)

    with database.reading() as connection:
        rows = fetch(connection, database.dialect, table, [*table.key, *fields], narrow)
    if len(rows) > size:
        raise InputError("sql.keyless_many", connection=database.name, object=table.name, key=", ".join(table.key))
    return rows


def _ordered(dialect: Dialect, table: Table) -> list[sa.ColumnElement[Any]]:
    if table.unique_key:
        return [sa.column(name, PLAIN) for name in table.key]
    return [dialect.exact(column) for column in table.key_columns]


def _behind(
    dialect: Dialect, table: Table, ordered: Sequence[sa.ColumnElement[Any]], after: Key
) -> sa.ColumnElement[bool]:
    """Rows whose key is greater than `after`, in a form that the key's index serves."""
    cells = list(after)
    if not table.unique_key:
        cells = [dialect.exact_value(column, cell) for column, cell in zip(table.key_columns, after, strict=True)]
    values = [value(cell) for cell in cells]
    if len(ordered) == 1:
        return ordered[0] > values[0]
    if dialect.row_values:
        return sa.tuple_(*ordered) > sa.tuple_(*values)
    steps = [
        sa.and_(*(ordered[place] == values[place] for place in range(last)), ordered[last] > values[last])
        for last in range(len(ordered))
    ]
    return sa.and_(ordered[0] >= values[0], sa.or_(*steps))


# Cursors: JSON of the stage and the last key's cells, so typed that they compare as they did


def _cursor(stage: str, key: Key) -> str:
    return json.dumps([stage, *map(_packed, key)], ensure_ascii=False, separators=(",", ":"))


def _packed(cell: object) -> object:
    match cell:
        case None | bool() | int() | float() | str():
            return cell
        case Decimal():
            return {"decimal": str(cell)}
        case dt.datetime():
            return {"time": cell.isoformat()}
        case dt.date():
            return {"date": cell.isoformat()}
        case bytes():
            return {"bytes": cell.hex()}
        case _:
            return str(cell)


_UNPACK: dict[str, Callable[[str], object]] = {
    "decimal": Decimal,
    "time": dt.datetime.fromisoformat,
    "date": dt.date.fromisoformat,
    "bytes": bytes.fromhex,
}


def _unpacked(packed: object) -> object:
    if not isinstance(packed, dict):
        return packed
    ((kind, text),) = packed.items()
    return _UNPACK[kind](text)


def _read_cursor(cursor: str, table: Table) -> tuple[str, Key | None]:
    try:
        stage, *packed = json.loads(cursor)
        key = tuple(map(_unpacked, packed))
    except (ValueError, TypeError, KeyError, ArithmeticError) as error:
        raise StaleCursorError("sql.cursor", object=table.name) from error
    if stage not in (_KEYED, _DONE) or len(key) != (len(table.key) if stage == _KEYED else 0):
        raise StaleCursorError("sql.cursor", object=table.name)
    return stage, key
