"""The project's corrections: read from `corrections/*.csv`, and laid over everything that is read from the source."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

from ..connectors.cell import Cell, canonical_value
from ..connectors.chunk import Chunk
from ..connectors.errors import InputError
from ..connectors.finding import Finding, Severity
from ..connectors.forwarding import Forwarding, layer_of
from ..connectors.port import KEY, Connector
from ..connectors.schema import ObjectSchema, Schema
from ..mappings.compile import CompiledMapping
from ..mappings.corrections import (
    Correction,
    ZoneOf,
    by_object,
    check_corrections,
    comparable,
    correct,
    read_corrections,
)
from ..mappings.strict_csv import NotUtf8Error, decoded
from .fingerprint import arrow_column, joined
from .session import Session
from .sources.assembled import AssembledSource

FOLDER = "corrections"
SUFFIX = ".csv"


def load_corrections(folder: Path) -> list[Correction]:
    """Every correction of the folder's `*.csv`, by file name. Raises InputError `correction.invalid` with every line
    that is wrong."""
    read: list[Correction] = []
    wrong: list[Finding] = []
    for path in sorted(folder.glob("*")):
        if path.suffix.lower() != SUFFIX or not path.is_file():
            continue
        shown = f"{folder.name}/{path.name}"
        try:
            text = decoded(path.read_bytes())
        except NotUtf8Error as error:
            wrong.append(Finding("correction.not_utf8", Severity.BLOCKS, file=shown, line=error.line))
            continue
        except OSError as error:
            told: dict[str, str | int] = {"reason": error.strerror or "?"}
            wrong.append(Finding("correction.unreadable", Severity.BLOCKS, told, file=shown))
            continue
        corrections, problems = read_corrections(text, shown)
        read += corrections
        wrong += problems
    if wrong:
        raise InputError("correction.invalid", tuple(wrong), folder=f"{folder.name}/", count=len(wrong))
    return read


def take_corrections(session: Session, mappings: Mapping[str, CompiledMapping]) -> tuple[str, list[Finding]]:
    """Let every read of the session's source go through the project's corrections. Returns a keyed digest of what they
    change, empty where there are none, and what was noticed of them. Raises as `load_corrections`."""
    corrections = load_corrections(session.project.folder / FOLDER)
    if not corrections:
        return "", []
    used: dict[str, set[str]] = defaultdict(set)
    for mapping in mappings.values():
        for name, fields in _reads(session.source, mapping).items():
            used[name] |= fields
    people = session.project.spec.people
    if people is not None:
        used[people.source.object] |= set(people.source.fields)
        if people.departments is not None and (source := people.departments.source) is not None:
            used[source.object] |= set(source.fields)
    found = check_corrections(corrections, session.source_schema, used, session.project.environment.zone_of)
    findings = sorted(found, key=lambda each: (each.file or "", each.line or 0))
    together = layer_of(session.source, AssembledSource)
    session.source = corrected = Corrected(
        uncorrected(session.source), session.source_schema, corrections, session.project.environment.zone_of
    )
    if together is not None:
        together.parts = corrected.over(together.inner)
    says = sorted("\0".join((each.object, each.key, each.field, each.old, each.new)) for each in corrections)
    return hashlib.blake2b("\n".join(says).encode(), key=session.keys.digest, digest_size=16).hexdigest(), findings


def lapsed_corrections(session: Session, mapping: CompiledMapping, *, whole: bool) -> list[Finding]:
    """The corrections of cells that no longer hold, of the records that this mapping has read: of its own object, of
    what is put together and of children that are folded. whole: all of the object was read, so that a record that was
    not seen is asked for, and told where the source has none."""
    source = layer_of(session.source, Corrected)
    if source is None:
        return []
    reads = _reads(session.source, mapping).items()
    found = [finding for name, fields in reads for finding in source.told(name, fields, whole=whole)]
    return [replace(each, mapping=mapping.name) for each in found]


def _reads(source: Connector, mapping: CompiledMapping) -> dict[str, set[str]]:
    """Source object -> the fields of it that this mapping reads, by itself or for what it puts together and folds."""
    reads = {mapping.source.name: set(mapping.source_fields)}
    for fold in mapping.folds:
        reads[mapping.source.name].update(fold.named_by)
        reads.setdefault(fold.child.name, set()).update(fold.reads)
    together = layer_of(source, AssembledSource)
    parts = together.reads(mapping.source.name, mapping.source_fields) if together is not None else {}
    for name, fields in parts.items():
        reads.setdefault(name, set()).update(fields)
    return reads


def corrections_of(session: Session, object_name: str, key: str) -> list[tuple[Correction, bool | None]]:
    """The corrections of one record, each with whether it holds; None where its field has not been read."""
    source = layer_of(session.source, Corrected)
    return source.of_record(object_name, key) if source is not None else []


def uncorrected(source: Connector) -> Connector:
    """The source as it is."""
    corrected = layer_of(source, Corrected)
    return source if corrected is None else corrected.inner


class Corrected(Forwarding):
    """A source of which every read comes corrected."""

    def __init__(self, inner: Connector, schema: Schema, corrections: Sequence[Correction], zone: ZoneOf) -> None:
        super().__init__(inner)
        self._schema, self._zone = schema, zone
        self._all = by_object(corrections)
        self._looked: dict[Correction, bool] = {}
        self._told: set[Correction] = set()

    def read(
        self, object_name: str, fields: Sequence[str], *, after: str | None = None, size: int = 20_000
    ) -> Iterator[Chunk]:
        for chunk in self.inner.read(object_name, fields, after=after, size=size):
            yield self._correct(chunk)

    def find(
        self, object_name: str, by: Sequence[str], values: Sequence[tuple[Cell, ...]], fields: Sequence[str]
    ) -> Chunk:
        """By the corrected cells too: a record is found by what its field has become, not by what it was."""
        moved = {key for name in by for key in self._all.get(object_name, {}).get(name, {})}
        if not moved:
            return self._correct(self.inner.find(object_name, by, values, fields))
        read = tuple(dict.fromkeys([*fields, *by]))
        found = self._correct(self.inner.find(object_name, by, values, read))
        pieces = [found, *self._by_key(object_name, sorted(moved - set(found.keys)), read)]
        chunk = joined(object_name, read, pieces)
        described = self._schema.objects[object_name]
        meets = _meets(chunk, described, by, values, self._zone(object_name))
        rows = [row for row, met in enumerate(meets) if met]
        frame = chunk.frame.loc[:, list(fields)].iloc[rows].reset_index(drop=True)
        ours = [chunk.our_keys[row] for row in rows] if chunk.our_keys else []
        return replace(chunk, frame=frame, keys=[chunk.keys[row] for row in rows], our_keys=ours)

    def over(self, inner: Connector) -> Corrected:
        """The same over another connector. What is seen by one of them is known to both."""
        other = copy(self)
        other.inner = inner
        return other

    def told(self, object_name: str, fields: Collection[str], *, whole: bool) -> list[Finding]:
        """See `lapsed_corrections`."""
        mine = self._all.get(object_name, {})
        concerned = [each for name, by_key in mine.items() if name in fields for each in by_key.values()]
        unseen = sorted({each.key for each in concerned if each not in self._looked})
        if whole and unseen:
            for _ in self._by_key(object_name, unseen, sorted({each.field for each in concerned})):
                pass
        codes = {False: "correction.lapsed", None: "correction.no_record"}
        findings = []
        for each in concerned:
            holds = self._looked.get(each)
            if each not in self._told and (holds is False or (holds is None and whole)):
                self._told.add(each)  # by the first mapping of its object that reads the field
                findings.append(each.found(codes[holds], Severity.WARNS))
        return findings

    def of_record(self, object_name: str, key: str) -> list[tuple[Correction, bool | None]]:
        """See `corrections_of`."""
        mine = self._all.get(object_name, {}).values()
        return [(by_key[key], self._looked.get(by_key[key])) for by_key in mine if key in by_key]

    def _correct(self, chunk: Chunk) -> Chunk:
        mine = self._all.get(chunk.object)
        if not mine:
            return chunk
        corrected, looked = correct(chunk, self._schema.objects[chunk.object], mine, self._zone(chunk.object))
        self._looked |= looked
        return corrected

    def _by_key(self, object_name: str, keys: Sequence[str], fields: Sequence[str]) -> Iterator[Chunk]:
        size = self.capabilities.find_size
        for start in range(0, len(keys), size):
            wanted = [(key,) for key in keys[start : start + size]]
            yield self._correct(self.inner.find(object_name, (KEY,), wanted, fields))


def _meets(
    chunk: Chunk,
    described: ObjectSchema,
    by: Sequence[str],
    values: Sequence[tuple[Cell, ...]],
    zone: ZoneInfo | None,
) -> list[bool]:
    """Whether each record's cells of the `by` fields are those of one of the values."""
    fields = [found for name in by if (found := described.field(name))]
    columns = [comparable(arrow_column(chunk.frame, each.name), each, zone).to_pylist() for each in fields]
    wanted = {tuple(map(canonical_value, cells, fields)) for cells in values}
    return [cells in wanted for cells in zip(*columns, strict=True)]
