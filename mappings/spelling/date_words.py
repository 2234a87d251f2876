"""Dates that no pattern of digits and signs spells: in Chinese, and as the serial numbers of Excel."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"〇": 0, "○": 0, "元": 1}
_NUMBER = "[0-9〇○零一二三四五六七八九十]"
_CHINESE = re.compile(
    rf"(?P<year>{_NUMBER}{{4}})\s*年\s*(?P<month>{_NUMBER}{{1,3}})\s*月\s*(?P<day>{_NUMBER}{{1,3}})\s*[日号]"
    rf"\s*(?:(?P<half>凌晨|早上|上午|中午|下午|晚上)?\s*(?P<hour>{_NUMBER}{{1,3}})\s*[时点:]"
    rf"(?:\s*(?P<minute>{_NUMBER}{{1,3}})\s*(?:分|:|$)(?:\s*(?P<second>{_NUMBER}{{1,3}})\s*秒?)?|整)?)?"
)
_SERIAL = re.compile(r"(?P<day>[0-9]{1,7})(?:\.(?P<part>[0-9]{1,20}))?")
_LEAP_DAY = 60
"""Excel believes that there was a 29 February 1900."""
_DAY_MS = 86_400_000


def chinese_date(text: str) -> str | None:
    """ISO text; None where it is no such date or names a day or time that does not exist."""
    found = _CHINESE.fullmatch(text)
    if found is None:
        return None
    year = int("".join(str(_DIGITS.get(each, each)) for each in found["year"])) if "十" not in found["year"] else 0
    told = [_number(found[part]) for part in ("month", "day", "hour", "minute", "second")]
    if not year or None in told[:2]:
        return None
    month, day, hour, minute, second = (each or 0 for each in told)
    try:
        if found["hour"] is None:
            return dt.date(year, month, day).isoformat()
        time = dt.datetime(year, month, day, _of_day(hour, found["half"]), minute, second)  # noqa: DTZ001 - a wall clock
    except ValueError:
        return None
    return time.isoformat(" ")


def _number(text: str | None) -> int | None:
    """`3`, `三`, `十二`, `二十`, `二十五`; None where it is no number below a hundred."""
    if text is None or text.isdecimal():
        return None if text is None else int(text)
    tens, ten, ones = text.partition("十")
    if len(tens) > 1 or len(ones) > 1 or any(each not in _DIGITS for each in tens + ones):
        return None
    first = _DIGITS[tens] if tens else 1
    return (first * 10 if ten else first) + (_DIGITS[ones] if ones else 0)


def _of_day(hour: int, half: str | None) -> int:
    """The hour of 24. `下午3时` is 15; so is `下午15时`."""
    if half in ("下午", "晚上") and hour < 12:
        return hour + 12
    if half == "中午" and hour < 3:
        return hour + 12
    return 0 if half in ("凌晨", "上午") and hour == 12 else hour


def excel_date(text: str, *, from_1904: bool) -> str | None:
    """ISO text of a serial number; None where it is none, or is one of days that Excel does not have."""
    found = _SERIAL.fullmatch(text)
    if found is None:
        return None
    day = int(found["day"])
    milliseconds = round(Decimal(f"0.{found['part'] or 0}") * _DAY_MS)
    if from_1904:
        first = dt.datetime(1904, 1, 1)  # noqa: DTZ001 - a wall clock
    elif day < 1 or day == _LEAP_DAY:
        return None
    else:
        first = dt.datetime(1899, 12, 31 if day < _LEAP_DAY else 30)  # noqa: DTZ001 - a wall clock
    try:
        moment = first + dt.timedelta(days=day, milliseconds=milliseconds)
    except OverflowError:
        return None
    if moment.time() == dt.time.min:
        return moment.date().isoformat()
    return moment.isoformat(" ", timespec="milliseconds" if milliseconds % 1000 else "seconds")
