"""Rows in SQLite, a table for each object, a column for each field. One writer: whoever calls holds the simulator's
lock."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

from .shape import Kind, ObjectShape

Stored: TypeAlias = "str | int | None"
Row: TypeAlias = dict[str, Stored]
VISIBLE = "@visible"
"""Milliseconds since 1970 from which queries find the row."""
PARTS = 500
"""Ids in one statement."""
PRAGMAS = (
    "locking_mode = EXCLUSIVE",
    "journal_mode = WAL",
    "synchronous = OFF",
    "temp_store = MEMORY",
    "cache_size = -64000",
)


class Store:
    """Raises sqlite3.Error where the file cannot be used, or another one uses it. A torn file is the price of speed:
    what is in it can be made anew."""

    def __init__(self, file: Path | None, shapes: Mapping[str, ObjectShape]) -> None:
        self._shapes = shapes
        self._sql = sqlite3.connect(
            ":memory:" if file is None else file,
            timeout=1,
            check_same_thread=False,
            isolation_level=None,
            cached_statements=512,
        )
        for pragma in PRAGMAS:
            self._sql.execute(f"PRAGMA {pragma}")
        self._columns = {name: [*_columns(shape), VISIBLE] for name, shape in shapes.items()}
        self._insert = {}
        for name, columns in self._columns.items():
            self._table(name, columns)
            told = ", ".join(f'"{each}"' for each in columns)
            marks = ", ".join("?" * len(columns))
            self._insert[name] = f'INSERT INTO "{name}" ({told}) VALUES ({marks})'  # noqa: S608 - names are checked
        self._sql.execute("CREATE TABLE IF NOT EXISTS files (path PRIMARY KEY, name, body, until)")
        self._sql.execute("CREATE TABLE IF NOT EXISTS tenant (corp_id)")

    def close(self) -> None:
        self._sql.close()

    def corp_id(self, new: str) -> str:
        """Whose rows these are: `new`, where that has not been asked before."""
        self._sql.execute("INSERT INTO tenant SELECT ? WHERE NOT EXISTS (SELECT 1 FROM tenant)", [new])
        return str(self._sql.execute("SELECT corp_id FROM tenant").fetchone()[0])

    @property
    def settled(self) -> bool:
        """Whether the rows that the tenant has from its beginning are in it."""
        return bool(self._sql.execute("PRAGMA user_version").fetchone()[0])

    def settle(self) -> None:
        self._sql.execute("PRAGMA user_version = 1")

    def _table(self, name: str, columns: Sequence[str]) -> None:
        rest = ", ".join(f'"{each}"' for each in columns if each != "_id")
        self._sql.execute(f'CREATE TABLE IF NOT EXISTS "{name}" ("_id" TEXT PRIMARY KEY, {rest}) WITHOUT ROWID')
        there = {row[1] for row in self._sql.execute(f'PRAGMA table_info("{name}")')}
        for each in columns:
            if each not in there:
                self._sql.execute(f'ALTER TABLE "{name}" ADD COLUMN "{each}"')
        for each in _indexed(self._shapes[name]):
            self._sql.execute(f'CREATE INDEX IF NOT EXISTS "{name}.{each}" ON "{name}" ("{each}")')

    @contextmanager
    def whole(self) -> Iterator[None]:
        """All that is written in it, or nothing."""
        self._sql.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._sql.execute("ROLLBACK")
            raise
        self._sql.execute("COMMIT")

    def insert(self, name: str, row: Mapping[str, Stored]) -> None:
        self._sql.execute(self._insert[name], [row.get(each) for each in self._columns[name]])

    def change(self, name: str, row_id: str, values: Mapping[str, Stored]) -> None:
        told = ", ".join(f'"{each}" = ?' for each in values)
        self._sql.execute(f'UPDATE "{name}" SET {told} WHERE "_id" = ?', [*values.values(), row_id])  # noqa: S608

    def remove(self, name: str, row_id: str) -> None:
        self._sql.execute(f'DELETE FROM "{name}" WHERE "_id" = ?', [row_id])  # noqa: S608

    def get(self, name: str, row_id: str) -> Row | None:
        return next(self.rows(name, '"_id" = ?', [row_id]), None)

    def rows(self, name: str, where: str = "1", values: Sequence[Stored] = (), rest: str = "") -> Iterator[Row]:
        """where: SQL over columns, with a ? for each value. rest: order and limits."""
        columns = self._columns[name]
        told = ", ".join(f'"{each}"' for each in columns)
        found = self._sql.execute(f'SELECT {told} FROM "{name}" WHERE {where} {rest}', values)  # noqa: S608
        return (dict(zip(columns, row, strict=True)) for row in found.fetchall())

    def count(self, name: str, where: str = "1", values: Sequence[Stored] = ()) -> int:
        return int(self._sql.execute(f'SELECT count(*) FROM "{name}" WHERE {where}', values).fetchone()[0])  # noqa: S608

    def one(self, name: str, column: str, where: str, values: Sequence[Stored]) -> Stored:
        """A column of the first such row; None where there is none."""
        found = self._sql.execute(f'SELECT "{column}" FROM "{name}" WHERE {where} LIMIT 1', values).fetchone()  # noqa: S608
        return found[0] if found else None

    def names(self, name: str, ids: Iterable[str]) -> dict[str, str]:
        """Of rows by their ids."""
        wanted = sorted(set(ids))
        found: dict[str, str] = {}
        for at in range(0, len(wanted), PARTS):
            part = wanted[at : at + PARTS]
            marks = ", ".join("?" * len(part))
            found.update(self._sql.execute(f'SELECT "_id", "name" FROM "{name}" WHERE "_id" IN ({marks})', part))  # noqa: S608
        return found

    def keep_file(self, path: str, name: str, body: bytes, until: int | None) -> None:
        self._sql.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", [path, name, body, until])

    def file(self, path: str, now: int) -> tuple[str, bytes] | None:
        """(name, body), unless its time is over."""
        asked = "SELECT name, body FROM files WHERE path = ? AND (until IS NULL OR until > ?)"
        found = self._sql.execute(asked, [path, now]).fetchone()
        return None if found is None else (found[0], found[1])

    def keep_for_good(self, paths: Iterable[str]) -> None:
        self._sql.executemany("UPDATE files SET until = NULL WHERE path = ?", [(each,) for each in paths])


def _columns(shape: ObjectShape) -> list[str]:
    return [each.name for each in shape.fields.values() if each.kind is not Kind.PARTS or each.name == "relevant_team"]


def _indexed(shape: ObjectShape) -> list[str]:
    own = [each.name for each in shape.fields.values() if each.unique or each.kind is Kind.REFERENCE]
    return [*own, "last_modified_time"]


class Ids:
    """24 hexadecimal digits: second, process and number. shuffled: nothing can be read off them."""

    def __init__(self, seed: str, shuffled: bool) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - no secret
        self._process = f"{self._chance.getrandbits(40):010x}"
        self._next = self._chance.getrandbits(20)
        self._shuffled = shuffled

    def new(self, now: int) -> str:
        """now: milliseconds since 1970."""
        self._next += 1
        if self._shuffled:
            return f"{self._chance.getrandbits(96):024x}"
        return f"{now // 1000 & 0xFFFFFFFF:08x}{self._process}{self._next & 0xFFFFFF:06x}"

    def token(self) -> str:
        return f"{self._chance.getrandbits(256):064X}"

    def trace(self) -> str:
        return f"{self._chance.getrandbits(48):012x}"


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def packed(value: Any) -> str:
    return _ENCODER.encode(value)


@lru_cache(maxsize=4096)
def unpacked(value: Stored) -> Any:
    """What was packed; shared by all who ask, so not to be changed."""
    return None if value is None else json.loads(str(value))
