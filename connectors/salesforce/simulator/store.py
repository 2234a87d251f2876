"""Records in SQLite, a table for each object, a column for each field that is kept. One writer: whoever calls holds the
simulator's lock."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from .shapes import FieldShape, Kind, ObjectShape
from .values import Stored

Row: TypeAlias = dict[str, Stored]
PRAGMAS = (
    "locking_mode = EXCLUSIVE",
    "journal_mode = WAL",
    "synchronous = OFF",
    "temp_store = MEMORY",
    "cache_size = -64000",
)
OWN = (
    'CREATE TABLE IF NOT EXISTS "@numbers" (name PRIMARY KEY, next) WITHOUT ROWID',
    'CREATE TABLE IF NOT EXISTS "@bodies" (id PRIMARY KEY, body)',
    'CREATE TABLE IF NOT EXISTS "@gone" (object, id, at, PRIMARY KEY (object, id)) WITHOUT ROWID',
    'CREATE TABLE IF NOT EXISTS "@cleared" (parent, object, id, field, PRIMARY KEY (parent, object, id, field))',
)
"""Numbers given out, bodies of files, what was deleted, and references that went with it."""
UNINDEXED = frozenset({"CreatedById", "LastModifiedById"})


class Store:
    """Raises sqlite3.Error where the file cannot be used, or another one uses it. A torn file is the price of speed:
    what is in it can be made anew."""

    def __init__(self, file: Path | None, shapes: Mapping[str, ObjectShape]) -> None:
        self.sql = sqlite3.connect(
            ":memory:" if file is None else file,
            timeout=1,
            check_same_thread=False,
            isolation_level=None,
            cached_statements=1024,
        )
        for each in (*(f"PRAGMA {pragma}" for pragma in PRAGMAS), *OWN):
            self.sql.execute(each)
        self._columns = {name: [each.name for each in shape.kept] for name, shape in shapes.items()}
        self._insert, self._numbers, self._deep = {}, dict(self.sql.execute('SELECT name, next FROM "@numbers"')), 0
        for name, shape in shapes.items():
            self._table(shape)
            told = ", ".join(f'"{each}"' for each in self._columns[name])
            marks = ", ".join("?" * len(self._columns[name]))
            self._insert[name] = f'INSERT INTO "{name}" ({told}) VALUES ({marks})'  # noqa: S608 - names are checked

    def close(self) -> None:
        self.sql.close()

    def _table(self, shape: ObjectShape) -> None:
        columns = [_column(each) for each in shape.kept]
        self.sql.execute(f'CREATE TABLE IF NOT EXISTS "{shape.name}" ({", ".join(columns)}) WITHOUT ROWID')
        there = {row[1] for row in self.sql.execute(f'PRAGMA table_info("{shape.name}")')}
        for each in shape.kept:
            if each.name not in there:
                self.sql.execute(f'ALTER TABLE "{shape.name}" ADD COLUMN {_column(each)}')
        for name in _indexed(shape):
            self.sql.execute(f'CREATE INDEX IF NOT EXISTS "{shape.name}.{name}" ON "{shape.name}" ("{name}")')

    @contextmanager
    def whole(self) -> Iterator[None]:
        """All that is written in it, or nothing; within another one too."""
        self._deep += 1
        name, numbers = f"s{self._deep}", dict(self._numbers)
        self.sql.execute(f"SAVEPOINT {name}")
        try:
            yield
        except BaseException:
            self.sql.execute(f"ROLLBACK TO {name}")
            raise
        else:
            changed = {each: next_ for each, next_ in self._numbers.items() if numbers.get(each) != next_}
            self.sql.executemany('INSERT OR REPLACE INTO "@numbers" VALUES (?, ?)', changed.items())
        finally:
            self.sql.execute(f"RELEASE {name}")
            self._deep -= 1

    def next_number(self, name: str) -> int:
        """1, 2, ... of what goes by that name; never one twice, even where it was taken back."""
        found = int(self._numbers.get(name, 1))
        self._numbers[name] = found + 1
        return found

    def given_out(self, name: str) -> int:
        """How many numbers so far."""
        return int(self._numbers.get(name, 1)) - 1

    def insert(self, name: str, row: Mapping[str, Stored]) -> None:
        self.sql.execute(self._insert[name], [row.get(each) for each in self._columns[name]])

    def change(self, name: str, row_id: str, values: Mapping[str, Stored]) -> None:
        told = ", ".join(f'"{each}" = ?' for each in values)
        self.sql.execute(f'UPDATE "{name}" SET {told} WHERE "Id" = ?', [*values.values(), row_id])  # noqa: S608

    def remove(self, name: str, row_id: str) -> None:
        self.sql.execute(f'DELETE FROM "{name}" WHERE "Id" = ?', [row_id])  # noqa: S608
        self.sql.execute('DELETE FROM "@bodies" WHERE id = ?', [row_id])

    def get(self, name: str, row_id: str) -> Row | None:
        return next(self.rows(name, '"Id" = ?', [row_id]), None)

    def rows(self, name: str, where: str = "1", values: Sequence[Stored] = (), rest: str = "") -> Iterator[Row]:
        """where: SQL over columns, with a ? for each value. rest: order and limits."""
        columns = self._columns[name]
        told = ", ".join(f'"{each}"' for each in columns)
        found = self.sql.execute(f'SELECT {told} FROM "{name}" WHERE {where} {rest}', values)  # noqa: S608
        return (dict(zip(columns, row, strict=True)) for row in found.fetchall())

    def count(self, name: str, where: str = "1", values: Sequence[Stored] = ()) -> int:
        return int(self.sql.execute(f'SELECT count(*) FROM "{name}" WHERE {where}', values).fetchone()[0])  # noqa: S608

    def column(self, name: str, column: str, where: str, values: Sequence[Stored]) -> list[Any]:
        found = self.sql.execute(f'SELECT "{column}" FROM "{name}" WHERE {where}', values)  # noqa: S608
        return [row[0] for row in found]

    def keep_body(self, row_id: str, body: bytes) -> None:
        self.sql.execute('INSERT OR REPLACE INTO "@bodies" VALUES (?, ?)', [row_id, body])

    def body(self, row_id: str) -> bytes:
        found = self.sql.execute('SELECT body FROM "@bodies" WHERE id = ?', [row_id]).fetchone()
        return b"" if found is None else bytes(found[0])

    def note_gone(self, name: str, row_ids: Iterable[str], at: str) -> None:
        self.sql.executemany('INSERT OR REPLACE INTO "@gone" VALUES (?, ?, ?)', [(name, each, at) for each in row_ids])

    def note_back(self, name: str, row_id: str) -> None:
        self.sql.execute('DELETE FROM "@gone" WHERE object = ? AND id = ?', [name, row_id])

    def note_cleared(self, parent: str, name: str, row_id: str, field: str) -> None:
        self.sql.execute('INSERT OR REPLACE INTO "@cleared" VALUES (?, ?, ?, ?)', [parent, name, row_id, field])

    def cleared(self, parent: str) -> list[tuple[str, str, str]]:
        """(object, id, field) of references to it, once: they are forgotten by that."""
        found = self.sql.execute('SELECT object, id, field FROM "@cleared" WHERE parent = ?', [parent]).fetchall()
        self.sql.execute('DELETE FROM "@cleared" WHERE parent = ?', [parent])
        return found

    def gone(self, name: str, start: str, end: str) -> list[tuple[str, str]]:
        """(id, when) of what was deleted from start on and before end."""
        asked = 'SELECT id, at FROM "@gone" WHERE object = ? AND at >= ? AND at < ? ORDER BY at, id'
        return self.sql.execute(asked, [name, start, end]).fetchall()


def _column(field: FieldShape) -> str:
    if field.name == "Id":
        return '"Id" TEXT PRIMARY KEY'
    number = field.kind in (Kind.BOOLEAN, Kind.INT, Kind.NUMBER, Kind.BODY)
    text = "TEXT" if field.kind is Kind.ID or field.exact else "TEXT COLLATE NOCASE"
    return f'"{field.name}" {"INTEGER" if number else text}'


def _indexed(shape: ObjectShape) -> list[str]:
    own = [each.name for each in shape.kept if each.unique or each.external or each.targets]
    return [each for each in [*own, "SystemModstamp"] if each not in UNINDEXED and shape.has(each)]
