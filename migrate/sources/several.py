"""Several connections seen as one source. Their objects are called `CONNECTION.object`; everything else is handed on to
the connection that an object lies in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import cast

from ...connectors.cell import Cell
from ...connectors.change import Batch, Outcome
from ...connectors.changes import Gone, TellsChanges, TellsDeletes
from ...connectors.chunk import Chunk
from ...connectors.errors import InputError
from ...connectors.held_file import HeldFile, HoldsFiles
from ...connectors.nearest import nearest
from ...connectors.port import AuditFields, Capabilities, Connector, Identity
from ...connectors.schema import ObjectSchema, Schema

BETWEEN = "."
"""Between the name of a connection, which has none in it, and that of an object, which may."""


class Sources:
    """Source connections by name. Errors are each connection's own, and name it."""

    def __init__(self, connections: Mapping[str, Connector]) -> None:
        self.connections = dict(connections)
        able = [each.capabilities for each in self.connections.values()]
        self.capabilities = Capabilities(
            find_size=min(each.find_size for each in able),
            ordered_reads=all(each.ordered_reads for each in able),
            read_back_lag=max(each.read_back_lag for each in able),
            holds_files=any(each.holds_files for each in able),
            tells_changes=all(each.tells_changes for each in able),
            overlap=max(each.overlap for each in able),
            tells_deletes=all(each.tells_deletes for each in able),
        )

    def identity(self) -> Identity:
        """All of them together, for a report's line."""
        each = [connection.identity() for connection in self.connections.values()]
        kinds = dict.fromkeys(identity.kind for identity in each)
        production = {identity.production for identity in each}
        return Identity(
            " + ".join(kinds),
            " ".join(f"{identity.kind}:{identity.id}" for identity in each),
            ", ".join(identity.name for identity in each),
            production.pop() if len(production) == 1 else None,
        )

    def describe(self) -> Schema:
        objects: dict[str, ObjectSchema] = {}
        for name, connection in self.connections.items():
            for each in connection.describe().objects.values():
                described = _named(name, each)
                objects[described.name] = described
        return Schema(objects)

    def audit_fields(self, object_name: str) -> AuditFields:
        connection, own = self._at(object_name)
        return connection.audit_fields(own)

    def acting_user(self) -> str | None:
        """None: nothing is written to a source."""
        return None

    def read(
        self, object_name: str, fields: Sequence[str], *, after: str | None = None, size: int = 20_000
    ) -> Iterator[Chunk]:
        connection, own = self._at(object_name)
        chunks = connection.read(own, fields, after=after, size=size)
        return (replace(each, object=object_name) for each in chunks)

    def changed(
        self,
        object_name: str,
        fields: Sequence[str],
        since: dt.datetime,
        *,
        after: str | None = None,
        size: int = 20_000,
    ) -> Iterator[Chunk]:
        connection, own = self._at(object_name)
        chunks = cast(TellsChanges, connection).changed(own, fields, since, after=after, size=size)
        return (replace(each, object=object_name) for each in chunks)

    def deleted(self, object_name: str, since: dt.datetime) -> Iterator[Gone]:
        connection, own = self._at(object_name)
        return cast(TellsDeletes, connection).deleted(own, since)

    def covered(self, object_name: str) -> dt.datetime:
        connection, own = self._at(object_name)
        return cast(TellsDeletes, connection).covered(own)

    def count(self, object_name: str) -> int:
        connection, own = self._at(object_name)
        return connection.count(own)

    def find(
        self, object_name: str, by: Sequence[str], values: Sequence[tuple[Cell, ...]], fields: Sequence[str]
    ) -> Chunk:
        connection, own = self._at(object_name)
        return replace(connection.find(own, by, values, fields), object=object_name)

    def write(self, batch: Batch) -> list[Outcome]:
        raise TypeError("a source is only read")

    def prepare(self) -> None:
        raise TypeError("a source is only read")

    def our_keys(self, object_name: str) -> Iterator[list[tuple[str, str]]]:
        connection, own = self._at(object_name)
        return connection.our_keys(own)

    def body(self, object_name: str, file: HeldFile) -> Iterator[bytes]:
        connection, own = self._at(object_name)
        return cast(HoldsFiles, connection).body(own, file)

    def now(self) -> dt.datetime:
        """The earliest of their times: what changed after it has certainly not been read."""
        return min(each.now() for each in self.connections.values())

    def record_url(self, object_name: str, key: str) -> str | None:
        connection, own = self._at(object_name)
        return connection.record_url(own, key)

    def close(self) -> None:
        for each in self.connections.values():
            each.close()

    def _at(self, object_name: str) -> tuple[Connector, str]:
        """The connection, and the object as that one calls it. Raises InputError `sources.no_connection`."""
        name, _, own = object_name.partition(BETWEEN)
        if name not in self.connections:
            raise InputError("sources.no_connection", object=object_name, nearest=nearest(name, list(self.connections)))
        return self.connections[name], own


def _named(connection: str, described: ObjectSchema) -> ObjectSchema:
    """The object as it is called among several connections."""
    fields = tuple(
        replace(each, references=tuple(f"{connection}{BETWEEN}{name}" for name in each.references))
        if each.references
        else each
        for each in described.fields
    )
    return replace(described, name=f"{connection}{BETWEEN}{described.name}", fields=fields)


def connections_of(source: Connector) -> Mapping[str, Connector]:
    """Each connection by its role in the ledger: `source`, or `source NAME` where there are several."""
    inner: Connector = source
    while hasattr(inner, "inner"):
        inner = inner.inner
    if not isinstance(inner, Sources):
        return {"source": inner}
    return {f"source {name}": each for name, each in inner.connections.items()}


def role_of(source: Connector, object_name: str) -> str:
    """The role of the connection in which this object lies."""
    roles = connections_of(source)
    return f"source {object_name.partition(BETWEEN)[0]}" if "source" not in roles else "source"


def systems_of(source: Connector, target: Connector) -> dict[str, Identity]:
    """Who every system of a move says it is, by role."""
    told = {role: each.identity() for role, each in connections_of(source).items()}
    return {**told, "target": target.identity()}
