"""Cells of a JSON document that a system in memory is filled from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

import pyarrow as pa

from .cell import Cell, cast
from .errors import InputError
from .memory_table import Row
from .port import Settings
from .schema import Schema


def typed_rows(schema: Schema, name: str, listed: Sequence[Mapping[str, object]], settings: Settings) -> list[Row]:
    described = schema.objects[name]
    columns: dict[str, list[Cell]] = {}
    for each in described.fields:
        texts = pa.array([_text(row.get(each.name)) for row in listed], pa.string())
        typed, misfits = cast(texts, each, ZoneInfo(settings.zone) if settings.zone else None)
        first = misfits.to_pylist().index(True) + 1 if True in misfits.to_pylist() else 0
        if first:
            raise InputError("memory.cell", connection=settings.name, object=name, field=each.name, row=first)
        columns[each.name] = typed.to_pylist()
    for row in listed:
        for field in row:
            if described.field(field) is None:
                raise InputError("memory.no_field", object=name, field=field, known=", ".join(columns))
    return [dict(zip(columns, cells_of_row, strict=True)) for cells_of_row in zip(*columns.values(), strict=True)]


def _text(cell: object) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    raise TypeError("a cell is a text, a number, true, false or null")
