"""A field with choices holds one of them, letter by letter: case and width count, blanks are not trimmed."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ...connectors.schema import Field, FieldType
from ..rule import Cells, Failure, Stage, failures

stage = Stage.CELLS
code = "choices.unknown"


def applies(field: Field) -> bool:
    return bool(field.choices) and field.type in (FieldType.CHOICE, FieldType.TEXT)


def failing(cells: Cells) -> list[Failure]:
    allowed = pc.is_in(cells.values, pa.array(cells.field.choices, pa.string()))
    return failures(pc.and_not(cells.values.is_valid(), allowed), code, count=len(cells.field.choices))
