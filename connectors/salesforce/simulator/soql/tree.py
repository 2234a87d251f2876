"""What a query is made of, once it has been read. at: where in its text each part begins."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from ..answers import CallError


@dataclass(frozen=True, slots=True)
class Path:
    names: tuple[str, ...]
    at: int = 0

    def __str__(self) -> str:
        return ".".join(self.names)


@dataclass(frozen=True, slots=True)
class Call:
    """name: in lower case. argument: None for COUNT()."""

    name: str
    argument: Operand | None
    at: int = 0


Operand: TypeAlias = "Path | Call"


@dataclass(frozen=True, slots=True)
class Item:
    operand: Operand
    alias: str = ""


@dataclass(frozen=True, slots=True)
class TypeOf:
    path: Path
    whens: tuple[tuple[str, tuple[Path, ...]], ...]
    otherwise: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Literal:
    """kind: string, number, date, moment, time, true, false, null, or day for TODAY and its like. text: as written, a
    string without its quotes."""

    kind: str
    text: str
    at: int = 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """sign: = != < <= > >= like in, not in, includes, excludes."""

    operand: Operand
    sign: str
    values: tuple[Literal, ...]
    query: Query | None = None


@dataclass(frozen=True, slots=True)
class Several:
    """word: and, or."""

    word: str
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Condition


Condition: TypeAlias = "Comparison | Several | Not"


@dataclass(frozen=True, slots=True)
class Order:
    operand: Operand
    descending: bool = False
    nulls_last: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """fields: ALL, STANDARD or CUSTOM where FIELDS() is asked for. counts: SELECT COUNT() and nothing else."""

    text: str
    items: tuple[Item | TypeOf | Query, ...]
    source: str
    source_at: int
    alias: str = ""
    fields: str = ""
    counts: bool = False
    where: Condition | None = None
    group: tuple[Operand, ...] = ()
    having: Condition | None = None
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int = 0
    all_rows: bool = field(default=False)


def query_error(code: str, text: str, at: int, said: str) -> CallError:
    """As the API points at what it does not take."""
    row = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1)
    start, end = max(0, at - 20), at + 20
    shown = text[start:end].replace("\n", " ")
    said = f"\n{shown}\n{' ' * (at - start)}^\nERROR at Row:{row}:Column:{column + 1}\n{said}"
    return CallError(400, code, said)
