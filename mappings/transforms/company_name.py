"""A company's name written one way: half width, round brackets, single spaces, none between Chinese characters.

Names that differ only in these become equal. strip: what else is taken away, for comparing rather than for keeping:
`form`, the legal form at the end (有限公司, 股份有限公司, 有限责任公司, 公司, 有限合伙, Co., Ltd., Inc., LLC, GmbH
...; 集团 and a branch, 分公司, belong to the name), and `brackets` with what stands in them. Companies of one group
may differ in just that. Where nothing would be left, nothing is taken.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ..examples import Examples
from ..spelling.partly import where_matching

EXAMPLES: Examples = [
    ({}, "沈阳安康（集团）有限公司 ", "沈阳安康(集团)有限公司"),
    ({}, "沈阳 安康【集团】有限公司", "沈阳安康(集团)有限公司"),
    ({}, "ＡＢＣ  Medical ( Asia )  Ltd", "ABC Medical (Asia) Ltd"),
    ({"strip": ["form"]}, "沈阳安康集团股份有限公司", "沈阳安康集团"),
    ({"strip": ["form"]}, "ABC Medical Co.,Ltd.", "ABC Medical"),
    ({"strip": ["form"]}, "沈阳安康有限公司大连分公司", "沈阳安康有限公司大连分公司"),
    ({"strip": ["form", "brackets"]}, "安康（中国）有限公司", "安康"),
    ({"strip": ["form"]}, "有限公司", "有限公司"),
    ({}, None, None),
]

_OPENING = "[【〔〈《{"
_CLOSING = "]】〕〉》}"
_HAN = r"\p{Han}"
_GAP = rf"([{_HAN}]) ([{_HAN}(])"
_CHINESE_FORM = r"(?:合伙企业)?\((?:有限|普通|特殊普通)合伙\)|(?:股份)?有限(?:责任)?公司|股份公司|合伙企业|个人独资企业"
_WORDS = (
    r"company,? limited|co\.?,? ?ltd\.?|pte\.?,? ltd\.?|pty\.?,? ltd\.?|limited|ltd\.?|incorporated|inc\.?|corporation|"
    r"corp\.?|company|co\.|l\.?l\.?c\.?|l\.?l\.?p\.?|p\.?l\.?c\.?|gmbh|ag|s\.a\.|b\.v\.|s\.r\.l\."
)
_FORM = rf"(?:{_CHINESE_FORM})$|(?:[ ,]|, )(?i:{_WORDS})$"
_PLAIN_COMPANY = r"([^分总子])公司$"
_BRACKETED = r" ?\([^()]*\)"
_STRIPPED = ("form", "brackets")


def transform(column: pa.StringArray, *, strip: list[str] = []) -> pa.StringArray:  # noqa: B006 - never written to
    if not set(strip) <= set(_STRIPPED):
        raise ValueError("strip takes `form` and `brackets`")
    text = _written_one_way(column)
    less = text
    if "form" in strip:
        less = _without_form(less)
    if "brackets" in strip:
        less = pc.replace_substring_regex(less, _BRACKETED, "")
        less = _without_form(less) if "form" in strip else less
    return (
        pc.if_else(pc.equal(pc.utf8_trim_whitespace(less), ""), text, pc.utf8_trim_whitespace(less)) if strip else text
    )


def _written_one_way(column: pa.StringArray) -> pa.StringArray:
    text = where_matching(pc.utf8_normalize(column, form="NFKC"), rf"[\{_OPENING}\{_CLOSING}]", _round)
    return where_matching(text, r"[\s\pZ]", _spaced)


def _round(text: pa.StringArray) -> pa.StringArray:
    for opening, closing in zip(_OPENING, _CLOSING, strict=True):
        text = pc.replace_substring(pc.replace_substring(text, opening, "("), closing, ")")
    return text


def _without_form(text: pa.StringArray) -> pa.StringArray:
    bare = pc.replace_substring_regex(text, _FORM, "")
    return pc.utf8_rtrim(pc.replace_substring_regex(bare, _PLAIN_COMPANY, r"\1"), " ,")


def _spaced(text: pa.StringArray) -> pa.StringArray:
    text = pc.utf8_trim_whitespace(pc.replace_substring_regex(text, r"[\s\pZ]+", " "))
    text = pc.replace_substring(pc.replace_substring(text, "( ", "("), " )", ")")
    for _ in range(2):  # one pass cannot see a character as the end of one pair and the start of the next
        text = pc.replace_substring_regex(text, _GAP, r"\1\2")
    return text
