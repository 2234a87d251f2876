"""Exact sums and counts by group, gathered chunk by chunk: of the records that moved, and of those left behind."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..connectors.casting import NUMBER_TEXT
from ..connectors.cell import DECIMAL_PRECISION, DEFAULT_SCALE, canonical_text, cast, text_of
from ..connectors.finding import Finding, Severity
from ..connectors.schema import Field, FieldType
from ..connectors.stored import readable
from ..mappings.condition import CompiledConditions

LEFT_BEHIND: Final = ("rejected", "held", "filtered", "conflicted", "pending")
"""Why a record did not reach the target; the names are those of the report's buckets."""

NAMED_MISFITS: Final = 1000

Group: TypeAlias = tuple[str | None, ...]
Column: TypeAlias = "pa.Array[Any]"

# The default context would round a sum to 28 digits without a word.
_EXACT = Context(prec=400)
_SPAN = 100
_NUMBER = re.compile(NUMBER_TEXT, re.ASCII)
_ZERO = Decimal(0)


@dataclass(slots=True)
class Sums:
    """count: records. totals: exact sum of each summed field; an empty cell adds nothing."""

    totals: list[Decimal]
    count: int = 0

    def add(self, count: int, totals: Sequence[Decimal]) -> None:
        self.count += count
        self.totals = [_EXACT.add(one, other) for one, other in zip(self.totals, totals, strict=True)]


@dataclass(slots=True, eq=False)
class GroupSums:
    """Sums of one object's records by group, kept apart by why a record was left behind (None: it moved).

    object: the object's name. group, sum: its fields, in order. where: what a record must meet to count at all. A group
    is named by the canonical texts of its cells, None for null; no group field makes one group, the empty tuple.
    by_reason: reason or None -> group -> sums. misfits: cells of summed fields that are no number, in all; they add
    nothing. named_misfits: WARNS findings `totals.not_a_number` for the first of them.
    """

    object: str
    group: tuple[Field, ...] = ()
    sum: tuple[Field, ...] = ()
    where: CompiledConditions | None = None
    by_reason: dict[str | None, dict[Group, Sums]] = field(default_factory=dict)
    misfits: int = 0
    named_misfits: list[Finding] = field(default_factory=list)

    def add(self, frame: pd.DataFrame, keys: Sequence[str], reasons: Sequence[str | None] | None = None) -> None:
        """Count in a chunk, as stored.

        frame: the records, with at least the columns of `group`, `sum` and `where`. keys: their keys, a row each.
        reasons: a row each, one of LEFT_BEHIND, or None where the record moved; without it all moved. Raises ValueError
        for another reason and KeyError for a missing column."""
        why = pa.array([None] * len(frame) if reasons is None else reasons, pa.string())
        if strange := set(why.unique().to_pylist()) - {None, *LEFT_BEHIND}:
            raise ValueError(f"{self.object}: no reason to be left behind: {sorted(map(str, strange))}")
        if self.where:
            counted = _counted(self.where, frame)
            frame, keys = frame.iloc[counted], [keys[row] for row in counted]
            why = why.take(pa.array(counted, pa.int64()))
        columns: dict[str, Column] = {"why": why}
        for place, each in enumerate(self.group):
            columns[f"group {place}"] = canonical_text(readable(frame[each.name])[0], each)
        by = list(columns)
        apart: list[list[tuple[int, Decimal]]] = []
        for place, each in enumerate(self.sum):
            numbers, odd = self._numbers(frame[each.name], each, keys)
            columns[f"sum {place}"] = numbers
            apart.append(odd)
        self._take(pa.table(columns), by)
        for place, odd in enumerate(apart):
            for row, number in odd:
                key = tuple(columns[name][row].as_py() for name in by)
                totals = [number if at == place else _ZERO for at in range(len(self.sum))]
                self._sums(key[0], key[1:]).add(0, totals)

    @property
    def moved(self) -> Mapping[Group, Sums]:
        return self.by_reason.get(None, {})

    @property
    def groups(self) -> set[Group]:
        return {group for sums in self.by_reason.values() for group in sums}

    def _take(self, table: pa.Table, by: list[str]) -> None:
        names = [f"sum {place}" for place in range(len(self.sum))]
        asked: list[Any] = [*((name, "sum") for name in names), ([], "count_all")]
        for row in table.group_by(by).aggregate(asked).to_pylist():
            totals = [_ZERO if row[f"{name}_sum"] is None else row[f"{name}_sum"] for name in names]
            self._sums(row["why"], tuple(row[name] for name in by[1:])).add(row["count_all"], totals)

    def _sums(self, reason: str | None, group: Group) -> Sums:
        groups = self.by_reason.setdefault(reason, {})
        return groups.setdefault(group, Sums([_ZERO] * len(self.sum)))

    def _numbers(
        self, series: pd.Series, summed: Field, keys: Sequence[str]
    ) -> tuple[Column, list[tuple[int, Decimal]]]:
        """The column as decimals, null where a cell has more places than the column can hold; those, by row."""
        column, _ = readable(series)
        numbers, missed = cast(column, Field(summed.name, FieldType.DECIMAL))
        odd = []
        rows = [row for row, miss in enumerate(missed.to_pylist()) if miss] if pc.any(missed).as_py() else []
        for row, text in zip(rows, text_of(column.take(pa.array(rows, pa.int64()))).to_pylist(), strict=True):
            number = None if text is None else _plain_number(text)
            if number is not None:
                odd.append((row, number))
                continue
            self.misfits += 1
            if len(self.named_misfits) < NAMED_MISFITS:
                self.named_misfits.append(
                    Finding(
                        "totals.not_a_number",
                        Severity.WARNS,
                        {"field": summed.name},
                        object=self.object,
                        key=keys[row],
                        field=summed.name,
                        sample=text,
                    )
                )
        # Arrow's sum of 128-bit decimals wraps round silently.
        return numbers.cast(pa.decimal256(2 * DECIMAL_PRECISION, DEFAULT_SCALE)), odd


def _plain_number(text: str) -> Decimal | None:
    """The number that the text is, None where it is none or so long that no exact sum could hold it."""
    told = text.strip()
    if not _NUMBER.match(told):
        return None
    number = Decimal(told)
    finest = number.as_tuple().exponent
    return number if abs(number.adjusted()) < _SPAN and isinstance(finest, int) and finest >= -_SPAN else None


def _counted(where: CompiledConditions, frame: pd.DataFrame) -> list[int]:
    columns = {name: readable(frame[name])[0] for name in where.sources}
    met = pc.fill_null(where.met(columns, len(frame)), False).to_numpy(zero_copy_only=False)
    return [int(row) for row in np.flatnonzero(met)]
