"""Partitions, leases and fences: each partition is one worker's at a time, and done once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from changeover.runs.ledger import gathering, operations, partitions, workers
from changeover.runs.ledger.lease import Lease
from changeover.runs.ledger.operations import Settled
from changeover.runs.ledger.partitions import States
from changeover.runs.ledger.place import Place
from changeover.runs.ledger.store import Ledger

from .crews import LONG, NOW, REFUSED, Crew, acked, crew_at, intend, refused, settle, taken


@pytest.fixture
def crew(place: Place) -> Iterator[Crew]:
    with crew_at(place) as made:
        yield made


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
