"""What a ledger asks of the database it lies in. The statements are written once; what PostgreSQL and SQLite say
differently is asked for here by name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar, Protocol

from ...connectors.errors import ChangeoverError

Values = Sequence[object]


class Rows(Protocol):
    """What a statement answered."""

    @property
    def rowcount(self) -> int: ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...
    def __iter__(self) -> Iterator[Any]: ...


class Base(Protocol):
    """An open connection. Statements mark their values with `?`, or with `?1`, `?2` where one is wanted twice. A list
    of values goes as one of them, as JSON: `texts` and `rows` make it rows again.

    error: what it raises where a statement fails. unnumbered: said after a table's columns, it lets the rows lie in
    the order of the primary key, where the database can.
    """

    error: ClassVar[type[Exception]]
    unnumbered: ClassVar[str]

    def execute(self, statement: str, values: Values = ()) -> Rows: ...

    def executemany(self, statement: str, rows: Iterable[Values]) -> object: ...

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Values]) -> None:
        """Many new rows at once, the fastest way there is."""

    def stream(self, statement: str, values: Values = ()) -> Iterator[Any]:
        """The answer bit by bit: it may be as long as the ledger."""

    def texts(self, mark: str = "?") -> str:
        """What to select from so that `j.value` is each text, or whole number as text, of a JSON list."""

    def rows(self, mark: str = "?") -> str:
        """As `texts`, but each is a list itself: `j.value ->> 0` is its first."""

    def whole(self, column: str) -> str:
        """The condition that it has bytes and none of them is 0."""

    def now(self) -> dt.datetime:
        """The time by the database's own clock, in UTC: the same for all processes, wherever they run."""

    def begin(self) -> int:
        """Start a transaction and wait until nobody else writes. Returns the epoch in the control row, which nobody can
        change before this transaction ends."""

    def begin_with(self, statement: str, values: Values = ()) -> tuple[Any, dt.datetime]:
        """Start a transaction that has the one row which this selects to itself; on a server it keeps nobody else from
        writing. Returns the row, and the time, read when it had it."""

    def commit(self) -> None: ...

    def commit_with(self, statement: str, values: Values = ()) -> None:
        """A last statement, and commit: at one go, where the database is far away."""

    def roll_back(self) -> None:
        """Nothing where no transaction is open."""

    def held(self) -> AbstractContextManager[None]:
        """Keep out whoever else wants to hold this ledger, from other machines too. Raises BusyError `ledger.held`."""

    def is_held(self) -> bool:
        """Whether anybody does."""

    def check(self) -> bool:
        """Whether it is sound, as far as the database can tell."""

    def tidy(self) -> None:
        """Make room of what updates have left behind, where the database keeps it; outside a transaction."""

    def copy_to(self, path: Path) -> None:
        """Put what a rehearsal needs into a new SQLite file."""

    def told(self, error: Exception) -> ChangeoverError:
        """The operator's error for what the database said."""

    def close(self) -> None: ...
