"""What the cells of a column look like: told from different cells of each chunk, weighed by how often they occur."""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from ..transforms.boolean import NO, YES
from .profile import Kind

JUDGED: Final = 500
"""Different cells of a chunk that are looked at."""
SURE: Final = 0.9
"""A column is of a kind where at least this share of its records is."""
MOST_CHOICES: Final = 60
_REPEATS: Final = 4
_LONGEST_CHOICE: Final = 60

_DAY: Final = r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}"
_COMPACT_DAY: Final = r"(19|20)\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])"
_MOBILE: Final = r"1[3-9]\d{9}|1[3-9]\d[- ]\d{4}[- ]\d{4}"
_AREA: Final = r"\(0?\d{2,4}\)[\d -]{6,12}|（0?\d{2,4}）[\d -]{6,12}|0\d{2,3}[- ]?\d{7,8}"
_SEPARATED: Final = r"\d{3,4}[- ]\d{3,4}[- ]?\d{3,4}"
_EXTENSION: Final = r"(\s*(转|ext\.?|x|-)\s*\d{1,6})?"
_PATTERNS: Final = (
    (Kind.EMAIL, r"^\s*[^@\s]+@[^@\s]+\.[^@\s.]{2,}\s*$"),
    (Kind.URL, r"(?i)^\s*(https?://|www\.)\S+\s*$"),
    (Kind.HTML, r"(?i)<(p|br|div|span|b|i|u|ul|ol|li|table|a|font|strong|em|h[1-6])\b[^>]*>|&(nbsp|lt|gt|amp);"),
    (Kind.DATE, rf"^\s*({_DAY}|{_COMPACT_DAY})([ T]+\d{{1,2}}:\d{{2}}.*)?\s*$"),
    (Kind.PHONE, rf"^\s*(\+\d[\d ().-]{{6,18}}|{_AREA}|{_MOBILE}|{_SEPARATED}){_EXTENSION}\s*$"),
    (Kind.NUMBER, r"^\s*[¥￥$€]?\s*[-+]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?\s*(元|万元|万|%)?\s*$"),
)


class Kinds:
    """Counts of one text column."""

    def __init__(self) -> None:
        self._judged = 0
        self._found: dict[Kind, int] = dict.fromkeys((kind for kind, _ in _PATTERNS), 0)

    def take(self, different: pa.StringArray, counts: pa.Int64Array) -> None:
        cells, weights = different.slice(0, JUDGED), counts.slice(0, JUDGED)
        self._judged += _sum(weights)
        for kind, pattern in _PATTERNS:
            if not len(cells):
                return
            fits = pc.match_substring_regex(cells, pattern)
            self._found[kind] += _sum(weights.filter(fits))
            rest = pc.invert(fits)
            cells, weights = cells.filter(rest), weights.filter(rest)

    def likely(self) -> Kind | None:
        """The kind that nearly all cells are of. HTML stands between plain text, so a third of it is enough."""
        for kind, found in self._found.items():
            if self._judged and found >= self._judged * (0.3 if kind is Kind.HTML else SURE):
                return kind
        return None


def is_boolean(cells: tuple[str, ...]) -> bool:
    """Whether the different cells of a column are spellings of yes and of no, with at least one of each."""
    folded = {cell.strip().casefold() for cell in cells}
    return folded <= {*YES, *NO} and bool(folded & {*YES}) and bool(folded & {*NO})


def is_picklist(filled: int, distinct: int, longest: int) -> bool:
    """Few short cells that come again and again."""
    return 1 < distinct <= MOST_CHOICES and filled >= distinct * _REPEATS and longest <= _LONGEST_CHOICE


def _sum(counts: pa.Int64Array) -> int:
    return int(pc.sum(counts).as_py() or 0)
