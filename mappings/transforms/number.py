"""Numbers as people write them become plain ones: `￥1,234.50`, `1 234,50 €`, `１２元`.

Full width becomes half width; a currency sign (`¥ $ € £ 元 圆 RMB CNY USD EUR`) at either end, and the thousands
separator where it parts groups of three digits, are taken off. decimal: the sign before the decimals, `.` or `,`;
the other of the two is the thousands separator, and so are spaces and apostrophes. Anything else (`1,23`, `10万`,
`12%`) stays as it is and will be a misfit.
"""

from __future__ import annotations

from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from ..examples import Examples
from ..spelling.partly import where_matching

EXAMPLES: Examples = [
    ({}, "￥1,234.50", "1234.50"),
    ({}, "１２元", "12"),
    ({}, "-1 234.5", "-1234.5"),
    ({"decimal": ","}, "1.234,50 €", "1234.50"),
    ({}, "1,23", "1,23"),
    ({}, "10万", "10万"),
    ({}, None, None),
]

_CURRENCY = r"(?:[¥$€£元圆]|(?i:RMB|CNY|USD|EUR))"
_SIGNED = rf"(?:[+-]?\s*{_CURRENCY}?|{_CURRENCY}\s*[+-]?)"


def transform(column: pa.StringArray, *, decimal: Literal[".", ","] = ".") -> pa.StringArray:
    point, comma = (r"\.", ",") if decimal == "." else (",", r"\.")
    grouped = rf"(?:\d+|\d{{1,3}}(?:{comma}\d{{3}})+|\d{{1,3}}(?:[' ]\d{{3}})+)(?:{point}\d+)?"
    text = pc.utf8_normalize(column, form="NFKC")
    readable = pc.fill_null(pc.match_substring_regex(text, rf"^\s*{_SIGNED}\s*{grouped}\s*{_CURRENCY}?\s*$"), False)
    plain = where_matching(text, r"[^\d.+-]", lambda cells: _bare(cells, decimal))
    return pc.if_else(readable, plain, column)


def _bare(text: pa.StringArray, decimal: str) -> pa.StringArray:
    """Digits, signs and the decimal point; of cells that are no number, whatever is left."""
    text = pc.replace_substring_regex(text, rf"[^\d{decimal}+-]+", "")
    return text if decimal == "." else pc.replace_substring(text, ",", ".")
