"""A text is no longer than its field: characters are counted (code points, so 中 and 😀 are one each), and for BINARY
bytes. A reference is not measured: it holds our key of the parent, not what will be sent."""

from __future__ import annotations

from typing import cast

import pyarrow as pa
import pyarrow.compute as pc

from ...connectors.schema import Field, FieldType
from ..rule import Cells, Failure, Stage, failures

stage = Stage.CELLS
code = "length.too_long"

_MEASURED = (FieldType.TEXT, FieldType.CHOICE, FieldType.BINARY)


def applies(field: Field) -> bool:
    return field.length is not None and field.type in _MEASURED


def failing(cells: Cells) -> list[Failure]:
    limit = cells.field.length
    if limit is None:
        return []
    if cells.field.type is FieldType.BINARY:
        measured = pc.binary_length(cast(pa.BinaryArray, cells.values))
    else:
        measured = pc.utf8_length(cast(pa.StringArray, cells.values))
    return failures(pc.greater(measured, pa.scalar(limit)), code, limit=limit)
