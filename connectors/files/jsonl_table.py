"""JSON lines: a record a line. Numbers are read exactly; lists and objects inside a record come as their JSON text.

A field's type is what all its cells have in common, and text where they have nothing; so the whole file is looked
through once before anything is read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from decimal import Decimal
from itertools import islice
from typing import TypeAlias

import pyarrow as pa

from ..cell import DECIMAL_PRECISION, arrow_type
from ..errors import InputError
from ..schema import Field, FieldType
from .csv_fault import encoding_fault, utf8
from .options import FileObject
from .table import State, check_names, state_of, unreadable

_ROWS = 20_000
_INTEGERS = 2**63

Value: TypeAlias = "str | int | bool | Decimal | list[Value] | dict[str, Value] | None"


class JsonLinesTable:
    def __init__(self, described: FileObject) -> None:
        self._described = described
        self._looked: tuple[State, tuple[Field, ...], int] | None = None

    def fields(self) -> tuple[Field, ...]:
        return self._look()[0]

    def count(self) -> int:
        return self._look()[1]

    def batches(self, columns: Sequence[str], skip: int) -> Iterator[pa.Table]:
        fields = {each.name: each for each in self.fields()}
        for records in self._records(skip):
            yield pa.table({name: _column([record.get(name) for record in records], fields[name]) for name in columns})

    def _look(self) -> tuple[tuple[Field, ...], int]:
        state = state_of(self._described)
        if self._looked is None or self._looked[0] != state:
            kinds: dict[str, _Kinds] = {}
            count = 0
            for records in self._records(0):
                count += len(records)
                for name in dict.fromkeys(name for record in records for name in record):
                    kinds.setdefault(name, _Kinds()).add([record.get(name) for record in records])
            for part in self._described.key if not count else ():
                kinds[part] = _Kinds()
            check_names(self._described, list(kinds))
            self._looked = state, tuple(each.field(name) for name, each in kinds.items()), count
        return self._looked[1:]

    def _records(self, skip: int) -> Iterator[list[dict[str, Value]]]:
        lines = islice(self._lines(), skip, None)
        while some := [self._record(number, line) for number, line in islice(lines, _ROWS)]:
            yield some

    def _lines(self) -> Iterator[tuple[int, str]]:
        """The lines that are not blank, numbered from 1 as they stand in the file."""
        described = self._described
        try:
            with described.path.open(encoding=utf8(described.encoding, "utf-8-sig"), newline="\n") as stream:
                for number, line in enumerate(stream, 1):
                    if line.strip():
                        yield number, line
        except UnicodeDecodeError as error:
            raise encoding_fault(described) or self._not_a_record(0) from error
        except OSError as error:
            raise unreadable(described, error) from error

    def _record(self, number: int, line: str) -> dict[str, Value]:
        try:
            record = _DECODER.decode(line.removeprefix("\ufeff"))
            if "\\ud" in line.lower():
                json.dumps(record, ensure_ascii=False, default=str).encode()  # fails on half of a surrogate pair
        except (ValueError, RecursionError) as error:
            raise self._not_a_record(number) from error
        if not isinstance(record, dict):
            raise self._not_a_record(number)
        return record

    def _not_a_record(self, number: int) -> InputError:
        return InputError("files.not_json", object=self._described.name, file=self._described.shown, line=number)


@dataclass(slots=True)
class _Kinds:
    """What a field's cells have been so far."""

    types: set[type] = dataclass_field(default_factory=set)
    before: int = 1
    after: int = 0

    def add(self, cells: Sequence[Value]) -> None:
        types = set(map(type, cells)) - {type(None)}
        self.types |= types
        if int in types:
            largest = max(abs(cell) for cell in cells if type(cell) is int)
            self.before = max(self.before, len(str(largest)))
            if largest >= _INTEGERS:
                self.types.add(Decimal)
        for cell in cells if Decimal in types else ():
            if isinstance(cell, Decimal):
                _, digits, exponent = cell.as_tuple()
                self.before = max(self.before, len(digits) + int(exponent))
                self.after = max(self.after, -int(exponent))

    def field(self, name: str) -> Field:
        if self.types <= {int, Decimal} and self.types and self.before + self.after <= DECIMAL_PRECISION:
            if Decimal not in self.types:
                return Field(name, FieldType.INTEGER, writable=False)
            precision = self.before + self.after
            return Field(name, FieldType.DECIMAL, writable=False, precision=precision, scale=self.after)
        return Field(name, FieldType.BOOLEAN if self.types == {bool} else FieldType.TEXT, writable=False)


def _column(cells: Sequence[Value], field: Field) -> pa.Array:
    if field.type is FieldType.TEXT:
        return pa.array([_text(cell) for cell in cells], pa.string())
    return pa.array(cells, arrow_type(field))


def _text(cell: Value) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, list):
        return "[" + ", ".join(_json(each) for each in cell) + "]"
    if isinstance(cell, dict):
        return "{" + ", ".join(f"{_json(name)}: {_json(each)}" for name, each in cell.items()) + "}"
    return str(cell)


def _json(cell: Value) -> str:
    if cell is None:
        return "null"
    if isinstance(cell, str):
        return json.dumps(cell, ensure_ascii=False)
    return _text(cell) or ""


def _each_once(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise ValueError("a name twice")
    return record


def _no_number(word: str) -> Value:
    raise ValueError(f"{word} is not JSON")


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_number, object_pairs_hook=_each_once)
