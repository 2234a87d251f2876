"""Percentages become plain numbers, exactly: `12.5%` is `0.125`, or `12.5` where percent are wanted; `‰` likewise.

plain: what a number without a sign means, for nobody can tell by looking at `0.5`. becomes: what the target keeps.
Full width becomes half width. Anything else (`about 5%`, `5-10%`) stays as it is and will be a misfit.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from ...connectors.stored import plain_decimal
from ..examples import Examples
from ..spelling.partly import each_distinct

EXAMPLES: Examples = [
    ({"plain": "percent"}, "12.5%", "0.125"),
    ({"plain": "percent"}, "12.5", "0.125"),
    ({"plain": "fraction"}, "0.125", "0.125"),
    ({"plain": "percent", "becomes": "percent"}, "１２．５０ ％", "12.5"),
    ({"plain": "fraction", "becomes": "percent"}, "0.125", "12.5"),
    ({"plain": "percent"}, "3‰", "0.003"),
    ({"plain": "percent"}, "百分之五", "百分之五"),
    ({"plain": "percent"}, None, None),
]

_NUMBER = re.compile(r"\s*([+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30}))\s*([%‰]?)\s*")
_PLACES = {"%": -2, "‰": -3}
_EXACT = Context(prec=100)


def transform(
    column: pa.StringArray,
    *,
    plain: Literal["percent", "fraction"],
    becomes: Literal["fraction", "percent"] = "fraction",
) -> pa.StringArray:
    unsigned = -2 if plain == "percent" else 0
    up = 2 if becomes == "percent" else 0

    def read(text: str) -> str | None:
        found = _NUMBER.fullmatch(text)
        if found is None:
            return None
        return plain_decimal(Decimal(found[1]).scaleb(_PLACES.get(found[2], unsigned) + up, _EXACT))

    return pc.coalesce(each_distinct(pc.utf8_normalize(column, form="NFKC"), read), column)
