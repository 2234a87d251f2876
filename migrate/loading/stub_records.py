"""Which records of the target are stubs."""

from __future__ import annotations

from collections.abc import Collection

from ...mappings.compile import CompiledMapping
from ...mappings.stub import OF_STUB
from ...runs.ledger import records
from ...runs.ledger.records import RecordRow
from ..session import Session


def stubs_among(session: Session, mapping: CompiledMapping, rows: Collection[RecordRow]) -> set[str]:
    """Our keys of those of these records in the target that only stand for records of the mapping."""
    made = {
        number
        for number in {row.fieldset for row in rows}
        if number is not None and records.fieldset_of(session.ledger, number).mapping == mapping.name + OF_STUB
    }
    return {row.our_key for row in rows if row.fieldset in made and row.target_key is not None}
