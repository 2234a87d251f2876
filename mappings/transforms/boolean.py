"""Yes and no as people write them become `true` and `false`, whatever their capitals, width and spaces around.

yes, no: the spellings, where they are others. Any other text stays as it is and will be a misfit. A letter `x` is
neither by itself: in one system it ticks a box, in another it crosses it out.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from ..examples import Examples

EXAMPLES: Examples = [
    ({}, "是", "true"),
    ({}, " N ", "false"),
    ({}, "√", "true"),
    ({}, "×", "false"),
    ({}, "无", "false"),
    ({}, "ＹＥＳ", "true"),
    ({"yes": ["启用", "x"], "no": ["停用", ""]}, "停用", "false"),
    ({"yes": ["启用", "x"], "no": ["停用", ""]}, " ", "false"),
    ({}, "也许", "也许"),
    ({}, None, None),
]

YES: Final = ["是", "有", "对", "真", "√", "✓", "✔", "☑", "y", "yes", "true", "t", "1", "on"]
NO: Final = ["否", "无", "错", "假", "没有", "不是", "×", "✗", "✘", "☐", "n", "no", "false", "f", "0", "off"]


def transform(column: pa.StringArray, *, yes: list[str] = YES, no: list[str] = NO) -> pa.StringArray:
    said, denied = _folded(pa.array(yes, pa.string())), _folded(pa.array(no, pa.string()))
    if pc.any(pc.is_in(said, value_set=denied), min_count=0).as_py():
        raise ValueError("the same spelling cannot be yes and no")
    text = _folded(column)
    true, false = pc.is_in(text, value_set=said), pc.is_in(text, value_set=denied)
    return pc.if_else(true, "true", pc.if_else(false, "false", column))


def inverse(*, yes: list[str] = YES, no: list[str] = NO) -> dict[str, str] | None:
    """Where there is one spelling each, that is what it was."""
    return {yes[0]: "true", no[0]: "false"} if len(yes) == len(no) == 1 else None


def _folded(text: pa.StringArray) -> pa.StringArray:
    return pc.utf8_lower(pc.utf8_trim_whitespace(pc.utf8_normalize(text, form="NFKC")))
