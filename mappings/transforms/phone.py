"""Phone numbers in one form, by the numbering plans of all countries (phonenumbers).

region: whose numbers those without a country code are. area: the area code of landline numbers that lack it.
output: `e164` (`+8613800138000`), `international` or `national`. extension: goes `with` the number, is left out
(`without`), or is all that is wanted (`only`; null where there is none). several: what becomes of a cell with more
numbers than one: it stays as it is (`keep`), or `first`, the `rest` behind the first (null where there is none), or
`all`, parted by separator. A cell that is not made of real numbers alone stays as it is: an `expect` or the
target's type then names it.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from ..examples import Examples
from ..spelling.partly import each_distinct

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

EXAMPLES: Examples = [
    ({}, "138 0013 8000", "+8613800138000"),
    ({}, "（024）2390-0001", "+862423900001"),
    ({}, "024-23900001转8001", "+862423900001;ext=8001"),
    ({"output": "national"}, "+86-24-23900001-8001", "024 2390 0001 ext. 8001"),
    ({"output": "national"}, "400-810-8888", "400 810 8888"),
    ({"output": "international"}, "008613800138000", "+86 138 0013 8000"),
    ({"region": "US"}, "(212) 555-2368", "+12125552368"),
    ({"area": "024"}, "23900001", "+862423900001"),
    ({}, "13800138000/13900139000", "13800138000/13900139000"),
    ({"several": "first"}, "13800138000/13900139000", "+8613800138000"),
    ({"several": "rest"}, "13800138000/13900139000", "+8613900139000"),
    ({"several": "all"}, "13800138000、024-23900001", "+8613800138000; +862423900001"),
    ({"extension": "only"}, "024-23900001-8001", "8001"),
    ({}, "12345", "12345"),
    ({}, "见备注", "见备注"),
    ({}, None, None),
]

_PARTING = re.compile(r"\s*(?:[,;/、|\n]|(?<=\d)\s+(?=\+|1[3-9]\d{9}(?!\d)|0\d{2,3}-)|或|和)\s*")
_EXTENSION = re.compile(r"(?P<number>.*\d)\D{0,2}(?:转|分机|内线|ext\.?|x|#)\D{0,3}(?P<extension>\d{1,7})\D?", re.I)
_TRAILING = re.compile(r"(?P<number>.*\d)\s*-\s*(?P<extension>\d{2,5})")
_NUMBERLIKE = re.compile(r"[\d\s+()./-]{5,40}")
_LOCAL = re.compile(r"[2-8]\d{6,7}")
_LONGEST = 200


def transform(
    column: pa.StringArray,
    *,
    region: str = "CN",
    area: str = "",
    output: Literal["e164", "international", "national"] = "e164",
    extension: Literal["with", "without", "only"] = "with",
    several: Literal["keep", "first", "rest", "all"] = "keep",
    separator: str = "; ",
) -> pa.StringArray:
    if region not in _library().SUPPORTED_REGIONS:
        raise ValueError("region must be a country's code of two capital letters")
    if area and not re.fullmatch(r"\d{1,5}", area):
        raise ValueError("area must be an area code, digits alone")

    def told(number: PhoneNumber) -> str | None:
        return number.extension if extension == "only" else _written(number, output, extension == "with")

    def rewritten(cell: str) -> str | None:
        numbers = _numbers(cell, region, area)
        if not numbers or (len(numbers) > 1 and several == "keep"):
            return cell
        wanted = {"first": numbers[:1], "rest": numbers[1:]}.get(several, numbers)
        return separator.join(text for each in wanted if (text := told(each)) is not None) or None

    return each_distinct(column, rewritten)


@cache
def _library() -> ModuleType:
    """Imported with the first number: it is large, and most commands need none of it."""
    import phonenumbers

    return phonenumbers


def _numbers(cell: str, region: str, area: str) -> list[PhoneNumber]:
    """The numbers that the cell is made of; none where anything else stands in it."""
    if len(cell) > _LONGEST or not any(map(str.isdigit, cell)):
        return []
    text = _half_width(cell).strip()
    whole = _number(text, region, area)
    if whole is not None:
        return [whole]
    numbers = [_number(part, region, area) for part in _PARTING.split(text) if part.strip()]
    return [each for each in numbers if each is not None] if None not in numbers else []


def _half_width(cell: str) -> str:
    return unicodedata.normalize("NFKC", cell).replace("–", "-").replace("—", "-")


def _number(text: str, region: str, area: str) -> PhoneNumber | None:
    """One real number, with its extension; None where the text is anything else."""
    if marked := _EXTENSION.fullmatch(text):
        return _valid(marked["number"], marked["extension"], region, area)
    plain = _valid(text, None, region, area)
    if plain is None and (trailing := _TRAILING.fullmatch(text)):
        return _valid(trailing["number"], trailing["extension"], region, area)
    return plain


def _valid(text: str, extension: str | None, region: str, area: str) -> PhoneNumber | None:
    if not _NUMBERLIKE.fullmatch(text):
        return None
    digits = re.sub(r"\D", "", text)
    spelled = [text, area + digits] if area and _LOCAL.fullmatch(digits) else [text]
    library = _library()
    for each in spelled:
        try:
            number: PhoneNumber = library.parse(each, region)
        except library.NumberParseException:
            continue
        if library.is_valid_number(number):
            number.extension = extension
            return number
    return None


def _written(number: PhoneNumber, output: str, with_extension: bool) -> str:
    library = _library()
    extension, number.extension = number.extension, None
    form = {"e164": "E164", "international": "INTERNATIONAL", "national": "NATIONAL"}[output]
    text = str(library.format_number(number, getattr(library.PhoneNumberFormat, form)))
    if extension is None or not with_extension:
        return text
    return f"{text};ext={extension}" if output == "e164" else f"{text} ext. {extension}"
