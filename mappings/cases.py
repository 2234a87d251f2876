"""A target field filled by cases: each record by the first that applies to it.

Each case sees only the records that came down to it, so that what does not fit in a case that another record took is
nobody's misfit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..connectors.cell import arrow_type
from .condition import CompiledConditions
from .people import People
from .rule import Columns, CompiledRule, Filled, Note, ParentKeys, samples, unnoted
from .transform import BoundTransform

UNTOLD = "value.untold"


@dataclass(frozen=True, slots=True)
class Case:
    """when: None where it applies to every record. name: what a trace calls it, None for a rule's own `when`."""

    when: CompiledConditions | None
    rule: CompiledRule
    name: str | None = None


@dataclass(frozen=True, slots=True)
class CasesRule(CompiledRule):
    """A rule with cases, tried in order. by_value: a case without a value (null or empty text) is passed over. A record
    for which a condition cannot be told is a misfit."""

    cases: tuple[Case, ...]
    by_value: bool

    @property
    def sources(self) -> tuple[str, ...]:
        """Those that fill the field before those that conditions look at."""
        fed = [name for case in self.cases for name in case.rule.sources]
        return tuple(dict.fromkeys([*fed, *(name for case in self.cases if case.when for name in case.when.sources)]))

    @property
    def parents(self) -> tuple[ParentKeys, ...]:
        return tuple(dict.fromkeys(parent for case in self.cases for parent in case.rule.parents))

    @property
    def every_transform(self) -> tuple[BoundTransform, ...]:
        return tuple(bound for case in self.cases for bound in case.rule.every_transform)

    @property
    def every_way(self) -> tuple[CompiledRule, ...]:
        return tuple(way for case in self.cases for way in case.rule.every_way)

    @property
    def when_zones(self) -> list[str]:
        own = [zone for case in self.cases if case.when for zone in case.when.zones]
        return [*own, *(zone for case in self.cases for zone in case.rule.when_zones)]

    def fill(self, source: Columns, count: int, people: People | None, note: Note = unnoted) -> Filled:
        done = _Sorting(count)
        for case in self.cases:
            rows, here = self._asked(case, source, done)
            if not len(rows):
                continue
            steps: list[tuple[str, pa.Array]] = []
            filled = case.rule.fill(here, len(rows), people, note if note is unnoted else _into(steps))
            taken = _has_value(filled) if self.by_value else np.ones(len(rows), dtype=bool)
            done.take(case.rule, rows, filled, taken)
            if taken.any() and note is not unnoted:
                if case.name is not None:
                    note(case.name, filled.column)
                for step in steps:
                    note(*step)
        filled = done.filled(arrow_type(self.field))
        self._default(filled, note)
        return filled

    def named(self, source: Columns) -> list[str | None]:
        """Of the first case that applies."""
        count = len(next(iter(source.values())))
        named: list[str | None] = [None] * count
        done = _Sorting(count)
        for case in self.cases:
            rows, here = self._asked(case, source, done)
            texts = case.rule.named(here) if len(rows) and case.rule.sources else []
            for row, text in zip(rows.tolist(), texts, strict=bool(texts)):
                if text or not self.by_value:
                    named[row] = text
                    done.open[row] = False
        return named

    def misfit_texts(self, source: Columns, filled: Filled, rows: np.ndarray) -> list[str]:
        texts: list[str] = []
        for row in rows:
            way = self.taken(filled, int(row))
            names = self.rule.asked if way is None else way.sources
            texts += samples(source, names, np.array([row]))
        return texts

    def _asked(self, case: Case, source: Columns, done: _Sorting) -> tuple[np.ndarray, Columns]:
        """The records that come down to this case and meet its condition, and their cells."""
        rows = np.flatnonzero(done.open)
        if case.when is not None and len(rows):
            met = case.when.met(_of(source, case.when.sources, rows, done), len(rows))
            untold = met.is_null().to_numpy(zero_copy_only=False)
            done.untold[rows[untold]] = True
            done.open[rows[untold]] = False
            rows = rows[pc.fill_null(met, False).to_numpy(zero_copy_only=False)]
        return rows, _of(source, case.rule.sources, rows, done)


def _of(source: Columns, names: Sequence[str], rows: np.ndarray, done: _Sorting) -> Columns:
    if len(rows) == len(done.open):
        return source
    places = pa.array(rows, pa.int64())
    return {name: source[name].take(places) for name in names}


def _into(steps: list[tuple[str, pa.Array]]) -> Note:
    return lambda name, column: steps.append((name, column))


def _has_value(filled: Filled) -> np.ndarray:
    """A cell that does not fit is a value all the same: no later case covers it up."""
    column = filled.column
    there = column.is_valid()
    if pa.types.is_string(column.type):
        there = pc.and_(there, pc.fill_null(pc.not_equal(column, ""), False))
    has: np.ndarray = there.to_numpy(zero_copy_only=False)
    for misfit in filled.misfits.values():
        has = has | misfit
    return has


class _Sorting:
    """Which records are still to be filled, and what the others got."""

    def __init__(self, count: int) -> None:
        self.open = np.ones(count, dtype=bool)
        self.untold = np.zeros(count, dtype=bool)
        self._filled = Filled(pa.nulls(count), way=np.full(count, -1))
        self._rows: list[np.ndarray] = []
        self._columns: list[pa.Array] = []

    def take(self, rule: CompiledRule, rows: np.ndarray, filled: Filled, taken: np.ndarray) -> None:
        """filled: of these rows; those that are taken are done."""
        into, mine = self._filled, rows[taken]
        self.open[mine] = False
        self._rows.append(mine)
        self._columns.append(filled.column.filter(pa.array(taken)))
        for code, mask in filled.misfits.items():
            into.misfits.setdefault(code, np.zeros(len(self.open), dtype=bool))[mine] = mask[taken]
        into.findings.extend(filled.findings)
        first = len(into.ways)
        into.ways.extend([rule] if filled.way is None else filled.ways)
        ways = np.zeros(len(rows), dtype=int) if filled.way is None else filled.way
        if into.way is not None:
            into.way[mine] = np.where(ways[taken] < 0, -1, ways[taken] + first)

    def filled(self, kind: pa.DataType) -> Filled:
        """All records: those that no case took are null."""
        rest = np.setdiff1d(np.arange(len(self.open)), np.concatenate([*self._rows, np.array([], int)]))
        order = np.argsort(np.concatenate([*self._rows, rest]))
        column = pa.concat_arrays([*self._columns, pa.nulls(len(rest), kind)])
        self._filled.column = column.take(pa.array(order, pa.int64()))
        if self.untold.any():
            known = self._filled.misfits.get(UNTOLD, np.zeros(len(self.open), dtype=bool))
            self._filled.misfits[UNTOLD] = known | self.untold
        return self._filled


def by_cases(plain: CompiledRule, cases: Sequence[Case], *, by_value: bool) -> CasesRule:
    """The rule with these cases in place of what it says itself of how the field is filled; its default stays."""
    said = {each.name: getattr(plain, each.name) for each in fields(CompiledRule)}
    said |= {"transforms": (), "values": None, "parent": None, "constant": None}
    return CasesRule(**said, cases=tuple(cases), by_value=by_value)
