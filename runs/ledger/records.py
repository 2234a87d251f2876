"""Records and the crosswalk: source key <-> our key <-> target key, and what each record's fields last looked like."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .sound import line_digest
from .store import Ledger


class RecordRow(NamedTuple):
    """A record as the ledger knows it. sent, back: packed digests in the order of its fieldset's fields. source_object,
    source_key: what it is made of."""

    our_key: str
    target_key: str | None
    state: str
    mapping: str
    fieldset: int | None
    sent: bytes | None
    back: bytes | None
    code: str | None
    waits_for: str | None
    adopted: int
    run: int
    bucket: str
    source_object: str | None
    source_key: str | None


@dataclass(frozen=True, slots=True)
class Parked:
    """A record that was not written: held, rejected or conflicted, with the code of its cause."""

    our_key: str
    source_key: str
    state: str
    code: str
    waits_for: str | None = None


AS_SENT = b""
"""Kept in `back` where a record was read back as it was sent, which nearly all are. Whatever changes `sent` alone has
to put what it was there into `back`: `keep_back`."""


def back_of(name: str) -> str:
    """What is to be selected for the digests as read back of a record, by its name in the statement."""
    return f"case when length({name}.back) = 0 then {name}.sent else {name}.back end"


def keep_back(sent: str) -> str:
    """What `back` has to be, so that it tells the same once this is what was sent. For updates of `record`."""
    return f"case when length(record.back) = 0 and {sent} = record.sent then record.back else {back_of('record')} end"


_ROW = (
    f"r.our_key, r.target_key, r.state, r.mapping, r.fieldset, r.sent, {back_of('r')}, r.code, r.waits_for, r.adopted, "
    "r.run, r.bucket, r.source_object, r.source_key"
)


def fieldset(ledger: Ledger, object_name: str, mapping: str, mapping_digest: str, fields: Sequence[str]) -> int:
    """The number of this list of fields under this meaning of the mapping; made where new."""
    wanted = (object_name, mapping, mapping_digest, json.dumps(list(fields)))
    found = ledger.db.execute(
        "select id from fieldset where (object, mapping, mapping_digest, fields) = (?, ?, ?, ?)", wanted
    ).fetchone()
    if found is None:
        with ledger.transaction():
            found = ledger.db.execute(
                "insert into fieldset (object, mapping, mapping_digest, fields) values (?, ?, ?, ?) returning id",
                wanted,
            ).fetchall()[0]
    return int(found[0])


@dataclass(frozen=True, slots=True)
class Fieldset:
    object: str
    mapping: str
    mapping_digest: str
    fields: tuple[str, ...]


def fieldset_of(ledger: Ledger, number: int) -> Fieldset:
    row = ledger.db.execute(
        "select object, mapping, mapping_digest, fields from fieldset where id = ?", (number,)
    ).fetchone()
    return Fieldset(row[0], row[1], row[2], tuple(ledger.parsed(row[3])))


def lookup(ledger: Ledger, object_name: str, our_keys: Sequence[str]) -> dict[str, RecordRow]:
    """The records known under these keys; unknown ones are left out."""
    rows = ledger.db.execute(
        f"select {_ROW} from {ledger.db.texts()} cross join record r "  # noqa: S608
        "where r.object = ? and r.our_key = j.value",
        (json.dumps(list(our_keys), ensure_ascii=False), object_name),
    )
    return {row[0]: RecordRow(*row) for row in rows}


def lookup_target(ledger: Ledger, object_name: str, target_keys: Sequence[str]) -> dict[str, RecordRow]:
    """The records known under these target keys, by target key."""
    rows = ledger.db.execute(
        f"select {_ROW} from {ledger.db.texts()} cross join record r "  # noqa: S608
        "where r.object = ? and r.target_key = j.value",
        (json.dumps(list(target_keys), ensure_ascii=False), object_name),
    )
    return {str(row[1]): RecordRow(*row) for row in rows}


def target_keys(ledger: Ledger, object_name: str, our_keys: Sequence[str]) -> dict[str, str]:
    """Our key -> target key of those that are in the target now."""
    rows = ledger.db.execute(
        f"select r.our_key, r.target_key from {ledger.db.texts()} cross join record r "  # noqa: S608
        "where r.object = ? and r.our_key = j.value and r.target_key is not null "
        "and r.state in ('live', 'pending', 'conflicted')",
        (json.dumps(list(our_keys), ensure_ascii=False), object_name),
    )
    return dict(rows.fetchall())


def our_keys(ledger: Ledger, object_name: str, keys: Sequence[str]) -> dict[str, str]:
    """Target key -> our key of those target records that are ours."""
    rows = ledger.db.execute(
        f"select r.target_key, r.our_key from {ledger.db.texts()} cross join record r "  # noqa: S608
        "where r.object = ? and r.target_key = j.value",
        (json.dumps(list(keys), ensure_ascii=False), object_name),
    )
    return dict(rows.fetchall())


def park(
    ledger: Ledger, run_id: int, mapping: str, source_object: str, object_name: str, parked: Sequence[Parked]
) -> None:
    """Note records that were not written; inside the caller's transaction. A record that is in the target already stays
    what it is there (only a conflict changes its state): what is parked is the newer version of it."""
    ledger.db.executemany(
        "insert into record (object, our_key, state, mapping, code, waits_for, why, run, bucket, source_object, "
        "source_key) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "on conflict (object, our_key) do update set code = excluded.code, waits_for = excluded.waits_for, "
        "why = excluded.why, "
        "run = excluded.run, bucket = excluded.bucket, mapping = excluded.mapping, "
        "state = case when record.target_key is not null and excluded.state <> 'conflicted' "
        "then record.state else excluded.state end",
        [
            (
                object_name,
                p.our_key,
                p.state,
                mapping,
                p.code,
                p.waits_for,
                line_digest(p.our_key, p.code, p.waits_for),
                run_id,
                p.state,
                source_object,
                p.source_key,
            )
            for p in parked
        ],
    )


def rebase(ledger: Ledger, object_name: str, rows: Sequence[tuple[int, bytes, bytes, int, str]]) -> None:
    """(fieldset, sent, back, run, our key): note that the source and the target agree already, so that nothing had to
    be written; inside the caller's transaction. back: empty where nobody has read it. A conflict on the record is over
    with that. What the same run has done to the record already counts on."""
    ledger.db.executemany(
        "update record set fieldset = ?1, sent = ?2, back = ?3, run = ?4, code = null, waits_for = null, "
        "bucket = case when run = ?4 and bucket in ('created', 'updated', 'pending') then bucket else 'unchanged' end, "
        "state = case state when 'conflicted' then 'live' else state end where object = ?5 and our_key = ?6",
        [
            (number, sent, AS_SENT if back == sent else back or None, run, object_name, key)
            for number, sent, back, run, key in rows
        ],
    )


def stay(ledger: Ledger, object_name: str, rows: Sequence[tuple[int, bytes, bytes, str]]) -> None:
    """(fieldset, sent, back, our key): note what is agreed in fields of records of which others are still to be
    written; inside the caller's transaction. What kept them back keeps them back until they are."""
    ledger.db.executemany(
        "update record set fieldset = ?1, sent = ?2, back = ?3, "
        "state = case state when 'conflicted' then 'live' else state end where object = ?4 and our_key = ?5",
        [
            (number, sent, AS_SENT if back == sent else back or None, object_name, key)
            for number, sent, back, key in rows
        ],
    )


def fulfil(ledger: Ledger, object_name: str, our_keys: Sequence[str]) -> None:
    """Note that these records wait for no parent any longer; inside the caller's transaction."""
    ledger.db.executemany(
        "update record set state = 'live', bucket = case bucket when 'pending' then 'created' else bucket end "
        "where object = ? and our_key = ? and state = 'pending'",
        [(object_name, key) for key in our_keys],
    )


def counts_by_state(ledger: Ledger) -> list[tuple[str, str, str, int]]:
    """(target object, mapping, state, records)."""
    return ledger.db.execute(
        "select object, mapping, state, count(*) from record group by 1, 2, 3 order by 1, 2, 3"
    ).fetchall()


class Waiting(NamedTuple):
    """A record that waits for somebody: held, rejected, conflicted or pending, or in the target with a newer version
    that is one of these. code: of the cause. waits_for: our key of the parent it is held for. run: the last run that
    settled or parked it. bucket: the one that it was counted in then."""

    object: str
    our_key: str
    mapping: str
    source_object: str | None
    source_key: str | None
    target_key: str | None
    code: str
    waits_for: str | None
    run: int
    bucket: str


_PENDING = "reference.pending"
_WAITING = (
    "c.object, c.our_key, c.mapping, c.source_object, c.source_key, c.target_key, "
    f"coalesce(c.code, '{_PENDING}'), c.waits_for, c.run, c.bucket"
)


def waiting(ledger: Ledger) -> list[Waiting]:
    """Everything that waits for somebody."""
    rows = ledger.db.execute(
        f"select {_WAITING} from record c "  # noqa: S608
        "where c.code is not null and c.state <> 'gone' or c.state = 'pending' order by c.object, c.our_key"
    )
    return [Waiting(*row) for row in rows]


def brought(ledger: Ledger, object_name: str, our_keys: Sequence[str], runs: Sequence[int]) -> set[str]:
    """Those of these records that are in the target and that one of these runs was the last to bring there."""
    rows = ledger.db.execute(
        f"select r.our_key from {ledger.db.texts('?1')} cross join record r "  # noqa: S608
        "where r.object = ?2 and r.our_key = j.value "
        "and r.target_key is not null and r.state in ('live', 'pending', 'conflicted') "
        f"and r.run in (select cast(j.value as integer) from {ledger.db.texts('?3')})",
        (json.dumps(list(our_keys), ensure_ascii=False), object_name, json.dumps(list(runs))),
    )
    return {row[0] for row in rows}


def leave_out(ledger: Ledger, object_name: str, our_keys: Sequence[str]) -> None:
    """These records are no longer to be moved: nothing of them waits any more; inside the caller's transaction. What
    lies in the target stays as it is."""
    keys = (object_name, json.dumps(list(our_keys), ensure_ascii=False))
    ledger.db.execute(
        f"delete from record where object = ?1 and our_key in (select j.value from {ledger.db.texts('?2')}) "  # noqa: S608
        "and target_key is null and state in ('held', 'rejected', 'conflicted')",
        keys,
    )
    ledger.db.execute(
        "update record set code = null, waits_for = null, state = case state when 'conflicted' then 'live' else state "  # noqa: S608
        f"end where object = ?1 and our_key in (select j.value from {ledger.db.texts('?2')}) and code is not null "
        "and state <> 'gone'",
        keys,
    )


def crosswalk(
    ledger: Ledger, name: str | None = None
) -> Iterable[tuple[str | None, str | None, str, str, str | None, str, str]]:
    """(source object, source key, target object, our key, target key, state, role), streamed. The role is empty; a
    record that is put together comes once more for each source record that it is made of, with that one's role. name:
    only records of this source or target object."""
    return ledger.db.stream(
        "select source_object, source_key, object, our_key, target_key, state, '' as role from record "
        "where cast(?1 as text) is null or object = ?1 or source_object = ?1 union all "
        "select c.source_object, c.source_key, c.object, c.our_key, r.target_key, r.state, c.role from contribution c "
        "join record r on r.object = c.object and r.our_key = c.our_key "
        "where cast(?1 as text) is null or c.object = ?1 or c.source_object = ?1 order by object, our_key, role",
        (name,),
    )


def sample_in_target(ledger: Ledger, object_name: str, size: int) -> list[tuple[str, str]]:
    """A few (our key, target key) that should be in the target: to see that it is still the same one."""
    return ledger.db.execute(
        "select our_key, target_key from record where object = ? and target_key is not null and state = 'live' limit ?",
        (object_name, size),
    ).fetchall()


def settled_by(
    ledger: Ledger, run_id: int, object_name: str, mapping: str, size: int
) -> list[tuple[str, str | None, str]]:
    """(source key, target key, state) of the first few records of a mapping that this run settled or parked."""
    return ledger.db.execute(
        "select source_key, target_key, state from record where object = ? and run = ? and mapping = ? "
        "order by our_key limit ?",
        (object_name, run_id, mapping, size),
    ).fetchall()


def settled_under(
    ledger: Ledger, run_id: int, object_name: str, mapping: str, size: int
) -> dict[str, tuple[int, list[str]]]:
    """Bucket -> how many records of a mapping this run settled or parked, and the source keys of the first few."""
    counts = ledger.db.execute(
        "select bucket, count(*) from record where object = ? and run = ? and mapping = ? group by bucket order by 1",
        (object_name, run_id, mapping),
    ).fetchall()
    told: dict[str, tuple[int, list[str]]] = {}
    for bucket, number in counts:
        first = ledger.db.execute(
            "select source_key from record where object = ? and run = ? and mapping = ? and bucket = ? "
            "order by our_key limit ?",
            (object_name, run_id, mapping, bucket, size),
        )
        told[bucket] = (int(number), [str(row[0]) for row in first])
    return told


def under(ledger: Ledger, object_name: str, mapping: str, after: str, size: int) -> list[str]:
    """Our keys, in order, of what lies in the target with the fields of this mapping, behind that key."""
    rows = ledger.db.execute(
        "select r.our_key from record r join fieldset f on f.id = r.fieldset where r.object = ? and f.mapping = ? "
        "and r.target_key is not null and r.our_key > ? order by r.our_key limit ?",
        (object_name, mapping, after, size),
    )
    return [str(row[0]) for row in rows]


def known_as(ledger: Ledger, object_name: str, fieldset: int) -> list[str]:
    """Our keys of what is live in the target and whose digests are of this list of fields."""
    rows = ledger.db.execute(
        "select our_key from record where object = ? and fieldset = ? and target_key is not null and state = 'live'",
        (object_name, fieldset),
    )
    return [str(row[0]) for row in rows]


def count_in_target(ledger: Ledger, object_name: str) -> int:
    return int(
        ledger.db.execute(
            "select count(*) from record where object = ? and target_key is not null", (object_name,)
        ).fetchone()[0]
    )
