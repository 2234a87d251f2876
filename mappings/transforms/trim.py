"""Space at both ends is taken off, the ideographic space too."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ..examples import Examples

EXAMPLES: Examples = [({}, "  Ada 李 \u3000", "Ada 李"), ({}, "   ", ""), ({}, None, None)]


def transform(column: pa.StringArray) -> pa.StringArray:
    return pc.utf8_trim_whitespace(column)
