"""What a record's fields look like, as keyed digests: of a mapped chunk, and of the target's rows seen the same way.

A reference counts as *our key of the parent* on both sides, so that a record re-created under another target key is
still the same. A digest of 0 means that nothing is known of that field.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..connectors.cell import canonical_text, cast, text_of
from ..connectors.chunk import Chunk
from ..connectors.schema import Field, FieldType
from ..mappings.compile import CompiledMapping
from ..runs.digest import field_digests, unpack
from ..runs.ledger import records
from .session import Session

Digests = npt.NDArray[np.uint64]
Marks = npt.NDArray[np.bool_]

UNKNOWN = np.uint64(0)
FOREIGN = "@"
"""Before a target key in a reference cell: the parent is not ours."""


def arrow_column(frame: pd.DataFrame, name: str) -> pa.Array:
    series = frame[name]
    held = series.array  # a series costs twice as much, for what Arrow asks of it first
    column = pa.array(held if isinstance(held, pd.arrays.ArrowExtensionArray) else series)
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def mapped_digests(mapping: CompiledMapping, frame: pd.DataFrame, key: bytes) -> Digests:
    """One digest a row and field of a mapped frame. A key is no text that is equal to its other spellings: two of them
    may differ in nothing but how a letter is composed."""
    texts = []
    for field in mapping.target_fields:
        column = arrow_column(frame, field.name)
        exact = field.name in mapping.references
        texts.append(text_of(column) if exact else canonical_text(column, _as_seen(field)))
    return field_digests(texts, key) if texts else np.zeros((len(frame), 0), np.uint64)


def _as_seen(field: Field) -> Field:
    """A reference is compared as the text of our key, whatever the column's own type."""
    return field if field.type is not FieldType.REFERENCE else Field(field.name, FieldType.TEXT)


class TargetRows:
    """Rows of the target in the words of the mapping: typed cells, references as our keys, digests.

    frame: one column a target field of the mapping, typed; references still hold the target's keys (as text), for
    compare-and-set and pre-images. digests: rows x fields. keys, our_keys: as the target told them.
    """

    def __init__(self, session: Session, mapping: CompiledMapping, chunk: Chunk) -> None:
        self.keys = chunk.keys
        self.our_keys = chunk.our_keys
        self._names = [field.name for field in mapping.target_fields]
        texts, columns = [], {}
        for field in mapping.target_fields:
            typed, missed = cast(arrow_column(chunk.frame, field.name), field, session.target_zone)
            columns[field.name] = typed
            if field.name in mapping.references:
                texts.append(_as_our_keys(session, parent_objects(session, mapping, field.name), typed))
            else:
                text = canonical_text(typed, _as_seen(field))
                if pc.any(missed).as_py():
                    text = pc.if_else(missed, text_of(chunk.frame[field.name]), text)
                texts.append(text)
        self.columns: dict[str, pa.Array] = columns
        self.digests: Digests = (
            field_digests(texts, session.keys.digest) if texts else np.zeros((len(chunk), 0), np.uint64)
        )
        self.row_of = {key: row for row, key in enumerate(chunk.keys)}

    def cell(self, row: int, field: str) -> object:
        return self.columns[field][row].as_py()


def parent_objects(session: Session, mapping: CompiledMapping, name: str) -> list[str]:
    """The target's objects to which this reference of the mapping leads."""
    return list(dict.fromkeys(session.mappings[maker].target.name for maker in mapping.references[name]))


def _as_our_keys(session: Session, objects: Sequence[str], column: pa.Array) -> pa.StringArray:
    """The target's keys of parents as our keys of them; a parent that is not ours as its own key behind an @, as is one
    that might be a record of either of two objects."""
    values = column.to_pylist()
    wanted = sorted({value for value in values if value is not None})
    ours: dict[str, str] = {}
    for each in objects:
        found = records.our_keys(session.ledger, each, wanted)
        ours |= {key: FOREIGN + key if key in ours else name for key, name in found.items()}
    return pa.array([None if value is None else ours.get(value, FOREIGN + value) for value in values], pa.string())


def find_rows(session: Session, mapping: CompiledMapping, by: str, values: Sequence[str]) -> TargetRows:
    """The target's rows under these keys (`port.KEY` or `port.OUR_KEY`), read in pages as large as the target takes."""
    size = session.target.capabilities.find_size
    names = [field.name for field in mapping.target_fields]
    pieces = [
        session.target.find(mapping.target.name, (by,), [(value,) for value in values[start : start + size]], names)
        for start in range(0, len(values), size)
    ]
    return TargetRows(session, mapping, joined(mapping.target.name, names, pieces))


def joined(object_name: str, names: Sequence[str], pieces: Sequence[Chunk]) -> Chunk:
    """Several answers as one chunk; columns whose kinds differ between answers become text."""
    if len(pieces) == 1:
        return pieces[0]
    frame = pd.DataFrame({name: _stacked([piece.frame[name] for piece in pieces]) for name in names})
    return Chunk(
        object_name,
        frame,
        [key for piece in pieces for key in piece.keys],
        our_keys=[key for piece in pieces for key in piece.our_keys],
    )


def _stacked(columns: Sequence[pd.Series]) -> pd.Series:
    if not columns:
        return pd.Series([], dtype=pd.ArrowDtype(pa.string()))
    filled = [column for column in columns if column.notna().any()] or list(columns[:1])
    if len({str(column.dtype) for column in filled}) > 1:
        columns = [pd.Series(text_of(column), dtype=pd.ArrowDtype(pa.string())) for column in columns]
    else:
        columns = [column if column.dtype == filled[0].dtype else column.astype(filled[0].dtype) for column in columns]
    return pd.concat(columns, ignore_index=True)


def known_digests(
    session: Session, rows: Sequence[records.RecordRow], fields: Sequence[str], current: int
) -> tuple[Digests, Digests]:
    """(sent, back) of ledger rows in the order of `fields`, 0 where the ledger knows nothing. current: the number of
    the fieldset that has exactly these fields under today's mapping."""
    sent = np.zeros((len(rows), len(fields)), np.uint64)
    back = np.zeros((len(rows), len(fields)), np.uint64)
    by_fieldset: dict[int, list[int]] = {}
    for place, row in enumerate(rows):
        if row.fieldset is not None:
            by_fieldset.setdefault(row.fieldset, []).append(place)
    for number, places in by_fieldset.items():
        names = list(fields) if number == current else list(records.fieldset_of(session.ledger, number).fields)
        columns = [(names.index(name), column) for column, name in enumerate(fields) if name in names]
        there, here = [pair[0] for pair in columns], [pair[1] for pair in columns]
        blank = bytes(8 * len(names))
        for told, into in (("sent", sent), ("back", back)):
            packed = [getattr(rows[place], told) or blank for place in places]
            into[np.ix_(places, here)] = unpack(packed, len(names))[:, there]
    return sent, back


def marked(written: Marks) -> list[bytes]:
    """One byte a field, a row each: 1 where the field is written."""
    width = written.shape[1]
    packed = written.astype(np.uint8).tobytes()
    return [packed[start : start + width] for start in range(0, len(packed), width)]
