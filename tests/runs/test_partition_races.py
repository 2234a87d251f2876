"""Races for partitions, planted: each passes with the check, and is a wrong history without it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from changeover.connectors.errors import BusyError
from changeover.runs.ledger import events, operations, partitions, records, workers
from changeover.runs.ledger.lease import Lease
from changeover.runs.ledger.place import Place
from changeover.runs.ledger.store import Ledger

from .crews import Crew, acked, crew_at, intend, refused, settle, taken


@pytest.fixture
def crew(place: Place) -> Iterator[Crew]:
    with crew_at(place) as made:
        yield made


def unfenced(_ledger: Ledger, _lease: Lease) -> None:
    """The fence of the lease is not looked at."""


def refusal(ledger: Ledger, run: int, key: str) -> str | None:
    """What keeps it from writing an intent down; None where nothing does, and it would send."""
    try:
        intend(ledger, run, key)
    except BusyError as error:
        return error.code
    return None


def two_hold_one(crew: Crew, keys: str) -> list[str | None]:
    """A lease runs out, another worker takes the partition, and both want to send. Returns what keeps each from it."""
    (partition,) = crew.put(b"sealed")
    here, me = crew.worker()
    there, other = crew.worker()
    taken(here, me)
    crew.run_out(partition)
    taken(there, other)
    return [refusal(here, crew.run, keys[0]), refusal(there, crew.run, keys[1])]


def test_race_only_one_of_two_that_hold_a_partition_may_send(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    assert two_hold_one(crew, "ab") == ["lease.lost", None]
    monkeypatch.setattr(Ledger, "_check_fence", unfenced)
    assert two_hold_one(crew, "cd") == [None, None]


def late_worker(crew: Crew, key: str) -> list[str]:
    """A worker stands still before it sends; its partition is sent and done by another; then it wakes up. Returns what
    is open then: it would be sent a second time."""
    (partition,) = crew.put(b"sealed")
    here, me = crew.worker()
    there, other = crew.worker()
    taken(here, me)
    crew.run_out(partition)
    lease = taken(there, other)
    settle(there, crew.run, intend(there, crew.run, key), acked(key))
    partitions.done(there, lease, None)
    assert refusal(here, crew.run, key) in ("lease.lost", None)
    return [each.our_key for each in operations.open_operations(crew.ledger)]


def test_race_a_late_worker_sends_nothing_of_what_another_has_done(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    assert late_worker(crew, "a") == []
    monkeypatch.setattr(Ledger, "_check_fence", unfenced)
    assert late_worker(crew, "b") == ["b"]


def stale_worker(crew: Crew, key: str, checked: bool) -> list[str]:
    """A new coordinator takes the ledger over, and a worker of the former one still holds its lease. Returns what it
    has opened, while the new coordinator plans the same anew."""
    crew.put(b"sealed")
    here, me = crew.worker()
    taken(here, me)
    if not checked:
        here.epoch = None  # as if the ledger did not ask for it
    crew.ledger.take_over()
    workers.enlist(crew.ledger, "host 0", workers.COORDINATOR)
    assert refusal(here, crew.run, key) in ("ledger.fenced", None)
    return [each.our_key for each in operations.open_operations(crew.ledger)]


def test_race_a_worker_of_a_former_coordinator_sends_nothing(crew: Crew) -> None:
    assert stale_worker(crew, "a", checked=True) == []
    assert stale_worker(crew, "b", checked=False) == ["b"]


def test_nothing_of_a_refused_transaction_is_kept(crew: Crew) -> None:
    (partition,) = crew.put(b"sealed")
    here, me = crew.worker()
    batch = intend(here, taken(here, me).run, "a")
    before = events.check_chain(crew.ledger)
    partitions.release_of(crew.ledger, me)
    with refused("lease.lost"):
        settle(here, crew.run, batch, acked("a"))
    assert [each.our_key for each in operations.open_operations(crew.ledger, partition)] == ["a"]
    assert records.target_keys(crew.ledger, "customer", ["a"]) == {}
    assert events.check_chain(crew.ledger) == before + 1
