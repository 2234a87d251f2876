"""`expect: - between: {column, min, max}`: a number, date or time lies within limits, both of them included.

One of the two may be left out. Compared exactly: 0.1 in the mapping is the decimal 0.1. A date is written YYYY-MM-DD,
a local time YYYY-MM-DD HH:MM:SS, an instant the same with its offset. Null lies within any limits.
"""

from __future__ import annotations

from pydantic import Field, model_validator

from ...connectors import schema
from .. import rule
from ..limits import NUMBERS, TIMES, Written, limit, outside
from ..rule import Cells, Failure, Stage, failures

stage = Stage.DECLARED
name = "between"


class Arguments(rule.Arguments):
    """column: a mapped field of numbers, dates or times. min, max: the limits, as they stand in the mapping."""

    least: Written | None = Field(default=None, alias="min")
    most: Written | None = Field(default=None, alias="max")

    @model_validator(mode="after")
    def _somelimit(self) -> Arguments:
        if self.least is None and self.most is None:
            raise ValueError("min, max")
        return self

    def unfit(self, field: schema.Field) -> str | None:
        for argument, written in (("min", self.least), ("max", self.most)):
            try:
                limit(written, field.type)
            except ValueError:
                return argument
        return None


def applies(field: schema.Field) -> bool:
    return field.type in NUMBERS + TIMES


def failing(cells: Cells) -> list[Failure]:
    given = cells.arguments
    if not isinstance(given, Arguments):
        raise TypeError(f"{name} without its arguments")
    kind = cells.field.type
    below, above = outside(cells.values, limit(given.least, kind), limit(given.most, kind))
    found = [] if below is None else failures(below, "between.below", limit=str(given.least))
    return found + ([] if above is None else failures(above, "between.above", limit=str(given.most)))
