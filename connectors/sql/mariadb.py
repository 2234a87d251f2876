"""MariaDB and MySQL by PyMySQL. Sessions are strict, so that nothing is cut or bent to fit, and run in UTC."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import Any, ClassVar, cast

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import URL, Connection
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor

from ..cell import Cell
from ..port import Identity
from ..schema import FieldType
from .dialect import CONNECT_WAIT, LOCK_WAIT, Dialect, Encoder
from .faults import Fault, original, plain_fault, words
from .tables import PLAIN, Column, Table

ANSWER_WAIT = 600
"""Seconds without a byte after which a server counts as gone."""
_CODES = {
    1062: "target.duplicate",
    1586: "target.duplicate",
    1048: "target.required",
    1364: "target.required",
    1216: "target.reference",
    1217: "target.reference",
    1451: "target.reference",
    1452: "target.reference",
    3819: "target.check",
    4025: "target.check",
    1406: "target.too_long",
    1264: "target.out_of_range",
    1690: "target.out_of_range",
    1265: "target.type",
    1292: "target.type",
    1366: "target.type",
    1367: "target.type",
}
_BREAKS = {
    1021: "target.disk_full",
    1114: "target.disk_full",
    1205: "target.locked",
    1213: "target.locked",
    1290: "target.read_only",
    1792: "target.read_only",
    1836: "target.read_only",
    1054: "target.batch_refused",
    1146: "target.batch_refused",
}
_LOSES = {0, 1053, 1077, 1079, 1152, 1153, 1158, 1159, 1160, 1161, 1317, 1927, 2002, 2003, 2006, 2013, 2014, 2027, 2055}
_FIELD = re.compile(r"(?:[Cc]olumn|Field) (?:`[^`]*`\.){0,2}['`]([^'`]+)['`]")
_KEY = re.compile(r"for key '(?:[^'.]*\.)?([^']+)'")
_FOREIGN = re.compile(r"child row.*FOREIGN KEY \(`([^`]+)`\)")
_CHECK = re.compile(r"CONSTRAINT `(?:[^`]*\.)?([^`]+)` failed")


class MariaDB(Dialect):
    kind: ClassVar[str] = "mariadb"
    driver: ClassVar[str | None] = "pymysql"
    returns_in_order: ClassVar[bool] = True
    now: ClassVar[str] = "SELECT UTC_TIMESTAMP(6)"
    needs_id: ClassVar[bool] = False

    # Connecting

    def connect_arguments(self, url: URL) -> dict[str, object]:
        wanted = {
            "charset": "utf8mb4",
            "connect_timeout": CONNECT_WAIT,
            "read_timeout": ANSWER_WAIT,
            "write_timeout": ANSWER_WAIT,
        }
        return {name: each for name, each in wanted.items() if name not in url.query}

    def connected(self, connection: DBAPIConnection) -> None:
        cursor = connection.cursor()
        cursor.execute(
            "SET time_zone = '+00:00', "
            "sql_mode = CONCAT_WS(',', NULLIF(@@sql_mode, ''), 'STRICT_ALL_TABLES', 'NO_AUTO_VALUE_ON_ZERO'), "
            f"innodb_lock_wait_timeout = {LOCK_WAIT}, lc_messages = 'en_US'"
        )
        cursor.close()

    # What the database says of itself

    def identity(self, connection: Connection, url: URL) -> Identity:
        name = connection.exec_driver_sql("SELECT DATABASE()").scalar_one()
        asked = "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('server_uid', 'server_uuid', 'hostname', 'datadir')"
        told = {str(each): str(value) for each, value in connection.exec_driver_sql(asked)}
        server = told.get("server_uid") or told.get("server_uuid") or f"{told.get('hostname')}:{told.get('datadir')}"
        return Identity(self.kind, f"{server}/{name}", str(name))

    def stored(self, kind: sa.types.TypeEngine[Any], declared: str) -> FieldType | None:
        match kind:
            case mysql.TINYINT() if kind.display_width == 1:
                return FieldType.BOOLEAN
            case mysql.BIT():
                return FieldType.BOOLEAN if (kind.length or 1) == 1 else FieldType.INTEGER
            case mysql.TIMESTAMP():
                return FieldType.INSTANT
            case mysql.YEAR():
                return FieldType.INTEGER
            case mysql.TINYBLOB() | mysql.MEDIUMBLOB() | mysql.LONGBLOB():
                return FieldType.BINARY
            case mysql.SET():
                return FieldType.TEXT
            case _:
                return None

    def integer_bits(self, kind: sa.Integer) -> int:
        match kind:
            case mysql.TINYINT():
                return 8
            case mysql.MEDIUMINT():
                return 24
            case _:
                return super().integer_bits(kind)

    def as_text(self, kind: sa.types.TypeEngine[Any], stored: FieldType) -> bool:
        return isinstance(kind, sa.Time | mysql.BIT)

    def rewriting(self, connection: Connection, schema: str | None) -> set[str]:
        found = connection.execute(
            sa.text(
                "SELECT DISTINCT event_object_table FROM information_schema.triggers WHERE action_timing = 'BEFORE' "
                "AND event_manipulation = 'INSERT' AND event_object_schema = COALESCE(:schema, DATABASE())"
            ),
            {"schema": schema},
        )
        return {name for (name,) in found}

    def side_types(self, connection: Connection) -> tuple[str, str, str]:
        plain = "utf8mb4_nopad_bin" if getattr(connection.dialect, "is_mariadb", False) else "utf8mb4_0900_bin"
        text = f"VARCHAR({{}}) CHARACTER SET utf8mb4 COLLATE {plain}"
        return text.format(128), text.format(600), text.format(600)

    # Reading

    def selected(self, column: Column, tolerant: bool) -> sa.ColumnElement[Any]:
        plain = sa.column(column.name, PLAIN)
        if not column.as_text:
            return plain
        if column.stored in (FieldType.BOOLEAN, FieldType.INTEGER):  # of bits
            return sa.cast(sa.cast(plain, mysql.INTEGER(unsigned=True)), sa.CHAR)
        return sa.cast(plain, sa.CHAR)

    def stream(self, connection: Connection) -> DBAPICursor:
        from pymysql.cursors import SSCursor

        return connection.connection.cursor(SSCursor)

    def exact(self, column: Column) -> sa.ColumnElement[Any]:
        plain = sa.column(column.name, PLAIN)
        return sa.cast(sa.func.convert(plain.op("USING")(sa.text("utf8mb4"))), sa.BINARY) if column.is_text else plain

    def exact_value(self, column: Column, cell: object) -> object:
        return cell.encode() if column.is_text and isinstance(cell, str) else cell

    # Writing

    def encoder(self, column: Column) -> Encoder | None:
        return _naive if column.stored is FieldType.INSTANT else None

    def fault(self, error: Exception, table: Table | None = None) -> Fault:
        inner = original(error)
        code = inner.args[0] if inner.args and isinstance(inner.args[0], int) else None
        if code is None:
            return plain_fault(error)
        said = words(error)
        if code in _LOSES:
            return Fault("target.connection_lost", said, breaks=True, lost=True)
        if code in _BREAKS:
            return Fault(_BREAKS[code], said, breaks=True)
        return Fault(_CODES.get(code, "target.refused"), said, _field(said, table))


def _naive(cell: Cell) -> Cell:
    return cast(dt.datetime, cell).astimezone(dt.UTC).replace(tzinfo=None)


def _field(said: str, table: Table | None) -> str | None:
    if found := _KEY.search(said):
        name = found.group(1)
        columns: Sequence[str] = ()
        if table is not None:
            columns = table.key if name == "PRIMARY" else table.constraints.get(name, ())
        return columns[0] if len(columns) == 1 else None
    for pattern in (_FOREIGN, _FIELD, _CHECK):
        found = pattern.search(said)
        if found and (table is None or found.group(1) in table.columns):
            return found.group(1)
    return None
