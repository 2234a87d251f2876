"""Partitions, leases and fences: each partition is one worker's at a time, and done once."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psycopg
import pytest
from changeover.connectors.change import ChangeKind
from changeover.connectors.errors import BusyError
from changeover.runs.ledger import events, gathering, operations, partitions, records, runlog, workers
from changeover.runs.ledger.lease import Lease
from changeover.runs.ledger.operations import Intent, Settled
from changeover.runs.ledger.partitions import States
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


@pytest.fixture
def crew(place: Place) -> Iterator[Crew]:
    with crew_at(place) as made:
        yield made


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


# Laying out, taking, bringing back


def test_each_partition_is_taken_once_in_order_and_as_it_was_put(crew: Crew) -> None:
    first, second = crew.put(b"one", b"\x00two")
    here, me = crew.worker("host 1")
    there, other = crew.worker("host 2")
    mine, theirs = taken(here, me), taken(there, other)
    assert (mine.partition, mine.content, mine.worker) == (first, b"one", me)
    assert (theirs.partition, theirs.content, theirs.worker) == (second, b"\x00two", other)
    assert (mine.run, mine.mapping, mine.object, mine.source_object, mine.fieldset) == (
        crew.run,
        "account",
        "customer",
        "t_customer",
        1,
    )
    assert partitions.lease(crew.ledger, 1, LONG) is None
    assert partitions.states(crew.ledger, crew.run) == States(0, 2, 0)
    partitions.done(there, theirs, None)
    assert partitions.states(crew.ledger, crew.run) == States(0, 1, 1)
    assert partitions.done_among(crew.ledger, [first, second]) == [second]


def test_many_workers_at_once_take_each_partition_once(crew: Crew) -> None:
    wanted = crew.put(*[str(number).encode() for number in range(24)])

    def work(name: str) -> list[int]:
        found = []
        with Ledger(crew.place) as ledger:
            ledger.follow(1)
            me = workers.enlist(ledger, name)
            while lease := partitions.lease(ledger, me, LONG):
                found.append(lease.partition)
                partitions.done(ledger, lease, None)
        return found

    with ThreadPoolExecutor(4) as pool:
        found = [number for each in pool.map(work, "abcd") for number in each]
    assert sorted(found) == wanted


def test_what_a_worker_did_is_collected(crew: Crew) -> None:
    (partition,) = crew.put(b"sealed")
    here, me = crew.worker()
    lease = taken(here, me)
    batch = intend(here, lease.run, "a", "b", "c")
    again = Settled("c", "not_sent", code="target.busy")
    refusal = Settled("b", "rejected", code="target.too_long", field="name")
    settle(here, lease.run, batch, acked("a"), refusal, again)
    assert partitions.ended(here, partition) == {"a", "b"}
    settle(here, lease.run, intend(here, lease.run, "c"), acked("c"))
    assert partitions.ended(here, partition) == {"a", "b", "c"}
    assert partitions.collect(crew.ledger, [partition]) == []
    partitions.done(here, lease, b"words", calls=2)
    (brought,) = partitions.collect(crew.ledger, [partition])
    assert set(brought.settled) == {acked("a"), refusal, acked("c")}
    assert (brought.words, brought.calls) == (b"words", 2)
    partitions.drop(crew.ledger, [partition])
    (brought,) = partitions.collect(crew.ledger, [partition])
    assert (brought.words, len(brought.settled)) == (None, 3)
    left = crew.ledger.db.execute("select content from partition where id = ?", (partition,)).fetchone()
    assert left == (None,)


def test_what_was_read_back_since_counts_as_done(crew: Crew) -> None:
    (partition,) = crew.put(b"sealed")
    here, me = crew.worker()
    lease = taken(here, me)
    batch = intend(here, lease.run, "a", "b")
    settle(here, lease.run, batch, acked("a"), acked("b"))
    operations.verify(here, "customer", [("b", b"87654321", False)], [batch])
    assert partitions.ended(here, partition) == {"a", "b"}
    partitions.done(here, lease, None)
    (brought,) = partitions.collect(crew.ledger, [partition])
    assert set(brought.settled) == {acked("a"), acked("b")}


def test_a_successor_sees_what_is_open_in_its_own_partition(crew: Crew) -> None:
    first, _ = crew.put(b"one", b"two")
    here, me = crew.worker()
    there, other = crew.worker()
    intend(here, taken(here, me).run, "a")
    intend(there, taken(there, other).run, "b")
    assert [each.our_key for each in operations.open_operations(crew.ledger, first)] == ["a"]
    assert [each.our_key for each in operations.open_operations(crew.ledger)] == ["a", "b"]


def test_what_may_still_be_sent_is_not_dropped(crew: Crew) -> None:
    wanted = crew.put(b"one", b"two")
    here, me = crew.worker()
    taken(here, me)
    partitions.drop(crew.ledger, wanted)
    partitions.drop_void(crew.ledger)
    partitions.give_back(here, Lease(wanted[0], 1, me, crew.run, "", "", None, None, b"", NOW))
    assert [taken(here, me).content, taken(here, me).content] == [b"one", b"two"]


# Leases that change hands


def test_a_lease_that_ran_out_goes_to_the_next_who_asks(crew: Crew) -> None:
    (partition,) = crew.put(b"sealed")
    here, me = crew.worker()
    there, other = crew.worker()
    assert taken(here, me).until > crew.ledger.now()
    assert partitions.lease(there, other, LONG) is None
    crew.run_out(partition)
    lease = taken(there, other)
    assert (lease.partition, lease.fence) == (partition, 2)
    told = crew.ledger.db.execute("select told from event where what = 'leased anew'").fetchall()
    assert told == [('{"before": 2, "fence": 2, "partition": 1, "worker": 3}',)]


def test_a_lease_renewed_in_time_is_kept(crew: Crew) -> None:
    crew.put(b"sealed")
    here, me = crew.worker()
    there, other = crew.worker()
    lease = partitions.renew(here, taken(here, me, seconds=0), LONG)
    assert lease.until > crew.ledger.now()
    assert partitions.lease(there, other, LONG) is None


def test_a_lease_given_back_waits_for_the_next(crew: Crew) -> None:
    (partition,) = crew.put(b"sealed")
    here, me = crew.worker()
    there, other = crew.worker()
    lease = taken(here, me)
    partitions.give_back(here, lease)
    assert here.lease is None
    assert taken(there, other).partition == partition


def test_what_a_dead_worker_held_waits_at_once(crew: Crew) -> None:
    first, second, third = crew.put(b"one", b"two", b"three")
    here, me = crew.worker()
    there, other = crew.worker()
    finished = taken(here, me)
    partitions.done(here, finished, None)
    held, theirs = taken(here, me), taken(there, other)
    assert partitions.release_of(crew.ledger, me) == 1
    assert partitions.release_of(crew.ledger, me) == 0
    assert partitions.states(crew.ledger, crew.run) == States(1, 1, 1)
    with refused("lease.lost"):
        intend(here, crew.run, "a")
    with refused("lease.lost"):
        partitions.done(here, held, None)
    assert (finished.partition, held.partition, theirs.partition) == (first, second, third)
    assert taken(crew.ledger, 1).partition == second


@pytest.mark.parametrize("change", ["renew", "done", "give_back", "keep_words"])
def test_who_lost_its_lease_can_do_nothing_with_it(crew: Crew, change: str) -> None:
    (partition,) = crew.put(b"sealed")
    here, me = crew.worker()
    there, other = crew.worker()
    late = taken(here, me)
    crew.run_out(partition)
    lease = taken(there, other)
    here.lease = None  # as one that has forgotten what it holds
    with refused("lease.lost"):
        _ = {
            "renew": lambda: partitions.renew(here, late, LONG),
            "done": lambda: partitions.done(here, late, b"late"),
            "give_back": lambda: partitions.give_back(here, late),
            "keep_words": lambda: gathering.keep_words(here, late, b"late"),
        }[change]()
    assert partitions.states(crew.ledger, crew.run) == States(0, 1, 0)
    partitions.done(there, lease, b"in time")
    with refused("lease.lost"):
        partitions.done(here, late, b"late")
    assert partitions.collect(crew.ledger, [partition])[0].words == b"in time"


def test_a_worker_that_lost_its_lease_goes_on_with_another(crew: Crew) -> None:
    first, second = crew.put(b"one", b"two")
    here, me = crew.worker()
    there, other = crew.worker()
    taken(here, me)
    crew.run_out(first)
    taken(there, other)
    with refused("lease.lost"):
        intend(here, crew.run, "a")
    assert taken(here, me).partition == second
    intend(here, crew.run, "a")


def test_partitions_of_an_earlier_coordinator_are_void(crew: Crew) -> None:
    old = crew.put(b"one", b"two")
    here, me = crew.worker()
    taken(here, me)
    with Ledger(crew.place) as later:
        later.take_over()
        leader = workers.enlist(later, "host 9", workers.COORDINATOR)
        assert partitions.lease(later, leader, LONG) is None
        assert partitions.states(later, crew.run) == States(0, 0, 0)
        partitions.drop_void(later)
        held = later.db.execute("select count(*) from partition where content is not null").fetchone()[0]
        assert (len(old), held) == (2, 0)
        new = partitions.put(later, crew.run, "account", "customer", None, None, [(1, b"anew")])
        with refused("ledger.fenced"):
            partitions.lease(here, me, LONG)
        with refused("ledger.fenced"):
            here.follow(1)
        here.follow(2)
        assert taken(here, workers.enlist(here, "host 1")).partition == new[0]


# What the store itself refuses


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("fence = fence - 1", "never goes down"),
        ("state = 'open'", "stays done"),
        ("content = ?", "holds what was put"),
        ("words = ?", "never changed"),
    ],
)
def test_the_store_itself_refuses(crew: Crew, change: str, why: str) -> None:
    crew.put(b"sealed")
    here, me = crew.worker()
    partitions.done(here, taken(here, me), b"words")
    with pytest.raises(REFUSED, match=why):
        crew.ledger.db.execute(f"update partition set {change}", (b"x",) * change.count("?"))
    partitions.drop(crew.ledger, [1])
    crew.ledger.check()


# Races, planted: each passes with the check, and is a wrong history without it


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


# Who is at work


def test_who_is_at_work_is_told(crew: Crew) -> None:
    here, me = crew.worker("host 1")
    _, other = crew.worker("host 2")
    minute = dt.timedelta(minutes=1)
    told = [(each.id, each.role, each.name) for each in workers.at_work(crew.ledger, minute)]
    assert told == [(1, "coordinator", "host 0"), (me, "worker", "host 1"), (other, "worker", "host 2")]
    workers.left(crew.ledger, other)
    workers.left(crew.ledger, other)
    crew.ledger.db.execute("update worker set seen = ? where id = ?", (NOW.isoformat(), me))
    assert [each.id for each in workers.at_work(crew.ledger, minute)] == [1]
    assert [each.id for each in workers.silent(crew.ledger, minute)] == [me]
    assert workers.seen(here, me)
    assert [each.id for each in workers.at_work(crew.ledger, minute)] == [1, me]
    assert not workers.seen(here, other)
    whats = [row[0] for row in crew.ledger.db.execute("select what from event order by id")]
    assert whats == ["enlisted", "begun", "enlisted", "enlisted", "left"]


def test_a_new_coordinator_has_nobody_yet(crew: Crew) -> None:
    crew.worker()
    with Ledger(crew.place) as later:
        later.take_over()
        assert workers.coordinator(later) is None
        assert workers.at_work(later, dt.timedelta(days=1)) == []


def test_a_coordinator_that_has_the_ledger_ends_the_former_one(crew: Crew) -> None:
    _, me = crew.worker()
    with Ledger(crew.place) as later:
        later.take_over()
        leader = workers.enlist(later, "host 9", workers.COORDINATOR)
        assert workers.coordinator(later) == workers.at_work(later, dt.timedelta(days=1))[0]
        assert [each.id for each in workers.silent(later, dt.timedelta(seconds=-1))] == [me, leader]


def test_the_time_is_the_stores_own(crew: Crew) -> None:
    before, after = crew.ledger.now(), crew.ledger.now()
    assert before.utcoffset() == dt.timedelta(0)
    assert before <= after
