from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pyarrow as pa
import pytest
from changeover.connectors.cell import arrow_type
from changeover.connectors.schema import Field
from changeover.mappings.mapped import MappedChunk, Misfit


class MemorySeenValues:
    """The index of unique values as two dictionaries: value -> our key, and our key -> value."""

    def __init__(self) -> None:
        self.holders: dict[tuple[str, str, str], str] = {}
        self.held: dict[tuple[str, str, str], str] = {}

    def claim(self, object_name: str, field: str, texts: list[str], our_keys: list[str]) -> list[str | None]:
        answers: list[str | None] = []
        for text, our_key in zip(texts, our_keys, strict=True):
            holder = self.holders.get((object_name, field, text))
            if holder is None:
                self.release(object_name, field, [our_key])
                self.holders[object_name, field, text] = our_key
                self.held[object_name, field, our_key] = text
            answers.append(None if holder == our_key else holder)
        return answers

    def release(self, object_name: str, field: str, our_keys: list[str]) -> None:
        for our_key in our_keys:
            text = self.held.pop((object_name, field, our_key), None)
            if text is not None:
                del self.holders[object_name, field, text]


@pytest.fixture
def seen() -> MemorySeenValues:
    return MemorySeenValues()


@pytest.fixture
def mapped():
    """A mapped chunk of target fields and their cells: `mapped({Field: [cells]}, misfits=[...])`."""

    def make(columns: dict[Field, list[object]], misfits: Sequence[Misfit] = (), start: int = 0) -> MappedChunk:
        arrays = {each.name: pa.array(cells, arrow_type(each)) for each, cells in columns.items()}
        size = len(next(iter(arrays.values())))
        return MappedChunk(
            mapping="bill",
            branch="",
            source_object="t_bill",
            target_object="statement",
            frame=pd.DataFrame(
                {name: pd.Series(array, dtype=pd.ArrowDtype(array.type)) for name, array in arrays.items()}
            ),
            source_keys=[f"B{number}" for number in range(start, start + size)],
            our_keys=[f"old:t_bill:B{number}" for number in range(start, start + size)],
            misfits=list(misfits),
        )

    return make
