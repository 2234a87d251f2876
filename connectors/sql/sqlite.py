"""SQLite: a file, one writer at a time, and columns that take whatever they are given.

Decimals: SQLite has none. A DECIMAL or NUMERIC column turns the digits it is given into an integer or an 8-byte float,
which holds 15 of them. A number that would not read back the same is refused with `target.out_of_range` instead of
being cut. Times are kept as ISO text, an instant in UTC with its offset; a type whose declared name says so
(TIMESTAMPTZ, TIMESTAMP WITH TIME ZONE) is an INSTANT, every other time is a LOCAL_TIME.
"""

from __future__ import annotations

import datetime as dt
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, cast

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection
from sqlalchemy.engine.interfaces import DBAPIConnection

from ..cell import Cell
from ..errors import InputError
from ..port import Identity
from ..schema import FieldType
from .cells import INT64, UnfitError
from .dialect import LOCK_WAIT, Dialect, Encoder
from .faults import Fault, RowError, original, plain_fault, words
from .tables import ORG_TABLE, PLAIN, SIDE_TABLE, Column, Table, quoted, value

FLOAT_DIGITS = 15
LAST_ROWID = 2**63 - 1
_ZONED = re.compile(r"TIMESTAMPTZ|DATETIMEOFFSET|(TIMESTAMP|DATETIME) WITH TIME ZONE", re.IGNORECASE)
_FIELD = re.compile(r"(?:constraint failed: |in \w+ column )[^.,]+\.([^.,]+)$")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_CHANGED = re.compile(r"no such (table|column)|has no column named")
_CODES = {
    sqlite3.SQLITE_CONSTRAINT_UNIQUE: "target.duplicate",
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY: "target.duplicate",
    sqlite3.SQLITE_CONSTRAINT_ROWID: "target.duplicate",
    sqlite3.SQLITE_CONSTRAINT_NOTNULL: "target.required",
    sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY: "target.reference",
    sqlite3.SQLITE_CONSTRAINT_CHECK: "target.check",
    3091: "target.type",  # SQLITE_CONSTRAINT_DATATYPE of STRICT tables, which the sqlite3 module of 3.11 does not name
    sqlite3.SQLITE_MISMATCH: "target.type",
    sqlite3.SQLITE_TOOBIG: "target.too_long",
}
_BREAKS = {
    sqlite3.SQLITE_FULL: "target.disk_full",
    sqlite3.SQLITE_BUSY: "target.locked",
    sqlite3.SQLITE_LOCKED: "target.locked",
    sqlite3.SQLITE_READONLY: "target.read_only",
}
_LOSES = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CANTOPEN}


class SQLite(Dialect):
    kind: ClassVar[str] = "sqlite"
    driver: ClassVar[str | None] = "pysqlite"
    row_values: ClassVar[bool] = True
    now: ClassVar[str] = "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')"
    side_suffix: ClassVar[str] = " WITHOUT ROWID"

    def __init__(self) -> None:
        self._numbered: dict[str, int] = {}

    # Connecting

    def check(self, url: URL, connection: str) -> None:
        path = Path(url.database or "")
        if path.is_dir():
            raise InputError("sql.not_a_file", connection=connection, file=str(path))
        if not path.exists():
            raise InputError("sql.no_file", connection=connection, file=str(path))

    def creator(self, url: URL) -> Callable[[], DBAPIConnection] | None:
        # never `mode=rwc`: a file that went away must not come back as an empty database
        address = f"{Path(url.database or '').resolve().as_uri()}?mode=rw"

        def connect() -> DBAPIConnection:
            opened = sqlite3.connect(
                address, uri=True, timeout=LOCK_WAIT, isolation_level=None, check_same_thread=False
            )
            return cast(DBAPIConnection, opened)

        return connect

    def connected(self, connection: DBAPIConnection) -> None:
        cast(sqlite3.Connection, connection).execute("PRAGMA foreign_keys = ON")

    def begin(self, connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    # What the database says of itself

    def identity(self, connection: Connection, url: URL) -> Identity:
        """By the random id that `prepare` leaves in a target; by the file's name while there is none."""
        name = Path(url.database or "").name
        kept = connection.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE name = ?", (ORG_TABLE,)).first()
        found = connection.exec_driver_sql(f"SELECT id FROM {ORG_TABLE}").scalar() if kept else None  # noqa: S608
        return Identity(self.kind, str(found or name), name)

    def stored(self, kind: sa.types.TypeEngine[Any], declared: str) -> FieldType | None:
        return FieldType.INSTANT if _ZONED.match(declared) else None

    def integer_bits(self, kind: sa.Integer) -> int:
        return 64

    def as_text(self, kind: sa.types.TypeEngine[Any], stored: FieldType) -> bool:
        return False

    def declared_types(self, connection: Connection, table: str) -> dict[str, str]:
        found = connection.exec_driver_sql("SELECT name, type FROM pragma_table_xinfo(?)", (table,))
        return {str(name): str(declared) for name, declared in found}

    def unique_columns(self, connection: Connection, table: str) -> list[tuple[str, ...]]:
        """SQLAlchemy reads them out of the table's text and misses `VARCHAR(20) UNIQUE`."""
        found = connection.exec_driver_sql(
            "SELECT i.name, c.name FROM pragma_index_list(?) i JOIN pragma_index_info(i.name) c "
            "WHERE i.origin = 'u' ORDER BY i.name, c.seqno",
            (table,),
        )
        names: dict[str, list[str]] = {}
        for index, column in found:
            names.setdefault(index, []).append(column)
        return [tuple(columns) for columns in names.values()]

    def numbers_key(self, connection: Connection, table: str, column: str, declared: str) -> bool:
        """An INTEGER PRIMARY KEY is the row's own number, but not in a table WITHOUT ROWID."""
        if declared.upper() != "INTEGER":
            return False
        ddl = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).scalar() or ""
        return not re.search(r"WITHOUT\s+ROWID[\s,A-Z]*;?\s*$", ddl, re.IGNORECASE)

    def side_types(self, connection: Connection) -> tuple[str, str, str]:
        return "TEXT", "TEXT", "TEXT"

    # Reading

    def unreadable(self, error: Exception) -> bool:
        return "Could not decode to UTF-8" in words(error)

    def tolerate(self, connection: Connection, tolerant: bool) -> None:
        driver = cast(sqlite3.Connection, connection.connection.driver_connection)
        driver.text_factory = _text_or_bytes if tolerant else str

    def body(self, column: Column) -> sa.ColumnElement[Any]:
        """Text that stands there, too, as its bytes."""
        return sa.cast(sa.column(column.name, PLAIN), sa.LargeBinary)

    def part(self, column: Column, start: int, count: int) -> sa.ColumnElement[Any]:
        """Of no bytes SQLite cuts null."""
        some = sa.func.coalesce(super().part(column, start, count), sa.literal(b"", sa.LargeBinary))
        return sa.case((sa.column(column.name, PLAIN).is_(None), sa.null()), else_=some)

    def size(self, column: Column) -> sa.ColumnElement[Any]:
        return sa.func.length(self.body(column))

    def exact(self, column: Column) -> sa.ColumnElement[Any]:
        return sa.column(column.name, PLAIN).collate("BINARY")

    def sought(self, column: Column) -> Encoder:
        """A text that is no value of the column's type may stand in it all the same."""
        seek = super().sought(column)

        def seek_or_text(cell: Cell) -> object:
            try:
                return seek(cell)
            except UnfitError:
                if not isinstance(cell, str) or _LONE_SURROGATE.search(cell):
                    raise
                return cell

        return seek_or_text

    def not_before(self, column: Column, moment: dt.datetime) -> sa.ColumnElement[bool]:
        """In whole seconds, however a time is written. What SQLite cannot read as one is for whoever types it."""
        told = sa.column(column.name, PLAIN)
        since = moment.replace(microsecond=0).isoformat(" ")
        read = sa.func.datetime(told)
        return sa.or_(read >= sa.func.datetime(value(since)), sa.and_(read.is_(None), told.is_not(None)))

    # Writing

    def encoder(self, column: Column) -> Encoder | None:
        if column.stored is FieldType.DECIMAL:
            return partial(_number, column)
        return _ENCODED.get(column.stored)

    def reserve(self, connection: Connection, table: Table, count: int) -> list[object] | None:
        (column,) = table.key_columns
        if not column.numbered:
            return None
        last = self._last_number(connection, table, column)
        if last + count > LAST_ROWID:
            return None
        self._numbered[table.name] = last + count
        return list(range(last + 1, last + count + 1))

    def _last_number(self, connection: Connection, table: Table, column: Column) -> int:
        """The highest number ever given, as far as can be told: our own keys of deleted records count too, so that a
        key which the side table still names is never given again."""
        key = sa.column(column.name, PLAIN)
        highest = connection.scalar(sa.select(sa.func.max(key)).select_from(table.clause)) or 0
        if table.name not in self._numbered:
            master = "SELECT name FROM sqlite_master WHERE name IN ('sqlite_sequence', ?)"
            known = {name for (name,) in connection.exec_driver_sql(master, (SIDE_TABLE,))}
            if "sqlite_sequence" in known:
                counter = "SELECT seq FROM sqlite_sequence WHERE name = ?"
                highest = max(highest, connection.exec_driver_sql(counter, (table.name,)).scalar() or 0)
            if SIDE_TABLE in known:
                ours = f"SELECT max(CAST(target_key AS INTEGER)) FROM {SIDE_TABLE} WHERE object = ?"  # noqa: S608
                highest = max(highest, connection.exec_driver_sql(ours, (table.name,)).scalar() or 0)
        return max(highest, self._numbered.get(table.name, 0))

    def insert(
        self, connection: Connection, table: Table, names: Sequence[str], rows: Iterable[Sequence[object]]
    ) -> int:
        """By the driver's own executemany, which takes rows one by one: the last it took is the one that is refused."""
        columns, places = ", ".join(map(quoted, names)), ", ".join("?" * len(names))
        statement = f"INSERT INTO {quoted(table.schema, table.name)} ({columns}) VALUES ({places})"  # noqa: S608
        taken = 0

        def counted() -> Iterator[Sequence[object]]:
            nonlocal taken
            for row in rows:
                taken += 1
                yield row

        driver = cast(sqlite3.Connection, connection.connection.driver_connection)
        try:
            return driver.executemany(statement, counted()).rowcount
        except (sqlite3.Error, OverflowError, UnicodeEncodeError) as error:
            raise RowError(max(taken - 1, 0)) from error

    def fault(self, error: Exception, table: Table | None = None) -> Fault:
        inner = original(error)
        code = getattr(inner, "sqlite_errorcode", None)
        if code is None:
            return plain_fault(error)
        primary = code & 0xFF
        if primary in _BREAKS:
            return Fault(_BREAKS[primary], words(error), breaks=True)
        if primary == sqlite3.SQLITE_ERROR and _CHANGED.search(words(error)):
            return Fault("target.batch_refused", words(error), breaks=True)
        if primary in _LOSES:
            return Fault("target.connection_lost", words(error), breaks=True, lost=True)
        found = _FIELD.search(words(error))
        meant = _CODES.get(code) or _CODES.get(primary, "target.refused")
        return Fault(meant, words(error), found.group(1) if found else None)


def _text_or_bytes(raw: bytes) -> str | bytes:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


def _number(column: Column, cell: Cell) -> str | int | float:
    number = cast(Decimal, cell)
    text = str(number)
    if len(text) <= FLOAT_DIGITS + 1:  # with its point or sign
        return text
    if number == number.to_integral_value() and int(number) in INT64:
        return int(number)
    if Decimal(repr(float(number))) == number:
        return float(number)
    raise UnfitError("target.out_of_range", column.name)


_ENCODED: dict[FieldType, Encoder] = {
    FieldType.BOOLEAN: cast(Encoder, int),
    FieldType.DATE: str,
    FieldType.INSTANT: str,
    FieldType.LOCAL_TIME: str,
}
"""Python's own text of dates and times is SQLite's."""
