"""What the statements of the demo say is due, received and written off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from .chance import Chance, Flags, Rows

SETTLED_PERCENT: Final = 94
_BLOCK: Final = 50  # the fewest statements of which exactly 94 % is a whole number


@dataclass(frozen=True, slots=True, eq=False)
class Amounts:
    """In cents, one a statement. is_settled: written off in full."""

    due: Rows
    received: Rows
    written_off: Rows
    is_settled: Flags


def make_amounts(count: int, chance: Chance) -> Amounts:
    """Statements of which, by amount, exactly 94 % is written off; by number too where `count` divides by 50.

    They are settled block by block: of a block's statements 47 in 50 are written off, and the others together are due
    3/47 of those.
    """
    whole = max(0, count // _BLOCK - 1) * _BLOCK
    due = chance.within("statement due", np.arange(count), 80_000, 9_000_000)
    order = chance.below("statement order", np.arange(count), 1 << 40)
    is_open = np.zeros(count, dtype=np.bool_)
    for first, behind, size in ((0, whole, _BLOCK), (whole, count, count - whole)):
        _settle(due[first:behind].reshape(-1, size), order[first:behind].reshape(-1, size), is_open[first:behind])
    part = due * chance.within("statement part", np.arange(count), 20, 60) // 100
    is_partial = is_open & (chance.below("statement is partial", np.arange(count), 3) == 0)
    return Amounts(
        due=due,
        received=np.where(is_open, np.where(is_partial, part, 0), due),
        written_off=np.where(is_open, 0, due),
        is_settled=~is_open,
    )


def _settle(due: Rows, order: Rows, is_open: Flags) -> None:
    """Set the open statements of each block (a row of `due`, which is a view) so that the settled ones are 94 %."""
    blocks, size = due.shape
    opened = size - round(size * SETTLED_PERCENT / 100)
    places = np.argsort(order, axis=1, kind="stable")
    lines = np.arange(blocks)[:, None]
    open_places, settled_places = places[:, :opened], places[:, opened:]
    settled = due[lines, settled_places].sum(axis=1)
    missing = -settled % 47
    due[lines[:, 0], settled_places[:, 0]] += missing
    left = (settled + missing) // 47 * 3
    each = left // opened
    due[lines, open_places] = each[:, None]
    due[lines[:, 0], open_places[:, 0]] += left - each * opened
    flags = is_open.reshape(blocks, size)
    flags[lines, open_places] = True
