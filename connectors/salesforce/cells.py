"""Cells on their way: as the org writes them in JSON, and as columns that every room reads."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..chunk import Chunk
from ..schema import FieldType
from .org_object import ID, OrgField, OrgObject
from .parents import cell_of

Row = Mapping[str, Any]
NUMBERS = (FieldType.INTEGER, FieldType.DECIMAL)


def chunk_of(
    there: OrgObject, fields: Sequence[str], rows: Sequence[Row], cursor: str = "", *, found: bool = False
) -> Chunk:
    """cursor: empty for what was searched for. found: it was, and our keys are told with it."""
    columns = {
        name: pd.arrays.ArrowExtensionArray(column(there.fields[name], [cell_of(row, name) for row in rows]))
        for name in fields
    }
    frame = pd.DataFrame(columns, index=pd.RangeIndex(len(rows)))
    ours = [] if there.our_key is None or not found else [there.our_key.of(row) for row in rows]
    return Chunk(there.name, frame, [str(row[ID]) for row in rows], cursor, ours)


def column(field: OrgField, told: Sequence[Any]) -> pa.Array:
    """The cells of one field, in order: booleans as such, all else as its text. Numbers were left as text when the
    answer was read, so that no amount passes through a float; a whole one comes without the `.0` that it is told
    with."""
    if field.field.type is FieldType.BOOLEAN:
        return pa.array(told, pa.bool_())
    cells = pa.array([each if each is None or isinstance(each, str) else _text(each) for each in told], pa.string())
    return whole_numbers(cells) if field.field.type is FieldType.INTEGER else cells


def whole_numbers(cells: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(cells, pattern=r"\.0+$", replacement="")


def _text(told: object) -> str:
    return json.dumps(told, ensure_ascii=False, sort_keys=True)
