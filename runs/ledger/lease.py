"""What a worker is given to do, for a while."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from ...connectors.errors import BusyError


@dataclass(frozen=True, slots=True)
class Lease:
    """One worker's hold on a partition. fence: grows with every lease of the partition; who holds an older one writes
    nothing more. run, mapping, object, source_object, fieldset: what its changes belong to. content: as the coordinator
    sealed it. until: by the store's clock; after that another worker may lease it."""

    partition: int
    fence: int
    worker: int
    run: int
    mapping: str
    object: str
    source_object: str | None
    fieldset: int | None
    content: bytes = field(repr=False)
    until: dt.datetime

    def lost(self, path: str) -> BusyError:
        return BusyError("lease.lost", partition=self.partition, path=path)
