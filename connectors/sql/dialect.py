"""What differs from database to database. The class here is the plain one, for whatever SQLAlchemy reaches."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, ClassVar, cast

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor

from ..cell import Cell
from ..port import Identity
from ..schema import FieldType
from .cells import UnfitError, all_typed, sql_typing
from .faults import Fault, plain_fault
from .tables import PLAIN, Column, Table, value

Encoder = Callable[[Cell], object]
LOCK_WAIT = 30
"""Seconds to wait for a lock that another session holds."""
CONNECT_WAIT = 10
"""Seconds to wait for a server to answer."""
_SHORT_DIGITS = re.compile("[0-9]{1,18}")


class Dialect:
    """kind: the database's name. driver: the only driver that is tried with it, None where any will do.
    row_values: `(a, b) > (x, y)` is understood and uses the key's index. returns_in_order: an insert of many rows
    returns their keys in the rows' order. needs_id: the database has no id of its own; `prepare` leaves one in it.
    at_once: values sought in one statement."""

    kind: ClassVar[str] = "sql"
    driver: ClassVar[str | None] = None
    row_values: ClassVar[bool] = False
    returns_in_order: ClassVar[bool] = False
    now: ClassVar[str] = "SELECT CURRENT_TIMESTAMP"
    side_suffix: ClassVar[str] = ""
    needs_id: ClassVar[bool] = True
    at_once: ClassVar[int] = 2_000

    # Connecting

    def engine(self, url: URL) -> Engine:
        arguments: dict[str, Any] = {"connect_args": self.connect_arguments(url)}
        if creator := self.creator(url):
            arguments = {"creator": creator}
        # one connection, looked after before each use: a server that went away is found again at the next call
        return sa.create_engine(
            url, poolclass=sa.QueuePool, pool_size=1, max_overflow=0, pool_pre_ping=True, **arguments
        )

    def connect_arguments(self, url: URL) -> dict[str, object]:
        return {}

    def creator(self, url: URL) -> Callable[[], DBAPIConnection] | None:
        return None

    def check(self, url: URL, connection: str) -> None:
        """Raise InputError where connecting cannot but fail."""

    def connected(self, connection: DBAPIConnection) -> None:
        """Set a new session up."""

    def begin(self, connection: Connection) -> None:
        """Called where SQLAlchemy begins a transaction."""

    def writing(self, connection: Connection) -> None:
        """Called when a transaction that writes has begun."""

    # What the database says of itself

    def identity(self, connection: Connection, url: URL) -> Identity:
        name = url.database or url.host or self.kind
        return Identity(self.kind, f"{url.host or ''}:{url.port or ''}/{name}", name)

    def time(self, connection: Connection) -> dt.datetime:
        told = connection.exec_driver_sql(self.now).scalar_one()
        moment = told if isinstance(told, dt.datetime) else dt.datetime.fromisoformat(str(told))
        return moment.replace(tzinfo=moment.tzinfo or dt.UTC).astimezone(dt.UTC)

    def stored(self, kind: sa.types.TypeEngine[Any], declared: str) -> FieldType | None:
        """The type of a column that only this database knows, None for what every database has."""
        return None

    def integer_bits(self, kind: sa.Integer) -> int:
        """How many bits an integer column of that type holds."""
        return 16 if isinstance(kind, sa.SmallInteger) else 64 if isinstance(kind, sa.BigInteger) else 32

    def as_text(self, kind: sa.types.TypeEngine[Any], stored: FieldType) -> bool:
        """Whether the driver's own value of such a column is no cell."""
        return isinstance(kind, sa.Time | sa.Interval | sa.JSON | sa.ARRAY | sa.Uuid | sa.types.NullType)

    def declared_types(self, connection: Connection, table: str) -> dict[str, str]:
        """The types as they were declared, where that tells more than reflection."""
        return {}

    def unique_columns(self, connection: Connection, table: str) -> list[tuple[str, ...]]:
        """Columns of unique constraints that SQLAlchemy's reflection does not see."""
        return []

    def numbers_key(self, connection: Connection, table: str, column: str, declared: str) -> bool:
        """Whether the single integer key column is numbered though nothing in the column's definition says so."""
        return False

    def rewriting(self, connection: Connection, schema: str | None) -> set[str]:
        """Tables with a trigger that runs before an insert."""
        return set()

    def side_types(self, connection: Connection) -> tuple[str, str, str]:
        """Types of the side table's columns (object, our key, target key): compared letter by letter, and short enough
        for an index."""
        return "VARCHAR(128)", "VARCHAR(255)", "VARCHAR(255)"

    # Reading

    def selected(self, column: Column, tolerant: bool) -> sa.ColumnElement[Any]:
        """The column as it is fetched. tolerant: so that no cell can be beyond what the driver reads."""
        plain = sa.column(column.name, PLAIN)
        return sa.cast(plain, sa.Text) if column.as_text else plain

    def fetched(self, column: Column, tolerant: bool) -> sa.ColumnElement[Any]:
        """What of the column is fetched: as `selected`, or of bodies of files their size, or a piece."""
        if column.piece is not None:
            return self.part(column, *column.piece)
        return self.size(column) if column.measured else self.selected(column, tolerant)

    def body(self, column: Column) -> sa.ColumnElement[Any]:
        """A column of bytes."""
        return sa.column(column.name, PLAIN)

    def part(self, column: Column, start: int, count: int) -> sa.ColumnElement[Any]:
        """So many bytes of it; null where there is none."""
        return sa.func.substr(self.body(column), start, count)

    def size(self, column: Column) -> sa.ColumnElement[Any]:
        """How many bytes."""
        return sa.func.octet_length(self.body(column))

    def unreadable(self, error: Exception) -> bool:
        """Whether the driver could not make a Python value of a cell; reading tolerantly goes on then."""
        return False

    def tolerate(self, connection: Connection, tolerant: bool) -> None:
        """Make the connection's own reading tolerant, or strict again."""

    def stream(self, connection: Connection) -> DBAPICursor:
        """A cursor that does not fetch all rows at once."""
        return connection.connection.cursor()

    def exact(self, column: Column) -> sa.ColumnElement[Any]:
        """The column ordered and compared letter by letter, where two different texts may count as the same."""
        return sa.column(column.name, PLAIN)

    def exact_value(self, column: Column, cell: object) -> object:
        return cell

    def sought(self, column: Column) -> Encoder:
        """How a cell to search for becomes what the column is compared with; null stays null. Raises UnfitError."""
        typing, encode = sql_typing(column), self.encoder(column)

        def seek(cell: Cell) -> object:
            typed = typing(cell)
            return typed if typed is None or encode is None else encode(typed)

        return seek

    def sought_all(self, column: Column, cells: Sequence[Cell]) -> Sequence[object]:
        """`sought` of each cell, without nulls and without those that the column cannot hold. Keys are mostly plain
        digits or plain text, which are seen to be so all at once."""
        if set(map(type, cells)) == {str}:
            texts = cast(Sequence[str], cells)
            if column.is_text and _is_unicode("".join(texts)):
                return texts
            if column.stored is FieldType.INTEGER and all(map(_SHORT_DIGITS.fullmatch, texts)):
                return list(map(int, texts))
        seek, found = self.sought(column), []
        for cell in cells:
            with suppress(UnfitError):
                found.append(seek(cell))
        return [each for each in found if each is not None]

    def any_of(self, column: Column, cells: Sequence[object]) -> sa.ColumnElement[bool]:
        """The column is one of these cells, each as `sought` gives it."""
        return compared(column).in_(_parameters(cells))

    def any_row_of(self, columns: Sequence[Column], rows: Sequence[tuple[object, ...]]) -> sa.ColumnElement[bool]:
        """The columns together are one of these rows of cells."""
        return sa.tuple_(*map(compared, columns)).in_(_parameters(rows))

    def not_before(self, column: Column, moment: dt.datetime) -> sa.ColumnElement[bool]:
        """Times at or after this one, which is aware where the column's are."""
        told: sa.ColumnElement[bool] = sa.column(column.name, PLAIN) >= value(self.sought(column)(moment))
        return told

    # Writing

    def encoder(self, column: Column) -> Encoder | None:
        """What a typed cell, never null, must be turned into for the driver; None where nothing."""
        return None

    def encoded(self, column: Column, cells: Sequence[Cell]) -> Sequence[object]:
        """A column of changes' cells as the driver is given them. Raises UnfitError."""
        typed, encode = all_typed(column, cells), self.encoder(column)
        return typed if encode is None else [None if cell is None else encode(cell) for cell in typed]

    def reserve(self, connection: Connection, table: Table, count: int) -> list[object] | None:
        """So many new keys for a table whose single key column the database fills, None where they cannot be had
        beforehand."""
        return None

    def insert(
        self, connection: Connection, table: Table, names: Sequence[str], rows: Iterable[Sequence[object]]
    ) -> int:
        """Insert rows whose keys are all given. Returns how many the database says it took, -1 where it does not.
        Raises RowError where the row that is refused is known."""
        parameters = {f"p{place}": name for place, name in enumerate(names)}
        statement = sa.insert(table.clause).values(
            {name: sa.bindparam(p, type_=PLAIN) for p, name in parameters.items()}
        )
        return connection.execute(statement, [dict(zip(parameters, row, strict=True)) for row in rows]).rowcount

    def fault(self, error: Exception, table: Table | None = None) -> Fault:
        """What a driver's error means."""
        return plain_fault(error)


def compared(column: Column) -> sa.ColumnElement[Any]:
    """The column as cells are sought in it."""
    plain = sa.column(column.name, PLAIN)
    return sa.cast(plain, sa.Text) if column.as_text and not column.uuid else plain


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def _parameters(cells: Sequence[object]) -> sa.BindParameter[Any]:
    return sa.bindparam(None, list(cells), type_=PLAIN, unique=True, expanding=True)
