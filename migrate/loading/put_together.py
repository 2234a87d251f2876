"""What comes with records that were put together: what was noticed on the way, who waits for it, and what each of them
is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...connectors.chunk import Chunk
from ...connectors.finding import Finding, Severity
from ...mappings.assembly.chunk import AssembledChunk
from ...mappings.compile import CompiledMapping
from ...mappings.language import Contributor
from ...mappings.mapped import MappedChunk
from ...runs.ledger import contributions
from ...runs.ledger.contributions import Contribution
from ...runs.ledger.records import Parked
from ..session import Session

MISSING = "assembly.required_missing"


@dataclass(frozen=True, slots=True)
class PutTogether:
    """What is to be noted of a chunk. held: its records that wait, by row of the mapped chunk."""

    findings: Sequence[Finding] = ()
    held: Mapping[int, Parked] = field(default_factory=dict)


def put_together(session: Session, mapping: CompiledMapping, chunk: Chunk, mapped: MappedChunk) -> PutTogether:
    """Note what the records of this chunk are made of, and tell what is to be noted with them. Of what `where` leaves
    out nothing is told, but for what was left out because it lacks a part."""
    if not isinstance(chunk, AssembledChunk):
        return PutTogether()
    if mapping.mapping_file.model.assemble is not None:
        _keep(session, mapping, chunk, mapped)
    left_out = set(mapped.filtered_keys)
    told = (each for each in chunk.findings if each.key not in left_out or each.code == MISSING)
    findings = [replace(each, mapping=mapping.name) for each in told]
    codes = {each.key: each.code for each in reversed(findings) if each.severity is Severity.HOLDS}
    held = {
        row: Parked(mapped.our_keys[row], key, "held", codes[key])
        for row, key in enumerate(mapped.source_keys)
        if key in codes
    }
    return PutTogether(findings, held)


def _keep(session: Session, mapping: CompiledMapping, chunk: AssembledChunk, mapped: MappedChunk) -> None:
    objects = {name: each.from_ for name, each in _spec(mapping).items()}
    place = {key: row for row, key in enumerate(chunk.keys)}
    made = {
        our_key: [
            Contribution(our_key, name, objects[name], key)
            for name, own in chunk.made_of.items()
            if (key := own[place[source_key]]) is not None
        ]
        for our_key, source_key in zip(mapped.our_keys, mapped.source_keys, strict=True)
    }
    if made:
        with session.ledger.transaction():
            contributions.keep(session.ledger, mapping.target.name, made)


def _spec(mapping: CompiledMapping) -> dict[str, Contributor]:
    assemble = mapping.mapping_file.model.assemble
    return {} if assemble is None else assemble.contributors
