"""A connector around another: it does as that one does, but for what a subclass does by itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import TypeVar, cast

from .cell import Cell
from .change import Batch, Outcome
from .changes import Gone, TellsChanges, TellsDeletes
from .chunk import Chunk
from .finding import Finding
from .held_file import Body, HeldFile, HoldsFiles, TakesFiles, Uploaded
from .port import AuditFields, Capabilities, Connector, Identity, TellsLacking
from .schema import Schema

Layer = TypeVar("Layer")


class Forwarding:
    """inner: the connector around which it lies."""

    inner: Connector
    capabilities: Capabilities

    def __init__(self, inner: Connector) -> None:
        self.inner = inner
        self.capabilities = inner.capabilities

    def identity(self) -> Identity:
        return self.inner.identity()

    def describe(self) -> Schema:
        return self.inner.describe()

    def audit_fields(self, object_name: str) -> AuditFields:
        return self.inner.audit_fields(object_name)

    def acting_user(self) -> str | None:
        return self.inner.acting_user()

    def read(
        self, object_name: str, fields: Sequence[str], *, after: str | None = None, size: int = 20_000
    ) -> Iterator[Chunk]:
        return self.inner.read(object_name, fields, after=after, size=size)

    def changed(
        self,
        object_name: str,
        fields: Sequence[str],
        since: dt.datetime,
        *,
        after: str | None = None,
        size: int = 20_000,
    ) -> Iterator[Chunk]:
        """Where its capabilities say that it tells changes."""
        return cast(TellsChanges, self.inner).changed(object_name, fields, since, after=after, size=size)

    def deleted(self, object_name: str, since: dt.datetime) -> Iterator[Gone]:
        """Where its capabilities say that it tells deletes."""
        return cast(TellsDeletes, self.inner).deleted(object_name, since)

    def covered(self, object_name: str) -> dt.datetime:
        """Likewise."""
        return cast(TellsDeletes, self.inner).covered(object_name)

    def count(self, object_name: str) -> int:
        return self.inner.count(object_name)

    def find(
        self, object_name: str, by: Sequence[str], values: Sequence[tuple[Cell, ...]], fields: Sequence[str]
    ) -> Chunk:
        return self.inner.find(object_name, by, values, fields)

    def write(self, batch: Batch) -> list[Outcome]:
        return self.inner.write(batch)

    def prepare(self) -> None:
        self.inner.prepare()

    def lacking(self, object_name: str) -> tuple[Finding, ...]:
        """Where its capabilities say that it tells."""
        return cast(TellsLacking, self.inner).lacking(object_name)

    def body(self, object_name: str, file: HeldFile) -> Iterator[bytes]:
        """Where its capabilities say that it holds files."""
        return cast(HoldsFiles, self.inner).body(object_name, file)

    def upload(self, object_name: str, field: str, file: HeldFile, body: Body) -> Uploaded:
        """Where its capabilities say that it takes files."""
        return cast(TakesFiles, self.inner).upload(object_name, field, file, body)

    def our_keys(self, object_name: str) -> Iterator[list[tuple[str, str]]]:
        return self.inner.our_keys(object_name)

    def now(self) -> dt.datetime:
        return self.inner.now()

    def record_url(self, object_name: str, key: str) -> str | None:
        return self.inner.record_url(object_name, key)

    def close(self) -> None:
        self.inner.close()


def layer_of(connector: Connector, kind: type[Layer]) -> Layer | None:
    """The outermost connector of that kind, this one or one around which it lies."""
    inner: Connector | None = connector
    while inner is not None and not isinstance(inner, kind):
        inner = getattr(inner, "inner", None)
    return inner
