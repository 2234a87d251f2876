"""The port of a database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from ..audit import audit_of
from ..cell import Cell
from ..change import Batch, Outcome
from ..changes import reading_at
from ..chunk import Chunk
from ..errors import InputError
from ..port import KEY, OUR_KEY, AuditFields, Capabilities, Identity, OurKeyPlace
from ..schema import FieldType, Schema
from .database import Database
from .keys import is_prepared, make_room, our_keys_of
from .options import Options
from .read import read_pages
from .reflect import Reflected, no_field, no_object, reflect
from .search import search, search_keys
from .tables import Table
from .write import write_batch

BATCH_SIZE = 5_000
FIND_SIZE = 5_000
OVERLAP = dt.timedelta(minutes=10)
"""For which a transaction may be open that has noted its time already."""


class SqlConnector:
    """One database, for one thread. The connection is opened by the first call, and opened again after it was lost.

    What the tables look like is asked once and kept; `describe` asks anew.
    """

    def __init__(self, name: str, options: Options, database: Database, zone: str | None = None) -> None:
        own_columns = options.objects is not None and set(options.objects) <= set(options.our_key)
        self.capabilities = Capabilities(
            batch_size=BATCH_SIZE,
            find_size=FIND_SIZE,
            writes=True,
            our_key=OurKeyPlace.FIELD if own_columns else OurKeyPlace.SIDE_TABLE,
            compare_and_set=True,
            all_or_nothing=True,
            deletes=True,
            tells_changes=True,
            overlap=OVERLAP,
        )
        self._zone = None if zone is None else ZoneInfo(zone)
        self._name = name
        self._options = options
        self._database = database
        self._reflected: Reflected | None = None
        self._prepared = False

    def identity(self) -> Identity:
        with self._database.reading() as connection:
            return self._database.dialect.identity(connection, self._database.url)

    def describe(self) -> Schema:
        """Tables with a key, and the views that `keys` names. Raises InputError `sql.no_object`, `sql.no_field` or
        `sql.our_key` where the options name what is not there."""
        with self._database.reading() as connection:
            self._reflected = reflect(connection, self._database.dialect, self._options, self._name)
        return Schema({name: table.described for name, table in self._reflected.tables.items()})

    def audit_fields(self, object_name: str) -> AuditFields:
        return audit_of(self._options.audit, self._table(object_name).described)

    def acting_user(self) -> str | None:
        return self._options.acting_user

    def read(
        self, object_name: str, fields: Sequence[str], *, after: str | None = None, size: int = 20_000
    ) -> Iterator[Chunk]:
        """Each chunk is a short transaction of its own. Where no constraint keeps the keys apart, records that share
        one come in one chunk, be it larger than `size`; see the module `read`. Raises StaleCursorError `sql.cursor`,
        InputError `sql.keyless_many`."""
        table = self._table(object_name, fields)
        return read_pages(self._database, table, fields, after, size)

    def changed(
        self,
        object_name: str,
        fields: Sequence[str],
        since: dt.datetime,
        *,
        after: str | None = None,
        size: int = 20_000,
    ) -> Iterator[Chunk]:
        """By the column that `audit` calls `modified_at`. Raises InputError `changes.no_time`, or `changes.no_zone`
        where that is the reading of a clock of nobody knows where."""
        table, at = self._table(object_name, fields), self.audit_fields(object_name).modified_at
        column = table.columns[at] if at is not None else None
        if column is None or column.stored not in (FieldType.INSTANT, FieldType.LOCAL_TIME):
            raise InputError("changes.no_time", object=object_name)
        if column.stored is FieldType.LOCAL_TIME:
            if self._zone is None:
                raise InputError("changes.no_zone", connection=self._name, field=column.name)
            since = reading_at(since, self._zone)
        only = self._database.dialect.not_before(column, since)
        return read_pages(self._database, table, fields, after, size, only)

    def count(self, object_name: str) -> int:
        table = self._table(object_name)
        with self._database.reading() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(table.clause)) or 0

    def find(
        self, object_name: str, by: Sequence[str], values: Sequence[tuple[Cell, ...]], fields: Sequence[str]
    ) -> Chunk:
        """Text is matched letter by letter, whatever the column's collation."""
        named = [] if tuple(by) in ((KEY,), (OUR_KEY,)) else list(by)
        table = self._table(object_name, [*named, *fields])
        if len(values) > self.capabilities.find_size:
            raise ValueError(f"{object_name}: {len(values)} values to find, {self.capabilities.find_size} at most")
        dialect, ours = self._database.dialect, our_keys_of(self._database, table)
        with self._database.reading() as connection:
            has_keys = self._has_keys(connection, table)
            if tuple(by) == (OUR_KEY,):
                held = ours.of(connection, _texts(values)) if has_keys else {}
                rows = search_keys(connection, dialect, table, list(held.values()), fields)
                holders = {key: our_key for our_key, key in held.items()}
            elif named:
                rows = search(connection, dialect, table, [table.columns[name] for name in named], values, fields)
                holders = ours.holders(connection, rows.keys()) if has_keys else {}
            else:
                rows = search_keys(connection, dialect, table, _texts(values), fields)
                holders = ours.holders(connection, rows.keys()) if has_keys else {}
        return rows.chunk(fields, our_keys=list(map(holders.get, rows.keys())) if has_keys else [])

    def write(self, batch: Batch) -> list[Outcome]:
        """One transaction, see the module `write`. Raises InputError `sql.not_prepared` without a side table."""
        fields = {name: None for change in batch.changes for name in (*change.values, *(change.expect or ()))}
        table = self._table(batch.object, list(fields))
        if len(batch.changes) > self.capabilities.batch_size:
            raise ValueError(f"{batch.object}: {len(batch.changes)} changes, {self.capabilities.batch_size} at most")
        if table.our_key is None and not self._prepared:
            with self._database.reading() as connection:
                if not self._has_keys(connection, table):
                    raise InputError("sql.not_prepared", connection=self._name)
        return write_batch(self._database, table, batch)

    def piece(self, object_name: str, column: str, key: str, start: int, count: int) -> bytes | None:
        """So many bytes of a body that a column of `files` holds, from this one on, counted from 0; fewer where it
        ends. None where the record or the body is not there."""
        table = self._table(object_name, [column])
        some = replace(table.columns[column], measured=False, piece=(start + 1, count))
        table = replace(table, columns={**table.columns, column: some})
        with self._database.reading() as connection:
            rows = search_keys(connection, self._database.dialect, table, [key], [column])
        [cell] = rows.cells(column) or [None]
        return bytes(cell) if isinstance(cell, bytes | bytearray | memoryview) else None

    def prepare(self) -> None:
        """Create the side table where some object needs it. Raises UnavailableError `sql.refused` without the right."""
        if self.capabilities.our_key is OurKeyPlace.SIDE_TABLE:
            make_room(self._database)

    def our_keys(self, object_name: str) -> Iterator[list[tuple[str, str]]]:
        """Only pairs whose record is there."""
        return self._our_keys(self._table(object_name))

    def _our_keys(self, table: Table) -> Iterator[list[tuple[str, str]]]:
        ours, after = our_keys_of(self._database, table), None
        while True:
            with self._database.reading() as connection:
                pairs = ours.pages(connection, after) if self._has_keys(connection, table) else []
                keys = [key for _, key in pairs]
                there = set(search_keys(connection, self._database.dialect, table, keys, ()).keys())
            if not pairs:
                return
            after = pairs[-1][0]
            yield [(our_key, key) for our_key, key in pairs if key in there]

    def now(self) -> dt.datetime:
        with self._database.reading() as connection:
            return self._database.dialect.time(connection)

    def record_url(self, object_name: str, key: str) -> str | None:
        """None: a database has no page to open."""
        return None

    def close(self) -> None:
        self._database.close()

    def _has_keys(self, connection: sa.Connection, table: Table) -> bool:
        if table.our_key is None and not self._prepared:
            self._prepared = is_prepared(connection, self._database)
        return table.our_key is not None or self._prepared

    def _table(self, name: str, fields: Iterable[str] = ()) -> Table:
        """Raises InputError `sql.no_object`, `sql.no_key` or `sql.no_field`."""
        if self._reflected is None:
            self.describe()
        reflected = self._reflected or Reflected({}, frozenset())
        if name in reflected.keyless:
            raise InputError("sql.no_key", connection=self._name, object=name)
        if name not in reflected.tables:
            raise no_object(self._name, name, reflected.tables)
        self._require(reflected.tables[name], fields)
        return reflected.tables[name]

    def _require(self, table: Table, fields: Iterable[str]) -> None:
        for name in fields:
            if name not in table.columns:
                raise no_field(self._name, table.name, name, table.columns)


def _texts(values: Iterable[tuple[Cell, ...]]) -> list[str]:
    return [str(value) for (value,) in values if value is not None]
