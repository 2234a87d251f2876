"""Rows in SQLite, a table for each object, a column for each field. One writer: whoever calls holds the simulator's
lock."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from ...simulating.tables import Stored, Tables
from .shape import Kind, ObjectShape

VISIBLE = "@visible"
"""Milliseconds since 1970 from which queries find the row."""
PARTS = 500
"""Ids in one statement."""


class Store(Tables):
    """See `Tables`."""

    def __init__(self, file: Path | None, shapes: Mapping[str, ObjectShape]) -> None:
        columns = {name: dict.fromkeys([*_columns(shape), VISIBLE], "") for name, shape in shapes.items()}
        super().__init__(file, "_id", columns, {name: _indexed(shape) for name, shape in shapes.items()})
        self.sql.execute("CREATE TABLE IF NOT EXISTS files (path PRIMARY KEY, name, body, until)")
        self.sql.execute("CREATE TABLE IF NOT EXISTS tenant (corp_id)")

    def corp_id(self, new: str) -> str:
        """Whose rows these are: `new`, where that has not been asked before."""
        self.sql.execute("INSERT INTO tenant SELECT ? WHERE NOT EXISTS (SELECT 1 FROM tenant)", [new])
        return str(self.sql.execute("SELECT corp_id FROM tenant").fetchone()[0])

    @property
    def settled(self) -> bool:
        """Whether the rows that the tenant has from its beginning are in it."""
        return bool(self.sql.execute("PRAGMA user_version").fetchone()[0])

    def settle(self) -> None:
        self.sql.execute("PRAGMA user_version = 1")

    @contextmanager
    def whole(self) -> Iterator[None]:
        """All that is written in it, or nothing."""
        self.sql.execute("BEGIN")
        try:
            yield
        except BaseException:
            self.sql.execute("ROLLBACK")
            raise
        self.sql.execute("COMMIT")

    def one(self, name: str, column: str, where: str, values: Sequence[Stored]) -> Stored:
        """A column of the first such row; None where there is none."""
        found = self.sql.execute(f'SELECT "{column}" FROM "{name}" WHERE {where} LIMIT 1', values).fetchone()  # noqa: S608
        return found[0] if found else None

    def names(self, name: str, ids: Iterable[str]) -> dict[str, str]:
        """Of rows by their ids."""
        wanted = sorted(set(ids))
        found: dict[str, str] = {}
        for at in range(0, len(wanted), PARTS):
            part = wanted[at : at + PARTS]
            marks = ", ".join("?" * len(part))
            found.update(self.sql.execute(f'SELECT "_id", "name" FROM "{name}" WHERE "_id" IN ({marks})', part))  # noqa: S608
        return found

    def keep_file(self, path: str, name: str, body: bytes, until: int | None) -> None:
        self.sql.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", [path, name, body, until])

    def file(self, path: str, now: int) -> tuple[str, bytes] | None:
        """(name, body), unless its time is over."""
        asked = "SELECT name, body FROM files WHERE path = ? AND (until IS NULL OR until > ?)"
        found = self.sql.execute(asked, [path, now]).fetchone()
        return None if found is None else (found[0], found[1])

    def keep_for_good(self, paths: Iterable[str]) -> None:
        self.sql.executemany("UPDATE files SET until = NULL WHERE path = ?", [(each,) for each in paths])


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
