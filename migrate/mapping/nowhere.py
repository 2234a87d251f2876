"""Nowhere to move to: what a set of mappings would make of a target, with nothing of ours there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import pandas as pd
import pyarrow as pa

from ...connectors.cell import Cell, text_of
from ...connectors.change import Batch, ChangeKind, Outcome
from ...connectors.chunk import Chunk
from ...connectors.port import KEY, OUR_KEY, Connector
from ...connectors.schema import Schema
from ...runs.ledger import records
from ...runs.ledger.store import Ledger
from ..loading.rehearsal import UNBORN, Rehearsal


class Nowhere(Rehearsal):
    """A target of the same make in which only others' records are. They are found by what they hold, so that they may
    be adopted; from then on they are known by a key of the dry run alone, as what it creates is. ledger: the dry
    run's."""

    def __init__(self, target: Connector, schema: Schema, ledger: Ledger) -> None:
        super().__init__(target)
        self._schema, self._ledger = schema, ledger

    def read(
        self, object_name: str, fields: Sequence[str], *, after: str | None = None, size: int = 20_000
    ) -> Iterator[Chunk]:
        yield from ()

    def count(self, object_name: str) -> int:
        return 0

    def find(
        self, object_name: str, by: Sequence[str], values: Sequence[tuple[Cell, ...]], fields: Sequence[str]
    ) -> Chunk:
        if by[0] in (KEY, OUR_KEY):
            kind = pd.ArrowDtype(pa.string())
            return Chunk(object_name, pd.DataFrame({name: pd.Series([], dtype=kind) for name in fields}), [])
        found = super().find(object_name, by, [tuple(map(_there, cells)) for cells in values], fields)
        adopted = self._adopted(object_name, found.keys)
        known = found.our_keys or [None] * len(found)
        ours = [adopted.get(key, own) for key, own in zip(found.keys, known, strict=True)]
        return replace(found, frame=self._referring(object_name, found.frame), our_keys=ours)

    def _referring(self, object_name: str, frame: pd.DataFrame) -> pd.DataFrame:
        """The same, references to what was adopted by the dry run's keys of it."""
        for each in self._schema.objects[object_name].fields:
            if each.name not in frame or not each.references:
                continue
            keys = text_of(frame[each.name]).to_pylist()
            adopted = {key for name in each.references for key in self._adopted(name, keys)}
            if adopted:
                known = pa.array([UNBORN + key if key in adopted else key for key in keys], pa.string())
                frame = frame.assign(**{each.name: pd.Series(pd.arrays.ArrowExtensionArray(known), index=frame.index)})
        return frame

    def _adopted(self, object_name: str, keys: Iterable[str | None]) -> dict[str, str]:
        """Those of these target keys that the dry run has adopted, and our keys of them."""
        wanted = {UNBORN + key: key for key in keys if key is not None}
        found = records.our_keys(self._ledger, object_name, list(wanted))
        return {wanted[name]: our_key for name, our_key in found.items()}

    def write(self, batch: Batch) -> list[Outcome]:
        adopted = {each.our_key: each.target_key for each in batch.changes if each.kind is ChangeKind.ADOPT}
        return [
            replace(each, target_key=f"{UNBORN}{adopted[each.our_key]}") if each.our_key in adopted else each
            for each in super().write(batch)
        ]

    def our_keys(self, object_name: str) -> Iterator[list[tuple[str, str]]]:
        yield from ()


def _there(cell: Cell) -> Cell:
    """A parent's key in the target, where the dry run has adopted it."""
    return cell.removeprefix(UNBORN) if isinstance(cell, str) else cell
