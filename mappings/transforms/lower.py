"""Letters become small."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ..examples import Examples

EXAMPLES: Examples = [({}, "Ada@Example.CN", "ada@example.cn"), ({}, None, None)]


def transform(column: pa.StringArray) -> pa.StringArray:
    return pc.utf8_lower(column)
