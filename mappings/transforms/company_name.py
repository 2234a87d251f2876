"""A company's name written one way: half width, round brackets, single spaces, none between Chinese characters.

Names that differ only in these become equal. Nothing is taken away from the name itself, no legal form and no branch.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ..examples import Examples
from ..partly import where_matching

EXAMPLES: Examples = [
    ({}, "沈阳安康（集团）有限公司 ", "沈阳安康(集团)有限公司"),
    ({}, "沈阳 安康【集团】有限公司", "沈阳安康(集团)有限公司"),
    ({}, "ＡＢＣ  Medical ( Asia )  Ltd", "ABC Medical (Asia) Ltd"),
    ({}, None, None),
]

_OPENING = "[【〔〈《{"
_CLOSING = "]】〕〉》}"
_HAN = r"\p{Han}"
_GAP = rf"([{_HAN})]) ([{_HAN}(])"


def transform(column: pa.StringArray) -> pa.StringArray:
    text = pc.utf8_normalize(column, form="NFKC")
    for opening, closing in zip(_OPENING, _CLOSING, strict=True):
        text = pc.replace_substring(pc.replace_substring(text, opening, "("), closing, ")")
    return where_matching(text, r"[\s\pZ]", _spaced)


def _spaced(text: pa.StringArray) -> pa.StringArray:
    text = pc.utf8_trim_whitespace(pc.replace_substring_regex(text, r"[\s\pZ]+", " "))
    text = pc.replace_substring(pc.replace_substring(text, "( ", "("), " )", ")")
    for _ in range(2):  # one pass cannot see a character as the end of one pair and the start of the next
        text = pc.replace_substring_regex(text, _GAP, r"\1\2")
    return text
