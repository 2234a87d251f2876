"""Cut after so many characters. What stands behind them is lost, because the mapping says so."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ..examples import Examples

EXAMPLES: Examples = [
    ({"length": 3}, "沈阳安康医院", "沈阳安"),
    ({"length": 3}, "ab", "ab"),
    ({"length": 3}, None, None),
]


def transform(column: pa.StringArray, *, length: int) -> pa.StringArray:
    if length < 1:
        raise ValueError("length must be at least 1")
    return pc.utf8_slice_codeunits(column, 0, length)
