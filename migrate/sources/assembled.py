"""A source that has, besides its own objects, those that mappings put together from them.

All contributors are read first and spilled by a digest of the assembly's key; then records are put together partition
by partition. The cursor names the spill: who goes on behind it goes on in what was read then. A run that ends while it
still gathers gathers anew.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa

from ...connectors.cell import Cell
from ...connectors.change import Batch, Outcome
from ...connectors.chunk import Chunk
from ...connectors.errors import StaleCursorError
from ...connectors.finding import Finding, Severity
from ...connectors.forwarding import Forwarding, layer_of
from ...connectors.port import KEY, AuditFields, Capabilities, Connector
from ...connectors.schema import Schema
from ...mappings.assembly.chunk import AssembledChunk
from ...mappings.assembly.compiled import CompiledAssembly
from ...mappings.assembly.contributor import KEY as ASSEMBLED_KEY
from ...mappings.assembly.contributor import Gathered
from ...runs.digest import field_digests
from ...runs.keys import Keys
from ...runs.sealing import SealBrokenError
from ...runs.spill import Spill, drop_spills, open_spill
from .look_up import found_by

MOST_PARTITIONS = 1024
HELD_CHUNKS = 5
"""So many chunks of rows are kept in memory before they are spilled."""

Heard = Callable[[str, int], None]


def unheard(_mapping: str, _done: int) -> None:
    """Nobody watches."""


@dataclass
class AssembledSource(Forwarding):
    """inner: the source as it is. parts: what contributors are read from: the same, corrected. assemblies: by the
    object that they make. folder: where they spill. keys: to seal and to part by. heard: called with a mapping's
    name and how many records were gathered for it."""

    inner: Connector
    assemblies: Mapping[str, CompiledAssembly]
    folder: Path
    keys: Keys
    heard: Heard = unheard
    parts: Connector = field(init=False)
    capabilities: Capabilities = field(init=False)

    def __post_init__(self) -> None:
        self.capabilities = self.inner.capabilities
        self.parts = self.inner

    def describe(self) -> Schema:
        own = self.inner.describe()
        return Schema({**own.objects, **{name: each.object for name, each in self.assemblies.items()}})

    def audit_fields(self, object_name: str) -> AuditFields:
        return AuditFields() if object_name in self.assemblies else self.inner.audit_fields(object_name)

    def acting_user(self) -> str | None:
        return None

    def read(
        self, object_name: str, fields: Sequence[str], *, after: str | None = None, size: int = 20_000
    ) -> Iterator[Chunk]:
        """What is put together comes in the order of partitions and keys. Reading from the beginning makes cursors of
        earlier readings stale."""
        assembly = self.assemblies.get(object_name)
        if assembly is None:
            return self.inner.read(object_name, fields, after=after, size=size)
        return self._assembled(assembly, fields, after, size)

    def count(self, object_name: str) -> int:
        """Of what is put together an estimate: the fewest that a required contributor has, else the most that any has;
        in a file or table some may have no key, or share one."""
        assembly = self.assemblies.get(object_name)
        if assembly is None:
            return self.inner.count(object_name)
        counts = {name: self.inner.count(each.object.name) for name, each in assembly.contributors.items()}
        required = [counts[name] for name in assembly.spec.required]
        return min(required) if required else max(counts.values())

    def find(
        self, object_name: str, by: Sequence[str], values: Sequence[tuple[Cell, ...]], fields: Sequence[str]
    ) -> Chunk:
        """Of what is put together, by KEY or by one of its fields."""
        assembly = self.assemblies.get(object_name)
        if assembly is None:
            return self.inner.find(object_name, by, values, fields)
        return found_by(self.parts, assembly, by, values, fields)

    def write(self, batch: Batch) -> list[Outcome]:
        raise TypeError("a source is only read")

    def prepare(self) -> None:
        raise TypeError("a source is only read")

    def record_url(self, object_name: str, key: str) -> str | None:
        """None for what is put together: its contributors have pages of their own."""
        return None if object_name in self.assemblies else self.inner.record_url(object_name, key)

    def contributors(self, object_name: str, key: str) -> list[tuple[str, str, str]]:
        """(contributor, its object, its own key) of every record that the assembled record of this key is made of."""
        chunk = self.find(object_name, (KEY,), [(key,)], ())
        if not isinstance(chunk, AssembledChunk) or not len(chunk):
            return []
        known = self.assemblies[object_name].contributors
        return [(name, known[name].object.name, own) for name, keys in chunk.made_of.items() if (own := keys[0])]

    def reads(self, object_name: str, fields: Sequence[str]) -> dict[str, set[str]]:
        """Object -> fields of it that are read for these fields of what is put together; none of other objects."""
        assembly = self.assemblies.get(object_name)
        told: dict[str, set[str]] = {}
        for name, own in (assembly.needs(fields) if assembly is not None else {}).items():
            contributor = self.assemblies[object_name].contributors[name]
            told.setdefault(contributor.object.name, set()).update(contributor.reads(own))
        return told

    def _assembled(
        self, assembly: CompiledAssembly, fields: Sequence[str], after: str | None, size: int
    ) -> Iterator[Chunk]:
        findings: tuple[Finding, ...] = ()
        if after is None:
            spill, findings = self._gathered(assembly, fields, size)
            partition, behind = 0, ""
        else:
            spill, partition, behind = self._reopened(assembly, fields, after)
        count = int(str(spill.told["partitions"]))
        for place in range(partition, count):
            try:
                whole = assembly.assemble(spill.take(place), fields)
            except (OSError, SealBrokenError) as error:
                raise StaleCursorError("assembly.spill_lost", object=assembly.object.name) from error
            for piece in _pieces(whole, behind if place == partition else "", size):
                cursor = json.dumps([spill.name, place, piece.keys[-1]], ensure_ascii=False)
                yield replace(piece, cursor=cursor, findings=(*findings, *piece.findings))
                findings = ()
        if findings:
            yield replace(assembly.assemble({}, fields), cursor=json.dumps([spill.name, count, ""]), findings=findings)
        spill.drop()

    def _reopened(self, assembly: CompiledAssembly, fields: Sequence[str], after: str) -> tuple[Spill, int, str]:
        """Raises StaleCursorError where what the cursor speaks of is gone, or holds other fields."""
        try:
            name, partition, behind = json.loads(after)
            spill = open_spill(self.folder, name, self.keys.data) if name.startswith(_label(assembly)) else None
        except (ValueError, TypeError, AttributeError):
            spill = None
        if spill is None or spill.told["fields"] != list(fields):
            raise StaleCursorError("assembly.spill_lost", object=assembly.object.name)
        return spill, partition, behind

    def _gathered(
        self, assembly: CompiledAssembly, fields: Sequence[str], size: int
    ) -> tuple[Spill, tuple[Finding, ...]]:
        """Read all contributors. What an earlier reading left behind is thrown away."""
        drop_spills(self.folder, _label(assembly))
        records = sum(self.inner.count(each.object.name) for each in assembly.contributors.values())
        partitions = min(MOST_PARTITIONS, max(1, -(-records // size)))
        spill = Spill(self.folder, _label(assembly) + secrets.token_hex(8), self.keys.data)
        parting = _Parting(spill, partitions, HELD_CHUNKS * size, self.keys.digest)
        findings: list[Finding] = []
        done = 0
        for name, own in assembly.needs(fields).items():
            contributor = assembly.contributors[name]
            counts: Counter[str] = Counter()
            for chunk in self.parts.read(contributor.object.name, contributor.reads(own), size=size):
                gathered = contributor.gather(chunk, own)
                parting.put(name, gathered)
                counts += Counter(
                    read=len(chunk), left_out=gathered.left_out, keyless=gathered.keyless, untold=gathered.untold
                )
                done += len(chunk)
                self.heard(assembly.file.name, done)
            findings += _counted(assembly, name, counts)
        parting.flush()
        spill.seal({"partitions": partitions, "fields": list(fields)})
        return spill, tuple(findings)


@dataclass
class _Parting:
    """Rows on their way into the partitions of a spill, some of them at a time."""

    spill: Spill
    partitions: int
    most: int
    digest_key: bytes
    waiting: list[tuple[int, str, pa.Table]] = field(default_factory=list)
    rows: int = 0

    def put(self, name: str, gathered: Gathered) -> None:
        table = gathered.table
        if not len(table):
            return
        keys = table.column(ASSEMBLED_KEY).combine_chunks()
        places = (field_digests([keys], self.digest_key)[:, 0] % np.uint64(self.partitions)).astype(np.int64)
        order = np.argsort(places, kind="stable")
        table, places = table.take(pa.array(order)), places[order]
        ends = np.append(np.flatnonzero(np.diff(places)) + 1, len(places))
        begin = 0
        for end in ends.tolist():
            self.waiting.append((int(places[begin]), name, table.slice(begin, end - begin)))
            begin = end
        self.rows += len(table)
        if self.rows >= self.most:
            self.flush()

    def flush(self) -> None:
        alike: dict[tuple[int, str], list[pa.Table]] = {}
        for place, name, table in self.waiting:
            alike.setdefault((place, name), []).append(table)
        for (place, name), tables in alike.items():
            for each in _joined(tables):
                self.spill.put(place, name, each)
        self.waiting, self.rows = [], 0


def _joined(tables: Sequence[pa.Table]) -> list[pa.Table]:
    """As few tables as the kinds of their columns allow."""
    if all(each.schema == tables[0].schema for each in tables):
        return [pa.concat_tables(tables).combine_chunks()]
    return list(tables)


def _pieces(whole: AssembledChunk, behind: str, size: int) -> Iterator[AssembledChunk]:
    """Chunks of at most `size` records, those behind that key; each with what was noticed of its records."""
    first = sum(key <= behind for key in whole.keys) if behind else 0
    for start in range(first, len(whole), size):
        keys = whole.keys[start : start + size]
        mine = set(keys)
        yield replace(
            whole,
            frame=whole.frame.iloc[start : start + size].reset_index(drop=True),
            keys=keys,
            findings=tuple(each for each in whole.findings if each.key in mine),
            made_of={name: own[start : start + size] for name, own in whole.made_of.items()},
        )


def _counted(assembly: CompiledAssembly, name: str, counts: Mapping[str, int]) -> list[Finding]:
    """How many records a contributor gave; and how many cannot be put together with any."""
    file, described = assembly.file, assembly.contributors[name].object.name
    line = file.line("assemble", "contributors", name)
    told: dict[str, str | int] = {"contributor": name, "count": counts["read"], "left_out": counts["left_out"]}
    place = {"object": described, "mapping": file.name, "file": file.file, "line": line}
    findings = [Finding("assembly.read", Severity.INFO, told, **place)]  # type: ignore[arg-type]
    for code, number in (("assembly.no_key", counts["keyless"]), ("assembly.where_untold", counts["untold"])):
        if number:
            lacking: dict[str, str | int] = {"contributor": name, "count": number}
            findings.append(Finding(code, Severity.WARNS, lacking, **place))  # type: ignore[arg-type]
    return findings


def _label(assembly: CompiledAssembly) -> str:
    return hashlib.sha256(assembly.object.name.encode()).hexdigest()[:12] + "-"


def elsewhere(source: Connector, folder: Path) -> Connector:
    """The same source, spilling into another folder."""
    if isinstance(source, AssembledSource):
        other = replace(source, folder=folder)
        other.parts = source.parts
        return other
    if layer_of(source, AssembledSource) is None:
        return source
    around: Any = copy(source)
    around.inner = elsewhere(around.inner, folder)
    return cast(Connector, around)
