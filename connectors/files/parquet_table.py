"""Parquet: cells on the types that the file has; what no field can hold (lists, structures) as JSON text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet

from ..cell import DECIMAL_PRECISION
from ..errors import InputError
from ..schema import Field, FieldType
from .options import FileObject
from .table import check_names, unreadable

_ROWS = 20_000


class ParquetTable:
    def __init__(self, described: FileObject) -> None:
        self._described = described

    def fields(self) -> tuple[Field, ...]:
        with self._open() as file:
            return tuple(field_of(each.name, _plain(each.type)) for each in file.schema_arrow)

    def count(self) -> int:
        with self._open() as file:
            return int(file.metadata.num_rows)

    def batches(self, columns: Sequence[str], skip: int) -> Iterator[pa.Table]:
        with self._open() as file:
            groups: list[int] = []
            for group in range(file.num_row_groups):
                rows = file.metadata.row_group(group).num_rows
                if not groups and skip >= rows:
                    skip -= rows
                else:
                    groups.append(group)
            try:
                for batch in file.iter_batches(_ROWS, row_groups=groups, columns=list(columns)):
                    rest = batch.slice(min(skip, len(batch)))
                    skip -= min(skip, len(batch))
                    if len(rest):
                        yield pa.table({name: _readable(rest.column(name)) for name in columns})
            except (pa.ArrowInvalid, OSError) as error:
                raise self._broken() from error

    def _open(self) -> pyarrow.parquet.ParquetFile:
        try:
            file = pyarrow.parquet.ParquetFile(self._described.path)
        except FileNotFoundError as error:
            raise unreadable(self._described, error) from error
        except (pa.ArrowInvalid, OSError) as error:
            raise self._broken() from error
        check_names(self._described, file.schema_arrow.names)
        return file

    def _broken(self) -> InputError:
        return InputError("files.not_parquet", object=self._described.name, file=self._described.shown)


def field_of(name: str, kind: pa.DataType) -> Field:
    """The field that a column of this type is."""
    if pa.types.is_uint64(kind):
        return Field(name, FieldType.DECIMAL, writable=False, precision=20, scale=0)
    if pa.types.is_decimal(kind) and kind.precision <= DECIMAL_PRECISION and kind.scale >= 0:
        return Field(name, FieldType.DECIMAL, writable=False, precision=kind.precision, scale=kind.scale)
    if pa.types.is_timestamp(kind):
        return Field(name, FieldType.LOCAL_TIME if kind.tz is None else FieldType.INSTANT, writable=False)
    for test, field_type in (
        (pa.types.is_boolean, FieldType.BOOLEAN),
        (pa.types.is_integer, FieldType.INTEGER),
        (pa.types.is_floating, FieldType.FLOAT),
        (pa.types.is_date, FieldType.DATE),
        (pa.types.is_binary, FieldType.BINARY),
        (pa.types.is_large_binary, FieldType.BINARY),
        (pa.types.is_fixed_size_binary, FieldType.BINARY),
    ):
        if test(kind):
            return Field(name, field_type, writable=False)
    return Field(name, FieldType.TEXT, writable=False)


def _plain(kind: pa.DataType) -> pa.DataType:
    return _plain(kind.value_type) if pa.types.is_dictionary(kind) else kind


def _readable(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        return column.cast(_plain(column.type))
    if pa.types.is_nested(column.type):
        texts = (
            None if cell is None else json.dumps(cell, ensure_ascii=False, default=str) for cell in column.to_pylist()
        )
        return pa.array(texts, pa.string())
    return column
