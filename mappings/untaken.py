"""What conditions leave out: by which of them, and what no branch of a file takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from .condition import CompiledConditions
from .rule import Columns
from .yaml.document import YamlPath


@dataclass(frozen=True, slots=True)
class Unmet:
    """One line of `where`. fields: the source fields that it looks at. place: below `where`."""

    fields: str
    place: YamlPath


@dataclass(frozen=True, slots=True)
class Untaken:
    """Tells the records that no branch of a file takes. shared: the conditions outside of the branches: what these
    leave out is meant to stay. branches: those of each branch, with the shared ones. None: all records pass."""

    shared: CompiledConditions | None
    branches: tuple[CompiledConditions | None, ...]

    @property
    def source_fields(self) -> list[str]:
        return [name for each in (self.shared, *self.branches) if each is not None for name in each.sources]

    def count(self, columns: Columns, count: int) -> int:
        """columns: source field -> its cells, of `count` records. Where nobody can tell, it counts as not taken."""
        if None in self.branches:
            return 0
        left = pa.repeat(pa.scalar(True), count) if self.shared is None else _sure(self.shared, columns, count)
        for each in self.branches:
            if each is not None:
                left = pc.and_not(left, _sure(each, columns, count))
        return int(pc.sum(left).as_py() or 0)


def first_unmet(conditions: CompiledConditions, columns: Columns, count: int) -> list[Unmet | None]:
    """The first line of `where` that each record does not meet; None where it meets them all."""
    first: list[Unmet | None] = [None] * count
    for line, met in reversed(list(_lines(conditions, columns, count))):
        passes = pc.fill_null(met, False).to_pylist()
        first = [before if there else line for before, there in zip(first, passes, strict=True)]
    return first


def _lines(conditions: CompiledConditions, columns: Columns, count: int) -> Iterator[tuple[Unmet, pa.BooleanArray]]:
    for leaf in conditions.leaves:
        yield Unmet(leaf.field.name, (leaf.field.name,)), leaf.met(columns[leaf.field.name])
    for place, each in enumerate(conditions.all):
        yield _unmet(each, "all", place), each.met(columns, count)
    if conditions.any:
        together = CompiledConditions((), any=conditions.any)
        yield _unmet(together, "any"), together.met(columns, count)
    if conditions.negated is not None:
        yield _unmet(conditions.negated, "not"), pc.invert(conditions.negated.met(columns, count))


def _unmet(conditions: CompiledConditions, *place: str | int) -> Unmet:
    return Unmet(", ".join(conditions.sources), place)


def _sure(conditions: CompiledConditions, columns: Columns, count: int) -> pa.BooleanArray:
    return pc.fill_null(conditions.met(columns, count), False)
