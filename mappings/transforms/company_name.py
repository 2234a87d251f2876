"""A company's name written one way: half width, round brackets, single spaces, none between Chinese characters.

Names that differ only in these become equal. Nothing is taken away from the name itself, no legal form and no branch.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

EXAMPLES = [
    ({}, "沈阳安康（集团）有限公司 ", "沈阳安康(集团)有限公司"),
    ({}, "沈阳 安康【集团】有限公司", "沈阳安康(集团)有限公司"),
    ({}, "ＡＢＣ  Medical ( Asia )  Ltd", "ABC Medical (Asia) Ltd"),
    ({}, None, None),
]

_HAN = r"[\p{Han}]"


def transform(column: pa.StringArray) -> pa.StringArray:
    text = pc.utf8_normalize(column, form="NFKC")
    text = pc.replace_substring_regex(text, r"[\[【〔〈《{]", "(")
    text = pc.replace_substring_regex(text, r"[\]】〕〉》}]", ")")
    text = pc.utf8_trim_whitespace(pc.replace_substring_regex(text, r"[\s\pZ]+", " "))
    text = pc.replace_substring_regex(pc.replace_substring_regex(text, r"\( ", "("), r" \)", ")")
    for _ in range(2):  # one pass cannot see a character as the end of one pair and the start of the next
        text = pc.replace_substring_regex(text, rf"({_HAN}|\)) ({_HAN}|\()", r"\1\2")
    return text
