"""Files as a system: described, read, counted and searched; never written.

Records come in the order of the file, which need not be that of their keys, and cells come as they stand in the file.
So do keys: the same key twice comes twice, and a missing one comes as empty text.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..audit import audit_of
from ..cell import Cell, canonical_text, canonical_value, text_of
from ..change import Batch, Outcome
from ..chunk import Chunk
from ..clock import Clock
from ..errors import InputError, StaleCursorError
from ..nearest import nearest
from ..port import KEY, OUR_KEY, AuditFields, Capabilities, Identity
from ..schema import Field, FieldType, ObjectSchema, Schema
from .csv_table import CsvTable
from .jsonl_table import JsonLinesTable
from .options import FileObject
from .parquet_table import ParquetTable
from .table import FileTable, State, mark_of, refuse_change, state_of
from .xlsx_table import XlsxTable

_TABLES: dict[str, Callable[[FileObject], FileTable]] = {
    "csv": CsvTable,
    "parquet": ParquetTable,
    "jsonl": JsonLinesTable,
    "xlsx": XlsxTable,
}


class FilesConnector:
    """The files of a folder. Every method that looks into a file raises InputError where the file is missing or is not
    what the project says, and UnavailableError `files.changed` where it changes while it is read."""

    capabilities = Capabilities(find_size=50_000, ordered_reads=False)

    def __init__(
        self,
        folder: Path,
        objects: Mapping[str, FileObject],
        *,
        clock: Clock,
        audit: Mapping[str, AuditFields] | None = None,
    ) -> None:
        self._folder = folder
        self._objects = dict(objects)
        self._tables: dict[str, FileTable] = {name: _TABLES[each.format](each) for name, each in objects.items()}
        self._clock = clock
        self._audit = dict(audit or {})

    def identity(self) -> Identity:
        name = self._folder.resolve().name
        return Identity(kind="files", id=name, name=name)

    def describe(self) -> Schema:
        return Schema({name: self._described(name) for name in sorted(self._objects)})

    def audit_fields(self, object_name: str) -> AuditFields:
        self._object(object_name)
        return audit_of(self._audit, self._described(object_name)) if self._audit else AuditFields()

    def acting_user(self) -> str | None:
        return None

    def read(
        self, object_name: str, fields: Sequence[str], *, after: str | None = None, size: int = 20_000
    ) -> Iterator[Chunk]:
        """All records in the file's order. A cursor counts the records before it, and is good for the file it was made
        of: read with the cursor of another file, StaleCursorError `files.changed`."""
        described = self._object(object_name)
        self._known(object_name, fields)
        state, mark = state_of(described), mark_of(described)
        row, _, cursor_of = (after or f"0@{mark}").partition("@")
        if not row.isdecimal() or not cursor_of:
            raise InputError("files.cursor", object=object_name)
        if cursor_of != mark:
            raise StaleCursorError("files.changed", object=object_name, file=described.shown)
        return self._chunks(described, fields, int(row), size, state, mark)

    def _chunks(
        self, described: FileObject, fields: Sequence[str], position: int, size: int, state: State, mark: str
    ) -> Iterator[Chunk]:
        columns = list(dict.fromkeys([*fields, *described.key]))
        for table in _sized(self._tables[described.name].batches(columns, position), size):
            refuse_change(described, state)
            position += len(table)
            yield Chunk(described.name, _frame(table, fields), _keys(table, described.key), f"{position}@{mark}")
        refuse_change(described, state)

    def count(self, object_name: str) -> int:
        self._object(object_name)
        return self._tables[object_name].count()

    def find(
        self, object_name: str, by: Sequence[str], values: Sequence[tuple[Cell, ...]], fields: Sequence[str]
    ) -> Chunk:
        """Looks through the whole file, whatever the number of values."""
        described = self._object(object_name)
        schema = self._known(object_name, fields if tuple(by) in ((KEY,), (OUR_KEY,)) else [*by, *fields])
        if len(values) > self.capabilities.find_size:
            raise ValueError(f"{object_name}: {len(values)} values to find, {self.capabilities.find_size} at most")
        columns = list(dict.fromkeys([*fields, *described.key, *(name for name in by if name not in (KEY, OUR_KEY))]))
        state = state_of(described)
        searched = [schema.field(name) for name in by]
        asked = (tuple(map(_told, value, searched)) for value in values if OUR_KEY not in by)
        wanted = {told for told in asked if None not in told}
        found = []
        for table in self._tables[object_name].batches(columns, 0) if wanted else ():
            refuse_change(described, state)
            found.append(_matching(table, by, searched, wanted, described.key))
        refuse_change(described, state)
        table = pa.concat_tables(found) if found else pa.table({name: pa.nulls(0, pa.string()) for name in columns})
        return Chunk(object_name, _frame(table, fields), _keys(table, described.key))

    def write(self, batch: Batch) -> list[Outcome]:
        """Raises InputError `files.source_only`."""
        raise InputError("files.source_only", object=batch.object)

    def prepare(self) -> None:
        """Raises InputError `files.source_only`."""
        raise InputError("files.source_only", object=", ".join(self._objects))

    def our_keys(self, object_name: str) -> Iterator[list[tuple[str, str]]]:
        self._object(object_name)
        return iter(())

    def now(self) -> dt.datetime:
        return self._clock.now()

    def record_url(self, object_name: str, key: str) -> str | None:
        return None

    def close(self) -> None:
        """Nothing stays open between two calls."""

    def _object(self, name: str) -> FileObject:
        if name not in self._objects:
            raise InputError("files.no_object", object=name, nearest=nearest(name, list(self._objects)))
        return self._objects[name]

    def _described(self, name: str) -> ObjectSchema:
        return ObjectSchema(name, self._objects[name].key, self._tables[name].fields())

    def _known(self, name: str, fields: Sequence[str]) -> ObjectSchema:
        schema = self._described(name)
        for field in fields:
            if schema.field(field) is None:
                raise InputError("files.no_field", object=name, field=field, nearest=nearest(field, schema.field_names))
        return schema


def _sized(tables: Iterator[pa.Table], size: int) -> Iterator[pa.Table]:
    """The same rows in tables of `size`, the last one shorter."""
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        if sum(map(len, waiting)) >= size:
            whole = pa.concat_tables(waiting)
            full = len(whole) // size * size
            yield from (whole.slice(start, size) for start in range(0, full, size))
            waiting = [whole.slice(full)]
    if any(map(len, waiting)):
        yield pa.concat_tables(waiting)


def _frame(table: pa.Table, fields: Sequence[str]) -> pd.DataFrame:
    columns = {name: pd.arrays.ArrowExtensionArray(table.column(name)) for name in fields}
    return pd.DataFrame(columns, index=pd.RangeIndex(len(table)), copy=False)


def _keys(table: pa.Table, key: tuple[str, ...]) -> list[str]:
    return [str(text) for text in _key_texts(table, key).to_pylist()]


def _key_texts(table: pa.Table, key: tuple[str, ...]) -> pa.StringArray:
    """`join_key` for whole columns; what is missing counts as empty text."""
    parts: list[pa.StringArray] = [pc.fill_null(text_of(table.column(name)), pa.scalar("")) for name in key]
    if len(parts) > 1:
        for sign in ("\\", "|"):
            parts = [pc.replace_substring(part, sign, f"\\{sign}") for part in parts]
    joined: pa.StringArray = pc.binary_join_element_wise(*parts, pa.scalar("|"))
    return joined


def _told(cell: Cell, field: Field | None) -> str | None:
    """The text that a cell is found by, None for null, which nothing equals. Text is compared as it stands, all else
    by its canonical text."""
    if field is None or (isinstance(cell, str) and field.type is FieldType.TEXT):
        return cell if isinstance(cell, str) else None
    return canonical_value(cell, field)


def _matching(
    table: pa.Table,
    by: Sequence[str],
    searched: Sequence[Field | None],
    wanted: set[tuple[str | None, ...]],
    key: tuple[str, ...],
) -> pa.Table:
    texts = []
    for name, field in zip(by, searched, strict=True):
        if field is None:
            texts.append(_key_texts(table, key))
        elif field.type is FieldType.TEXT:
            texts.append(text_of(table.column(name)))
        else:
            texts.append(canonical_text(table.column(name), field))
    hit = pa.array([True] * len(table))
    for place, text in enumerate(texts):
        hit = pc.and_(hit, pc.is_in(text, value_set=pa.array({each[place] for each in wanted}, pa.string())))
    some = table.filter(hit)
    if len(by) == 1 or not len(some):
        return some
    rows = zip(*(text.filter(hit).to_pylist() for text in texts), strict=True)
    return some.filter(pa.array([row in wanted for row in rows]))
