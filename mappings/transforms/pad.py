"""Filled up to a width, on the left or on the right; longer cells stay as they are."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from ..examples import Examples

EXAMPLES: Examples = [
    ({"width": 6}, "42", "000042"),
    ({"width": 4, "fill": "*", "side": "right"}, "沈阳", "沈阳**"),
    ({"width": 2}, "12345", "12345"),
    ({"width": 6}, None, None),
]


def transform(
    column: pa.StringArray, *, width: int, fill: str = "0", side: Literal["left", "right"] = "left"
) -> pa.StringArray:
    if len(fill) != 1:
        raise ValueError("fill must be one character")
    if not 1 <= width <= 10_000:
        raise ValueError("width must be between 1 and 10000")
    pad = pc.utf8_lpad if side == "left" else pc.utf8_rpad
    return pad(column, width=width, padding=fill)
