"""What must hold, as SQL with a ? for each value. An empty value is unequal to any other, not unknown as in SQL."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from ..answers import CallError
from ..ids import whole
from ..shapes import Kind
from ..values import instant
from .days import days_of
from .operand import Value, single
from .scope import Scope
from .tree import Comparison, Condition, Literal, Not, Operand, Query, Several, query_error

ESCAPED = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.S)
PLAIN = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
BIGGEST = 2**63
"""What SQLite takes for a whole number."""
Sought: TypeAlias = "str | int | float | bytes | None"
Inner = Callable[[Query], "tuple[str, list[Sought]]"]
"""Writes a query within a query, of which one column is asked for."""


@dataclass(slots=True)
class Writer:
    """today: the day that TODAY means. work_out: what an operand is; not every place takes aggregates."""

    scope: Scope
    today: dt.date
    inner: Inner
    work_out: Callable[[Scope, Operand], Value] = single

    def write(self, condition: Condition, inverted: bool = False) -> tuple[str, list[Sought]]:
        """inverted: whether a NOT stands before it, so that unknown must be false."""
        if isinstance(condition, Not):
            sql, values = self.write(condition.part, True)
            return f"NOT {sql}", values
        if isinstance(condition, Several):
            parts = [self.write(each, inverted) for each in condition.parts]
            sql = balanced([each for each, _ in parts], f" {condition.word.upper()} ")
            return sql, [value for _, values in parts for value in values]
        sql, values = self._comparison(condition)
        return (f"IFNULL({sql}, 0)" if inverted else sql), values

    def _comparison(self, told: Comparison) -> tuple[str, list[Sought]]:
        value = self.work_out(self.scope, told.operand)
        if value.field is not None and not value.field.filterable:
            said = f"field '{value.field.name}' can not be filtered in a query call"
            raise query_error("INVALID_FIELD", self.scope.text, told.operand.at, said)
        if told.query is not None:
            return self._joined(value, told.sign, told.query)
        if told.sign in ("includes", "excludes"):
            return self._chosen(value, told)
        if told.sign in ("in", "not in"):
            return self._among(value, told)
        return self._single(value, told)

    def _joined(self, value: Value, sign: str, query: Query) -> tuple[str, list[Sought]]:
        sql, values = self.inner(query)
        if sign == "in":
            return f"{value.sql} IN ({sql})", values
        return f"({value.sql} IS NULL OR {value.sql} NOT IN ({sql}))", values

    def _single(self, value: Value, told: Comparison) -> tuple[str, list[Sought]]:
        (literal,) = told.values
        if told.sign == "like":
            if literal.kind != "string" or value.kind not in TEXTS:
                raise self._unfit(value, literal, "must be a string for LIKE")
            return f"{value.sql} LIKE ? ESCAPE '\\'", [pattern(literal.text)]
        if literal.kind == "day":
            return self._of_days(value, told.sign, literal)
        sought = self._sought(value, literal)
        if sought is None:
            if told.sign not in ("=", "!="):
                raise self._unfit(value, literal, "cannot be null here")
            return f"({value.sql} IS {'NOT ' if told.sign == '!=' else ''}NULL)", []
        if told.sign == "!=":
            return f"({value.sql} IS NOT ?)", [sought]
        return f"{value.sql} {told.sign} ?", [sought]

    def _among(self, value: Value, told: Comparison) -> tuple[str, list[Sought]]:
        if any(each.kind == "day" for each in told.values):
            raise self._unfit(value, told.values[0], "cannot be one of several")
        sought = [self._sought(value, each) for each in told.values]
        there: list[Sought] = [each for each in sought if each is not None]
        marks = ", ".join("?" * len(there))
        null = len(there) < len(sought)
        if told.sign == "in":
            return f"({value.sql} IN ({marks}){f' OR {value.sql} IS NULL' if null else ''})", there
        if null:
            return f"({value.sql} NOT IN ({marks}) AND {value.sql} IS NOT NULL)", there
        return f"({value.sql} IS NULL OR {value.sql} NOT IN ({marks}))", there

    def _chosen(self, value: Value, told: Comparison) -> tuple[str, list[Sought]]:
        if value.kind is not Kind.PICKLISTS:
            raise self._unfit(value, told.values[0], "is no multi-select picklist")
        held, some, values = f"(';' || {value.sql} || ';')", [], []
        for each in told.values:
            wanted = [f";{one.strip()};" for one in unescaped(each.text).split(";")]
            some.append("(" + " AND ".join(f"instr({held}, ?) > 0" for _ in wanted) + ")")
            values += wanted
        sql = "IFNULL(" + " OR ".join(some) + ", 0)"
        return (sql if told.sign == "includes" else f"NOT {sql}"), [*values]

    def _of_days(self, value: Value, sign: str, literal: Literal) -> tuple[str, list[Sought]]:
        if value.kind not in (Kind.DATE, Kind.DATETIME):
            raise self._unfit(value, literal, "is no date")
        ends = [each.isoformat() for each in days_of(literal.text, self.today)]
        if value.kind is Kind.DATETIME:
            ends = [f"{each}T00:00:00.000" for each in ends]
        if sign in ("=", "!="):
            sql = f"({value.sql} >= ? AND {value.sql} < ?)"
            return (sql if sign == "=" else f"NOT IFNULL({sql}, 0)"), [*ends]
        before = sign in ("<", "<=")
        end = ends[0] if sign in ("<", ">=") else ends[1]
        return f"{value.sql} {'<' if before else '>='} ?", [end]

    def _sought(self, value: Value, literal: Literal) -> Sought:
        """A literal in the form that is kept. Raises CallError where it is not of the field's kind."""
        kind, text = literal.kind, literal.text
        if kind == "null":
            return None
        match value.kind:
            case Kind.ID if kind == "string":
                return self._id(value, literal)
            case Kind.BOOLEAN if kind in ("true", "false"):
                return int(kind == "true")
            case Kind.INT | Kind.NUMBER if kind == "number":
                number = Decimal(text).scaleb(value.scale)
                exact = number == int(number) and abs(number) < BIGGEST
                return int(number) if exact else float(number)
            case Kind.DATE if kind == "date":
                return text
            case Kind.DATETIME if kind == "moment":
                return _instant(text)
            case Kind.TIME if kind == "time":
                second, _, fraction = text.removesuffix("Z").partition(".")
                return f"{second}.{fraction.ljust(3, '0')}"
        if value.kind in TEXTS and kind == "string":
            return unescaped(text) or None
        names = {
            Kind.INT: "int",
            Kind.NUMBER: "double",
            Kind.BOOLEAN: "boolean",
            Kind.DATETIME: "dateTime",
            Kind.DATE: "date",
        }
        wanted = names.get(value.kind, "string")
        quotes = (
            "should be enclosed in quotes" if value.kind in (*TEXTS, Kind.ID) else "should not be enclosed in quotes"
        )
        raise self._unfit(value, literal, f"must be of type {wanted} and {quotes}")

    def _id(self, value: Value, literal: Literal) -> str | None:
        text = unescaped(literal.text)
        found = whole(text)
        if text and found is None:
            name = value.field.name if value.field is not None else "Id"
            said = f"invalid ID field: {text}"
            raise query_error("INVALID_QUERY_FILTER_OPERATOR", self.scope.text, literal.at, f"{said} ({name})")
        return found

    def _unfit(self, value: Value, literal: Literal, what: str) -> CallError:
        name = value.field.name if value.field is not None else value.kind.name.lower()
        said = f"value of filter criterion for field '{name}' {what}"
        return query_error("INVALID_FIELD", self.scope.text, literal.at, said)


def balanced(parts: Sequence[str], word: str) -> str:
    """All of them joined by a word, in parentheses so that SQLite goes no deeper than it must: it has its limit."""
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    return f"({balanced(parts[:half], word)}{word}{balanced(parts[half:], word)})"


TEXTS = (Kind.TEXT, Kind.PICKLIST, Kind.PICKLISTS, Kind.EMAIL)


def _instant(text: str) -> str:
    try:
        return instant(text)
    except (ValueError, OverflowError) as error:
        raise CallError(400, "INVALID_FIELD", f"invalid dateTime: {text}") from error


def unescaped(text: str) -> str:
    """What a string between quotes says."""
    return ESCAPED.sub(_one, text) if "\\" in text else text


def _one(found: re.Match[str]) -> str:
    told = found[1]
    return chr(int(told[1:], 16)) if len(told) > 1 else PLAIN.get(told.lower(), told)


def pattern(text: str) -> str:
    """As SQL's LIKE writes it: what was escaped stays so."""

    def one(found: re.Match[str]) -> str:
        told = found[1]
        if told in "%_\\":
            return "\\" + told
        return _one(found)

    return ESCAPED.sub(one, text)
