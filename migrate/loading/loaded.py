"""What loading a chunk came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from ...connectors.finding import Finding
from ...runs.ledger.records import Parked
from .tally import ADOPTED, CARRIED, MappingStop, Tally

FILED = "filed"
_WAITS = {"created": "pending", "updated": "pending"}


@dataclass
class Loaded:
    """What became of a chunk. buckets: one a row. deferred: rows that wait for a parent of the same object. cut: rows
    that are there with a reference still empty, or a text with old addresses, to be filled. adopted: rows adopted.
    carried: records of other mappings that were created inside these. filed: (field, what became of it) -> files.
    findings: beyond those given. stopped: what ended it before its end; rows that it did not come to have an empty
    bucket."""

    buckets: list[str]
    deferred: list[int] = field(default_factory=list)
    cut: list[int] = field(default_factory=list)
    adopted: int = 0
    carried: int = 0
    filed: Counter[tuple[str, str]] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    parked: list[Parked] = field(default_factory=list)
    stopped: MappingStop | None = None

    def fill_later(self, rows: Collection[int]) -> None:
        """What was done of these records is not all of it."""
        for row in rows:
            self.buckets[row] = _WAITS.get(self.buckets[row], self.buckets[row])
        self.cut = [row for row in rows if self.buckets[row] == "pending"]


def tally_loaded(tally: Tally, loaded: Loaded) -> None:
    """Count what is in no bucket with the run's progress, so that it survives a crash as the other counts do."""
    tally.add(ADOPTED, loaded.adopted)
    tally.add(CARRIED, loaded.carried)
    for (name, what), number in loaded.filed.items():
        tally.add("\t".join((FILED, name, what)), number)
