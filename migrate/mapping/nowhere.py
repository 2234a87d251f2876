"""Nowhere to move to: what a set of mappings would make, with nothing there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd
import pyarrow as pa

from ...connectors.cell import Cell
from ...connectors.chunk import Chunk
from ..loading.rehearsal import Rehearsal


class Nowhere(Rehearsal):
    """A target of the same make in which there is nothing."""

    def read(
        self, object_name: str, fields: Sequence[str], *, after: str | None = None, size: int = 20_000
    ) -> Iterator[Chunk]:
        yield from ()

    def count(self, object_name: str) -> int:
        return 0

    def find(
        self, object_name: str, by: Sequence[str], values: Sequence[tuple[Cell, ...]], fields: Sequence[str]
    ) -> Chunk:
        kind = pd.ArrowDtype(pa.string())
        return Chunk(object_name, pd.DataFrame({name: pd.Series([], dtype=kind) for name in fields}), [])

    def our_keys(self, object_name: str) -> Iterator[list[tuple[str, str]]]:
        yield from ()
