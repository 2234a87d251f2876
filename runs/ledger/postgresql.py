"""A ledger in a schema of a PostgreSQL server, by psycopg."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar

import psycopg
import sqlalchemy as sa
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.pq import TransactionStatus

from ...connectors.errors import BusyError, ChangeoverError, DecisionError, InputError, UnavailableError
from .base import Base, Rows, Values
from .place import Server
from .sqlite import SQLite

GUARDS = 9
"""So many triggers of ours refuse what may not be."""
HOLD_WAIT = "2s"
"""A server takes a moment to notice that who held the ledger was killed."""
SETTINGS = """
set lock_timeout = '30s';
set idle_in_transaction_session_timeout = '20s';
set tcp_keepalives_idle = 60;
set tcp_keepalives_interval = 10;
set tcp_keepalives_count = 6;
set enable_seqscan = off;
set jit = off
"""
"""A writer that stands still, or whose machine is gone, lets go of the ledger before those give up who wait for it.
Every question is by key: a plan made while a table was empty must not read it from end to end once it is full."""
_MARK = re.compile(r"\?(\d*)")
_DAMAGED = ("XX001", "XX002")
_LOCKED = ("55P03", "40P01")
_FULL = "53100"
_NEEDED = {
    "meta": "true",
    "system": "true",
    "control": "true",
    "run": "true",
    "progress": "true",
    "fieldset": "true",
    "record": "true",
    "batch": "true",
    "operation": "state in ('planned', 'intent', 'unknown', 'rejected')",
    "claim": "true",
    "proof": "true",
}
"""What of which table a rehearsal asks for; parents before their children."""


class PostgreSQL(Base):
    """synchronous_commit=on: what was committed survives as well as the server itself does. One connection, never made
    anew: what was held by it and half done with it is gone with it."""

    error: ClassVar[type[Exception]] = psycopg.Error
    unnumbered: ClassVar[str] = ""

    def __init__(self, server: Server, version: str, *, durable: bool = True) -> None:
        self._server = server
        self._names = itertools.count()
        self._lock = int.from_bytes(hashlib.sha256(server.schema.encode()).digest()[:8], signed=True)
        try:
            self.connection = psycopg.connect(
                self._conninfo(), autocommit=True, cursor_factory=psycopg.RawCursor, client_encoding="utf8"
            )
        except (psycopg.ProgrammingError, sa.exc.ArgumentError, ValueError) as error:
            raise InputError("ledger.url", path=str(server)) from error
        except psycopg.Error as error:
            raise self._unreachable(error) from error
        try:
            self._prepare(sql.Identifier(server.schema).as_string(), version, durable)
        except psycopg.Error as error:
            told = self.told(error)
            self.connection.close()
            raise told from error
        except BaseException:
            self.connection.close()
            raise

    def _conninfo(self) -> str:
        """A secret may stand for any part of the URL, or for all of it."""
        fill, text = self._server.secrets.fill, self._server.url
        url = sa.make_url(text if "://" in text else fill(text))
        if url.get_backend_name() not in ("postgresql", "postgres"):
            raise ValueError(url.drivername)
        parts = {"host": url.host, "user": url.username, "password": url.password, "dbname": url.database}
        given: dict[str, Any] = {"connect_timeout": 30, "application_name": "changeover", **url.query}
        given |= {name: fill(part) for name, part in parts.items() if part}
        given |= {"port": url.port} if url.port else {}
        return make_conninfo(**given)

    def _prepare(self, schema: str, version: str, durable: bool) -> None:
        self._script(f"{SETTINGS}; set search_path to {schema}")
        self._script(f"set synchronous_commit = {'on' if durable else 'off'}")
        if self._missing():
            self._create(schema, version)

    def _missing(self) -> bool:
        """Asked of the catalogue itself: what a name leads to is remembered for too long."""
        return (
            self.execute(
                "select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace "
                "where n.nspname = ? and c.relname = 'control'",
                (self._server.schema,),
            ).fetchone()
            is None
        )

    def _create(self, schema: str, version: str) -> None:
        """By one process alone, the others wait."""
        script = resources.files(__package__).joinpath("schema_postgresql.sql").read_text(encoding="utf-8")
        self.execute("begin")
        self.execute("select pg_advisory_xact_lock(?)", (self._lock ^ 1,))
        if self._missing():
            known = self.execute("select 1 from pg_namespace where nspname = ?", (self._server.schema,)).fetchone()
            if known is None:  # who may not make schemas gets one from somebody who may
                self._script(f"create schema {schema}")
            self._script(script)
            self.execute("insert into meta values ('version', ?), ('version_again', ?)", (version, version))
        self.execute("commit")

    @contextmanager
    def _heard(self) -> Iterator[None]:
        """What a server may come to is told wherever it is noticed; what is wrong with a statement is its caller's."""
        try:
            yield
        except (psycopg.OperationalError, psycopg.InternalError) as error:
            raise self.told(error) from error

    def _script(self, script: str) -> None:
        with self._heard():
            self.connection.execute(script.encode())

    def execute(self, statement: str, values: Values = ()) -> Rows:
        with self._heard():  # planned anew each time: what was best for an empty table is not for a full one
            return self.connection.execute(_numbered(statement), values, prepare=False)

    def executemany(self, statement: str, rows: Iterable[Values]) -> None:
        with self._heard(), self.connection.cursor() as cursor:
            cursor.executemany(_numbered(statement), rows)

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Values]) -> None:
        copying = f"copy {table} ({', '.join(columns)}) from stdin".encode()
        with self._heard(), self.connection.cursor() as cursor, cursor.copy(copying) as copy:
            for row in rows:
                copy.write_row(row)

    def stream(self, statement: str, values: Values = ()) -> Generator[Any]:
        """Whoever breaks off closes it: left to the collector of garbage it would be closed in the middle of whatever
        this connection is at, and wait for that for ever."""
        name = f"stream_{next(self._names)}"
        alone = self.connection.info.transaction_status is TransactionStatus.IDLE
        with self._heard(), psycopg.RawServerCursor(self.connection, name, withhold=alone) as cursor:
            cursor.itersize = 5_000
            cursor.execute(_numbered(statement), values)
            yield from cursor

    def texts(self, mark: str = "?") -> str:
        return f"json_array_elements_text({mark}::json) j (value)"

    def rows(self, mark: str = "?") -> str:
        return f"json_array_elements({mark}::json) j (value)"

    def whole(self, column: str) -> str:
        return f"length({column}) > 0 and position('\\x00'::bytea in {column}) = 0"

    def now(self) -> dt.datetime:
        now: dt.datetime = self.execute("select clock_timestamp()").fetchone()[0]
        return now.astimezone(dt.UTC)

    def begin(self) -> int:
        self.execute("begin isolation level read committed read write")
        # whoever takes the ledger over has to wait for this row, and whoever waited for it sees who took over
        return int(self.execute("select epoch from control for update").fetchone()[0])

    def begin_with(self, statement: str, values: Values = ()) -> tuple[Any, dt.datetime]:
        # not as a pipeline: the server does not end one that stands still in it
        self.execute("begin isolation level read committed read write")
        return self.execute(f"{statement} for update", values).fetchone(), self.now()

    def commit(self) -> None:
        with self._heard():
            _committed(self.connection.execute(b"commit"))

    def commit_with(self, statement: str, values: Values = ()) -> None:
        with self._heard():
            with self.connection.pipeline():
                self.connection.execute(_numbered(statement), values, prepare=False)
                done = self.connection.execute(b"commit")
            _committed(done)

    def roll_back(self) -> None:
        """A connection that cannot even do that is closed, and the server forgets what was half done."""
        if self.connection.closed or self.connection.info.transaction_status is TransactionStatus.IDLE:
            return
        try:
            self.connection.execute(b"rollback")
        except psycopg.Error:
            self.connection.close()

    @contextmanager
    def held(self) -> Iterator[None]:
        """By a lock of the session's, which goes with the connection, however that ended."""
        try:
            self.execute(f"set lock_timeout = '{HOLD_WAIT}'")
            self.execute("select pg_advisory_lock(?)", (self._lock,))
            self.execute("set lock_timeout = '30s'")
        except BusyError as error:
            raise BusyError("ledger.held", path=str(self._server)) from error
        try:
            yield
        finally:
            with suppress(psycopg.Error, UnavailableError):  # lost with the connection
                self.execute("select pg_advisory_unlock(?)", (self._lock,))

    def is_held(self) -> bool:
        (free,) = self.execute("select pg_try_advisory_lock(?)", (self._lock,)).fetchone()
        if free:
            self.execute("select pg_advisory_unlock(?)", (self._lock,))
        return not free

    def check(self) -> bool:
        """Its pages are the server's business; that nobody took our guards away is ours."""
        guards = self.execute(
            "select count(*) from pg_trigger where tgrelid in ('operation'::regclass, 'event'::regclass, "
            "'partition'::regclass) "
            "and not tgisinternal and tgenabled in ('O', 'A')"
        ).fetchone()[0]
        return bool(guards == GUARDS)

    def tidy(self) -> None:
        """Every operation is updated twice, and leaves its former rows behind. The server's own vacuum comes once a
        minute at best and by a share of the table; a run writes faster. Nothing comes of it where the tables are
        somebody else's."""
        for table in ("operation", "record"):
            self._script(f"vacuum (truncate false, skip_locked) {table}")

    def copy_to(self, path: Path) -> None:
        """As things stand at one moment. Without the history and the findings, and of what was done only what may be
        asked for again."""
        version = self.execute("select value from meta where name = 'version'").fetchone()[0]
        copy = SQLite(path, version, durable=False)
        guard = copy.execute("select sql from sqlite_schema where name = 'operation_start'").fetchone()[0]
        try:
            self.execute("begin isolation level repeatable read read only")
            copy.execute("pragma foreign_keys = off")
            copy.connection.executescript("drop trigger operation_start; begin; delete from meta; delete from control;")
            for table, wanted in _NEEDED.items():
                columns = [row[1] for row in copy.execute(f"pragma table_info({table})")]
                asked = f"select {', '.join(columns)} from {table} where {wanted}"  # noqa: S608 - names of ours
                with closing(self.stream(asked)) as rows:
                    copy.insert(table, columns, rows)
            copy.execute(guard)
            copy.commit()
        except SQLite.error as error:
            raise copy.told(error) from error
        finally:
            self.roll_back()
            copy.close()

    def told(self, error: Exception) -> ChangeoverError:
        code = getattr(error, "sqlstate", None) or ""
        path = str(self._server)
        if self.connection.closed:
            return self._unreachable(error)
        if code in _DAMAGED:
            return DecisionError("ledger.damaged", path=path)
        if code == _FULL:
            return UnavailableError("ledger.disk_full", path=path)
        if code in _LOCKED:
            return BusyError("ledger.busy", path=path)
        return UnavailableError("ledger.failed", path=path, reason=type(error).__name__)

    def _unreachable(self, error: Exception) -> UnavailableError:
        reason = self._server.secrets.hide(str(error).partition("\n")[0])
        return UnavailableError("ledger.unreachable", path=str(self._server), reason=reason)

    def close(self) -> None:
        self.connection.close()


def _committed(done: psycopg.Cursor[Any]) -> None:
    """It takes a failed transaction back, and calls that done."""
    if done.statusmessage != "COMMIT":
        raise psycopg.errors.InFailedSqlTransaction


@lru_cache(maxsize=200)
def _numbered(statement: str) -> bytes:
    """With PostgreSQL's marks, `$1`, `$2` ..., for those of `Base`."""
    numbers = itertools.count(1)
    return _MARK.sub(lambda mark: f"${mark[1] or next(numbers)}", statement).encode()
