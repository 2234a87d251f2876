"""No two records share a value of a unique field, whichever chunk they come in.

Values are compared by their canonical text, so 12.5 and 12.50 are one value. Null is no value and never shared: a
record whose value becomes null gives it up. The first record to claim a value holds it; the others are told whose it
is. A record that is rejected for another cause holds nothing, so a good record is never refused on behalf of a bad one.
"""

from __future__ import annotations

from typing import cast

from ...connectors.cell import canonical_text
from ...connectors.schema import Field
from ..rule import Cells, Failure, Stage, by_row, rows

stage = Stage.CLAIMS
code = "unique.duplicate"


def applies(field: Field) -> bool:
    return field.unique


def failing(cells: Cells) -> list[Failure]:
    if cells.seen is None:
        return []
    texts = cast(list[str], canonical_text(cells.values, cells.field).to_pylist())
    valued = rows(cells.values.is_valid())
    good = [row for row in valued if row not in cells.blocked]
    bad = [row for row in valued if row in cells.blocked]
    found = []
    for claimed in (good, bad):
        if not claimed:
            continue
        our_keys = [cells.our_keys[row] for row in claimed]
        holders = cells.seen.claim(cells.object, cells.field.name, [texts[row] for row in claimed], our_keys)
        found += [
            Failure(row, code, {"holder": holder})
            for row, holder in zip(claimed, holders, strict=True)
            if holder is not None
        ]
    empty = [row for row in rows(cells.values.is_null()) if row not in cells.blocked]
    if bad or empty:
        cells.seen.release(cells.object, cells.field.name, [cells.our_keys[row] for row in (*bad, *empty)])
    return by_row(found)
