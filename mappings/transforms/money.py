"""An amount of money as people write it, exactly: `¥1,234.50`, `RMB 1.2万`, `(1,234.50)`.

part: `amount` gives a plain number, `currency` its ISO code, null where the cell names none. Units (千, 万, 百万,
千万, 亿, 万亿) are multiplied out, without floats; brackets and a minus at either end make it negative; `元整` is
`元`. decimal: the sign before the decimals, as in `number`. signs: what else means which currency, and what means
another one here (`¥` is CNY, `$` is USD). What is no amount, or names two currencies, stays as it is and will be a
misfit.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from decimal import Context, Decimal
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from ...connectors.stored import plain_decimal
from ..examples import Examples
from ..spelling.partly import each_distinct

EXAMPLES: Examples = [
    ({}, "¥1,234.50", "1234.5"),
    ({}, "RMB 1.2万", "12000"),
    ({}, "(1,234.50)", "-1234.5"),
    ({}, "１２万元整", "120000"),
    ({}, "3.05亿美元", "305000000"),
    ({"part": "currency"}, "3.05亿美元", "USD"),
    ({"part": "currency"}, "HK$ 500", "HKD"),
    ({"part": "currency"}, "500", None),
    ({"part": "currency", "signs": {"¥": "JPY"}}, "¥ 500", "JPY"),
    ({"decimal": ","}, "1.234,50 €", "1234.5"),
    ({}, "¥5 USD", "¥5 USD"),
    ({}, "约12万", "约12万"),
    ({}, None, None),
]

_SIGNS = {
    "CNY": ("¥", "元", "圆", "人民币", "RMB", "CN¥", "块"),
    "USD": ("$", "US$", "美元", "美金"),
    "EUR": ("€", "欧元"),
    "GBP": ("£", "英镑"),
    "HKD": ("HK$", "港币", "港元"),
    "TWD": ("NT$", "新台币", "台币"),
    "SGD": ("S$", "新加坡元", "新币"),
    "JPY": ("日元", "日圆", "円"),
    "KRW": ("₩", "韩元"),
}
_CODES = (*_SIGNS, "MOP", "AUD", "CAD", "CHF", "NZD", "THB", "INR", "RUB", "MYR", "VND")
_UNITS = {"千": 3, "万": 4, "百万": 6, "千万": 7, "亿": 8, "十亿": 9, "百亿": 10, "千亿": 11, "万亿": 12}
_PLAIN = r"^(?:-?[1-9][0-9]{0,30}|0|-?0\.[0-9]{0,29}[1-9]|-?[1-9][0-9]{0,30}\.[0-9]{0,29}[1-9])$"
_EXACT = Context(prec=200)
_CODE = re.compile("[A-Z]{3}")


def transform(
    column: pa.StringArray,
    *,
    part: Literal["amount", "currency"] = "amount",
    decimal: Literal[".", ","] = ".",
    signs: dict[str, str] = {},  # noqa: B006 - never written to
) -> pa.StringArray:
    for sign, code in signs.items():
        if not _CODE.fullmatch(code) or not sign.strip() or re.search(r"[\d.,()+-]", sign):
            raise ValueError("signs gives each sign, without digits and points, a currency of three capital letters")
    if part == "amount" and decimal == ".":
        clear = pc.fill_null(pc.match_substring_regex(column, _PLAIN), False)
        if pc.all(pc.or_(clear, column.is_null()), min_count=0).as_py():
            return column
    known = _known(signs)
    pattern = _pattern(known, decimal)

    def read(text: str) -> tuple[str, str | None] | None:
        return _read(pattern.fullmatch(text), known, decimal)

    text = pc.utf8_normalize(column, form="NFKC")
    amount = each_distinct(text, lambda cell: found[0] if (found := read(cell)) else None)
    if part == "amount":
        return pc.coalesce(amount, column)
    currency = each_distinct(text, lambda cell: found[1] if (found := read(cell)) else None)
    return pc.if_else(amount.is_valid(), currency, column)


def _known(signs: Mapping[str, str]) -> dict[str, str]:
    """Every spelling of a currency, folded -> its code."""
    known = {sign.casefold(): code for code, spelled in _SIGNS.items() for sign in spelled}
    known |= {code.casefold(): code for code in _CODES}
    return known | {unicodedata.normalize("NFKC", sign).strip().casefold(): code for sign, code in signs.items()}


def _pattern(known: Mapping[str, str], decimal: str) -> re.Pattern[str]:
    sign = "|".join(sorted(map(re.escape, known), key=len, reverse=True))
    unit = "|".join(sorted(_UNITS, key=len, reverse=True))
    point, comma = (r"\.", ",") if decimal == "." else (",", r"\.")
    grouped = rf"[0-9]{{1,3}}(?:{comma}[0-9]{{3}})+|[0-9]{{1,3}}(?:[' ][0-9]{{3}})+|[0-9]{{1,40}}"
    number = rf"(?:{grouped})(?:{point}[0-9]{{0,40}})?"
    # all repeats are possessive: a cell of ten thousand spaces takes no longer than it should
    return re.compile(
        rf"\s*+(?P<open>\()?\s*+(?P<minus>[+−-])?\s*+(?P<before>(?:(?:{sign})\s*+)*+)(?P<inner>[+−-])?\s*+"
        rf"(?P<number>{number})\s*+(?P<unit>{unit})?\s*+(?P<after>(?:(?:{sign})\s*+)*+)整?\s*+(?P<behind>[−-])?\s*+"
        r"(?P<close>\))?\s*+",
        re.IGNORECASE,
    )


def _read(found: re.Match[str] | None, known: Mapping[str, str], decimal: str) -> tuple[str, str | None] | None:
    """(amount, currency); None where it is no amount, or one of two minds."""
    if found is None or bool(found["open"]) != bool(found["close"]):
        return None
    marks = [each for each in (found["open"], found["minus"], found["inner"], found["behind"]) if each]
    currencies = _currencies(found["before"], known) | _currencies(found["after"], known)
    if len(marks) > 1 or len(currencies) > 1:
        return None
    digits = re.sub(r"[' .]" if decimal == "," else "[' ,]", "", found["number"]).replace(",", ".")
    amount = Decimal(digits).scaleb(_UNITS.get(found["unit"] or "", 0), _EXACT)
    if marks and marks[0] != "+":
        amount = amount.copy_negate()
    return plain_decimal(amount), next(iter(currencies), None)


def _currencies(text: str, known: Mapping[str, str]) -> set[str]:
    """The currencies that signs written one after the other name, the longest sign first."""
    rest, found = text.casefold().strip(), set()
    while rest:
        sign = max((each for each in known if rest.startswith(each)), key=len, default=rest)
        found.add(known.get(sign, sign))
        rest = rest[len(sign) :].strip()
    return found
