"""What undo asks the ledger: what a run did to each record, which undo takes back which run, how far it is."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ...connectors.finding import Finding
from . import records, runlog
from .runlog import Run
from .store import Ledger

RESTORED, RELEASED, LOOSENED = "restored", "released", "loosened"
"""Buckets of the updates that undo makes: what it puts back; the same of an adopted record where that needs a call of
its own; a reference that it empties so that the record can be deleted."""


@dataclass(slots=True)
class Did:
    """What a run did to one record. wrote: fields of a record that was there before."""

    created: bool = False
    adopted: bool = False
    wrote: bool = False


def did(ledger: Ledger, run_id: int, object_name: str) -> dict[str, Did]:
    """Our key -> what the run really did to that record of the object, in the order in which it did it."""
    rows = ledger.db.stream(
        "select o.our_key, o.kind, o.written from batch b join operation o on o.batch = b.id "
        "where b.run = ? and b.object = ? and o.state in ('acked', 'verified', 'diverged') "
        "and o.kind in ('create', 'adopt', 'update') order by o.batch, o.our_key",
        (run_id, object_name),
    )
    found: dict[str, Did] = defaultdict(Did)
    for our_key, kind, written in rows:
        each = found[our_key]
        each.created |= kind == "create"
        each.adopted |= kind == "adopt"
        each.wrote |= kind != "create" and any(written or b"")
    return dict(found)


class Step(NamedTuple):
    """What one operation made of a record. sent: digests of all fields of the fieldset. written: a byte a field that
    was there before; None where all of them count."""

    our_key: str
    fieldset: int
    sent: bytes
    written: bytes | None


_STEP = (
    "and o.kind in ('create', 'adopt', 'update') and o.state in ('acked', 'verified', 'diverged') "
    "and o.fieldset is not null and o.sent is not null"
)


def steps(ledger: Ledger, run_id: int, object_name: str, our_keys: Sequence[str]) -> list[Step]:
    """What that run and those after it, undos too, made of these records, the oldest first. Of a record that nothing
    was asked of since that run its last step stands for all of them."""
    rows = ledger.db.execute(
        f"select o.our_key, o.fieldset, o.sent, null from {ledger.db.texts()} cross join record r cross join batch b "  # noqa: S608
        "cross join operation o where r.object = ? and r.our_key = j.value and b.id = r.batch and b.run = ? "
        f"and o.batch = b.id and o.our_key = r.our_key {_STEP}",
        (json.dumps(list(our_keys), ensure_ascii=False), object_name, run_id),
    )
    found = [Step(*row) for row in rows]
    rest = set(our_keys) - {each.our_key for each in found}
    if rest:
        rows = ledger.db.execute(
            "select o.our_key, o.fieldset, o.sent, case when o.kind <> 'create' then o.written end "  # noqa: S608
            f"from {ledger.db.texts()} cross join batch b cross join operation o where b.object = ? and b.run >= ? "
            f"and o.batch = b.id and o.our_key = j.value {_STEP} order by o.batch",
            (json.dumps(sorted(rest), ensure_ascii=False), object_name, run_id),
        )
        found += [Step(*row) for row in rows]
    return found


def wrote(ledger: Ledger, run_id: int, object_name: str, our_keys: Sequence[str]) -> dict[str, set[str]]:
    """Our key -> the fields that the run has really written so far to those of these records that were there before. A
    batch is looked into only for records that were settled since it began."""
    rows = ledger.db.execute(
        f"select o.our_key, o.fieldset, o.written from {ledger.db.texts('?1')} cross join record r "  # noqa: S608
        "cross join batch b cross join operation o where r.object = ?2 and r.our_key = j.value and r.run >= ?3 "
        "and b.run = ?3 and b.object = ?2 and o.batch = b.id and o.our_key = j.value "
        "and o.kind in ('adopt', 'update') and o.state in ('acked', 'verified', 'diverged') and o.written is not null",
        (json.dumps(list(our_keys), ensure_ascii=False), object_name, run_id),
    ).fetchall()
    fields = {number: records.fieldset_of(ledger, number).fields for number in {row[1] for row in rows}}
    found: dict[str, set[str]] = defaultdict(set)
    for our_key, number, written in rows:
        found[our_key] |= {name for name, mark in zip(fields[number], written, strict=True) if mark}
    return dict(found)


def known_as(ledger: Ledger, run_id: int, object_name: str, mapping: str) -> set[str]:
    """Our keys of the records of this object that had the fields of that mapping when the run began."""
    rows = ledger.db.stream(
        "select o.our_key, f.mapping from batch b join operation o on o.batch = b.id "
        "join fieldset f on f.id = o.fieldset where b.run < ? and b.object = ? "
        "and o.state in ('acked', 'verified', 'diverged') and o.kind in ('create', 'adopt', 'update') order by o.batch",
        (run_id, object_name),
    )
    found: set[str] = set()
    for our_key, known in rows:
        (found.add if known == mapping else found.discard)(our_key)
    return found


def untold(ledger: Ledger, run_id: int, object_name: str) -> list[str]:
    """Our keys of records that the run may have created and that nobody could tell in the target: there was no answer,
    and the target was asked in vain or named several."""
    rows = ledger.db.execute(
        "select distinct o.our_key from batch b join operation o on o.batch = b.id "
        "left join record r on (r.object, r.our_key) = (o.object, o.our_key) "
        "where b.run = ? and b.object = ? and o.kind = 'create' and o.state in ('unknown', 'conflict') "
        "and r.target_key is null and coalesce(r.state, '') <> 'gone' order by 1",
        (run_id, object_name),
    )
    return [str(row[0]) for row in rows]


def released_keys(ledger: Ledger) -> dict[tuple[str, str], str]:
    """(object, target key) -> our key of every record that an undo let go of: what refers to it was not edited by
    that."""
    rows = ledger.db.stream(
        "select o.object, o.target_key, o.our_key from run u join batch b on b.run = u.id "
        "join operation o on o.batch = b.id where u.undoes is not null and o.kind = 'release' "
        "and o.state in ('acked', 'verified', 'diverged') and o.target_key is not null order by o.batch"
    )
    return {(name, target_key): our_key for name, target_key, our_key in rows}


def tally(ledger: Ledger, undo_run: int) -> Counter[tuple[str, str]]:
    """(object, what) -> how many records an undo has deleted, restored and released so far, whatever processes it took;
    and how many fields it has put back."""
    counts: Counter[tuple[str, str]] = Counter()
    done: dict[tuple[str, str], set[str]] = defaultdict(set)
    rows = ledger.db.stream(
        "select o.object, o.our_key, o.kind, o.bucket, o.written from batch b join operation o on o.batch = b.id "
        "where b.run = ? and o.state in ('acked', 'verified', 'diverged') "
        "and o.kind in ('delete', 'release', 'update')",
        (undo_run,),
    )
    for name, our_key, kind, bucket, written in rows:
        if kind == "delete":
            counts[name, "deleted"] += 1
        elif kind == "release":
            done[name, "released"].add(our_key)
        elif bucket == RESTORED:
            done[name, "restored"].add(our_key)
        if bucket in (RESTORED, RELEASED):
            counts[name, "fields"] += sum(map(bool, written or b""))
    counts.update({what: len(keys) for what, keys in done.items()})
    return counts


def replace_findings(ledger: Ledger, undo_run: int, found: Iterable[Finding]) -> None:
    """Keep why records are spared; what an earlier process of this undo thought of it is over."""
    with ledger.transaction():
        ledger.db.execute("delete from finding where run = ? and code like 'undo.%'", (undo_run,))
        runlog.add_findings(ledger, undo_run, found)


def unfinished(ledger: Ledger, run_id: int) -> Run | None:
    """The undo of this run that did not come to its end, to be gone on with."""
    return next((each for each in runlog.history(ledger) if each.undoes == run_id and each.state != "finished"), None)


def by_run(runs: Iterable[Run]) -> dict[int, list[int]]:
    """Run -> the undos that took it back, as far as they came to their end, the first first."""
    found: dict[int, list[int]] = defaultdict(list)
    for each in runs:
        if each.undoes is not None and each.state == "finished":
            found[each.undoes].insert(0, each.id)
    return dict(found)
