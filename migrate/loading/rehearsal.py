"""The target of a dry run: it answers what is, and only says what it would do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from ...connectors.cell import Cell
from ...connectors.change import Batch, Change, ChangeKind, Outcome, OutcomeState
from ...connectors.chunk import Chunk
from ...connectors.port import AuditFields, Connector, Identity
from ...connectors.schema import Schema

UNBORN = "(new) "
"""Before our key: the target key of a record that a run would create."""


class Rehearsal:
    """A connector in front of the real target that lets every read through and no write."""

    def __init__(self, target: Connector) -> None:
        self._target = target
        self.capabilities = target.capabilities
        self.calls = 0

    def identity(self) -> Identity:
        return self._target.identity()

    def describe(self) -> Schema:
        return self._target.describe()

    def audit_fields(self, object_name: str) -> AuditFields:
        return self._target.audit_fields(object_name)

    def acting_user(self) -> str | None:
        return self._target.acting_user()

    def read(
        self, object_name: str, fields: Sequence[str], *, after: str | None = None, size: int = 20_000
    ) -> Iterator[Chunk]:
        return self._target.read(object_name, fields, after=after, size=size)

    def count(self, object_name: str) -> int:
        return self._target.count(object_name)

    def find(
        self, object_name: str, by: Sequence[str], values: Sequence[tuple[Cell, ...]], fields: Sequence[str]
    ) -> Chunk:
        return self._target.find(object_name, by, values, fields)

    def write(self, batch: Batch) -> list[Outcome]:
        self.calls += 1
        return [Outcome(change.our_key, OutcomeState.ACKED, _key(change)) for change in batch.changes]

    def prepare(self) -> None:
        """Nothing: room for our key is made by a run."""

    def our_keys(self, object_name: str) -> Iterator[list[tuple[str, str]]]:
        return self._target.our_keys(object_name)

    def now(self) -> dt.datetime:
        return self._target.now()

    def record_url(self, object_name: str, key: str) -> str | None:
        return None if key.startswith(UNBORN) else self._target.record_url(object_name, key)

    def close(self) -> None:
        """Nothing: the real target is closed by whoever opened it."""


def _key(change: Change) -> str:
    return UNBORN + change.our_key if change.kind is ChangeKind.CREATE else change.target_key or ""
