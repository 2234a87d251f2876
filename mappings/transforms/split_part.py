"""One part of a text with separators, counted from 1, or from the end with -1; null where there are not so many."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ..examples import Examples

EXAMPLES: Examples = [
    ({"separator": "/", "part": 2}, "辽宁/沈阳/和平", "沈阳"),
    ({"separator": "/", "part": -1}, "辽宁/沈阳/和平", "和平"),
    ({"separator": "/", "part": 4}, "辽宁/沈阳", None),
    ({"separator": "/", "part": -3}, "辽宁/沈阳", None),
    ({"separator": "/", "part": 1}, "", ""),
    ({"separator": "/", "part": 1}, None, None),
]


def transform(column: pa.StringArray, *, separator: str, part: int) -> pa.StringArray:
    if not separator:
        raise ValueError("separator must not be empty")
    if part == 0:
        raise ValueError("part is counted from 1, or from -1 at the end")
    parts = pc.split_pattern(column, pattern=separator)
    counts = pc.list_value_length(parts)
    place = pc.add(counts, part) if part < 0 else pa.array([part - 1] * len(column), pa.int32())
    there = pc.and_(pc.greater_equal(place, 0), pc.less(place, counts))
    return parts.flatten().take(pc.if_else(there, pc.add(parts.offsets[:-1], place), pa.scalar(None, pa.int32())))
