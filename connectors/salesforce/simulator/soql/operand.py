"""What is compared, grouped by or shown besides plain fields: aggregates and parts of dates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from .. import shown
from ..currencies import CODE
from ..shapes import FieldShape, Kind
from ..shown import Shown
from .scope import Scope, worth
from .tree import Call, Operand, Path, query_error

AGGREGATES = ("count", "count_distinct", "sum", "avg", "min", "max")
PASSED_ON = ("tolabel", "format", "converttimezone")
"""Functions that here leave the value as it is."""


def _part(start: int, length: int, plus: str = "") -> Callable[[str], str]:
    return lambda sql: f"CAST(substr({sql}, {start}, {length}) AS INTEGER){plus}"


def _quarter(sql: str) -> str:
    return f"((CAST(substr({sql}, 6, 2) AS INTEGER) + 2) / 3)"


DATE_PARTS: Mapping[str, Callable[[str], str]] = {
    "calendar_year": _part(1, 4),
    "calendar_quarter": _quarter,
    "calendar_month": _part(6, 2),
    "fiscal_year": _part(1, 4),
    "fiscal_quarter": _quarter,
    "fiscal_month": _part(6, 2),
    "day_in_month": _part(9, 2),
    "hour_in_day": _part(12, 2),
    "day_in_week": lambda sql: f"(CAST(strftime('%w', substr({sql}, 1, 19)) AS INTEGER) + 1)",
    "day_in_year": lambda sql: f"CAST(strftime('%j', substr({sql}, 1, 19)) AS INTEGER)",
    "week_in_year": lambda sql: f"((CAST(strftime('%j', substr({sql}, 1, 19)) AS INTEGER) + 6) / 7)",
    "week_in_month": lambda sql: f"((CAST(substr({sql}, 9, 2) AS INTEGER) + 6) / 7)",
}


@dataclass(frozen=True, slots=True)
class Value:
    """sql: an expression. kind, scale: what it is compared with. show: as JSON. field: where it is a plain field."""

    sql: str
    kind: Kind
    scale: int
    show: Shown
    field: FieldShape | None = None


def value_of(scope: Scope, operand: Operand) -> Value:
    """Raises CallError where it leads nowhere or cannot be worked out."""
    if isinstance(operand, Path):
        column = scope.column(operand)
        return Value(column.sql, column.field.kind, column.field.scale, shown.as_json(column.field), column.field)
    if operand.name in AGGREGATES:
        return _aggregate(scope, operand)
    if operand.argument is None:
        raise unknown(scope, operand)
    inner = value_of(scope, operand.argument)
    if operand.name == "convertcurrency":
        return _in_own_currency(scope, operand.argument, inner)
    if operand.name in PASSED_ON:
        return inner
    if operand.name == "day_only":
        return Value(f"substr({inner.sql}, 1, 10)", Kind.DATE, 0, shown.as_json_text)
    write = DATE_PARTS.get(operand.name)
    if write is None or inner.kind not in (Kind.DATE, Kind.DATETIME):
        raise unknown(scope, operand)
    return Value(write(inner.sql), Kind.INT, 0, shown.whole)


def _in_own_currency(scope: Scope, operand: Operand, value: Value) -> Value:
    """Amounts of several currencies as the org's own; anything else as it is."""
    if not scope.org.rates or value.field is None or value.field.type != "currency" or not isinstance(operand, Path):
        return value
    code = scope.column(Path((*operand.names[:-1], CODE), operand.at)).sql
    return replace(value, sql=f"CAST(ROUND({value.sql} / ({worth(scope.org, code)})) AS INTEGER)")


def unknown(scope: Scope, call: Call) -> Exception:
    return query_error("MALFORMED_QUERY", scope.text, call.at, f"unknown or unfit function: {call.name}")


def _aggregate(scope: Scope, call: Call) -> Value:
    if call.argument is None:
        return Value("COUNT(*)", Kind.INT, 0, shown.whole)
    inner = _in_own_currency(scope, call.argument, value_of(scope, call.argument))
    numbers = (Kind.INT, Kind.NUMBER)
    match call.name:
        case "count":
            return Value(f"COUNT({inner.sql})", Kind.INT, 0, shown.whole)
        case "count_distinct":
            return Value(f"COUNT(DISTINCT {inner.sql})", Kind.INT, 0, shown.whole)
        case "sum" if inner.kind in numbers:
            return Value(f"SUM({inner.sql})", Kind.NUMBER, inner.scale, shown.of_scale(inner.scale))
        case "avg" if inner.kind in numbers:
            return Value(f"(AVG({inner.sql}) / {10**inner.scale}.0)", Kind.NUMBER, 0, shown.of_float)
        case "min" | "max" if inner.kind is not Kind.BOOLEAN:
            return Value(f"{call.name.upper()}({inner.sql})", inner.kind, inner.scale, inner.show)
    raise unknown(scope, call)


def is_aggregate(operand: Operand | None) -> bool:
    """It, or what it is applied to."""
    return isinstance(operand, Call) and (operand.name in AGGREGATES or is_aggregate(operand.argument))


def single(scope: Scope, operand: Operand) -> Value:
    """One that is worked out for each record. Raises CallError for an aggregate."""
    if is_aggregate(operand):
        raise query_error("MALFORMED_QUERY", scope.text, operand.at, "aggregates have no place here")
    return value_of(scope, operand)
