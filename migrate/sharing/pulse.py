"""The sign of life of a process that shares a run: it keeps its lease, and hears when the run is over."""

from __future__ import annotations

import datetime as dt
import threading
import time
from contextlib import suppress
from types import TracebackType

from ...connectors.errors import BusyError, ChangeoverError
from ...runs.ledger import partitions, workers
from ...runs.ledger.lease import Lease
from ...runs.ledger.place import Place
from ...runs.ledger.store import Ledger
from ...runs.ledger.workers import Worker
from .crew import orphaned

BEATS = 4
"""So often in a lease's time it is renewed."""
LISTENS = 1.0
"""Seconds until it looks again whether the run is over."""
MISSES = 3
"""So many leases' time a worker may be silent and still counts as one that is at work."""


def heard_within(lease_seconds: float) -> dt.timedelta:
    """How long ago a worker that is at work was heard of at most."""
    return dt.timedelta(seconds=MISSES * lease_seconds)


def is_gone(ledger: Ledger, worker: Worker, lease_seconds: float) -> bool:
    """Whether nothing was heard of it for too long."""
    return ledger.now() - worker.seen > heard_within(lease_seconds)


class Pulse:
    """A thread with a connection of its own. A process that is stopped has none, so its lease runs out.

    holds: set by the worker while it has a partition. over: nobody wants anything more of this process: the coordinator
    has left, a later one has come, or the process that started this one is gone.
    """

    def __init__(self, place: Place, epoch: int, worker: int, seconds: float) -> None:
        self.holds: Lease | None = None
        self._place, self._epoch, self._worker, self._seconds = place, epoch, worker, seconds
        self._looks, self._next = min(LISTENS, seconds / BEATS), 0.0
        self._over = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)

    @property
    def over(self) -> bool:
        return self._over.is_set()

    def __enter__(self) -> Pulse:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _beat(self) -> None:
        """A connection that fails is made anew at the next beat: what the ledger comes to, the work itself tells."""
        while not self._ended.wait(self._looks):
            try:
                with Ledger(self._place) as ledger:
                    ledger.follow(self._epoch)
                    while self._wanted(ledger):
                        self._renew(ledger)
                        if self._ended.wait(self._looks):
                            return
            except BusyError as error:
                if error.code == "ledger.fenced":
                    self._over.set()
            except ChangeoverError:
                continue
            if self.over:
                return

    def _wanted(self, ledger: Ledger) -> bool:
        found = workers.coordinator(ledger)
        wanted = found is not None and found.epoch == self._epoch
        if found is not None and found.id != self._worker:
            wanted = wanted and not is_gone(ledger, found, self._seconds)
        if orphaned() or not wanted:
            self._over.set()
        return not self.over

    def _renew(self, ledger: Ledger) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + self._seconds / BEATS
        held = self.holds
        if not workers.seen(ledger, self._worker):
            self._over.set()
        elif held is not None:
            with suppress(BusyError):  # lost: it is told at the next write of it
                partitions.renew(ledger, held, self._seconds)
