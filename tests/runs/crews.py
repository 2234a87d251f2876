"""A coordinator, its workers and their partitions, for the ledger's tests."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psycopg
import pytest
from changeover.connectors.change import ChangeKind
from changeover.connectors.errors import BusyError
from changeover.runs.ledger import operations, partitions, records, runlog, workers
from changeover.runs.ledger.lease import Lease
from changeover.runs.ledger.operations import Intent, Settled
from changeover.runs.ledger.place import Place
from changeover.runs.ledger.store import Ledger

NOW = dt.datetime(2026, 11, 27, 8, 0, tzinfo=dt.UTC)
REFUSED = (sqlite3.IntegrityError, psycopg.IntegrityError)
LONG = 3600.0


@dataclass
class Crew:
    """A coordinator with the ledger, and a run whose partitions others send."""

    place: Place
    ledger: Ledger
    run: int
    stack: ExitStack

    def worker(self, name: str = "host 1") -> tuple[Ledger, int]:
        """As another process: a connection of its own, under the coordinator's epoch."""
        ledger = self.stack.enter_context(Ledger(self.place))
        leader = workers.coordinator(ledger)
        assert leader is not None
        ledger.follow(leader.epoch)
        return ledger, workers.enlist(ledger, name)

    def put(self, *contents: bytes) -> list[int]:
        number = records.fieldset(self.ledger, "customer", "account", "digest", ["name"])
        return partitions.put(
            self.ledger, self.run, "account", "customer", "t_customer", number, [(2, content) for content in contents]
        )

    def run_out(self, partition: int) -> None:
        """Let the lease's time be over."""
        self.ledger.db.execute("update partition set lease_until = ? where id = ?", (NOW.isoformat(), partition))


@contextmanager
def crew_at(place: Place) -> Iterator[Crew]:
    with ExitStack() as stack:
        ledger = stack.enter_context(Ledger(place))
        ledger.take_over()
        workers.enlist(ledger, "host 0", workers.COORDINATOR)
        yield Crew(place, ledger, runlog.begin(ledger, "run", NOW).id, stack)


def taken(ledger: Ledger, worker: int, seconds: float = LONG) -> Lease:
    lease = partitions.lease(ledger, worker, seconds)
    assert lease is not None
    return lease


def intend(ledger: Ledger, run: int, *keys: str) -> int:
    intents = [Intent(key, ChangeKind.CREATE, None, b"12345678", b"\x01", "created", key) for key in keys]
    return operations.intend(ledger, run, "customer", "t_customer", 1, intents, NOW, dt.timedelta(seconds=60))


def settle(ledger: Ledger, run: int, batch: int, *settled: Settled) -> None:
    operations.settle(ledger, run, batch, "account", settled, NOW)


def acked(key: str) -> Settled:
    return Settled(key, "acked", "live", f"T-{key}")


def refused(code: str) -> pytest.RaisesExc[BusyError]:
    return pytest.RaisesExc(BusyError, check=lambda error: error.code == code)
