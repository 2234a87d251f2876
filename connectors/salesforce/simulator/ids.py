"""Ids: three characters that tell the object, two the instance, ten a number in base 62, and three that check them."""

from __future__ import annotations

import re

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CHECKS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
SHORT, LONG, NUMBER = 15, 18, 10
FORM = re.compile(r"[0-9A-Za-z]{15}(?:[A-Za-z0-5]{3})?\Z")


def checked(short: str) -> str:
    """All 18 characters of an id of 15: for each five of them, which are capitals."""
    return short + "".join(
        CHECKS[sum(1 << at for at, each in enumerate(short[start : start + 5]) if "A" <= each <= "Z")]
        for start in (0, 5, 10)
    )


def whole(told: str) -> str | None:
    """The id of 18 characters that is meant; None where it is none. With its last three, capitals of the others need
    not be right."""
    if not FORM.match(told):
        return None
    if len(told) == SHORT:
        return checked(told)
    short = []
    for at, each in enumerate(told[:SHORT]):
        capital = CHECKS.index(told[SHORT + at // 5].upper()) >> at % 5 & 1
        short.append(each.upper() if capital else each.lower())
    found = "".join(short)
    return found + told[SHORT:].upper() if checked(found) == found + told[SHORT:].upper() else None


def numbered(prefix: str, instance: str, number: int) -> str:
    """The id of an object's record by its number."""
    digits = []
    for _ in range(NUMBER):
        number, rest = divmod(number, len(DIGITS))
        digits.append(DIGITS[rest])
    return checked(prefix + instance + "".join(reversed(digits)))
