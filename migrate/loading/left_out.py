"""Records that an earlier run moved and that `where` leaves out now: told, and left in the target as they are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ...connectors.chunk import Chunk
from ...connectors.finding import Finding, Severity
from ...mappings.compile import CompiledMapping
from ...mappings.mapped import MappedChunk, make_our_key
from ...mappings.untaken import Unmet
from ...runs.ledger import records
from ..session import Session
from .stub_records import stubs_among

CODE = "where.left_out"


def left_out(session: Session, mapping: CompiledMapping, chunk: Chunk, mapped: MappedChunk) -> list[Finding]:
    """One finding a record, at the first line of `where` that it does not meet any more."""
    return [_finding(mapping, line, key) for key, line in _left_out(session, mapping, chunk, mapped)]


@dataclass
class Noted:
    """What a comparison tells of both. left: line of `where` -> records that it leaves out now. untaken: as of a
    chunk."""

    left: Counter[Unmet] = field(default_factory=Counter)
    untaken: int = 0

    def see(self, session: Session, mapping: CompiledMapping, chunk: Chunk, mapped: MappedChunk) -> None:
        self.untaken += mapped.untaken
        self.left.update(line for _, line in _left_out(session, mapping, chunk, mapped))

    def findings(self, mapping: CompiledMapping) -> list[Finding]:
        """One for each line, telling how many."""
        left = [_finding(mapping, line, count=number) for line, number in self.left.items()]
        return [*left, *untaken(mapping, self.untaken)]


def _left_out(session: Session, mapping: CompiledMapping, chunk: Chunk, mapped: MappedChunk) -> list[tuple[str, Unmet]]:
    """Source keys of what is left out and lies in the target. What else than `where` leaves out is told elsewhere."""
    filtered = mapped.filtered_keys
    if not filtered:
        return []
    ours = {make_our_key(mapping.system, mapping.source.name, key, mapping.branch): key for key in filtered}
    found = records.lookup(session.ledger, mapping.target.name, list(ours))
    there = {our_key for our_key, row in found.items() if row.target_key is not None and row.state != "gone"}
    keys = {ours[our_key] for our_key in there - stubs_among(session, mapping, found.values())}
    rows = [row for row, key in enumerate(chunk.keys) if key in keys]
    unmet = zip(rows, mapping.unmet(chunk, rows) if rows else (), strict=True)
    return [(chunk.keys[row], line) for row, line in unmet if line is not None]


def _finding(mapping: CompiledMapping, unmet: Unmet, key: str | None = None, **params: int) -> Finding:
    return Finding(
        CODE,
        Severity.WARNS,
        {"condition": unmet.fields, **params},
        object=mapping.source.name,
        key=key,
        mapping=mapping.name,
        file=mapping.file,
        line=mapping.mapping_file.line("where", *unmet.place),
    )


def untaken(mapping: CompiledMapping, number: int) -> list[Finding]:
    """How many records of the file no branch of it takes: one finding of the whole mapping, where there are any."""
    if not number:
        return []
    file = mapping.mapping_file
    return [
        Finding(
            "branches.untaken",
            Severity.WARNS,
            {"count": number},
            object=mapping.source.name,
            mapping=file.model.mapping,
            file=file.file,
            line=file.line("branches"),
        )
    ]
