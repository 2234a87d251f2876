"""Computed once: what depends on nothing but its arguments and would cost a trial more than all the rest."""

from __future__ import annotations

from typing import Any

import pytest
from changeover.connectors import memory
from changeover.connectors.memory_table import Table
from changeover.migrate import fingerprint
from changeover.migrate.settling import recover


class _Known:
    """Answers by the identity of arguments that are never let go, or by their values."""

    def __init__(self) -> None:
        self._kept: dict[Any, tuple[Any, Any]] = {}

    def of(self, name: Any, make: Any, *keep: Any) -> Any:
        found = self._kept.get(name)
        if found is None:
            found = self._kept[name] = (make(), keep)
        return found[0]


_KNOWN = _Known()


def remember(patch: pytest.MonkeyPatch) -> None:
    """Frames of the same cells are the same frame, and so are its columns and digests: the shipped functions, each
    asked once."""
    known = _KNOWN
    frame, value, column = memory._frame, memory.canonical_value, fingerprint.arrow_column
    cast, canonical, digests = fingerprint.cast, fingerprint.canonical_text, fingerprint.field_digests

    def same_frame(table: Any, records: Any, fields: Any) -> Any:
        cells = tuple(tuple(each.values[name] for name in fields) for each in records.values())
        name = ("frame", table.schema.name, tuple(fields), cells)
        return known.of(name, lambda: frame(table, records, fields))

    def same_column(of: Any, name: str) -> Any:
        return known.of(("column", id(of), name), lambda: column(of, name), of)

    def same_cast(of: Any, field: Any, zone: Any) -> Any:
        return known.of(("cast", id(of), field.name, zone), lambda: cast(of, field, zone), of)

    def same_text(of: Any, field: Any) -> Any:
        return known.of(("text", id(of), field.name), lambda: canonical(of, field), of)

    def same_digests(columns: Any, key: bytes) -> Any:
        cells = tuple(tuple(each.to_pylist()) for each in columns)
        return known.of(("digests", cells, key), lambda: digests(columns, key)).copy()

    def same_value(cell: Any, field: Any) -> Any:
        return known.of(("value", cell, type(cell), field.name), lambda: value(cell, field))

    described = Table.described

    def same_field(self: Table, name: str) -> Any:
        return known.of(("field", self.schema.name, name), lambda: described(self, name))

    patch.setattr(Table, "described", same_field)
    patch.setattr(memory, "_frame", same_frame)
    patch.setattr(memory, "canonical_value", same_value)
    patch.setattr(fingerprint, "arrow_column", same_column)
    patch.setattr(fingerprint, "cast", same_cast)
    patch.setattr(fingerprint, "canonical_text", same_text)
    patch.setattr(fingerprint, "field_digests", same_digests)
    patch.setattr(recover, "field_digests", same_digests)
