"""The book in which all processes of a run count their calls to one system together, kept by the ledger's store and
its clock."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType

from ...connectors.errors import ChangeoverError
from ...connectors.pace.account import Account, read
from ...connectors.pace.book import Asked, Book, Taken
from .place import Place, Server
from .store import Ledger


class Permits(Book):
    """One worker's access to it, for any of its threads, by a connection of its own. worker: its number in the ledger,
    or its name, where it calls before it has a number.
    A call that cannot be told of counts as under way until the worker is taken for dead, and the next one is refused
    with what went wrong."""

    def __init__(self, place: Place, system: str, worker: int | str) -> None:
        self._system, self._process = system, str(worker)
        self._lock = threading.Lock()
        self._failed: ChangeoverError | None = None
        # what a server loses when it falls over was counted for a run that fell with it
        self._ledger = Ledger(place, durable=not isinstance(place, Server), any_thread=True)
        try:
            with self._told():
                self._ledger.db.execute("insert into calls values (?, '') on conflict (system) do nothing", (system,))
        except BaseException:
            self.close()
            raise

    def take(self, asked: Asked) -> Taken:
        with self._lock:
            if self._failed is not None:
                raise self._failed
            with self._account() as (account, now):
                return account.take(self._process, asked, now)

    def give_back(self, interface: str, calls: int) -> None:
        with self._lock, self._remembered(), self._account() as (account, _):
            account.give_back(self._process, interface, calls)

    def answered(self, interface: str, calls: int, late: float = 0.0, holds: float = 0.0) -> None:
        with self._lock, self._remembered(), self._account() as (account, now):
            account.answered(self._process, interface, calls, now, late, holds)

    def close(self) -> None:
        with self._lock:
            self._ledger.close()

    def __enter__(self) -> Permits:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _remembered(self) -> Iterator[None]:
        """The next call is refused with it: this one is over, and its outcome must not be lost."""
        try:
            yield
        except ChangeoverError as error:
            self._failed = error

    @contextmanager
    def _account(self) -> Iterator[tuple[Account, float]]:
        with self._told(), _changed(self._ledger, self._system) as changed:
            yield changed

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except self._ledger.db.error as error:
            raise self._ledger.db.told(error) from error


def counted(place: Place, system: str) -> dict[str, list[tuple[float, int]]]:
    """What those who shared a run have called of late, for one that is not shared: interface -> (seconds since, less
    than 0 where it may still arrive; how many at most). Nothing where the ledger cannot be read: that it comes to by
    itself."""
    with suppress(ChangeoverError), Ledger(place) as ledger, ledger.told():
        row = ledger.db.execute("select told from calls where system = ?", (system,)).fetchone()
        return {} if row is None else read(str(row[0])).counted(ledger.now().timestamp())
    return {}


def over(ledger: Ledger, worker: int | str) -> None:
    """This worker calls nobody any more: what it had under way arrives within the time that each system states for
    calls that were given up on, or never."""
    systems = [str(row[0]) for row in ledger.db.execute("select system from calls")]
    for system in systems:
        with _changed(ledger, system) as (account, now):
            account.over(str(worker), now)


@contextmanager
def _changed(ledger: Ledger, system: str) -> Iterator[tuple[Account, float]]:
    """The account, while nobody else has it, and the time; written back where it was changed."""
    try:
        (told,), at = ledger.db.begin_with("select told from calls where system = ?", (system,))
        account = read(told)
        yield account, at.timestamp()
        if account.changed:
            ledger.db.commit_with("update calls set told = ? where system = ?", (account.text(), system))
        else:
            ledger.db.commit()
    except BaseException:
        with suppress(ledger.db.error):
            ledger.db.roll_back()
        raise
