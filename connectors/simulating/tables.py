"""What a simulator keeps, in SQLite: a table for each object, a column for each field. One writer: whoever calls holds
the simulator's lock."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

Stored: TypeAlias = "str | int | None"
Row: TypeAlias = dict[str, Stored]
Columns: TypeAlias = Mapping[str, Mapping[str, str]]
"""Object -> column -> what SQLite is told of it: its type, its order; nothing where it is text as it comes."""
TEXT_KEY = "TEXT PRIMARY KEY"
PRAGMAS = (
    "locking_mode = EXCLUSIVE",
    "journal_mode = WAL",
    "synchronous = OFF",
    "temp_store = MEMORY",
    "cache_size = -64000",
)


class Tables:
    """file: None for memory. key: the column by which a row is known. indexed: object -> columns that are searched.

    Raises sqlite3.Error where the file cannot be used, or another one uses it. A torn file is the price of speed:
    what is in it can be made anew.
    """

    def __init__(self, file: Path | None, key: str, columns: Columns, indexed: Mapping[str, Sequence[str]]) -> None:
        self.sql = sqlite3.connect(
            ":memory:" if file is None else file,
            timeout=1,
            check_same_thread=False,
            isolation_level=None,
            cached_statements=1024,
        )
        for pragma in PRAGMAS:
            self.sql.execute(f"PRAGMA {pragma}")
        self._key = key
        self._columns = {name: list(each) for name, each in columns.items()}
        self._insert = {}
        for name, told in columns.items():
            self._table(name, told, indexed[name])
            names = ", ".join(f'"{each}"' for each in told)
            marks = ", ".join("?" * len(told))
            self._insert[name] = f'INSERT INTO "{name}" ({names}) VALUES ({marks})'  # noqa: S608 - names are checked

    def close(self) -> None:
        self.sql.close()

    def _table(self, name: str, columns: Mapping[str, str], indexed: Sequence[str]) -> None:
        """A file of before gets the columns that it lacks."""
        told = {each: f'"{each}" {TEXT_KEY if each == self._key else kind}' for each, kind in columns.items()}
        self.sql.execute(f'CREATE TABLE IF NOT EXISTS "{name}" ({", ".join(told.values())}) WITHOUT ROWID')
        there = {row[1] for row in self.sql.execute(f'PRAGMA table_info("{name}")')}
        for each in columns:
            if each not in there:
                self.sql.execute(f'ALTER TABLE "{name}" ADD COLUMN {told[each]}')
        for each in indexed:
            self.sql.execute(f'CREATE INDEX IF NOT EXISTS "{name}.{each}" ON "{name}" ("{each}")')

    def insert(self, name: str, row: Mapping[str, Stored]) -> None:
        self.sql.execute(self._insert[name], [row.get(each) for each in self._columns[name]])

    def insert_all(self, name: str, rows: Iterable[Mapping[str, Stored]]) -> None:
        columns = self._columns[name]
        self.sql.executemany(self._insert[name], ([row.get(each) for each in columns] for row in rows))

    def change(self, name: str, row_id: str, values: Mapping[str, Stored]) -> None:
        told = ", ".join(f'"{each}" = ?' for each in values)
        self.sql.execute(f'UPDATE "{name}" SET {told} WHERE "{self._key}" = ?', [*values.values(), row_id])  # noqa: S608

    def remove(self, name: str, row_id: str) -> None:
        self.sql.execute(f'DELETE FROM "{name}" WHERE "{self._key}" = ?', [row_id])  # noqa: S608

    def get(self, name: str, row_id: str) -> Row | None:
        return next(self.rows(name, f'"{self._key}" = ?', [row_id]), None)

    def rows(self, name: str, where: str = "1", values: Sequence[Stored] = (), rest: str = "") -> Iterator[Row]:
        """where: SQL over columns, with a ? for each value. rest: order and limits."""
        columns = self._columns[name]
        told = ", ".join(f'"{each}"' for each in columns)
        found = self.sql.execute(f'SELECT {told} FROM "{name}" WHERE {where} {rest}', values)  # noqa: S608
        return (dict(zip(columns, row, strict=True)) for row in found.fetchall())

    def count(self, name: str, where: str = "1", values: Sequence[Stored] = ()) -> int:
        return int(self.sql.execute(f'SELECT count(*) FROM "{name}" WHERE {where}', values).fetchone()[0])  # noqa: S608
