"""A required field has a value.

Only null is missing: an empty text is a value. A cell that is null because it would not fit is reported by `type`, not
here again.
"""

from __future__ import annotations

from ...connectors.schema import Field
from ..rule import Cells, Failure, Stage, rows

stage = Stage.CELLS
code = "required.missing"


def applies(field: Field) -> bool:
    return field.required


def failing(cells: Cells) -> list[Failure]:
    if not cells.values.null_count:
        return []
    misfits = {misfit.row for misfit in cells.misfits}
    return [Failure(row, code) for row in rows(cells.values.is_null()) if row not in misfits]
