"""The records of one contributor, on their way into an assembly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...connectors.cell import cast
from ...connectors.chunk import Chunk
from ...connectors.schema import Field, ObjectSchema
from ...connectors.stored import as_stored, plain_text
from ..condition import CompiledConditions
from ..rule import joined_key, key_text
from ..transform import BoundTransform

KEY, OWN = "@key", "@own"
"""Columns beside the fields: the assembly's key, and the record's own."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """Records of one contributor. table: KEY, OWN and the fields asked for. left_out: how many its `where` left out,
    untold: of these because nobody can tell. keyless: how many have no key to be put together by."""

    table: pa.Table
    left_out: int
    keyless: int
    untold: int


@dataclass(frozen=True, slots=True)
class CompiledContributor:
    """object: what it reads. key: its fields that hold the assembly's key. order: by which field the first (or `last`)
    of several records of one key is taken; None where the record then waits."""

    name: str
    object: ObjectSchema
    key: tuple[Field, ...]
    transforms: tuple[BoundTransform, ...]
    conditions: CompiledConditions | None
    order: Field | None = None
    last: bool = False

    def reads(self, fields: Sequence[str]) -> tuple[str, ...]:
        """What to read of it so that these fields of its can be assembled."""
        own = [*(each.name for each in self.key), *(self.conditions.sources if self.conditions else ())]
        by = [self.order.name] if self.order is not None else []
        return tuple(dict.fromkeys([*own, *by, *fields]))

    def gather(self, chunk: Chunk, fields: Sequence[str]) -> Gathered:
        """The chunk's frame holds `reads(fields)` at least."""
        columns = {name: as_stored(chunk.frame[name]) for name in self.reads(fields)}
        told = pa.array(np.ones(len(chunk), dtype=bool))
        if self.conditions is not None:
            told = self.conditions.met(columns, len(chunk))
        keep = pc.fill_null(told, False)
        key = self._keys(columns)
        there = key.is_valid()
        left_out = len(chunk) - (pc.sum(keep).as_py() or 0)
        keyless = pc.sum(pc.and_not(keep, there)).as_py() or 0
        by = [self.order.name] if self.order is not None else []
        kept = dict.fromkeys([*by, *fields])
        table = pa.table({KEY: key, OWN: pa.array(chunk.keys, pa.string()), **{name: columns[name] for name in kept}})
        return Gathered(table.filter(pc.and_(keep, there)), left_out, keyless, told.null_count)

    def one_each(self, tables: Sequence[pa.Table]) -> tuple[pa.Table, list[str]]:
        """One record a key, in the order of the keys; and the keys that more than one has."""
        table = stacked(tables)
        if not len(table):
            return table, []
        rank = "@rank"
        sorting = [(KEY, "ascending"), (OWN, "ascending")]
        if self.order is not None:
            column = table.column(self.order.name).combine_chunks()
            typed, missed = cast(column, replace(self.order, required=False))
            if pc.any(missed).as_py():  # what is no value of the field's type is compared as it stands
                typed = plain_text(column)
            table = table.append_column(rank, typed)
            sorting.insert(1, (rank, "descending" if self.last else "ascending"))
        table = table.take(pc.sort_indices(table, sort_keys=sorting))
        keys = table.column(KEY).combine_chunks()
        first = np.ones(len(keys), dtype=bool)
        first[1:] = pc.not_equal(keys.slice(1), keys.slice(0, len(keys) - 1)).to_numpy(zero_copy_only=False)
        again = keys.filter(pa.array(~first)).unique().to_pylist()
        return table.filter(pa.array(first)), again

    def _keys(self, columns: dict[str, pa.Array]) -> pa.StringArray:
        """Null where a part of it is null or blank."""
        parts = []
        for field in self.key:
            text = key_text(columns[field.name], field)
            for each in self.transforms:
                text = each(text)
            blank = pc.fill_null(pc.equal(pc.utf8_trim_whitespace(text), ""), True)
            parts.append(pc.if_else(blank, pa.scalar(None, pa.string()), text))
        return joined_key(parts)


def stacked(tables: Sequence[pa.Table]) -> pa.Table:
    """One below the other. A column that is not of one kind in all of them comes as text."""
    columns = {}
    for name in tables[0].column_names:
        pieces = [chunk for table in tables for chunk in table.column(name).chunks]
        kinds = {each.type for each in pieces if not pa.types.is_null(each.type)}
        if len(kinds) == 1:
            kind = kinds.pop()
            pieces = [each.cast(kind) if each.type != kind else each for each in pieces]
        elif kinds:
            pieces, kind = [plain_text(each) for each in pieces], pa.string()
        else:
            kind = pa.null()
        columns[name] = pa.chunked_array(pieces, kind)
    return pa.table(columns)
