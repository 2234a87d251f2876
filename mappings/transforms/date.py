"""Dates and times in the given formats become `YYYY-MM-DD` or `YYYY-MM-DD hh:mm:ss`; the first that fits counts.

Formats are made of `%Y %m %d %H %M %S %f` and of letters that stand for themselves. Month, day and hour may lack
their leading zero. Three formats have a name: `chinese` (`2024年3月1日`, `二〇二四年三月一日`, both also with a
time such as `下午3时05分`), and the serial numbers of Excel, `excel` (1 is 1900-01-01) and `excel1904`, to the
millisecond. A text that fits none, or names a day that does not exist, stays as it is and will be a misfit.
"""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from ...connectors.casting import LOCAL_TEXT
from ..examples import Examples
from ..spelling.date_words import chinese_date, excel_date
from ..spelling.partly import each_distinct

EXAMPLES: Examples = [
    ({"formats": ["%Y/%m/%d", "%Y年%m月%d日"]}, "2023年2月8日", "2023-02-08"),
    ({"formats": ["%d.%m.%Y %H:%M"]}, "31.12.2023 9:05", "2023-12-31 09:05:00"),
    ({"formats": ["%Y%m%d"]}, "20230208", "2023-02-08"),
    ({"formats": ["chinese"]}, "二〇二四年三月一日", "2024-03-01"),
    ({"formats": ["chinese"]}, "2024年3月1日 下午3时05分", "2024-03-01 15:05:00"),
    ({"formats": ["%Y-%m-%d", "excel"]}, "45352", "2024-03-01"),
    ({"formats": ["excel"]}, "45352.75", "2024-03-01 18:00:00"),
    ({"formats": ["excel1904"]}, "43890", "2024-03-01"),
    ({"formats": ["%Y/%m/%d"]}, "2023/02/30", "2023/02/30"),
    ({"formats": ["%Y/%m/%d"]}, "soon", "soon"),
    ({"formats": ["%Y/%m/%d"]}, None, None),
]

_PARTS = {
    "Y": r"(?P<Y>\d{4})",
    "m": r"(?P<m>\d{1,2})",
    "d": r"(?P<d>\d{1,2})",
    "H": r"(?P<H>\d{1,2})",
    "M": r"(?P<M>\d{2})",
    "S": r"(?P<S>\d{2})",
    "f": r"(?P<f>\d{1,6})",
}
_NAMED = {
    "chinese": chinese_date,
    "excel": lambda text: excel_date(text, from_1904=False),
    "excel1904": lambda text: excel_date(text, from_1904=True),
}
_DIRECTIVE = re.compile(r"%(.)")


def transform(column: pa.StringArray, *, formats: list[str]) -> pa.StringArray:
    if not formats:
        raise ValueError("formats must name at least one format")
    nothing = pa.scalar(None, pa.string())
    result = pa.nulls(len(column), pa.string())
    trimmed = pc.utf8_trim_whitespace(column)
    for layout in formats:
        if layout in _NAMED:
            spelled = each_distinct(trimmed, _NAMED[layout])
        else:
            spelled = _spelled(pc.extract_regex(trimmed, _pattern(layout)))
        real = pc.if_else(pc.match_substring_regex(spelled, LOCAL_TEXT), spelled, nothing)
        result = pc.coalesce(result, real)
    return pc.coalesce(result, column)


def _pattern(layout: str) -> str:
    named = _DIRECTIVE.findall(layout)
    if len(set(named)) != len(named) or not set("Ymd") <= set(named) <= set(_PARTS):
        raise ValueError("a format needs %Y, %m and %d once each and may have %H, %M, %S and %f")
    told = set(named) & set("HMSf")
    if told not in (set(), set("HM"), set("HMS"), set("HMSf")):
        raise ValueError("a format with a time needs %H and %M, and %S before %f")
    pieces = _DIRECTIVE.split(layout)  # text and directive in turn
    return "^" + "".join(_PARTS[piece] if odd % 2 else re.escape(piece) for odd, piece in enumerate(pieces)) + "$"


def _spelled(parts: pa.StructArray) -> pa.StringArray:
    """The groups that the pattern found as one ISO text."""
    names = {field.name for field in parts.type}

    def part(name: str) -> pa.StringArray:
        return pc.utf8_lpad(pc.struct_field(parts, name), width=2, padding="0")

    text = pc.binary_join_element_wise(part("Y"), part("m"), part("d"), "-")
    if "H" in names:
        seconds = part("S") if "S" in names else "00"
        clock = pc.binary_join_element_wise(part("H"), part("M"), seconds, ":")
        text = pc.binary_join_element_wise(text, clock, " ")
    if "f" in names:
        text = pc.binary_join_element_wise(text, pc.struct_field(parts, "f"), ".")
    return text
