"""Values on their way out: what is kept as JSON, and as a cell of CSV."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, TypeAlias

from .shapes import FieldShape, Kind

Shown: TypeAlias = Callable[[Any], str]


def number(value: int, scale: int) -> str:
    """A number kept in its smallest unit, with at least one decimal."""
    if not scale:
        return f"{value}.0"
    sign, digits = ("-", str(-value)) if value < 0 else ("", str(value))
    digits = digits.rjust(scale + 1, "0")
    return f"{sign}{digits[:-scale]}.{digits[-scale:].rstrip('0') or '0'}"


def as_json_text(value: Any) -> str:
    return "null" if value is None else encode_basestring(value)


def whole(value: Any) -> str:
    return "null" if value is None else str(value)


def _boolean(value: Any) -> str:
    return "true" if value else "false"


def _instant(value: Any) -> str:
    return "null" if value is None else f'"{value}+0000"'


def _time(value: Any) -> str:
    return "null" if value is None else f'"{value}Z"'


def of_scale(scale: int) -> Shown:
    return lambda value: "null" if value is None else number(value, scale)


def of_float(value: Any) -> str:
    return "null" if value is None else repr(float(value))


def as_json(field: FieldShape) -> Shown:
    match field.kind:
        case Kind.INT:
            return whole
        case Kind.NUMBER:
            return of_scale(field.scale)
        case Kind.BOOLEAN:
            return _boolean
        case Kind.DATETIME:
            return _instant
        case Kind.TIME:
            return _time
    return as_json_text


def as_text(field: FieldShape, value: Any) -> str | None:
    """As a history tells it."""
    match field.kind:
        case Kind.NUMBER if value is not None:
            return number(value, field.scale)
        case Kind.BOOLEAN:
            return _boolean(value)
    return None if value is None else str(value)


# Cells


def quoted(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


def exponent(value: int, scale: int) -> str:
    """As a program in Java writes a double: big ones and small ones with an exponent."""
    exact = Decimal(value).scaleb(-scale)
    power = exact.adjusted()
    if not exact or -3 <= power < 7:
        return number(value, scale)
    digits = str(abs(value)).rstrip("0")
    return f"{'-' if value < 0 else ''}{digits[0]}.{digits[1:] or '0'}E{power}"


def as_cell(field: FieldShape, exponents: bool = False) -> Shown:
    """In quotes, whatever it is. exponents: whether big numbers are told by them."""
    match field.kind:
        case Kind.INT:
            return lambda value: '""' if value is None else f'"{value}"'
        case Kind.NUMBER:
            scale = field.scale
            write = exponent if exponents else number
            return lambda value: '""' if value is None else f'"{write(value, scale)}"'
        case Kind.BOOLEAN:
            return lambda value: '"true"' if value else '"false"'
        case Kind.DATETIME | Kind.TIME:
            return lambda value: '""' if value is None else f'"{value}Z"'
    return lambda value: '""' if value is None else quoted(value)
