"""One database behind one URL: its engine, its connections and transactions, and what to say when they fail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection
from sqlalchemy.engine.interfaces import DBAPIConnection

from ..errors import InputError, UnavailableError
from ..port import Settings
from ..secrets import Secrets
from .dialect import Dialect
from .faults import words
from .options import Options
from .sqlite import SQLite


class Database:
    """Opened when first used, and again after the connection was lost. For one thread."""

    def __init__(self, name: str, url: URL, secrets: Secrets, schema: str | None = None) -> None:
        """Raises InputError `sql.driver` where the URL's driver is not installed or not one that is tried."""
        self.name = name
        self.url = url
        self.schema = schema
        self._secrets = secrets
        kind, _, driver = url.drivername.partition("+")
        self.dialect = _dialect(kind)
        if self.dialect.driver and driver not in ("", self.dialect.driver):
            raise InputError("sql.driver", connection=name, driver=url.drivername, use=f"{kind}+{self.dialect.driver}")
        if self.dialect.driver:
            self.url = url.set(drivername=f"{'postgresql' if kind == 'postgres' else kind}+{self.dialect.driver}")
        try:
            self.engine = self.dialect.engine(self.url)
        except (ImportError, sa.exc.NoSuchModuleError) as error:
            raise InputError(
                "sql.driver", connection=name, driver=self.url.drivername, use=self._told(error)
            ) from error
        sa.event.listen(self.engine, "connect", self._connected)
        sa.event.listen(self.engine, "begin", self.dialect.begin)

    @classmethod
    def of(cls, settings: Settings, options: Options, secrets: Secrets) -> Database:
        """The database of a project's connection. Raises InputError `sql.url`, `sql.driver` or `secret.missing`."""
        return cls(settings.name, _url(settings, options, secrets), secrets, options.schema_)

    def _connected(self, connection: DBAPIConnection, record: object) -> None:
        self.dialect.connected(connection)

    def open(self, *, writes: bool = False) -> Connection:
        """A connection, to be closed again. Raises InputError where the file is not there, UnavailableError
        `sql.unreachable` where the server cannot be reached or does not let us in."""
        self.dialect.check(self.url, self.name)
        try:
            return self.engine.connect().execution_options(writes=writes)
        except (sa.exc.SQLAlchemyError, self.engine.dialect.loaded_dbapi.Error, OSError) as error:
            raise self.unreachable(error) from error

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection within a transaction that is rolled back. Raises UnavailableError `sql.unreachable` where it is
        lost, `sql.refused` where the database refuses a statement."""
        with self.open() as connection:
            try:
                with connection.begin() as transaction:
                    yield connection
                    transaction.rollback()
            except (sa.exc.SQLAlchemyError, self.engine.dialect.loaded_dbapi.Error) as error:
                raise self.failed(connection, error) from error

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """As `reading`, but what was done is committed."""
        with self.open(writes=True) as connection:
            try:
                with connection.begin():
                    yield connection
            except (sa.exc.SQLAlchemyError, self.engine.dialect.loaded_dbapi.Error) as error:
                raise self.failed(connection, error) from error

    def failed(self, connection: Connection, error: Exception) -> UnavailableError:
        """What to raise for an error of the driver's; a connection that is lost is not used again."""
        if self.dialect.fault(error).lost:
            self.drop(connection)
            return self.unreachable(error)
        return UnavailableError("sql.refused", connection=self.name, server=self.address, reason=self._told(error))

    def drop(self, connection: Connection) -> None:
        if not connection.closed and not connection.invalidated:
            connection.invalidate()

    def unreachable(self, error: Exception) -> UnavailableError:
        return UnavailableError("sql.unreachable", connection=self.name, server=self.address, reason=self._told(error))

    @property
    def address(self) -> str:
        """Where the database is, without the user and the password."""
        return self.hidden(self.url.set(username=None, password=None).render_as_string())

    def hidden(self, text: str) -> str:
        """The text without the password and other secrets."""
        text = self._secrets.hide(text)
        return text.replace(self.url.password, "***") if self.url.password else text

    def _told(self, error: Exception) -> str:
        return self.hidden(" ".join(words(error).split()))

    def close(self) -> None:
        self.engine.dispose()


def _url(settings: Settings, options: Options, secrets: Secrets) -> URL:
    """The option `url` with its secrets, a SQLite path made absolute. A secret may stand for any part or for all."""
    text = options.url if "://" in options.url else secrets.fill(options.url)
    try:
        url = sa.make_url(text)
        url.get_backend_name()
    except (sa.exc.ArgumentError, ValueError) as error:
        raise InputError("sql.url", connection=settings.name) from error
    url = url.set(
        username=secrets.fill(url.username) if url.username else None,
        password=secrets.fill(url.password) if url.password else None,
        host=secrets.fill(url.host) if url.host else None,
        database=secrets.fill(url.database) if url.database else None,
    )
    if url.get_backend_name() != "sqlite":
        return url
    if not url.database or url.database.startswith((":memory:", "file:")) or url.query:
        raise InputError("sql.url", connection=settings.name)
    return url.set(database=str((Path(settings.folder) / url.database).resolve()))


def _dialect(kind: str) -> Dialect:
    """SQLAlchemy's part of each database takes long to load, and most projects have one kind."""
    match kind:
        case "sqlite":
            return SQLite()
        case "postgresql" | "postgres":
            from .postgresql import PostgreSQL

            return PostgreSQL()
        case "mariadb" | "mysql":
            from .mariadb import MariaDB

            return MariaDB()
        case _:
            return Dialect()
