"""A chunk that was put together from several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...connectors.chunk import Chunk
from ...connectors.finding import Finding


@dataclass(frozen=True, slots=True, eq=False)
class AssembledChunk(Chunk):
    """findings: what was noticed on the way; one that HOLDS names the key of a record that waits. made_of: contributor
    -> its own key of each row's record, None where it has none."""

    findings: tuple[Finding, ...] = ()
    made_of: Mapping[str, list[str | None]] = field(default_factory=dict)
