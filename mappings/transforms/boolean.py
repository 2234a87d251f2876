"""Yes and no as people write them become `true` and `false`, capitals or not, spaces around them or not.

yes, no: the spellings. Any other text stays as it is and will be a misfit.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from ..examples import Examples

EXAMPLES: Examples = [
    ({}, "是", "true"),
    ({}, " N ", "false"),
    ({"yes": ["启用"], "no": ["停用"]}, "停用", "false"),
    ({}, "也许", "也许"),
    ({}, None, None),
]

YES: Final = ["是", "y", "yes", "true", "t", "1", "on"]
NO: Final = ["否", "n", "no", "false", "f", "0", "off"]


def transform(column: pa.StringArray, *, yes: list[str] = YES, no: list[str] = NO) -> pa.StringArray:
    text = _folded(column)
    true = pc.is_in(text, value_set=_folded(pa.array(yes, pa.string())))
    false = pc.is_in(text, value_set=_folded(pa.array(no, pa.string())))
    if pc.any(pc.is_in(_folded(pa.array(yes, pa.string())), value_set=_folded(pa.array(no, pa.string())))).as_py():
        raise ValueError("the same spelling cannot be yes and no")
    return pc.if_else(true, "true", pc.if_else(false, "false", column))


def inverse(*, yes: list[str] = YES, no: list[str] = NO) -> dict[str, str] | None:
    """Where there is one spelling each, that is what it was."""
    return {yes[0]: "true", no[0]: "false"} if len(yes) == len(no) == 1 else None


def _folded(text: pa.StringArray) -> pa.StringArray:
    return pc.utf8_lower(pc.utf8_trim_whitespace(text))
