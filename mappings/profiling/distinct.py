"""How many different cells a column has, and which occur most, in memory that does not grow with the records."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

BOUND: Final = 10_000
"""Up to so many different cells are counted exactly; of more, estimated to about 1 / sqrt(BOUND)."""
CANDIDATES: Final = 1_000
_LONGEST: Final = 200
_HASHES: Final = 2.0**64


class Distinct:
    """The smallest hashes of all cells seen. While there are fewer than BOUND they are all of them; then the largest of
    those kept tells how thickly hashes lie, and so how many there are."""

    def __init__(self) -> None:
        self._smallest = np.empty(0, dtype=np.uint64)
        self._more = False

    def take(self, different: pa.StringArray) -> None:
        """Cells of one chunk, each once."""
        cells = different.to_numpy(zero_copy_only=False)
        hashes = pd.util.hash_array(cells, categorize=False)
        if self._more:
            hashes = hashes[hashes <= self._smallest[-1]]
        merged = np.union1d(self._smallest, hashes)
        self._more = self._more or len(merged) > BOUND
        self._smallest = merged[:BOUND]

    @property
    def exact(self) -> bool:
        return not self._more

    def count(self) -> int:
        if not self._more:
            return len(self._smallest)
        return round((BOUND - 1) / (float(self._smallest[-1]) / _HASHES))


class Frequent:
    """The most frequent cells with their counts. What falls out of the candidates may come back, so that a count may be
    too low by `_dropped` at most; a cell that is not surely more frequent than that is not told."""

    def __init__(self) -> None:
        self._table = _counted(pa.array([], pa.string()), pa.array([], pa.int64()))
        self._dropped = 0

    def take(self, different: pa.StringArray, counts: pa.Int64Array) -> None:
        cut = pc.utf8_slice_codeunits(different, 0, _LONGEST)
        both = pa.concat_tables([self._table, _counted(cut, counts)])
        summed = both.group_by("cell").aggregate([("count", "sum")]).rename_columns(["cell", "count"])
        if summed.num_rows > CANDIDATES:
            summed = summed.sort_by([("count", "descending"), ("cell", "ascending")])
            self._dropped += summed["count"][CANDIDATES].as_py()
            summed = summed.slice(0, CANDIDATES)
        self._table = summed.combine_chunks()

    def top(self, most: int) -> tuple[tuple[str, int], ...]:
        """The `most` most frequent cells that occur more than once, the most frequent first."""
        told = self._table.filter(pc.greater(self._table["count"], max(self._dropped, 1)))
        told = told.sort_by([("count", "descending"), ("cell", "ascending")]).slice(0, most)
        return tuple(zip(told["cell"].to_pylist(), told["count"].to_pylist(), strict=True))

    def all(self) -> tuple[str, ...] | None:
        """Every different cell, the most frequent first; None where there are too many."""
        if self._dropped:
            return None
        table = self._table.sort_by([("count", "descending"), ("cell", "ascending")])
        return tuple(table["cell"].to_pylist())


def _counted(cells: pa.StringArray, counts: pa.Int64Array) -> pa.Table:
    return pa.table({"cell": cells, "count": counts})
