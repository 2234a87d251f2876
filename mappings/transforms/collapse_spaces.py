"""Every run of white space, line breaks too, becomes one space; none is left at the ends."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ..examples import Examples
from ..spelling.partly import where_matching

EXAMPLES: Examples = [({}, "a  b\t\nc ", "a b c"), ({}, "沈阳\u3000\u3000和平区", "沈阳 和平区"), ({}, None, None)]


def transform(column: pa.StringArray) -> pa.StringArray:
    spaced = where_matching(column, r"[\s\pZ]", lambda cells: pc.replace_substring_regex(cells, r"[\s\pZ]+", " "))
    return pc.utf8_trim_whitespace(spaced)
