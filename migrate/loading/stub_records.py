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


def without_stubs(session: Session, mapping: CompiledMapping, there: dict[str, str]) -> dict[str, str]:
    """Of these (our key -> target key), those of which more than a stub is there."""
    if mapping.stub is None or not there:
        return there
    found = records.lookup(session.ledger, mapping.target.name, list(there))
    stubs = stubs_among(session, mapping, found.values())
    return {our_key: key for our_key, key in there.items() if our_key not in stubs}
