"""Who is at work, where a run has several lanes: objects under way together, each in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from typing import Protocol


class Airborne(Protocol):
    """Calls under way of one lane. touched: keys of the records for whose locks they may fight."""

    @property
    def touched(self) -> frozenset[str]: ...

    def prolong(self) -> None:
        """Move on the deadlines of those that may still depart."""


class Turns:
    """One thread at a time is at work on what a run keeps: the ledger, the values, the stage, its counts. It hands on
    its turn where it waits for answers or lets time pass, never within a transaction and never within a connector, so
    that everything between two waits is done as if there were no other. Calls to the target are made by threads that
    never have a turn.

    lanes: objects under way together. flights: those of all lanes. resting: it was told that runs stand still.
    """

    def __init__(self) -> None:
        self.lanes = 1
        self.flights: list[Airborne] = []
        self.resting = False
        self._free = threading.Lock()
        self._holder = 0
        self.take()

    @property
    def mine(self) -> bool:
        """Whether it is this thread's turn."""
        return self._holder == threading.get_ident()

    def take(self) -> None:
        """Wait for a turn."""
        self._free.acquire()
        self._holder = threading.get_ident()

    def give(self) -> None:
        self._holder = 0
        self._free.release()

    @contextmanager
    def away(self) -> Iterator[None]:
        """Others may have their turn meanwhile."""
        self.give()
        try:
            yield
        finally:
            self.take()

    def start(self, work: Callable[[], None]) -> Future[None]:
        """Do this, which raises nothing, in a thread of its own, when it is its turn. The thread does not keep a
        process alive that wants to end."""
        done: Future[None] = Future()
        threading.Thread(target=self._work, args=(work, done), name="lane", daemon=True).start()
        return done

    def _work(self, work: Callable[[], None], done: Future[None]) -> None:
        self.take()
        try:
            work()
        finally:
            done.set_result(None)
            self.give()

    def first(self, under_way: Sequence[Future[None]], seconds: float) -> Collection[Future[None]]:
        """Those that are over; others have their turn meanwhile, and it waits at most so long for the first of them."""
        with self.away():
            return wait(under_way, seconds, FIRST_COMPLETED).done

    def touched_elsewhere(self, flight: Airborne) -> frozenset[str]:
        """What the calls of other lanes touch."""
        return frozenset().union(*(each.touched for each in self.flights if each is not flight))
