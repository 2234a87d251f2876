"""`expect: - matches: {column, regex}`: a text holds a place that matches the regular expression.

Tie it down with `^` and `$` where the whole text is meant. The expression is RE2's: no lookaround, no back-references,
and never slow. Null matches anything; whether it may be null is `required`'s business.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import field_validator

from ...connectors.schema import Field, FieldType
from .. import rule
from ..rule import Cells, Failure, Stage, failures

stage = Stage.DECLARED
name = "matches"
code = "pattern.mismatch"


class Arguments(rule.Arguments):
    """column: a mapped TEXT, CHOICE or REFERENCE field. regex: in RE2's syntax."""

    regex: str

    @field_validator("regex")
    @classmethod
    def _understood(cls, regex: str) -> str:
        try:
            pc.match_substring_regex(pa.array([""]), regex)
        except pa.ArrowInvalid as error:
            raise ValueError(str(error)) from None
        return regex


def applies(field: Field) -> bool:
    return field.type in (FieldType.TEXT, FieldType.CHOICE, FieldType.REFERENCE)


def failing(cells: Cells) -> list[Failure]:
    if not isinstance(cells.arguments, Arguments):
        raise TypeError(f"{name} without its arguments")
    return failures(pc.invert(pc.match_substring_regex(cells.values, cells.arguments.regex)), code)
