"""A cell that could not become what the target field needs, as the mapping found it.

The code is the misfit's own (`type.not_a_date`, `value.unknown`, ...) and the sample its source text: the column holds
null there.
"""

from __future__ import annotations

from ...connectors.schema import Field
from ..rule import Cells, Failure, Stage

stage = Stage.CELLS


def applies(field: Field) -> bool:
    return True


def failing(cells: Cells) -> list[Failure]:
    wanted = str(cells.field.type)
    return [Failure(each.row, each.code, {"type": wanted}, each.sample) for each in cells.misfits]
