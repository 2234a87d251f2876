"""Partitions: planned changes that the coordinator lays out and that workers take, each for a while (a lease). What
they hold is sealed by the coordinator, what they bring back by the worker; nobody here has the key."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from . import events
from .lease import Lease
from .operations import Settled
from .store import Ledger

DONE = ("acked", "verified", "diverged")


class States(NamedTuple):
    """How many partitions of a run wait, are being sent, and are done."""

    open: int
    leased: int
    done: int


@dataclass(frozen=True, slots=True)
class Collected:
    """What came of a partition. settled: how the last operation of each of our keys in it went; a key that nothing was
    sent of is not there. words: as the worker sealed them. calls: that it made."""

    partition: int
    settled: tuple[Settled, ...]
    words: bytes | None
    calls: int


def put(
    ledger: Ledger,
    run_id: int,
    mapping: str,
    object_name: str,
    source_object: str | None,
    fieldset: int | None,
    contents: Sequence[tuple[int, bytes]],
) -> list[int]:
    """Lay out partitions for whoever takes them first. contents: how many changes each holds, and the sealed changes.
    Returns their numbers, in the same order."""
    with ledger.transaction():
        return [
            int(
                ledger.db.execute(
                    "insert into partition (epoch, run, mapping, object, source_object, fieldset, changes, content) "
                    "values (?, ?, ?, ?, ?, ?, ?, ?) returning id",
                    (ledger.epoch or 0, run_id, mapping, object_name, source_object, fieldset, changes, content),
                ).fetchall()[0][0]
            )
            for changes, content in contents
        ]


def lease(ledger: Ledger, worker: int, seconds: float) -> Lease | None:
    """Take the first partition that waits, or whose lease has run out, for so many seconds; None where there is none
    now. From then on this process writes only as long as nobody else has taken it (`Ledger.lease`)."""
    ledger.lease = None
    with ledger.transaction():
        now = ledger.now()
        row = ledger.db.execute(
            "select id, fence + 1, run, mapping, object, source_object, fieldset, content, worker from partition "
            "where epoch = ? and state <> 'done' and (state = 'open' or lease_until <= ?) order by id limit 1",
            (ledger.epoch or 0, now.isoformat()),
        ).fetchone()
        if row is None:
            return None
        number, fence, run, mapping, object_name, source_object, fieldset, content, before = row
        until = now + dt.timedelta(seconds=seconds)
        ledger.db.execute(
            "update partition set state = 'leased', fence = ?, worker = ?, lease_until = ? where id = ?",
            (fence, worker, until.isoformat(), number),
        )
        if before is not None:
            told = {"partition": int(number), "fence": int(fence), "worker": worker, "before": int(before)}
            events.note(ledger, now, "leased anew", run, told)
    taken = Lease(number, fence, worker, run, mapping, object_name, source_object, fieldset, bytes(content), until)
    ledger.lease = taken
    return taken


def renew(ledger: Ledger, held: Lease, seconds: float) -> Lease:
    """Hold it for so many seconds from now. Raises BusyError `lease.lost` where another worker has it."""
    with ledger.transaction():
        until = ledger.now() + dt.timedelta(seconds=seconds)
        _change(ledger, held, "lease_until = ?", until.isoformat())
    return replace(held, until=until)


def done(ledger: Ledger, held: Lease, words: bytes | None, calls: int = 0) -> None:
    """All of it is sent and settled. Raises BusyError `lease.lost` where another worker has it, or has done it."""
    with ledger.transaction():
        _change(ledger, held, "state = 'done', lease_until = null, words = ?, calls = ?", words, calls)
    ledger.lease = None


def give_back(ledger: Ledger, held: Lease) -> None:
    """Another worker shall go on with it, at once; what was settled in it stays so. Raises BusyError `lease.lost` where
    one does already."""
    with ledger.transaction():
        _change(ledger, held, "state = 'open', lease_until = null")
    ledger.lease = None


def release_of(ledger: Ledger, worker: int) -> int:
    """This worker is known to be dead: what it held waits again, and should it not be dead after all, it can write none
    of it. Returns how many partitions it held."""
    with ledger.transaction():
        released = ledger.db.execute(
            "update partition set state = 'open', fence = fence + 1, lease_until = null "
            "where worker = ? and state = 'leased'",
            (worker,),
        ).rowcount
        if released:
            events.note(ledger, ledger.now(), "released", told={"worker": worker, "partitions": int(released)})
    return int(released)


def _change(ledger: Ledger, held: Lease, change: str, *values: object) -> None:
    changed = ledger.db.execute(
        f"update partition set {change} where id = ? and fence = ? and state = 'leased'",  # noqa: S608
        (*values, held.partition, held.fence),
    ).rowcount
    if not changed:
        raise held.lost(str(ledger.place))


def states(ledger: Ledger, run_id: int) -> States:
    """Of the run's partitions under its latest coordinator."""
    rows = ledger.db.execute(
        "select p.state, count(*) from partition p join control c on c.epoch = p.epoch where p.run = ? group by 1",
        (run_id,),
    )
    counted = Counter(dict(rows.fetchall()))
    return States(counted["open"], counted["leased"], counted["done"])


def done_among(ledger: Ledger, ids: Sequence[int]) -> list[int]:
    """Those of these partitions that are done."""
    rows = ledger.db.execute(
        f"select p.id from {ledger.db.texts()} cross join partition p "  # noqa: S608
        "where p.id = cast(j.value as bigint) and p.state = 'done' order by p.id",
        (json.dumps(list(ids)),),
    )
    return [int(row[0]) for row in rows]


def collect(ledger: Ledger, ids: Sequence[int]) -> list[Collected]:
    """What came of those of these partitions that are done, in their order."""
    collected = []
    for number in done_among(ledger, ids):
        words, calls = ledger.db.execute("select words, calls from partition where id = ?", (number,)).fetchone()
        settled = {each.our_key: each for each in _settled(ledger, number)}
        collected.append(
            Collected(number, tuple(settled.values()), None if words is None else bytes(words), int(calls))
        )
    return collected


def ended(ledger: Ledger, partition: int) -> set[str]:
    """Our keys of this partition of which nothing is left to do: their last operation was done, refused, or met with a
    conflict."""
    last = {each.our_key: each.state for each in _settled(ledger, partition)}
    return {key for key, state in last.items() if state in ("acked", "rejected", "conflict")}


def drop(ledger: Ledger, ids: Sequence[int]) -> None:
    """What these partitions hold, and the words they brought back, is needed no longer. One that may still be sent
    keeps what it holds."""
    with ledger.transaction():
        ledger.db.execute(
            "update partition set content = null, words = null where id in "  # noqa: S608
            f"(select cast(j.value as bigint) from {ledger.db.texts('?1')}) "
            "and (state = 'done' or epoch < (select epoch from control))",
            (json.dumps(list(ids)),),
        )


def drop_void(ledger: Ledger) -> None:
    """Nothing of what earlier coordinators laid out is needed: it is planned anew, or was collected."""
    with ledger.transaction():
        ledger.db.execute(
            "update partition set content = null, words = null "
            "where epoch < (select epoch from control) and (content is not null or words is not null)"
        )


def _settled(ledger: Ledger, partition: int) -> Iterable[Settled]:
    """Every operation of a partition, the oldest first."""
    rows = ledger.db.execute(
        "select o.our_key, o.state, r.state, r.target_key, o.code, o.field from batch b "
        "cross join operation o left join record r on r.object = o.object and r.our_key = o.our_key "
        "where b.partition = ? and o.batch = b.id order by o.batch, o.our_key",
        (partition,),
    )
    for our_key, state, record, target_key, code, field in rows:
        if state in DONE:
            yield Settled(our_key, "acked", record, target_key, code, field)
        else:
            yield Settled(our_key, state, code=code, field=field)
