"""Records in SQLite, a table for each object, a column for each field that is kept. One writer: whoever calls holds the
simulator's lock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...simulating.tables import Stored, Tables
from .shapes import FieldShape, Kind, ObjectShape

OWN = (
    'CREATE TABLE IF NOT EXISTS "@numbers" (name PRIMARY KEY, next) WITHOUT ROWID',
    'CREATE TABLE IF NOT EXISTS "@bodies" (id PRIMARY KEY, body)',
    'CREATE TABLE IF NOT EXISTS "@gone" (object, id, at, PRIMARY KEY (object, id)) WITHOUT ROWID',
    'CREATE TABLE IF NOT EXISTS "@cleared" (parent, object, id, field, PRIMARY KEY (parent, object, id, field))',
)
"""Numbers given out, bodies of files, what was deleted, and references that went with it."""
UNINDEXED = frozenset({"CreatedById", "LastModifiedById"})


class Store(Tables):
    """See `Tables`."""

    def __init__(self, file: Path | None, shapes: Mapping[str, ObjectShape]) -> None:
        columns = {name: {each.name: _kind(each) for each in shape.kept} for name, shape in shapes.items()}
        super().__init__(file, "Id", columns, {name: _indexed(shape) for name, shape in shapes.items()})
        for each in OWN:
            self.sql.execute(each)
        self._numbers, self._deep = dict(self.sql.execute('SELECT name, next FROM "@numbers"')), 0

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

    def remove(self, name: str, row_id: str) -> None:
        super().remove(name, row_id)
        self.sql.execute('DELETE FROM "@bodies" WHERE id = ?', [row_id])

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


def _kind(field: FieldShape) -> str:
    number = field.kind in (Kind.BOOLEAN, Kind.INT, Kind.NUMBER, Kind.BODY)
    text = "TEXT" if field.kind is Kind.ID or field.exact else "TEXT COLLATE NOCASE"
    return "INTEGER" if number else text


def _indexed(shape: ObjectShape) -> list[str]:
    own = [each.name for each in shape.kept if each.unique or each.external or each.targets]
    return [each for each in [*own, "SystemModstamp"] if each not in UNINDEXED and shape.has(each)]
