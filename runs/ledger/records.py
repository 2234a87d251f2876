"""Records and the crosswalk: source key <-> our key <-> target key, and what each record's fields last looked like."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .store import Ledger

IN_TARGET = ("live", "pending", "conflicted")


class RecordRow(NamedTuple):
    """A record as the ledger knows it. sent, back: packed digests in the order of its fieldset's fields."""

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


@dataclass(frozen=True, slots=True)
class Parked:
    """A record that was not written: held, rejected or conflicted, with the code of its cause."""

    our_key: str
    source_key: str
    state: str
    code: str
    waits_for: str | None = None


_ROW = (
    "r.our_key, r.target_key, r.state, r.mapping, r.fieldset, r.sent, r.back, r.code, r.waits_for, r.adopted, "
    "r.run, r.bucket"
)


def fieldset(ledger: Ledger, object_name: str, mapping: str, mapping_digest: str, fields: Sequence[str]) -> int:
    """The number of this list of fields under this meaning of the mapping; made where new."""
    wanted = (object_name, mapping, mapping_digest, json.dumps(list(fields)))
    found = ledger.db.execute(
        "select id from fieldset where (object, mapping, mapping_digest, fields) = (?, ?, ?, ?)", wanted
    ).fetchone()
    if found is None:
        with ledger.transaction():
            made = ledger.db.execute(
                "insert into fieldset (object, mapping, mapping_digest, fields) values (?, ?, ?, ?)", wanted
            )
        return int(made.lastrowid or 0)
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
    return Fieldset(row[0], row[1], row[2], tuple(json.loads(row[3])))


def lookup(ledger: Ledger, object_name: str, our_keys: Sequence[str]) -> dict[str, RecordRow]:
    """The records known under these keys; unknown ones are left out."""
    rows = ledger.db.execute(
        f"select {_ROW} from json_each(?) j cross join record r on r.object = ? and r.our_key = j.value",  # noqa: S608
        (json.dumps(list(our_keys), ensure_ascii=False), object_name),
    )
    return {row[0]: RecordRow(*row) for row in rows}


def lookup_target(ledger: Ledger, object_name: str, target_keys: Sequence[str]) -> dict[str, RecordRow]:
    """The records known under these target keys, by target key."""
    rows = ledger.db.execute(
        f"select {_ROW} from json_each(?) j "  # noqa: S608
        "cross join record r on r.object = ? and r.target_key = j.value",
        (json.dumps(list(target_keys), ensure_ascii=False), object_name),
    )
    return {str(row[1]): RecordRow(*row) for row in rows}


def target_keys(ledger: Ledger, object_name: str, our_keys: Sequence[str]) -> dict[str, str]:
    """Our key -> target key of those that are in the target now."""
    rows = ledger.db.execute(
        "select r.our_key, r.target_key from json_each(?) j cross join record r on r.object = ? and "
        "r.our_key = j.value "
        "where r.target_key is not null and r.state in ('live', 'pending', 'conflicted')",
        (json.dumps(list(our_keys), ensure_ascii=False), object_name),
    )
    return dict(rows.fetchall())


def our_keys(ledger: Ledger, object_name: str, keys: Sequence[str]) -> dict[str, str]:
    """Target key -> our key of those target records that are ours."""
    rows = ledger.db.execute(
        "select r.target_key, r.our_key from json_each(?) j cross join record r on r.object = ? and "
        "r.target_key = j.value",
        (json.dumps(list(keys), ensure_ascii=False), object_name),
    )
    return dict(rows.fetchall())


def by_source(ledger: Ledger, source_object: str, source_key: str) -> list[tuple[str, RecordRow]]:
    """(target object, record) of everything this source record became or would become."""
    rows = ledger.db.execute(
        f"select c.object, {_ROW} from contribution c "  # noqa: S608
        "join record r on (r.object, r.our_key) = (c.object, c.our_key) "
        "where c.source_object = ? and c.source_key = ? order by c.object, r.our_key",
        (source_object, source_key),
    )
    return [(row[0], RecordRow(*row[1:])) for row in rows]


def sources_of(ledger: Ledger, object_name: str, our_key: str) -> list[tuple[str, str]]:
    """(source object, source key) of what a target record is made of."""
    rows = ledger.db.execute(
        "select source_object, source_key from contribution where object = ? and our_key = ? order by role, 1, 2",
        (object_name, our_key),
    )
    return [(row[0], row[1]) for row in rows]


def contribute(ledger: Ledger, source_object: str, object_name: str, keys: Iterable[tuple[str, str]]) -> None:
    """Note which source record each of our keys is made of: (our key, source key); inside the caller's transaction."""
    ledger.db.executemany(
        "insert or ignore into contribution (source_object, source_key, object, our_key) values (?, ?, ?, ?)",
        [(source_object, source_key, object_name, our_key) for our_key, source_key in keys],
    )


def park(
    ledger: Ledger, run_id: int, mapping: str, source_object: str, object_name: str, parked: Sequence[Parked]
) -> None:
    """Note records that were not written; inside the caller's transaction. A record that is in the target already stays
    what it is there (only a conflict changes its state): what is parked is the newer version of it."""
    ledger.db.executemany(
        "insert into record (object, our_key, state, mapping, code, waits_for, run, bucket) values (?, ?, ?, "
        "?, ?, ?, ?, ?) "
        "on conflict (object, our_key) do update set code = excluded.code, waits_for = excluded.waits_for, "
        "run = excluded.run, bucket = excluded.bucket, mapping = excluded.mapping, "
        "state = case when record.target_key is not null and excluded.state <> 'conflicted' "
        "then record.state else excluded.state end",
        [(object_name, p.our_key, p.state, mapping, p.code, p.waits_for, run_id, p.state) for p in parked],
    )
    contribute(ledger, source_object, object_name, [(p.our_key, p.source_key) for p in parked])


def rebase(ledger: Ledger, object_name: str, rows: Sequence[tuple[int, bytes, bytes, int, str]]) -> None:
    """(fieldset, sent, back, run, our key): note that the source and the target agree already, so that nothing had to
    be written; inside the caller's transaction. A conflict on the record is over with that. What the same run has
    done to the record already counts on."""
    ledger.db.executemany(
        "update record set fieldset = ?1, sent = ?2, back = ?3, run = ?4, code = null, waits_for = null, "
        "bucket = case when run = ?4 and bucket in ('created', 'updated', 'pending') then bucket else 'unchanged' end, "
        "state = case state when 'conflicted' then 'live' else state end where object = ?5 and our_key = ?6",
        [(number, sent, back, run, object_name, key) for number, sent, back, run, key in rows],
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


def parked_records(ledger: Ledger, mapping: str | None = None) -> list[tuple[str, str, RecordRow]]:
    """(target object, source key, record) of everything that waits for somebody."""
    rows = ledger.db.execute(
        f"select r.object, c.source_key, {_ROW} from record r "  # noqa: S608
        "join contribution c on (c.object, c.our_key) = (r.object, r.our_key) "
        "where r.code is not null and r.state <> 'gone' and (? is null or r.mapping = ?) order by r.object, r.our_key",
        (mapping, mapping),
    )
    return [(row[0], row[1], RecordRow(*row[2:])) for row in rows]


def page(ledger: Ledger, object_name: str, after: str, size: int) -> list[RecordRow]:
    """Records of an object that are in the target, in the order of our keys, behind `after`."""
    rows = ledger.db.execute(
        f"select {_ROW} from record r where r.object = ? and r.our_key > ? and r.target_key is not null "  # noqa: S608
        "order by r.our_key limit ?",
        (object_name, after, size),
    )
    return [RecordRow(*row) for row in rows]


def crosswalk(ledger: Ledger, object_name: str | None = None) -> Iterable[tuple[str, str, str, str, str | None, str]]:
    """(source object, source key, target object, our key, target key, state), streamed."""
    return ledger.db.execute(
        "select c.source_object, c.source_key, r.object, r.our_key, r.target_key, r.state from contribution c "
        "join record r on (r.object, r.our_key) = (c.object, c.our_key) where ? is null or r.object = ? or "
        "c.source_object = ? "
        "order by 1, 2, 3, 4",
        (object_name, object_name, object_name),
    )


def sample_in_target(ledger: Ledger, object_name: str, size: int) -> list[tuple[str, str]]:
    """A few (our key, target key) that should be in the target: to see that it is still the same one."""
    return ledger.db.execute(
        "select our_key, target_key from record where object = ? and target_key is not null and state = 'live' limit ?",
        (object_name, size),
    ).fetchall()
