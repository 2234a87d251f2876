"""PostgreSQL by psycopg 3: rows come and go by COPY, and a whole list of values is sought as one array."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, DOMAIN
from sqlalchemy.engine import URL, Connection
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor

from ..cell import Cell
from ..port import Identity
from ..schema import FieldType
from .cells import UnfitError, sql_typing
from .dialect import CONNECT_WAIT, LOCK_WAIT, Dialect, Encoder, compared
from .faults import Fault, RowError, original, plain_fault, words
from .tables import PLAIN, Column, Table, quoted, value

if TYPE_CHECKING:
    import psycopg

_SEPARATOR = "\x1f"
"""Between the texts of a list that goes as one parameter: the driver would take as long over it as the server does."""
_TEMPORAL = (FieldType.DATE, FieldType.INSTANT, FieldType.LOCAL_TIME)
_CODES = {
    "23505": "target.duplicate",
    "23P01": "target.duplicate",
    "23502": "target.required",
    "23503": "target.reference",
    "23514": "target.check",
    "22001": "target.too_long",
    "22003": "target.out_of_range",
    "22008": "target.out_of_range",
}
_BREAKS = {"53100": "target.disk_full", "55P03": "target.locked", "25006": "target.read_only"}
_BREAKING_CLASSES = {
    "08": "target.connection_lost",
    "25": "target.batch_refused",
    "40": "target.locked",
    "53": "target.batch_refused",
    "57": "target.connection_lost",
    "58": "target.connection_lost",
    "XX": "target.connection_lost",
}
_BREAKING_CODES = ("42P01", "42703")
# `COPY account, line 5, column paid: "x"`, in whatever language the server speaks
COPY_PLACE = re.compile(r"^COPY [^,，]+[,，]\s*\D*?(?P<line>\d+)(?:[,，]\s*\S+\s+(?P<column>[^:：]+))?", re.MULTILINE)


class PostgreSQL(Dialect):
    kind: ClassVar[str] = "postgresql"
    driver: ClassVar[str | None] = "psycopg"
    row_values: ClassVar[bool] = True
    at_once: ClassVar[int] = 5_000
    now: ClassVar[str] = "SELECT clock_timestamp()"
    needs_id: ClassVar[bool] = False

    # Connecting

    def connect_arguments(self, url: URL) -> dict[str, object]:
        wanted = {
            "connect_timeout": CONNECT_WAIT,
            "application_name": "changeover",
            # a server that fell silent is given up after two minutes
            "keepalives_idle": 60,
            "keepalives_interval": 10,
            "keepalives_count": 6,
            "tcp_user_timeout": 120_000,
            # no prepared statements: a plan made while a table was empty would be kept while it fills
            "prepare_threshold": None,
        }
        return {name: each for name, each in wanted.items() if name not in url.query}

    def connected(self, connection: DBAPIConnection) -> None:
        driver = cast("psycopg.Connection[Any]", connection)
        driver.execute("SET TIME ZONE 'UTC'")
        driver.execute("SET datestyle = 'ISO'")
        driver.execute(f"SET lock_timeout = '{LOCK_WAIT}s'".encode())
        driver.commit()

    def writing(self, connection: Connection) -> None:
        # so that a deferred constraint speaks at the statement that breaks it, not at the commit of all
        connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")

    # What the database says of itself

    def identity(self, connection: Connection, url: URL) -> Identity:
        told = "SELECT oid, datname FROM pg_database WHERE datname = current_database()"
        oid, name = connection.exec_driver_sql(told).one()
        cluster = f"{url.host or ''}:{url.port or ''}"
        try:
            with connection.begin_nested():
                cluster = connection.exec_driver_sql("SELECT system_identifier FROM pg_control_system()").scalar_one()
        except sa.exc.ProgrammingError:
            pass  # not every user may ask; where the server is must do then
        return Identity(self.kind, f"{cluster}/{oid}", str(name))

    def as_text(self, kind: sa.types.TypeEngine[Any], stored: FieldType) -> bool:
        """All but the types whose Python value is a cell: UUIDs, enumerations, JSON, intervals, arrays, addresses, and
        CHAR, whose padding is no part of the text."""
        plain = kind.data_type if isinstance(kind, DOMAIN) else kind
        if isinstance(plain, sa.Enum | sa.CHAR):
            return True
        return stored is FieldType.TEXT and type(plain) not in (sa.TEXT, sa.VARCHAR)

    def rewriting(self, connection: Connection, schema: str | None) -> set[str]:
        before_row_insert = 1 + 2 + 4  # bits of pg_trigger.tgtype
        found = connection.execute(
            sa.text(
                "SELECT DISTINCT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
                "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT t.tgisinternal "
                "AND t.tgtype & :bits = :bits AND n.nspname = COALESCE(:schema, current_schema())"
            ),
            {"bits": before_row_insert, "schema": schema},
        )
        return {name for (name,) in found}

    def side_types(self, connection: Connection) -> tuple[str, str, str]:
        return 'TEXT COLLATE "C"', 'TEXT COLLATE "C"', 'TEXT COLLATE "C"'

    # Reading

    def selected(self, column: Column, tolerant: bool) -> sa.ColumnElement[Any]:
        plain = sa.column(column.name, PLAIN)
        return sa.cast(plain, sa.Text) if column.as_text or (tolerant and column.stored in _TEMPORAL) else plain

    def unreadable(self, error: Exception) -> bool:
        """Dates before the year 1 and after 9999, and infinite ones, are beyond Python."""
        import psycopg

        inner = original(error)
        return isinstance(inner, psycopg.DataError) and inner.sqlstate is None

    def stream(self, connection: Connection) -> DBAPICursor:
        driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
        return cast(DBAPICursor, driver.cursor("changeover"))

    def exact(self, column: Column) -> sa.ColumnElement[Any]:
        plain = compared(column)
        return plain.collate("C") if column.is_text else plain

    def sought(self, column: Column) -> Encoder:
        typing = sql_typing(column)

        def seek(cell: Any) -> object:
            typed = typing(cell)
            if isinstance(typed, str) and "\0" in typed:
                raise UnfitError("target.type", column.name)
            return uuid.UUID(typed) if column.uuid and isinstance(typed, str) else typed

        return seek

    def any_of(self, column: Column, cells: Sequence[object]) -> sa.ColumnElement[bool]:
        among: sa.ColumnElement[Any]
        texts = list(map(str, cells)) if set(map(type, cells)) in ({str}, {int}) else []
        together = _SEPARATOR.join(texts)
        if texts and together.count(_SEPARATOR) == len(texts) - 1 and (texts != [""]):
            among = sa.func.string_to_array(value(together), _SEPARATOR)
            if isinstance(cells[0], int):
                among = sa.cast(among, ARRAY(sa.BigInteger))
        else:
            among = value(list(cells))
        return compared(column) == sa.any_(among)

    # Writing

    def encoded(self, column: Column, cells: Sequence[Cell]) -> Sequence[object]:
        """Text, numbers and times go as they are: the server reads each as the column's own type."""
        return cells

    def reserve(self, connection: Connection, table: Table, count: int) -> list[object] | None:
        """What the key's default gives, so many times; it is the sequence's next numbers where it is numbered."""
        (column,) = table.key_columns
        if column.default is not None:
            following = column.default.replace("%", "%%")
            found = connection.exec_driver_sql(f"SELECT {following} FROM generate_series(1, %s)", (count,))  # noqa: S608
        elif column.numbered:
            following = "nextval(pg_get_serial_sequence(%s, %s))"
            named = (quoted(table.schema, table.name), column.name, count)
            found = connection.exec_driver_sql(f"SELECT {following} FROM generate_series(1, %s)", named)  # noqa: S608
        else:
            return None
        return [key for (key,) in found]

    def insert(
        self, connection: Connection, table: Table, names: Sequence[str], rows: Iterable[Sequence[object]]
    ) -> int:
        import psycopg

        statement = f"COPY {quoted(table.schema, table.name)} ({', '.join(map(quoted, names))}) FROM STDIN"
        driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
        try:
            with driver.cursor() as cursor:
                with cursor.copy(statement.encode()) as copy:
                    for row in rows:
                        copy.write_row(row)
                return cursor.rowcount
        except psycopg.Error as error:
            located = COPY_PLACE.search(error.diag.context or "")
            if located is None:
                raise
            raise RowError(int(located["line"]) - 1) from error

    def fault(self, error: Exception, table: Table | None = None) -> Fault:
        import psycopg

        inner = original(error)
        if not isinstance(inner, psycopg.Error):
            return plain_fault(error)
        state, said = inner.sqlstate, words(error)
        if state is None:
            if isinstance(inner, psycopg.DataError):  # refused by the driver: a NUL in a text, ...
                return Fault("target.type", said)
            return Fault("target.connection_lost", said, breaks=True, lost=True)
        if state in _BREAKS:
            return Fault(_BREAKS[state], said, breaks=True)
        group = state[:2]
        if group in _BREAKING_CLASSES or state in _BREAKING_CODES:
            code = _BREAKING_CLASSES.get(group, "target.batch_refused")
            return Fault(code, said, breaks=True, lost=code == "target.connection_lost")
        code = _CODES.get(state) or ("target.type" if group == "22" else "target.refused")
        return Fault(code, said, _field(inner, table))


def _field(error: psycopg.Error, table: Table | None) -> str | None:
    diagnosis = error.diag
    if diagnosis.column_name:
        return diagnosis.column_name
    columns = table.constraints.get(diagnosis.constraint_name or "", ()) if table else ()
    if len(columns) == 1:
        return columns[0]
    if found := COPY_PLACE.search(diagnosis.context or ""):
        return found["column"]
    return None
