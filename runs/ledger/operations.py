"""Operations: the intent before the send, the outcome after it, in one transaction each (DESIGN §6, points 2 to 6)."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from . import events
from .records import AS_SENT, back_of, keep_back
from .sound import What, ended_digest, line_digest
from .store import Ledger

PROVE: Final = "prove"
"""The kind of an operation that is a call of a proof: it changes nothing of what the ledger knows of its record. Its
bucket says which call."""


class Intent(NamedTuple):
    """What is about to be asked of the target for one record.

    kind: of its change, or PROVE. sent: the digests the record will have once this is done, all fields of the fieldset.
    written: a byte a field, 1 where this operation writes it. bucket: what the record counts as once this is done.
    source_key: what it is made of; None where that is known already.
    """

    our_key: str
    kind: str
    target_key: str | None
    sent: bytes | None
    written: bytes | None
    bucket: str
    source_key: str | None = None


class Settled(NamedTuple):
    """How an operation went on. state: `acked`, `rejected`, `not_sent`, `unknown` or `conflict`; of a change that was
    set aside undone `held`, which is no state of an operation. record: the record's new state; `gone` takes its target
    key off. code: of the cause where it was not done. field: at fault, where the target names one."""

    our_key: str
    state: str
    record: str | None = None
    target_key: str | None = None
    code: str | None = None
    field: str | None = None


class OpenOperation(NamedTuple):
    """An operation whose outcome nobody knows yet."""

    batch: int
    object: str
    our_key: str
    kind: str
    target_key: str | None
    fieldset: int | None
    sent: bytes | None
    written: bytes | None
    bucket: str
    not_after: str
    run: int
    source_key: str | None = None


_WRITTEN_DOWN = (
    "batch",
    "object",
    "our_key",
    "kind",
    "state",
    "target_key",
    "fieldset",
    "sent",
    "written",
    "bucket",
    "source_key",
)


def intend(
    ledger: Ledger,
    run_id: int,
    object_name: str,
    source_object: str | None,
    fieldset: int | None,
    intents: Sequence[Intent],
    now: dt.datetime,
    deadline: dt.timedelta,
) -> int:
    """Write the intents of a whole batch down, durably, before a byte of it may leave. Returns the batch's number. It
    is a part of the partition that this process has a lease of. Its times are by the store's clock."""
    sent_at = ledger.by_its_clock(now)
    partition = ledger.lease.partition if ledger.lease else None
    with ledger.transaction():
        ((batch,),) = ledger.db.execute(
            "insert into batch (run, object, source_object, sent_at, not_after, partition) values (?, ?, ?, ?, ?, ?) "
            "returning id",
            (run_id, object_name, source_object, sent_at.isoformat(), (sent_at + deadline).isoformat(), partition),
        ).fetchall()
        ledger.db.insert(
            "operation",
            _WRITTEN_DOWN,
            [
                (
                    batch,
                    object_name,
                    i.our_key,
                    i.kind,
                    "intent",
                    i.target_key,
                    fieldset,
                    i.sent,
                    i.written,
                    i.bucket,
                    i.source_key,
                )
                for i in intents
            ],
        )
        told: dict[str, str | int] = {"batch": int(batch), "object": object_name, "operations": len(intents)}
        told |= {} if source_object is None else {"source": source_object}
        events.note(ledger, now, "intended", run_id, told | {"keys": _what(intents).digest})
    return int(batch)


def prolong(ledger: Ledger, batch: int, not_after: dt.datetime) -> None:
    """The batch has not left yet, and may leave later than was thought. not_after: by this process's clock."""
    latest = (not_after + ledger.ahead).isoformat()
    with ledger.transaction():
        ledger.db.execute("update batch set not_after = ? where id = ?", (latest, batch))


def settle(ledger: Ledger, run_id: int, batch: int, mapping: str, settled: Sequence[Settled], now: dt.datetime) -> None:
    """Outcomes and crosswalk in one transaction. A record that was not written keeps what it was."""
    with ledger.transaction():
        _end_operations(ledger, batch, settled)
        _keep_done(ledger, run_id, batch, mapping, [each for each in settled if each.state == "acked"])
        refused = [each for each in settled if each.state in ("rejected", "conflict")]
        _keep_refused(ledger, run_id, batch, mapping, refused)
        ledger.db.execute("update batch set settled_at = ? where id = ?", (now.isoformat(), batch))
        told: dict[str, str | int] = {"batch": batch, **Counter(each.state for each in settled)}
        ended = sorted(settled, key=lambda each: each.our_key)
        keys, states = [each.our_key for each in ended], [each.state for each in ended]
        outcomes = ended_digest(keys, states, [each.code for each in ended], [each.field for each in ended])
        events.note(ledger, now, "settled", run_id, told | {"outcomes": outcomes})
    ledger.left_behind(len(settled))


def _what(intents: Sequence[Intent]) -> What:
    ordered = sorted(intents, key=lambda each: each.our_key)
    return What(
        [each.our_key for each in ordered],
        [str(each.kind) for each in ordered],
        [each.target_key for each in ordered],
        [each.bucket for each in ordered],
        [each.source_key for each in ordered],
        b"".join(each.sent or b"" for each in ordered),
        b"".join(each.written or b"" for each in ordered),
    )


def _end_operations(ledger: Ledger, batch: int, settled: Sequence[Settled]) -> None:
    """One statement where the whole batch went alike, as it mostly does."""
    number = ledger.db.execute("select count(*) from operation where batch = ?", (batch,)).fetchone()[0]
    ends = {(each.state, each.code, each.field) for each in settled}
    if len(ends) == 1 and len(settled) == number:
        ledger.db.execute("update operation set state = ?, code = ?, field = ? where batch = ?", (*ends.pop(), batch))
        return
    ledger.db.executemany(
        "update operation set state = ?, code = ?, field = ? where batch = ? and our_key = ?",
        [(each.state, each.code, each.field, batch, each.our_key) for each in settled],
    )


def _keep_done(ledger: Ledger, run_id: int, batch: int, mapping: str, done: Sequence[Settled]) -> None:
    """An operation that makes every field of a record is expected to be read back as sent, and the record says so until
    `verify` has seen otherwise. An operation that nobody has looked at is still `acked`, not `verified`."""
    there = [(each.our_key, each.target_key, each.record or "live") for each in done if each.record != "gone"]
    if there:
        ledger.db.execute(
            "insert into record (object, our_key, target_key, state, mapping, fieldset, sent, back, adopted, run, "  # noqa: S608
            "bucket, source_object, source_key, batch) select o.object, o.our_key, j.value ->> 1, j.value ->> 2, ?1, "
            "o.fieldset, o.sent, "
            f"case when o.kind = 'create' and {ledger.db.whole('o.written')} then ?5 end, "
            "case o.kind when 'adopt' then ?2 else 0 end, ?2, o.bucket, b.source_object, o.source_key, b.id "
            f"from {ledger.db.rows('?4')} cross join batch b cross join operation o "
            "where b.id = ?3 and o.batch = b.id and o.our_key = j.value ->> 0 and o.kind <> 'prove' "
            "on conflict (object, our_key) do update set target_key = excluded.target_key, state = excluded.state, "
            "mapping = excluded.mapping, fieldset = excluded.fieldset, sent = excluded.sent, code = null, "
            "waits_for = null, back = coalesce(excluded.back, "
            "case when coalesce(record.fieldset, 0) = coalesce(excluded.fieldset, 0) then "
            f"{keep_back('excluded.sent')} end), "
            "adopted = case when record.adopted > excluded.adopted then record.adopted else excluded.adopted end, "
            "run = excluded.run, bucket = excluded.bucket, "
            "source_object = coalesce(excluded.source_object, record.source_object), "
            "source_key = coalesce(excluded.source_key, record.source_key), batch = excluded.batch",
            (mapping, run_id, batch, json.dumps(there, ensure_ascii=False), AS_SENT),
        )
    ledger.db.executemany(
        "update record set state = 'gone', target_key = null, sent = null, back = null, code = null, waits_for = null, "
        "adopted = 0, run = ?1, bucket = 'deleted', batch = ?2 "
        "where object = (select object from batch where id = ?2) and our_key = ?3",
        [(run_id, batch, each.our_key) for each in done if each.record == "gone"],
    )


def _keep_refused(ledger: Ledger, run_id: int, batch: int, mapping: str, refused: Sequence[Settled]) -> None:
    ledger.db.executemany(
        "insert into record (object, our_key, state, mapping, fieldset, sent, code, why, run, bucket, source_object, "  # noqa: S608
        "source_key, batch) select o.object, o.our_key, ?1, ?2, o.fieldset, o.sent, ?3, ?7, ?4, ?1, b.source_object, "
        "o.source_key, b.id from batch b join operation o on o.batch = b.id "
        "where b.id = ?5 and o.our_key = ?6 and o.kind <> 'prove' on conflict (object, our_key) do update set "
        "code = excluded.code, why = excluded.why, waits_for = null, run = excluded.run, bucket = excluded.bucket, "
        "batch = excluded.batch, "
        "source_object = coalesce(excluded.source_object, record.source_object), "
        "source_key = coalesce(excluded.source_key, record.source_key), "
        "fieldset = case when record.target_key is null then excluded.fieldset else record.fieldset end, "
        "sent = case when record.target_key is null then excluded.sent else record.sent end, "
        f"back = case when record.target_key is null then {keep_back('excluded.sent')} else record.back end, "
        "state = case when record.target_key is not null and excluded.state = 'rejected' "
        "then record.state else excluded.state end",
        [
            (
                "rejected" if s.state == "rejected" else "conflicted",
                mapping,
                s.code,
                run_id,
                batch,
                s.our_key,
                line_digest(s.our_key, s.code, None),
            )
            for s in refused
        ],
    )


def verify(ledger: Ledger, object_name: str, rows: Sequence[tuple[str, bytes, bool]], batches: Sequence[int]) -> None:
    """These batches were read back. rows: (our key, digests as read back, equal to what was sent), at least of those
    records that do not hold these digests already (see `_keep_done`)."""
    with ledger.transaction():
        ledger.db.executemany(
            "update record set back = case when sent = ?1 then ?2 else ?1 end where object = ?3 and our_key = ?4",
            [(back, AS_SENT, object_name, our_key) for our_key, back, _ in rows],
        )
        marks = ",".join("?" * len(batches))
        diverged = [our_key for our_key, _, equal in rows if not equal]
        for our_key in diverged:
            ledger.db.execute(
                f"update operation set state = 'diverged' where state = 'acked' and batch in ({marks}) "  # noqa: S608
                "and our_key = ?",
                (*batches, our_key),
            )
        verified = ledger.db.execute(
            f"update operation set state = 'verified' where batch in ({marks}) and state = 'acked'",  # noqa: S608
            tuple(batches),
        )
    ledger.left_behind(verified.rowcount + len(rows))


class Unverified(NamedTuple):
    """Acknowledged, and never read back. back: the record's digests as last read, None where they never were."""

    batch: int
    object: str
    our_key: str
    target_key: str
    fieldset: int
    sent: bytes
    written: bytes
    back: bytes | None
    source_key: str | None
    kind: str


def unverified(ledger: Ledger, verbs: Sequence[str] = ("run", "undo")) -> list[Unverified]:
    """What runs and undos that did not come to their end wrote and did not look at any more."""
    marks = ",".join("?" * len(verbs))
    rows = ledger.db.execute(
        "select o.batch, o.object, o.our_key, r.target_key, o.fieldset, o.sent, o.written, "  # noqa: S608
        f"{back_of('r')}, r.source_key, o.kind "
        "from run u join batch b on b.run = u.id join operation o on o.batch = b.id "
        "join record r on (r.object, r.our_key, r.fieldset) = (o.object, o.our_key, o.fieldset) "
        f"where u.verb in ({marks}) and u.state <> 'finished' and o.state = 'acked' "
        "and o.sent is not null and r.target_key is not null "
        "order by o.object, o.fieldset, o.batch, o.our_key",
        tuple(verbs),
    )
    return [Unverified(*row) for row in rows]


def open_operations(ledger: Ledger, partition: int | None = None) -> list[OpenOperation]:
    """Everything that was sent, or may have been, and has no outcome: the first thing a new process settles. partition:
    only what belongs to this one."""
    rows = ledger.db.execute(
        "select o.batch, o.object, o.our_key, o.kind, o.target_key, o.fieldset, o.sent, o.written, o.bucket, "  # noqa: S608
        "b.not_after, b.run, o.source_key from operation o join batch b on b.id = o.batch "
        f"where o.state in ('planned', 'intent', 'unknown') {'' if partition is None else 'and b.partition = ?'} "
        "order by o.batch, o.our_key",
        () if partition is None else (partition,),
    )
    return [OpenOperation(*row) for row in rows]


def state_of(ledger: Ledger, batch: int, our_key: str) -> str:
    row = ledger.db.execute("select state from operation where batch = ? and our_key = ?", (batch, our_key)).fetchone()
    return str(row[0])


def doubted(ledger: Ledger, run_id: int) -> set[str]:
    """The target objects of which this run sent something whose outcome it had to ask for, or that was not done and
    sent again."""
    rows = ledger.db.execute("select told from event where run = ? and what = 'settled' order by id", (run_id,))
    batches = [told["batch"] for row in rows if {"unknown", "not_sent"} & (told := ledger.parsed(row[0])).keys()]
    objects = ledger.db.execute(
        f"select distinct b.object from {ledger.db.texts()} join batch b on b.id = cast(j.value as bigint)",  # noqa: S608
        (json.dumps(batches),),
    )
    return {str(row[0]) for row in objects}


def count_open(ledger: Ledger) -> int:
    found = ledger.db.execute("select count(*) from operation where state in ('planned', 'intent', 'unknown')")
    return int(found.fetchone()[0])


@dataclass(frozen=True, slots=True)
class DoneOperation:
    """One operation of a record's history, for explain and undo."""

    run: int
    kind: str
    state: str
    at: str
    code: str | None
    target_key: str | None


def history(ledger: Ledger, object_name: str, our_key: str) -> list[DoneOperation]:
    """Every operation on this record, the oldest first. Asked batch by batch, for an index by record would cost every
    run more than the few who ask gain."""
    rows = ledger.db.execute(
        "select b.run, o.kind, o.state, b.sent_at, o.code, o.target_key from batch b cross join operation o "
        "where b.object = ?1 and o.batch = b.id and o.our_key = ?2 order by b.id",
        (object_name, our_key),
    )
    return [DoneOperation(*row) for row in rows]


RECENT_RUNS = 5


def left_undone(ledger: Ledger, object_name: str, our_key: str) -> int:
    """How often of late, over several runs, the target left this record undone without turning us away."""
    told = ledger.db.execute(
        "select count(*) from batch b cross join operation o where b.object = ?1 "
        "and b.run > (select max(id) from run) - ?3 and o.batch = b.id and o.our_key = ?2 and o.state = 'not_sent' "
        "and o.code like 'target.%' "
        "and o.code not in ('target.contagion', 'target.throttled', 'target.session_expired')",
        (object_name, our_key, RECENT_RUNS),
    )
    return int(told.fetchone()[0])


def objects_of(ledger: Ledger, run_id: int) -> list[str]:
    """The target objects a run wrote to, in the order of its first write to each."""
    rows = ledger.db.execute("select object from batch where run = ? group by object order by min(id)", (run_id,))
    return [str(row[0]) for row in rows]


def later_runs(ledger: Ledger, run_id: int) -> list[int]:
    """Runs after this one that wrote to a record which this one wrote too, and that have not been taken back."""
    rows = ledger.db.execute(
        "with later as materialized (select o.object, o.our_key, r.id as run from run r join batch b on b.run = r.id "
        "cross join operation o where r.id > ?1 and r.undoes is null and o.batch = b.id "
        "and o.state in ('acked', 'verified', 'diverged') and o.kind <> 'prove' "
        "and not exists (select 1 from run u where u.undoes = r.id and u.state = 'finished')) "
        "select distinct l.run from batch b cross join operation o cross join later l "
        "where b.run = ?1 and o.batch = b.id and (l.our_key, l.object) = (o.our_key, o.object) "
        "and o.state in ('acked', 'verified', 'diverged') order by 1",
        (run_id,),
    )
    return [int(row[0]) for row in rows]


def last_refused(
    ledger: Ledger, object_name: str, our_keys: Sequence[str]
) -> dict[str, tuple[int | None, bytes | None, str | None]]:
    """Our key -> (fieldset, digests, field at fault) of the latest settled operation, for those records of which it was
    refused: what the target said no to need not be sent again while it is the same."""
    rows = ledger.db.execute(
        f"select o.our_key, o.fieldset, o.sent, o.field from {ledger.db.texts()} "  # noqa: S608
        "cross join record r cross join operation o where r.object = ? and r.our_key = j.value "
        "and o.batch = r.batch and o.our_key = r.our_key and o.state = 'rejected'",
        (json.dumps(list(our_keys), ensure_ascii=False), object_name),
    )
    return {row[0]: row[1:] for row in rows}
