"""The records of one object in memory, and what a database would say no to."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import TypeAlias

from .cell import DECIMAL_PRECISION, DEFAULT_SCALE, Cell
from .chunk import join_key
from .errors import InputError
from .schema import Field, FieldType, ObjectSchema

Row: TypeAlias = Mapping[str, Cell]
SortKey: TypeAlias = tuple[tuple[int, str], ...]

_TAKES: dict[FieldType, tuple[type, ...]] = {
    FieldType.INTEGER: (int,),
    FieldType.DECIMAL: (Decimal, int),
    FieldType.FLOAT: (float, int),
    FieldType.BOOLEAN: (bool,),
    FieldType.DATE: (dt.date,),
    FieldType.INSTANT: (dt.datetime,),
    FieldType.LOCAL_TIME: (dt.datetime,),
    FieldType.BINARY: (bytes,),
}
_INTEGERS = 2**63


class RefusedError(Exception):
    """The system says no to a cell or a change: our catalogue's code, and the field at fault."""

    def __init__(self, code: str, field_name: str | None = None) -> None:
        super().__init__(f"{code} {field_name or ''}".strip())
        self.code = code
        self.field_name = field_name


@dataclass(frozen=True, slots=True)
class Record:
    """One record: every field's cell (None where empty) and our key, where it has one. locked: no field may be written.
    binned: deleted by somebody who may take it out of the bin again."""

    values: Row
    our_key: str | None = None
    locked: bool = False
    binned: bool = False


@dataclass(slots=True)
class Table:
    """The records of one object by key text, with an index of our keys and of each unique or reference field.

    unseen: (from when `find` sees a change, key, the record before it), oldest first. last_number: the highest number
    that was ever a key.
    """

    schema: ObjectSchema
    records: dict[str, Record] = field(default_factory=dict)
    our_keys: dict[str, str] = field(default_factory=dict)
    index: dict[str, dict[Cell, set[str]]] = field(default_factory=dict)
    unseen: list[tuple[dt.datetime, str, Record | None]] = field(default_factory=list)
    last_number: int = 0
    _order: list[tuple[SortKey, str]] | None = None

    def __post_init__(self) -> None:
        for each in self.schema.fields:
            if each.unique or each.type is FieldType.REFERENCE:
                self.index[each.name] = {}

    def put(self, key: str, record: Record | None, seen_from: dt.datetime | None = None) -> None:
        """Store, replace or (with None) remove a record; `visible` goes on showing the old state until `seen_from`."""
        old = self.records.pop(key, None)
        if seen_from is not None:
            self.unseen.append((seen_from, key, old))
        if (old is None or old.binned) != (record is None or record.binned):
            self._order = None
        if old is not None:
            self._unlink(key, old)
        if record is not None:
            self._link(key, record)

    def _unlink(self, key: str, old: Record) -> None:
        if old.our_key is not None and self.our_keys.get(old.our_key) == key:
            del self.our_keys[old.our_key]
        for name, holders in self.index.items():
            if old.values[name] is not None:
                holders[old.values[name]].discard(key)

    def _link(self, key: str, record: Record) -> None:
        self.records[key] = record
        if key.isascii() and key.isdecimal():
            self.last_number = max(self.last_number, int(key))
        if record.our_key is not None:
            self.our_keys[record.our_key] = key
        for name, holders in self.index.items():
            if record.values[name] is not None:
                holders.setdefault(record.values[name], set()).add(key)

    def visible(self, now: dt.datetime) -> Mapping[str, Record]:
        """The records without what is still unseen; `records` itself where nothing is."""
        self.unseen = [each for each in self.unseen if each[0] > now]
        if not self.unseen:
            return self.records
        view = dict(self.records)
        for _, key, before in reversed(self.unseen):
            view.pop(key, None)
            if before is not None:
                view[key] = before
        return view

    def in_order(self) -> list[tuple[SortKey, str]]:
        """(sort key, key) of every record that is listed, in key order: numbers by value, all else by code point."""
        if self._order is None:
            listed = (each for each in self.records.items() if not each[1].binned)
            self._order = sorted((self.sort_key(record), key) for key, record in listed)
        return self._order

    def sort_key(self, record: Record) -> SortKey:
        parts = (record.values[name] for name in self.schema.key)
        return tuple((part, "") if isinstance(part, int) else (0, str(part)) for part in parts)

    def key_of(self, values: Row) -> str:
        return join_key(tuple(str(values[name]) for name in self.schema.key))

    def typed(self, row: Row) -> dict[str, Cell]:
        """The named cells as their fields hold them. Raises RefusedError `target.type` or `target.out_of_range`."""
        return {name: typed_cell(value, self.described(name)) for name, value in row.items()}

    def described(self, name: str) -> Field:
        """Raises InputError `memory.no_field`."""
        found = self.schema.field(name)
        if found is None:
            known = ", ".join(self.schema.field_names)
            raise InputError("memory.no_field", object=self.schema.name, field=name, known=known)
        return found

    def checked(self, values: Row, key: str | None) -> dict[str, Cell]:
        """The cells of a write to the record `key` (None: a new one), typed and within every limit of their fields;
        references are not looked at. Raises RefusedError."""
        checked = self.typed(values)
        for name, value in checked.items():
            described = self.described(name)
            if not described.writable or (key is not None and not described.changeable):
                raise RefusedError("target.refused", name)
            check_limits(value, described)
            if described.unique and value is not None and self.index[name].get(value, set()) - {key}:
                raise RefusedError("target.duplicate", name)
            if key is not None and name in self.schema.key and value != self.records[key].values[name]:
                raise RefusedError("target.refused", name)
        return checked

    def number(self, values: dict[str, Cell]) -> None:
        """Give a new record the key that it came without, where the key is a single field that is not required: the
        next number. Raises RefusedError where the key is incomplete."""
        (name, *more) = self.schema.key
        if values[name] is None and not more and not self.described(name).required:
            following = self.last_number + 1
            values[name] = following if self.described(name).type is FieldType.INTEGER else str(following)
        for part in self.schema.key:
            if values[part] is None:
                raise RefusedError("target.required", part)


def typed_cell(value: Cell, described: Field) -> Cell:
    """The cell as the field holds it: decimals at the field's scale, instants in UTC. Raises RefusedError."""
    if value is None:
        return None
    if not isinstance(value, _TAKES.get(described.type, (str,))):
        raise RefusedError("target.type", described.name)
    if isinstance(value, bool) is not (described.type is FieldType.BOOLEAN):
        raise RefusedError("target.type", described.name)
    if described.type is FieldType.DECIMAL and isinstance(value, Decimal | int):
        return _decimal(Decimal(value), described)
    if described.type is FieldType.FLOAT and isinstance(value, int):
        return float(value)
    if isinstance(value, dt.datetime):
        return _time(value, described)
    if isinstance(value, int) and not -_INTEGERS <= value < _INTEGERS:
        raise RefusedError("target.out_of_range", described.name)
    return value


def _decimal(value: Decimal, described: Field) -> Decimal:
    precision = min(described.precision or DECIMAL_PRECISION, DECIMAL_PRECISION)
    scale = DEFAULT_SCALE if described.scale is None else described.scale
    exact = Context(prec=precision, traps=[Inexact, InvalidOperation])
    try:
        if not value.is_finite():
            raise InvalidOperation
        return value.quantize(Decimal(1).scaleb(-scale), context=exact)
    except (Inexact, InvalidOperation) as error:
        raise RefusedError("target.out_of_range", described.name) from error


def _time(value: dt.datetime, described: Field) -> dt.datetime:
    aware = value.tzinfo is not None
    if described.type is FieldType.INSTANT and aware:
        return value.astimezone(dt.UTC)
    if described.type is FieldType.LOCAL_TIME and not aware:
        return value
    raise RefusedError("target.type", described.name)


def check_limits(value: Cell, described: Field) -> None:
    """Raises RefusedError where the field does not allow this typed cell."""
    if value is None:
        if described.required:
            raise RefusedError("target.required", described.name)
        return
    if isinstance(value, str | bytes) and described.length is not None and len(value) > described.length:
        raise RefusedError("target.too_long", described.name)
    if described.choices and value not in described.choices:
        raise RefusedError("target.check", described.name)
    if isinstance(value, int | Decimal | float):
        low, high = described.minimum, described.maximum
        if (low is not None and value < Decimal(low)) or (high is not None and value > Decimal(high)):
            raise RefusedError("target.out_of_range", described.name)


def searchable(cells: Iterable[Cell], fields: Iterable[Field]) -> tuple[Cell, ...] | None:
    """The cells as their fields would hold them; None where no record can hold them (null, or another type)."""
    try:
        typed = tuple(typed_cell(cell, described) for cell, described in zip(cells, fields, strict=True))
    except RefusedError:
        return None
    return None if None in typed else typed


def sort_key_from(cursor: str, object_name: str, parts: int) -> SortKey:
    """Undo `json.dumps` of a sort key. Raises InputError `memory.cursor`."""
    try:
        key = tuple((int(number), str(text)) for number, text in json.loads(cursor))
    except (ValueError, TypeError) as error:
        raise InputError("memory.cursor", object=object_name) from error
    if len(key) != parts:
        raise InputError("memory.cursor", object=object_name)
    return key
