"""Swap our keys of parents for the target's keys of them, and tell who must wait."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ...connectors.cell import Cell, cells_of
from ...mappings.compile import CompiledMapping
from ...mappings.mapped import MappedChunk
from ...runs.ledger import records
from ..fingerprint import Marks, arrow_column
from ..session import Session


@dataclass
class Resolved:
    """The references of a chunk. target_keys: field -> the parent's key in the target, a row each, None where the
    cell is empty or the parent is not there. missing: field -> rows whose parent is not there. parents: field -> our
    keys."""

    target_keys: dict[str, list[str | None]] = field(default_factory=dict)
    missing: dict[str, Marks] = field(default_factory=dict)
    parents: dict[str, list[str | None]] = field(default_factory=dict)

    def missed(self, row: int, name: str) -> str:
        """Our key of the parent that this reference misses there."""
        return self.parents[name][row] or ""


def resolve(session: Session, mapping: CompiledMapping, mapped: MappedChunk, rows: Sequence[int]) -> Resolved:
    """Look the parents of these rows up in the crosswalk."""
    result = Resolved()
    asked = np.zeros(len(mapped), dtype=bool)
    asked[list(rows)] = True
    for name in mapping.references:
        parents = arrow_column(mapped.frame, name).to_pylist()
        wanted = {parent for row in rows if (parent := parents[row]) is not None}
        there: dict[str, str] = {}
        for maker, keys in mapping.by_maker(name, wanted).items():
            there |= records.target_keys(session.ledger, session.mappings[maker].target.name, keys)
        result.parents[name] = parents
        result.target_keys[name] = [None if parent is None else there.get(parent) for parent in parents]
        has_parent = np.array([parent is not None for parent in parents], dtype=bool)
        found = np.array([key is not None for key in result.target_keys[name]], dtype=bool)
        result.missing[name] = asked & has_parent & ~found
    return result


def come_later(mapping: CompiledMapping, mapped: MappedChunk, cut: Mapping[str, Collection[str]]) -> dict[str, Marks]:
    """Field of `cut` -> rows whose parent one of these mappings makes."""
    later: dict[str, Marks] = {}
    for name, makers in cut.items():
        later[name] = np.zeros(len(mapped), dtype=bool)
        for maker, mine in mapping.made_by(name, arrow_column(mapped.frame, name)):
            if maker in makers:
                later[name] |= mine.to_numpy(zero_copy_only=False)
    return later


def cells_to_send(
    mapping: CompiledMapping, mapped: MappedChunk, resolved: Resolved, rows: Sequence[int]
) -> list[dict[str, Cell]]:
    """The cells of these rows, target field -> cell, references as the target's keys; no field that is never
    written."""
    names = [each.name for each in mapping.target_fields if each.name not in mapping.unwritten]
    columns = []
    for name in names:
        if name in resolved.target_keys:
            keys = resolved.target_keys[name]
            columns.append([keys[row] for row in rows])
        else:
            columns.append(cells_of(arrow_column(mapped.frame, name).take(np.asarray(rows, dtype=np.int64))))
    if not names:
        return [{} for _ in rows]
    return [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)]
