"""A reference whose parent is not in the target and never will be: the record waits for it.

Who knows that is the loader; it hands in the mask. The column holds our key of the parent, which is named. Null refers
to nothing and is never missing.
"""

from __future__ import annotations

import pyarrow.compute as pc

from ...connectors.schema import Field, FieldType
from ..rule import Cells, Failure, Stage, rows

stage = Stage.ANSWERS
code = "reference.missing"


def applies(field: Field) -> bool:
    return field.type is FieldType.REFERENCE


def failing(cells: Cells) -> list[Failure]:
    if cells.orphans is None:
        return []
    waiting = rows(pc.and_(cells.orphans, cells.values.is_valid()))
    return [Failure(row, code, {"parent": cells.values[row].as_py()}) for row in waiting]
