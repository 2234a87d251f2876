"""Why an expectation cannot be used, told in codes and the nearest right words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from ..connectors.nearest import nearest
from ..connectors.schema import Field

GREAT = "expect_"
"""How the names of Great Expectations' own begin."""
Cause: TypeAlias = tuple[str, Mapping[str, str | int]]


class Refused(Exception):  # noqa: N818 - it never leaves this room
    """An expectation that cannot be used, for one or more causes, each a code with its params."""

    def __init__(self, *causes: Cause) -> None:
        super().__init__(causes)
        self.causes = causes


def unknown_expectation(name: str, known: Sequence[str]) -> Refused:
    return Refused(("expectation.unknown", {"expectation": name, "nearest": nearest(name, known)}))


def known_column(expectation: str, column: object, fields: Mapping[str, Field]) -> Field:
    """The mapped field of this name. Raises Refused with the nearest one where there is none."""
    if isinstance(column, str) and column in fields:
        return fields[column]
    near = nearest(str(column), list(fields))
    raise Refused(("expectation.column_unknown", {"expectation": expectation, "column": str(column), "nearest": near}))
