"""Fields set into a text: `{1}` is the first field of `from`, `{2}` the second, and so on.

parts: the pieces of the text in their order. A piece that names a field is left out where one of its fields is null
or empty; where all such pieces are left out, the result is null. Nothing else in a piece has a meaning.
"""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from ..examples import Examples

EXAMPLES: Examples = [
    ({"parts": ["{1}", " ({2})"]}, ("安康医院", "沈阳"), "安康医院 (沈阳)"),
    ({"parts": ["{1}", " ({2})"]}, ("安康医院", None), "安康医院"),
    ({"parts": ["原编号 {2}/{1}"]}, ("7", "LN"), "原编号 LN/7"),
    ({"parts": ["原编号 {2}/{1}"]}, ("7", ""), None),
    ({"parts": ["编号 {1}"]}, "7", "编号 7"),
    ({"parts": ["{1}", " ({2})"]}, (None, None), None),
]

_HOLE = re.compile(r"\{([1-9][0-9]?)\}")
_NULL = pa.scalar(None, pa.string())


def transform(first: pa.StringArray, *others: pa.StringArray, parts: list[str]) -> pa.StringArray:
    columns = [first, *others]
    named = {int(hole) for part in parts for hole in _HOLE.findall(part)}
    if not named:
        raise ValueError("parts must name a field: {1}, {2} ...")
    if max(named) > len(columns):
        raise ValueError(f"parts name field {max(named)}, and there are {len(columns)}")
    if named != set(range(1, len(columns) + 1)):
        missing = min(set(range(1, len(columns) + 1)) - named)
        raise ValueError(f"parts do not name field {missing}")
    held = [pc.if_else(pc.equal(column, ""), _NULL, column) for column in columns]
    result = pa.repeat("", len(columns[0]))
    anything = pa.repeat(False, len(columns[0]))
    for part in parts:
        piece = _filled(part, held)
        if piece is None:
            result = pc.binary_join_element_wise(result, part, "")
        else:
            anything = pc.or_(anything, piece.is_valid())
            result = pc.binary_join_element_wise(result, pc.fill_null(piece, ""), "")
    return pc.if_else(anything, result, _NULL)


def _filled(part: str, columns: list[pa.StringArray]) -> pa.StringArray | None:
    """The piece with its holes filled; None where it has none."""
    pieces = _HOLE.split(part)  # text and number in turn
    if len(pieces) == 1:
        return None
    filled = [columns[int(piece) - 1] if odd % 2 else pa.scalar(piece) for odd, piece in enumerate(pieces)]
    return pc.binary_join_element_wise(*filled, "")
