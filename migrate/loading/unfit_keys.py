"""Records that cannot be told apart by their key: an empty key, or one that another record of the same run has."""

from __future__ import annotations

from ...connectors.finding import Finding, Severity
from ...mappings.mapped import MappedChunk
from ...runs.ledger.claims import Claims

KEY = "key"


class UnfitKeys:
    """Finds them in one mapping of one run. A source that reads in key order has none; a file may.

    The first record of a key keeps it. A chunk that is read again after a crash claims its keys for the same places.
    """

    def __init__(self, claims: Claims, run_id: int, mapping: str, ordered: bool) -> None:
        self._claims = claims
        self._space = f"source of {mapping} in run {run_id}"
        self._ordered = ordered

    def find(self, mapped: MappedChunk, read_before: int) -> dict[int, Finding]:
        """Row -> BLOCKS finding `key.empty` or `key.duplicate`. read_before: records read before this chunk."""
        keys = mapped.source_keys
        found = {row: self._finding(mapped, row, "key.empty") for row, key in enumerate(keys) if key == ""}
        if self._ordered and len(set(keys)) == len(keys):
            return found
        places = [str(read_before + row) for row in range(len(keys))]
        holders = self._claims.claim(self._space, KEY, list(keys), places)
        twice = [row for row, holder in enumerate(holders) if holder is not None and row not in found]
        return found | {row: self._finding(mapped, row, "key.duplicate") for row in twice}

    def forget(self) -> None:
        """The mapping is read to its end: nothing of it is needed any more."""
        if not self._ordered:
            self._claims.forget(self._space)

    def _finding(self, mapped: MappedChunk, row: int, code: str) -> Finding:
        key = mapped.source_keys[row]
        return Finding(
            code, Severity.BLOCKS, {"key": key}, object=mapped.source_object, key=key, mapping=mapped.mapping
        )
