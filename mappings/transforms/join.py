"""Several fields as one text, with a separator between those that hold something; null where none does.

The mapping names them in order: `{from: [province, city], transform: {join: {separator: " "}}}`.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ..examples import Examples

EXAMPLES: Examples = [
    ({"separator": " "}, ("辽宁", "沈阳"), "辽宁 沈阳"),
    ({"separator": "-"}, ("a", None, "c"), "a-c"),
    ({"separator": "-"}, ("a", "", "c"), "a-c"),
    ({}, (None, None), None),
]


def transform(*columns: pa.StringArray, separator: str = "") -> pa.StringArray:
    joined = _held(columns[0])
    for column in columns[1:]:
        other = _held(column)
        # Arrow's own way of leaving out nulls loses rows where all are null
        joined = pc.coalesce(pc.binary_join_element_wise(joined, other, separator), joined, other)
    return joined


def _held(column: pa.StringArray) -> pa.StringArray:
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
