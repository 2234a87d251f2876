"""Queries in the org's language: what is asked for, and values as it writes them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from ..cell import Cell
from ..schema import FieldType
from ..stored import plain_decimal
from .org_object import ID, OrgField

LONGEST = 60_000
"""Letters of the values in one query; the whole may have 100,000."""
ESCAPES = str.maketrans(
    {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f", "\x00": ""}
)
SHORT_ID, LONG_ID = 15, 18
ID_FORM = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?\Z")
CHECKS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def select(fields: Sequence[str], source: str, *conditions: str) -> str:
    """With the id, whichever fields there are, in the order of ids."""
    told = ", ".join(columns(fields))
    return f"SELECT {told} FROM {source}{_where(conditions)} ORDER BY {ID}"  # noqa: S608 - names are the org's own


def columns(fields: Sequence[str]) -> list[str]:
    return list(dict.fromkeys([ID, *fields]))


def counted(source: str, *conditions: str) -> str:
    return f"SELECT COUNT() FROM {source}{_where(conditions)}"  # noqa: S608 - as above


def _where(conditions: Sequence[str]) -> str:
    told = [each for each in conditions if each]
    return f" WHERE {' AND '.join(told)}" if told else ""


def quoted(text: str) -> str:
    return f"'{text.translate(ESCAPES)}'"


def literal(field: OrgField, cell: Cell) -> str | None:
    """None for what no record can hold in this field."""
    match field.field.type, cell:
        case FieldType.BOOLEAN, bool():
            return "true" if cell else "false"
        case ((FieldType.INTEGER | FieldType.DECIMAL), (int() | Decimal())) if not isinstance(cell, bool):
            return plain_decimal(Decimal(cell))
        case FieldType.INSTANT, dt.datetime() if cell.tzinfo is not None:
            return cell.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{cell.microsecond // 1000:03}Z"
        case FieldType.DATE, dt.date() if not isinstance(cell, dt.datetime):
            return cell.isoformat()
        case _, str() if field.kind in ("id", "reference"):
            found = whole_id(cell)
            return None if found is None else quoted(found)
        case ((FieldType.TEXT | FieldType.CHOICE), str()):
            length = field.field.length
            return quoted(cell) if cell and (length is None or len(cell) <= length) else None
        case _:
            return None


def among(name: str, literals: Sequence[str]) -> str:
    return f"{name} IN ({', '.join(literals)})"


def split(literals: Sequence[str]) -> Iterator[list[str]]:
    """So many at a time as one query holds."""
    some: list[str] = []
    letters = 0
    for each in literals:
        if some and letters + len(each) > LONGEST:
            yield some
            some, letters = [], 0
        some.append(each)
        letters += len(each) + 2
    if some:
        yield some


def whole_id(told: str) -> str | None:
    """An id with all its 18 characters, of which the last three say which of the others are capitals, also where all
    of those were lost on the way. None where it is none: the org would refuse the whole query."""
    if not ID_FORM.match(told):
        return None
    short, checks = told[:SHORT_ID], told[SHORT_ID:].upper()
    if checks and short in (short.lower(), short.upper()):
        capitals = "".join(f"{CHECKS.find(each) & 31:05b}"[::-1] for each in checks)
        letters = zip(short, capitals, strict=True)
        short = "".join(each.upper() if capital == "1" else each.lower() for each, capital in letters)
    parts = [short[start : start + 5] for start in range(0, SHORT_ID, 5)]
    own = "".join(CHECKS[sum(1 << at for at, each in enumerate(part) if "A" <= each <= "Z")] for part in parts)
    return short + own if checks in ("", own) else None
