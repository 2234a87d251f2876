"""A database for tests of the connector `sql`: filled by plain SQL, seen through the connector and beside it. Its
fixtures are in conftest.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa
from changeover.connectors.cell import Cell
from changeover.connectors.change import Batch, Change, ChangeKind, Outcome
from changeover.connectors.chunk import Chunk
from changeover.connectors.clock import SystemClock
from changeover.connectors.pace import Pace
from changeover.connectors.port import Connector, Settings
from changeover.connectors.secrets import Secrets
from changeover.connectors.sql import connect

BOTH = pytest.mark.parametrize("database", ["pg", "my"])
EVERY = pytest.mark.parametrize("database", ["lite", "pg", "my"])
"""The servers, or every database: with the fixture `opened`."""
ACKED = ("acked", None, None)
CUSTOMER = (
    "CREATE TABLE account (id {numbered}, name varchar(10) NOT NULL, tax_no varchar(20) UNIQUE, small smallint, "
    "paid decimal(6,2), born date, level varchar(1), parent int, CONSTRAINT level_known CHECK (level IN ('A', 'B')), "
    "CONSTRAINT of_parent FOREIGN KEY (parent) REFERENCES account (id))"
)


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
        self._open.append(connect(settings, Secrets(), Pace(SystemClock()), SystemClock()))
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


def adopt(our_key: str, key: str, /, **values: Cell) -> Change:
    return Change(ChangeKind.ADOPT, our_key, key, values)


def update(our_key: str, key: str, /, **values: Cell) -> Change:
    return Change(ChangeKind.UPDATE, our_key, key, values)


def write(connector: Connector, object_name: str, *changes: Change) -> list[Outcome]:
    return connector.write(Batch(object_name, changes))


def told(outcomes: Sequence[Outcome]) -> list[tuple[str, str | None, str | None]]:
    """State, code and field of each."""
    return [(str(each.state), each.code, each.field) for each in outcomes]


def numbered(opened: Kit) -> str:
    return {
        "sqlite": "INTEGER PRIMARY KEY",
        "postgresql": "serial PRIMARY KEY",
        "mariadb": "int AUTO_INCREMENT PRIMARY KEY",
    }[opened.engine.dialect.name]


def pairs(connector: Connector, name: str) -> dict[str, str]:
    return dict(pair for some in connector.our_keys(name) for pair in some)


def keys(connector: Connector, name: str, size: int, after: str | None = None) -> list[str]:
    return [key for chunk in connector.read(name, [], size=size, after=after) for key in chunk.keys]


def column(chunk: Chunk, name: str) -> pa.Array:
    return pa.array(chunk.frame[name].array)


def only(connector: Connector, name: str, fields: list[str]) -> Chunk:
    (chunk,) = connector.read(name, fields)
    return chunk


def resumes_everywhere(connector: Connector, name: str, expected: int) -> list[str]:
    """Read in every small size and resume after every chunk; returns the keys in order."""
    whole = keys(connector, name, 1000)
    assert len(whole) == connector.count(name) == expected
    for size in (1, 2, 3, 5):
        seen: list[str] = []
        for chunk in connector.read(name, [], size=size):
            seen += chunk.keys
            assert seen + keys(connector, name, size, chunk.cursor) == whole, f"in chunks of {size}, after {seen[-1]}"
        assert seen == whole
    return whole


def engine(connector: Connector) -> sa.Engine:
    found: sa.Engine = connector._database.engine  # type: ignore[attr-defined]
    return found


def only_once(act: Callable[[sa.Connection], None]) -> Callable[..., None]:
    acted: list[bool] = []

    def once(*arguments: Any) -> None:
        if not acted:
            acted.append(True)
            act(arguments[0])

    return once
