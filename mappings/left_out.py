"""What a mapping leaves out, counted by what left it out, and by year where that is told by a date."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from ..connectors.cell import cast
from ..connectors.schema import Field, FieldType
from ..connectors.stored import plain_text
from ..connectors.zoned import to_local
from .condition import CompiledConditions

NO_YEAR = "-"
_TIMES = (FieldType.DATE, FieldType.INSTANT, FieldType.LOCAL_TIME)
_YEAR = r"^\s*(?P<year>(?:19|20|21)[0-9]{2})"


class Cause(NamedTuple):
    """what: `where` or `life`. name: the source fields of the first condition that was not met, or the life state.
    year: of the record; `-` where it has no date, empty where nobody asks for years."""

    what: str
    name: str
    year: str


@dataclass(frozen=True, slots=True)
class ByYear:
    """The source field whose year counts. zone: of moments."""

    field: Field
    zone: ZoneInfo | None = None

    def years(self, columns: Mapping[str, pa.Array]) -> pa.StringArray:
        """Of a text that is no date, the year that it begins with counts."""
        column = columns[self.field.name]
        kind = self.field if self.field.type in _TIMES else replace(self.field, type=FieldType.LOCAL_TIME, choices=())
        typed, _ = cast(column, kind, self.zone)
        if kind.type is FieldType.INSTANT and self.zone is not None:
            typed = to_local(typed, self.zone)
        begins = pc.struct_field(pc.extract_regex(plain_text(column), _YEAR), "year")
        return pc.fill_null(pc.coalesce(pc.year(typed).cast(pa.string()), begins), NO_YEAR)


def by_year(conditions: CompiledConditions | None, declared: Field | None, zone: ZoneInfo | None) -> ByYear | None:
    """The declared field, else the first that `where` compares and that holds dates or times."""
    compared = [leaf.field for leaf in conditions.every if leaf.condition.limits] if conditions else []
    field = declared or next((each for each in compared if each.type in _TIMES), None)
    return None if field is None else ByYear(field, zone)


def left_by(conditions: CompiledConditions, columns: Mapping[str, pa.Array], count: int) -> pa.StringArray:
    """For each record the source fields of the first of the conditions that it does not meet; null where it meets all
    of them."""
    names = pa.nulls(count, pa.string())
    for name, part in reversed(list(_parts(conditions))):
        met = pc.fill_null(part.met(columns, count), False)
        names = pc.if_else(met, names, pa.scalar(name))
    return names


def count_left(
    what: str, names: pa.StringArray, years: ByYear | None, columns: Mapping[str, pa.Array]
) -> Counter[Cause]:
    """How many records were left out by each cause. names: a record each, null where it stays."""
    out = names.is_valid()
    told = pa.repeat(pa.scalar(""), len(names)) if years is None else years.years(columns)
    counted = (
        pa.table({"name": names, "year": told}).filter(out).group_by(["name", "year"]).aggregate([([], "count_all")])
    )
    return Counter({Cause(what, row["name"], row["year"]): row["count_all"] for row in counted.to_pylist()})


def _parts(conditions: CompiledConditions) -> Iterator[tuple[str, CompiledConditions]]:
    """The conditions that must all hold, one by one, each with the source fields that it looks at."""
    for leaf in conditions.leaves:
        yield leaf.field.name, CompiledConditions((leaf,))
    for each in conditions.all:
        yield from _parts(each)
    if conditions.any:
        either = CompiledConditions((), any=conditions.any)
        yield ", ".join(either.sources), either
    if conditions.negated is not None:
        yield ", ".join(conditions.negated.sources), CompiledConditions((), negated=conditions.negated)
