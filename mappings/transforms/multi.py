"""A cell with several choices, brought to the target's form: split, spaces taken off, each one once, joined again.

separators: what parts the choices in the source. separator: what parts them in the target. map: what becomes of a
choice; two may become the same. unknown: a choice that the map does not have is kept as it is, for the target to
judge, or dropped. sort: in the order of their characters instead of that of the cell. Empty choices are left out.
"""

from __future__ import annotations

import re
from typing import Literal

import pyarrow as pa

from ..examples import Examples
from ..spelling.partly import each_distinct

EXAMPLES: Examples = [
    ({}, "体检，口腔、体检 | 眼科", "体检;口腔;眼科"),
    ({"separator": "; ", "sort": True}, "b,a", "a; b"),
    ({"map": {"体检": "checkup", "口腔": "dental", "牙科": "dental"}}, "体检;口腔;牙科", "checkup;dental"),
    ({"map": {"体检": "checkup"}}, "体检;眼科", "checkup;眼科"),
    ({"map": {"体检": "checkup"}, "unknown": "drop"}, "体检;眼科", "checkup"),
    ({"separators": ["/"]}, "A,B/C", "A,B;C"),
    ({}, " ; ", ""),
    ({}, None, None),
]

SEPARATORS = [";", "；", ",", "，", "、", "|", "\n"]


def transform(
    column: pa.StringArray,
    *,
    separators: list[str] = SEPARATORS,
    separator: str = ";",
    map: dict[str, str] = {},  # noqa: A002, B006 - the word that the mapping says; never written to
    unknown: Literal["keep", "drop"] = "keep",
    sort: bool = False,
) -> pa.StringArray:
    if not separators or not all(separators) or not separator:
        raise ValueError("separators must not be empty")
    if any(not choice or separator in choice for choice in map.values()):
        raise ValueError("a choice of the target must not be empty or hold the separator")
    if unknown == "drop" and not map:
        raise ValueError("without a map everything would be dropped")
    parts = re.compile("|".join(re.escape(each) for each in sorted(separators, key=len, reverse=True)))

    def rejoined(text: str) -> str:
        choices = [choice for part in parts.split(text) if (choice := part.strip())]
        if map:
            choices = [map.get(each, each) for each in choices if unknown == "keep" or each in map]
        once = dict.fromkeys(choices)
        return separator.join(sorted(once) if sort else once)

    return each_distinct(column, rejoined)
