"""A ledger in a SQLite file."""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar

from ...connectors.errors import BusyError, ChangeoverError, DecisionError, UnavailableError
from ..private_files import create_empty, private_folder
from .base import Base, Values

_GUARDS = (
    "select type, name, tbl_name, sql from sqlite_schema where name not like 'sqlite_%' order by 1, 2",
    "select here, there from edge order by 1, 2",
)
_TELL_DAMAGE = ("Could not decode to UTF-8", "unsupported file format")
"""Words of errors that have no name of their own."""


class SQLite(Base):
    """WAL mode with synchronous=FULL: what was committed survives a power loss. The file is 0600 in a 0700 folder, made
    so before the first byte is written."""

    error: ClassVar[type[Exception]] = sqlite3.Error
    unnumbered: ClassVar[str] = " without rowid"

    def __init__(self, path: Path, version: str, *, durable: bool = True, any_thread: bool = False) -> None:
        self._path = path
        private_folder(path.parent)
        create_empty(path)
        try:
            self.connection = sqlite3.connect(path, isolation_level=None, timeout=30, check_same_thread=not any_thread)
            self.execute("pragma journal_mode = wal")
            self.execute(f"pragma synchronous = {'full' if durable else 'off'}")
            self.execute("pragma foreign_keys = on")
            self.execute("pragma cache_size = -65536")
            # a batch of thousands fills SQLite's own 4 MB at once, and every commit would pay for a checkpoint
            self.execute("pragma wal_autocheckpoint = 16000")
            if not self.execute("select count(*) from sqlite_schema").fetchone()[0]:
                self._create(version)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise self.told(error) from error

    def _create(self, version: str) -> None:
        known = f"insert into meta values ('version', '{version}'), ('version_again', '{version}');"  # noqa: S608 - ours
        self.connection.executescript("\n".join(["begin immediate;", _script(), known, "commit;"]))

    def execute(self, statement: str, values: Values = ()) -> sqlite3.Cursor:
        return self.connection.execute(statement, values)

    def executemany(self, statement: str, rows: Iterable[Values]) -> sqlite3.Cursor:
        return self.connection.executemany(statement, rows)

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Values]) -> None:
        marks = ", ".join("?" * len(columns))
        self.connection.executemany(f"insert into {table} ({', '.join(columns)}) values ({marks})", rows)  # noqa: S608

    def stream(self, statement: str, values: Values = ()) -> Iterator[Any]:
        return self.connection.execute(statement, values)

    def texts(self, mark: str = "?") -> str:
        return f"json_each({mark}) j"

    def rows(self, mark: str = "?") -> str:
        return f"json_each({mark}) j"

    def whole(self, column: str) -> str:
        return f"length({column}) > 0 and instr({column}, x'00') = 0"

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC)

    def begin(self) -> int:
        self.execute("begin immediate")
        return int(self.execute("select epoch from control").fetchone()[0])

    def begin_with(self, statement: str, values: Values = ()) -> tuple[Any, dt.datetime]:
        self.execute("begin immediate")
        return self.execute(statement, values).fetchone(), self.now()

    def commit(self) -> None:
        self.execute("commit")

    def commit_with(self, statement: str, values: Values = ()) -> None:
        self.execute(statement, values)
        self.commit()

    def roll_back(self) -> None:
        """Where even that fails, the connection is closed, and the next process takes back what was half done."""
        try:
            if self.connection.in_transaction:
                self.execute("rollback")
        except (sqlite3.Error, MemoryError):
            self.connection.close()

    @contextmanager
    def held(self) -> Iterator[None]:
        yield  # whoever holds its folder holds the file

    def is_held(self) -> bool:
        return False  # but for its folder

    def check(self) -> bool:
        """Its pages, its indexes, each against its table, and all that guards it."""
        if self.execute("pragma integrity_check(1)").fetchone()[0] != "ok":
            return False
        return [self.execute(each).fetchall() for each in _GUARDS] == _guards()

    def tidy(self) -> None:
        """A row is updated in its place."""

    def copy_to(self, path: Path) -> None:
        copy = sqlite3.connect(path)
        self.connection.backup(copy)
        copy.close()

    def told(self, error: Exception) -> ChangeoverError:
        name = getattr(error, "sqlite_errorname", "") or ""
        if any(words in str(error) for words in _TELL_DAMAGE):
            return DecisionError("ledger.damaged", path=str(self._path))
        if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")) or isinstance(error, UnicodeDecodeError):
            return DecisionError("ledger.damaged", path=str(self._path))
        if name == "SQLITE_READONLY" and os.access(self._path, os.W_OK):  # its own head says that nobody may write it
            return DecisionError("ledger.damaged", path=str(self._path))
        if name.startswith("SQLITE_FULL"):
            return UnavailableError("ledger.disk_full", path=str(self._path))
        if name.startswith("SQLITE_BUSY"):
            return BusyError("ledger.busy", path=str(self._path))
        return UnavailableError("ledger.failed", path=str(self._path), reason=name or type(error).__name__)

    def close(self) -> None:
        self.connection.close()


@cache
def _guards() -> list[list[tuple[object, ...]]]:
    """What a ledger is made with that guards it."""
    with closing(sqlite3.connect(":memory:")) as made:
        made.executescript(_script())
        return [made.execute(each).fetchall() for each in _GUARDS]


@cache
def _script() -> str:
    return resources.files(__package__).joinpath("schema.sql").read_text(encoding="utf-8")
