"""Province, city or district of a Chinese address, by their full official names; where it does not say surely, null.

part: `province`, `city`, `district`; `code`, the six digits of GB/T 2260 for the smallest of them that is sure;
`rest`, what stands behind them. Short names (内蒙古, 沈阳) and missing levels are filled in where only one place
can be meant. The city of a municipality is itself (北京市); a county under a province alone (仙桃市) is a city;
Dongguan and the like have no districts. A road called after a place (`北京东路`) is no place.
"""

from __future__ import annotations

from typing import Literal

import pyarrow as pa

from ..examples import Examples
from ..spelling.divisions import Place, locate
from ..spelling.partly import each_distinct

EXAMPLES: Examples = [
    ({"part": "province"}, "沈阳市和平区南京北街1号", "辽宁省"),
    ({"part": "city"}, "辽宁沈阳和平区南京北街1号", "沈阳市"),
    ({"part": "district"}, "辽宁省沈阳市和平区南京北街1号", "和平区"),
    ({"part": "rest"}, "辽宁省 沈阳市 和平区 南京北街1号", "南京北街1号"),
    ({"part": "code"}, "辽宁省沈阳市和平区", "210102"),
    ({"part": "city"}, "北京朝阳区建国路", "北京市"),
    ({"part": "province"}, "内蒙古呼和浩特", "内蒙古自治区"),
    ({"part": "district"}, "朝阳区建国路", "朝阳区"),
    ({"part": "city"}, "朝阳区建国路", None),
    ({"part": "city"}, "湖北仙桃市干河街道", "仙桃市"),
    ({"part": "province"}, "北京东路100号", None),
    ({"part": "rest"}, "北京东路100号", "北京东路100号"),
    ({"part": "city"}, None, None),
]


def transform(
    column: pa.StringArray, *, part: Literal["province", "city", "district", "code", "rest"]
) -> pa.StringArray:
    def told(address: str) -> str | None:
        place: Place = locate(address)
        found: str | None = getattr(place, part)
        return found

    return each_distinct(column, told)
