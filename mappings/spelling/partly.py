"""Work on a column where it is needed: on the cells that a pattern concerns, or once for each distinct text."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc


def where_matching(
    column: pa.StringArray, pattern: str, change: Callable[[pa.StringArray], pa.StringArray]
) -> pa.StringArray:
    """The column with `change` applied to the cells in which the pattern occurs, and to no other."""
    concerned = pc.fill_null(pc.match_substring_regex(column, pattern), False)
    if not pc.any(concerned, min_count=0).as_py():
        return column
    return pc.replace_with_mask(column, concerned, change(column.filter(concerned)))


def each_distinct(column: pa.StringArray, change: Callable[[str], str | None]) -> pa.StringArray:
    """The column with `change` applied to each text once, however often it occurs; for work that Arrow cannot do."""
    coded = pc.dictionary_encode(column)
    changed = pa.array([change(text) for text in coded.dictionary.to_pylist()], pa.string())
    return changed.take(coded.indices)
