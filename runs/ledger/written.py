"""What a run has written, record by record: of a dry run, what it would have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .store import Ledger


@dataclass(frozen=True, slots=True)
class Write:
    """One operation that went through. mapping, source_key: of the record. marks: a byte a field of the fieldset, 1
    where it was written."""

    mapping: str
    our_key: str
    source_key: str
    kind: str
    fieldset: int
    marks: bytes


def writes_of(ledger: Ledger, run_id: int) -> Iterator[Write]:
    """In the order in which they were made; a record that was filled later comes again."""
    rows = ledger.db.execute(
        "select r.mapping, o.our_key, coalesce(o.source_key, r.source_key), o.kind, o.fieldset, o.written "
        "from batch b cross join operation o cross join record r where b.run = ? and o.batch = b.id "
        "and o.state in ('acked', 'verified', 'diverged') and o.kind in ('create', 'update', 'adopt') "
        "and r.object = o.object and r.our_key = o.our_key order by b.id",
        (run_id,),
    )
    for mapping, our_key, source_key, kind, fieldset, marks in rows:
        yield Write(mapping, our_key, source_key or "", kind, int(fieldset or 0), bytes(marks or b""))
