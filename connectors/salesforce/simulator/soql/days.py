"""TODAY, LAST_N_DAYS:30 and their like: the first day, and the one after the last. Days are those of UTC."""

from __future__ import annotations

import datetime as dt

LENGTHS = {"days": 1, "weeks": 7}
MONTHS = {"months": 1, "month": 1, "quarters": 3, "quarter": 3, "years": 12, "year": 12}
DAY = dt.timedelta(days=1)


def days_of(word: str, today: dt.date) -> tuple[dt.date, dt.date]:
    """word: in lower case, of those that the grammar takes."""
    name, _, count = word.replace("fiscal_", "").partition(":")
    number = int(count or 0)
    match name:
        case "today":
            return today, today + DAY
        case "yesterday":
            return today - DAY, today
        case "tomorrow":
            return today + DAY, today + 2 * DAY
        case "n_days_ago":
            return today - number * DAY, today - (number - 1) * DAY
        case "last_90_days":
            return today - 90 * DAY, today + DAY
        case "next_90_days":
            return today + DAY, today + 91 * DAY
    way, *_, unit = name.split("_")
    if unit == "days":
        return (today - number * DAY, today + DAY) if way == "last" else (today + DAY, today + (number + 1) * DAY)
    first, after = _span(unit, today, 0)
    if way == "this":
        return first, after
    if way == "last":
        return _span(unit, today, -(number or 1))[0], first
    return after, _span(unit, today, number or 1)[1]


def _span(unit: str, today: dt.date, away: int) -> tuple[dt.date, dt.date]:
    """The week, month, quarter or year that is so many away."""
    if unit.startswith("week"):
        first = today - (today.weekday() + 1) % 7 * DAY + away * 7 * DAY
        return first, first + 7 * DAY
    months = MONTHS[unit]
    number = (today.year * 12 + today.month - 1) // months * months + away * months
    return _month(number), _month(number + months)


def _month(number: int) -> dt.date:
    return dt.date(number // 12, number % 12 + 1, 1)
