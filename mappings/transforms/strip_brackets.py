"""Brackets are taken out together with what stands in them, half width and full width alike; `()（）[]【】〔〕<>《》`.

Brackets in brackets go too, innermost first, three levels deep; a bracket without its partner stays.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ..examples import Examples

EXAMPLES: Examples = [
    ({}, "沈阳安康（总部）医院 [旧]", "沈阳安康医院 "),
    ({}, "a(b(c)d)e", "ae"),
    ({}, "a(b", "a(b"),
    ({}, None, None),
]

_PAIRS = "|".join(
    (
        r"[(（][^()（）]*[)）]",
        r"\[[^\[\]]*\]",
        r"【[^【】]*】",
        r"〔[^〔〕]*〕",
        r"<[^<>]*>",
        r"《[^《》]*》",
    )
)
_DEPTH = 3


def transform(column: pa.StringArray) -> pa.StringArray:
    for _ in range(_DEPTH):
        column = pc.replace_substring_regex(column, _PAIRS, "")
    return column
