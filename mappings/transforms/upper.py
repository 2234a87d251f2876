"""Letters become capitals."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ..examples import Examples

EXAMPLES: Examples = [({}, "ab-3é 李", "AB-3É 李"), ({}, None, None)]


def transform(column: pa.StringArray) -> pa.StringArray:
    return pc.utf8_upper(column)
