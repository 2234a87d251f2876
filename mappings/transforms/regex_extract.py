"""The first place where a pattern occurs: its group where it has one, else all of it; null where it does not occur.

Patterns are RE2's, which always takes time in proportion to the text.
"""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from ..examples import Examples

EXAMPLES: Examples = [
    ({"pattern": "[0-9]{6}"}, "邮编 110004 沈阳", "110004"),
    ({"pattern": "编号[:：]([A-Z]+-[0-9]+)"}, "合同编号：HT-2023", "HT-2023"),
    ({"pattern": "[0-9]+"}, "无", None),
    ({"pattern": "[0-9]+"}, None, None),
]

_NAMED = re.compile(r"\(\?P?<")
_GROUP = re.compile(r"\((?!\?)")
_ESCAPED = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]")


def transform(column: pa.StringArray, *, pattern: str) -> pa.StringArray:
    bare = _ESCAPED.sub("", pattern)
    groups = len(_GROUP.findall(bare))
    if _NAMED.search(bare) or groups > 1:
        raise ValueError("pattern must have one group at most, without a name")
    if groups:
        opening = _group_at(pattern)
        named = f"{pattern[:opening]}(?P<found>{pattern[opening + 1 :]}"
    else:
        named = f"(?P<found>{pattern})"
    return pc.struct_field(pc.extract_regex(column, named), "found")


def _group_at(pattern: str) -> int:
    blanked = _ESCAPED.sub(lambda part: " " * len(part.group()), pattern)
    found = _GROUP.search(blanked)
    return found.start() if found else 0
