"""One pass over an object: every field measured chunk by chunk, whole columns at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...connectors.casting import cast
from ...connectors.chunk import Chunk
from ...connectors.schema import Field, FieldType, ObjectSchema
from ...connectors.stored import plain_text, readable, text_of
from .distinct import Distinct, Frequent
from .kinds import Kinds, is_boolean, is_picklist
from .profile import FieldProfile, Kind, ObjectProfile

MOST_WRITERS: Final = 5_000
TOLD: Final = 5
MOST_SPELLINGS: Final = 12
"""Of yes and no in one column."""
_ORDERED: Final = frozenset(
    (
        FieldType.INTEGER,
        FieldType.DECIMAL,
        FieldType.FLOAT,
        FieldType.DATE,
        FieldType.INSTANT,
        FieldType.LOCAL_TIME,
    )
)
_CODED: Final = frozenset((FieldType.TEXT, FieldType.INTEGER, FieldType.CHOICE))


class ObjectMeasure:
    """modified_at, modified_by: the fields that say when and by whom a record was changed last; None where unknown."""

    def __init__(self, schema: ObjectSchema, modified_at: str | None = None, modified_by: str | None = None) -> None:
        self._schema = schema
        self._modified_at = schema.field(modified_at) if modified_at else None
        self._writers = _Writers() if modified_by and schema.field(modified_by) else None
        self._modified_by = modified_by
        self._fields = [_FieldMeasure(field) for field in schema.fields]
        self._records = 0

    def take(self, chunk: Chunk) -> None:
        """The chunk must have every field of the schema."""
        self._records += len(chunk)
        modified = None
        if self._modified_at is not None:
            modified = _times(readable(chunk.frame[self._modified_at.name])[0], self._modified_at)
        if self._writers is not None:
            self._writers.take(text_of(chunk.frame[self._modified_by]))
        for each in self._fields:
            each.take(readable(chunk.frame[each.field.name])[0], modified, self._writers)

    def profile(self) -> ObjectProfile:
        fields = tuple(each.profile(self._writers) for each in self._fields)
        return ObjectProfile(self._schema.name, self._schema.label, self._records, fields)

    def cells_of(self, name: str) -> tuple[str, ...] | None:
        """Every different cell of that field, the most frequent first; None where there are too many."""
        return next(each.cells() for each in self._fields if each.field.name == name)


class _Writers:
    """Who changed the records of the chunk at hand last, as numbers. codes: one a record, the last number where nobody
    is named."""

    def __init__(self) -> None:
        self._numbers: dict[str | None, int] = {}
        self.codes = np.empty(0, dtype=np.int64)

    def take(self, column: pa.StringArray) -> None:
        encoded = column.dictionary_encode()
        new = [self._numbers.setdefault(name, len(self._numbers)) for name in encoded.dictionary.to_pylist()]
        nobody = self._numbers.setdefault(None, len(self._numbers))
        places = encoded.indices.fill_null(len(new)).to_numpy(zero_copy_only=False)
        self.codes = np.array([*new, nobody], dtype=np.int64)[places]

    @property
    def too_many(self) -> bool:
        return len(self._numbers) > MOST_WRITERS

    def counts(self, filled: np.ndarray) -> np.ndarray:
        return np.bincount(self.codes[filled], minlength=len(self._numbers))

    def named(self, counts: np.ndarray) -> list[tuple[str, int]]:
        """Writers with their records, the most frequent first."""
        told = [(name, int(counts[at])) for name, at in self._numbers.items() if name is not None and at < len(counts)]
        return sorted(((name, count) for name, count in told if count), key=lambda each: (-each[1], each[0]))


class _FieldMeasure:
    def __init__(self, field: Field) -> None:
        self.field = field
        self._filled = 0
        self._longest = 0
        self._distinct = Distinct()
        self._frequent = Frequent()
        self._kinds = Kinds()
        self._lowest: pa.Scalar | None = None
        self._highest: pa.Scalar | None = None
        self._last_used: pa.Scalar | None = None
        self._written = np.zeros(0, dtype=np.int64)

    def take(self, column: pa.Array, modified: pa.Array | None, writers: _Writers | None) -> None:
        filled = column.is_valid()
        if pa.types.is_string(column.type) or pa.types.is_binary(column.type):
            filled = pc.fill_null(pc.greater(pc.binary_length(column), 0), False)
        count = int(pc.sum(filled).as_py() or 0)
        self._filled += count
        if not count:
            return
        if modified is not None:
            self._last_used = _further(self._last_used, pc.max(modified.filter(filled)), pc.greater)
        if writers is not None and not writers.too_many:
            self._add_writers(writers.counts(filled.to_numpy(zero_copy_only=False)))
        if self.field.type is not FieldType.BINARY:
            self._take_cells(column.filter(filled))

    def _add_writers(self, counts: np.ndarray) -> None:
        counts[: len(self._written)] += self._written
        self._written = counts

    def _take_cells(self, column: pa.Array) -> None:
        if self.field.type in _ORDERED:
            typed = cast(column, replace(self.field, required=False))[0]
            found = pc.min_max(typed)
            self._lowest = _further(self._lowest, found["min"], pc.less)
            self._highest = _further(self._highest, found["max"], pc.greater)
        counted = pc.value_counts(plain_text(column))
        different, counts = counted.field("values"), counted.field("counts")
        self._longest = max(self._longest, pc.max(pc.utf8_length(different)).as_py() or 0)
        self._distinct.take(different)
        self._frequent.take(different, counts)
        if self.field.type is FieldType.TEXT:
            self._kinds.take(different, counts)

    def cells(self) -> tuple[str, ...] | None:
        return self._frequent.all()

    def profile(self, writers: _Writers | None) -> FieldProfile:
        named = [] if writers is None or writers.too_many else writers.named(self._written)
        return FieldProfile(
            name=self.field.name,
            type=self.field.type,
            label=self.field.label,
            filled=self._filled,
            distinct=self._distinct.count(),
            exact=self._distinct.exact,
            longest=self._longest,
            kind=self._kind(),
            last_used=_told(self._last_used),
            writers=len(named) if named else None,
            lowest=_told(self._lowest),
            highest=_told(self._highest),
            top=self._frequent.top(TOLD),
            written_by=tuple(named[:TOLD]),
        )

    def _kind(self) -> Kind | None:
        if self.field.type not in _CODED:
            return None
        distinct = self._distinct.count()
        cells = self.cells() if distinct <= MOST_SPELLINGS else None
        if cells is not None and is_boolean(cells):
            return Kind.BOOLEAN
        picklist = self._distinct.exact and is_picklist(self._filled, distinct, self._longest)
        likely = self._kinds.likely()
        if likely in (None, Kind.NUMBER) and picklist:
            return Kind.PICKLIST
        return likely


def _times(column: pa.Array, field: Field) -> pa.Array:
    """Times of change, whatever type they are kept in."""
    if field.type not in (FieldType.DATE, FieldType.INSTANT, FieldType.LOCAL_TIME):
        field = replace(field, type=FieldType.LOCAL_TIME)
    return cast(column, replace(field, required=False))[0]


def _further(
    known: pa.Scalar | None, found: pa.Scalar, beyond: Callable[[pa.Scalar, pa.Scalar], pa.Scalar]
) -> pa.Scalar | None:
    if not found.is_valid:
        return known
    return found if known is None or beyond(found, known).as_py() else known


def _told(value: pa.Scalar | None) -> str | None:
    return None if value is None else str(plain_text(pa.array([value.as_py()], value.type))[0])
