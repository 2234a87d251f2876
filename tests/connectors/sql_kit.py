"""A database for tests of the connector `sql`: filled by plain SQL, seen through the connector and beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from changeover.connectors.cell import Cell
from changeover.connectors.change import Batch, Change, ChangeKind, Outcome
from changeover.connectors.clock import SystemClock
from changeover.connectors.port import Connector, Settings
from changeover.connectors.secrets import Secrets
from changeover.connectors.sql import connect


class Kit:
    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = sa.create_engine(url, poolclass=sa.NullPool)
        self._open: list[Connector] = []

    def sql(self, *statements: str) -> None:
        with self.engine.begin() as connection:
            for statement in statements:
                plain = self.engine.dialect.paramstyle in ("qmark", "named")
                connection.exec_driver_sql(statement if plain else statement.replace("%", "%%"))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]

    def connector(self, **options: object) -> Connector:
        """A new connector on the database, prepared."""
        connector = self.unprepared(**options)
        connector.prepare()
        return connector

    def unprepared(self, **options: object) -> Connector:
        settings = Settings("crm", "sql", {"url": self.url, **options})
        self._open.append(connect(settings, Secrets(), SystemClock()))
        return self._open[-1]

    def close(self) -> None:
        for connector in self._open:
            connector.close()


@contextmanager
def kit(url: str) -> Iterator[Kit]:
    opened = Kit(url)
    try:
        yield opened
    finally:
        opened.close()


def sqlite_url(folder: Path, name: str = "crm.db") -> str:
    """The URL of a new, empty SQLite file."""
    (folder / name).touch()
    return f"sqlite:///{folder / name}"


def create(our_key: str, /, **values: Cell) -> Change:
    return Change(ChangeKind.CREATE, our_key, values=values)


def write(connector: Connector, object_name: str, *changes: Change) -> list[Outcome]:
    return connector.write(Batch(object_name, changes))


def told(outcomes: Sequence[Outcome]) -> list[tuple[str, str | None, str | None]]:
    """State, code and field of each."""
    return [(str(each.state), each.code, each.field) for each in outcomes]
