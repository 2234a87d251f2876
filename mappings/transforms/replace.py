"""Every occurrence of one text replaced by another, letter by letter; no patterns."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ..examples import Examples

EXAMPLES: Examples = [
    ({"old": "-", "new": ""}, "024-2390-0001", "02423900001"),
    ({"old": ".", "new": "。"}, "好.", "好。"),
    ({"old": "x", "new": "y"}, None, None),
]


def transform(column: pa.StringArray, *, old: str, new: str) -> pa.StringArray:
    if not old:
        raise ValueError("old must not be empty")
    return pc.replace_substring(column, pattern=old, replacement=new)
