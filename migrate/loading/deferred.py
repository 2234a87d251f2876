"""Rows of a run that wait: for a parent of the same object, or for a second operation that fills a cut reference.

They lie encrypted in the stage, a piece a source chunk, so that memory stays flat and a killed run finds them again.
Which pieces count is told by the run's progress alone, in the transaction that counts their records: a piece is never
changed, a new one takes its place, and what the ledger does not name is swept away.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import pandas as pd

from ...connectors.errors import DecisionError
from ...connectors.finding import Finding
from ...mappings.compile import CompiledMapping
from ...mappings.mapped import MappedChunk
from ...runs.ledger import runlog
from ..fingerprint import arrow_column
from ..session import Session
from .loaded import Loaded


@dataclass(frozen=True, slots=True)
class Piece:
    """Waiting rows of one source chunk, as they were mapped."""

    name: str
    mapped: MappedChunk
    findings: Sequence[Finding] = ()


class Deferred:
    """The waiting rows of one mapping in one run. names: of the pieces, to be kept with the run's progress."""

    def __init__(self, session: Session, run_id: int, mapping: CompiledMapping, names: Sequence[str] = ()) -> None:
        self._session = session
        self._mapping = mapping
        label = hashlib.sha256(mapping.name.encode()).hexdigest()[:12]
        self._prefix = f"{run_id}-{label}-"
        self.names = list(names)
        self._over = [each for each in session.stage.names() if each.startswith(self._prefix) and each not in names]
        self.sweep()

    def put(self, mapped: MappedChunk, loaded: Loaded) -> None:
        """Keep what of a chunk just loaded waits."""
        self._keep("wait", mapped, loaded.deferred)
        self._keep("fill", mapped, loaded.cut)

    def replace(self, name: str, mapped: MappedChunk, loaded: Loaded) -> None:
        """Keep of a waiting piece what waits still, and what was cut just now."""
        if len(loaded.deferred) < len(mapped):
            self.drop(name)
            self.put(mapped, loaded)

    def waiting(self) -> Iterator[Piece]:
        return self._pieces("wait-")

    def cut(self) -> Iterator[Piece]:
        return self._pieces("fill-")

    def drop(self, name: str) -> None:
        """The piece is done with; it stays in the stage until the ledger has said so."""
        self.names.remove(name)
        self._over.append(name)

    def sweep(self) -> None:
        """Once the progress is committed: throw away what it names no longer."""
        for name in self._over:
            self._session.stage.drop(name)
        self._over.clear()

    def break_cycles(self) -> dict[str, set[str]]:
        """Our key -> references to leave empty, one record for each true cycle among the rows that wait. Rows that only
        wait behind a cycle, or for a parent that is not there at all, are not among them."""
        edges: dict[str, dict[str, str]] = {}
        same = [name for name, makers in self._mapping.references.items() if self._mapping.name in makers]
        for piece in self.waiting():
            for name in same:
                parents = arrow_column(piece.mapped.frame, name).to_pylist()
                for our_key, parent in zip(piece.mapped.our_keys, parents, strict=True):
                    if parent is not None:
                        edges.setdefault(our_key, {})[name] = parent
        cut: dict[str, set[str]] = {}
        later = {field.name for field in self._mapping.target_fields if not field.required and field.changeable}
        for members in _cycles({key: set(fields.values()) for key, fields in edges.items()}):
            first = min(members)
            fields = {name for name, parent in edges[first].items() if parent in members and name in later}
            if fields:
                cut[first] = fields
        return cut

    def _keep(self, kind: str, mapped: MappedChunk, rows: Sequence[int]) -> None:
        if not rows:
            return
        frame = mapped.frame.iloc[list(rows)].reset_index(drop=True)
        keys = [[mapped.source_keys[row], mapped.our_keys[row]] for row in rows]
        content = hashlib.sha256("\n".join(our_key for _, our_key in keys).encode()).hexdigest()[:32]
        name = f"{self._prefix}{kind}-{content}"
        waiting = [place for place, row in enumerate(rows) if row in mapped.waiting]
        self._session.stage.put(name, frame, {"keys": keys, "waiting": waiting})
        self.names.append(name)

    def _pieces(self, kind: str) -> Iterator[Piece]:
        for name in [each for each in self.names if each.startswith(self._prefix + kind)]:
            frame, extra = self._session.stage.take(name)
            keys, waiting = cast("list[list[str]]", extra["keys"]), cast("list[int]", extra.get("waiting", []))
            yield Piece(name, self._mapped(frame, keys, waiting))

    def _mapped(self, frame: pd.DataFrame, keys: Sequence[Sequence[str]], waiting: Sequence[int]) -> MappedChunk:
        """keys: source key and our key, a row each. waiting: as a chunk has it."""
        mapping = self._mapping
        return MappedChunk(
            mapping=mapping.name,
            branch=mapping.branch,
            source_object=mapping.source.name,
            target_object=mapping.target.name,
            frame=frame,
            source_keys=[pair[0] for pair in keys],
            our_keys=[pair[1] for pair in keys],
            read=len(keys),
            waiting=frozenset(waiting),
        )


def all_staged(session: Session, run_id: int) -> bool:
    """Whether every piece that this run left waiting can still be opened. What cannot has to be read again."""
    names = [name for each in runlog.progress_of(session.ledger, run_id).values() for name in each.pieces]
    try:
        for name in names:
            session.stage.take(name)
    except DecisionError:
        return False
    return True


def _cycles(parents: dict[str, set[str]]) -> list[set[str]]:
    """The strongly connected groups of two or more records, and records that are their own parent."""
    number = {key: place for place, key in enumerate(sorted(parents))}
    pairs = [(number[key], number[parent]) for key, up in parents.items() for parent in up if parent in number]
    if not pairs:
        return []
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    here, there = np.array(pairs).T
    graph = coo_array((np.ones(len(pairs)), (here, there)), shape=(len(number), len(number)))
    _, labels = connected_components(graph, directed=True, connection="strong")
    groups: dict[int, set[str]] = {}
    for key, place in number.items():
        groups.setdefault(int(labels[place]), set()).add(key)
    return [
        members
        for members in groups.values()
        if len(members) > 1 or next(iter(members)) in parents[next(iter(members))]
    ]
