"""Records that an earlier run moved and that `where` leaves out now: told, and left in the target as they are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ...connectors.chunk import Chunk
from ...connectors.finding import Finding, Severity
from ...mappings.compile import CompiledMapping
from ...mappings.mapped import MappedChunk, make_our_key
from ...runs.ledger import records
from ..session import Session

CODE = "where.left_out"


def left_out(session: Session, mapping: CompiledMapping, chunk: Chunk, mapped: MappedChunk) -> list[Finding]:
    """One finding a record, at the first condition that it does not meet any more."""
    filtered = mapped.filtered_keys
    if not filtered:
        return []
    ours = {make_our_key(mapping.system, mapping.source.name, key, mapping.branch): key for key in filtered}
    there = records.target_keys(session.ledger, mapping.target.name, list(ours))
    return _told(mapping, chunk, {ours[our_key] for our_key in there}) if there else []


@dataclass
class Noted:
    """What a comparison tells of both: left: condition -> records that it leaves out now. untaken: as of a chunk."""

    left: Counter[str] = field(default_factory=Counter)
    untaken: int = 0

    def see(self, session: Session, mapping: CompiledMapping, chunk: Chunk, mapped: MappedChunk) -> None:
        self.untaken += mapped.untaken
        self.left.update(str(each.params["condition"]) for each in left_out(session, mapping, chunk, mapped))

    def findings(self, mapping: CompiledMapping) -> list[Finding]:
        """One for each condition, telling how many."""
        left = [_finding(mapping, condition, count=number) for condition, number in self.left.items()]
        return [*left, *untaken(mapping, self.untaken)]


def _told(mapping: CompiledMapping, chunk: Chunk, keys: set[str]) -> list[Finding]:
    rows = [row for row, key in enumerate(chunk.keys) if key in keys]
    return [
        _finding(mapping, condition, chunk.keys[row])
        for row, condition in zip(rows, mapping.unmet(chunk, rows), strict=True)
    ]


def _finding(mapping: CompiledMapping, condition: str, key: str | None = None, **params: int) -> Finding:
    return Finding(
        CODE,
        Severity.WARNS,
        {"condition": condition, **params},
        object=mapping.source.name,
        key=key,
        mapping=mapping.name,
        file=mapping.file,
        line=mapping.mapping_file.line("where", condition),
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
