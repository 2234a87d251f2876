"""Cut to a length. keep: `start` is what fits; `rest` is what does not, for another field; null where all fits.

counting: what the target counts: `characters`, or bytes of `utf8` or `gbk` (a character that GBK does not have
counts four, as in GB18030), or the units of `utf16`. No character is cut in two. mark: stands at the end of a cut
text and counts too; where the rest goes into another field, both rules need the same mark. What is not kept
anywhere is lost, because the mapping says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from ..examples import Examples

EXAMPLES: Examples = [
    ({"length": 3}, "沈阳安康医院", "沈阳安"),
    ({"length": 3}, "ab", "ab"),
    ({"length": 3, "keep": "rest"}, "沈阳安康医院", "康医院"),
    ({"length": 3, "keep": "rest"}, "ab", None),
    ({"length": 4, "mark": "…"}, "沈阳安康医院", "沈阳安…"),
    ({"length": 4, "mark": "…", "keep": "rest"}, "沈阳安康医院", "康医院"),
    ({"length": 8, "counting": "utf8"}, "沈阳安康", "沈阳"),
    ({"length": 5, "counting": "gbk"}, "沈阳安康", "沈阳"),
    ({"length": 3, "counting": "utf16"}, "a👍👍", "a👍"),
    ({"length": 3}, None, None),
]

_ENCODINGS = {"utf8": "utf-8", "gbk": "gb18030", "utf16": "utf-16-le"}
_NULL = pa.scalar(None, pa.string())


def transform(
    column: pa.StringArray,
    *,
    length: int,
    counting: Literal["characters", "utf8", "gbk", "utf16"] = "characters",
    keep: Literal["start", "rest"] = "start",
    mark: str = "",
) -> pa.StringArray:
    if length < 1:
        raise ValueError("length must be at least 1")
    measure = _measure(counting)
    room = length - sum(map(measure, mark))
    if room < 1:
        raise ValueError("mark leaves no room for the text")
    long = _longer(column, length, counting)
    if keep == "start" and counting == "characters" and not mark:
        return pc.utf8_slice_codeunits(column, 0, length)
    whole = column if keep == "start" else pc.if_else(column.is_valid(), _NULL, column)
    if not pc.any(long, min_count=0).as_py():
        return whole
    cut = []
    for text in column.filter(long).to_pylist():
        fits = _fitting(text, room, measure)
        cut.append(text[:fits] + mark if keep == "start" else text[fits:])
    return pc.replace_with_mask(whole, long, pa.array(cut, pa.string()))


def _measure(counting: str) -> Callable[[str], int]:
    """What one character counts."""
    if counting == "characters":
        return lambda _character: 1
    encoding, unit = _ENCODINGS[counting], 2 if counting == "utf16" else 1
    return lambda character: len(character.encode(encoding)) // unit


def _longer(column: pa.StringArray, length: int, counting: str) -> pa.BooleanArray:
    """Which cells are longer than the length; none that is null."""
    if counting == "characters":
        sizes = pc.utf8_length(column)
    elif counting == "utf8":
        sizes = pc.binary_length(column)
    else:
        # a character counts four at most: short cells need no counting
        measure, sizes = _measure(counting), pc.utf8_length(column)
        doubtful = pc.fill_null(pc.greater(pc.multiply(sizes, 4), length), False)
        if pc.any(doubtful, min_count=0).as_py():
            counted = [sum(map(measure, text)) for text in column.filter(doubtful).to_pylist()]
            sizes = pc.replace_with_mask(sizes, doubtful, pa.array(counted, pa.int32()))
    return pc.fill_null(pc.greater(sizes, length), False)


def _fitting(text: str, room: int, measure: Callable[[str], int]) -> int:
    """How many characters of the text have room."""
    for place, character in enumerate(text):
        room -= measure(character)
        if room < 0:
            return place
    return len(text)
