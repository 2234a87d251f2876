"""A chunk after its mapping: target columns, our keys, and the cells that would not fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field, replace

import pandas as pd

from ..connectors.finding import Finding
from .left_out import Cause


@dataclass(frozen=True, slots=True)
class Misfit:
    """A cell that could not become what the target field needs; the frame holds null there.

    row: position in the mapped frame. field: target field. code: what is wrong (`type.not_a_number`,
    `type.not_a_date`, `value.unknown`, ...). sample: the source cell's text.
    """

    row: int
    field: str
    code: str
    sample: str


@dataclass(slots=True, eq=False)
class MappedChunk:
    """Records of one mapping branch, ready to be judged and loaded.

    frame: one row a record that passed `where`, one column a mapped target field, typed by `cell.arrow_type`; index
    0..n-1. A reference column holds *our key of the parent* as text. source_keys, our_keys: a row each.
    read: records read for this chunk; filtered_keys: source keys of those that `where` left out;
    untaken: how many no branch of the file takes, told by one of them.
    findings: what mapping noticed beyond misfits (owners replaced, values kept as they are); never blocking.
    refused: row -> why the record may not move, whatever its cells. left: what left out those of filtered_keys. lives:
    (life state, what becomes of it) -> records. waiting: rows of which a text names a record that is still to come by
    its old address. cursor: of the source chunk.
    """

    mapping: str
    branch: str
    source_object: str
    target_object: str
    frame: pd.DataFrame
    source_keys: list[str]
    our_keys: list[str]
    misfits: list[Misfit] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    read: int = 0
    filtered_keys: list[str] = field(default_factory=list)
    refused: dict[int, Finding] = field(default_factory=dict)
    left: Counter[Cause] = field(default_factory=Counter)
    lives: Counter[tuple[str, str]] = field(default_factory=Counter)
    untaken: int = 0
    waiting: frozenset[int] = frozenset()
    cursor: str = ""

    def __len__(self) -> int:
        return len(self.our_keys)

    def without(self, rows: Collection[int]) -> MappedChunk:
        """The same chunk less these rows; `read` still counts them."""
        kept = [row for row in range(len(self)) if row not in rows]
        place = {row: at for at, row in enumerate(kept)}
        return replace(
            self,
            frame=self.frame.iloc[kept].reset_index(drop=True),
            source_keys=[self.source_keys[row] for row in kept],
            our_keys=[self.our_keys[row] for row in kept],
            refused={place[row]: each for row, each in self.refused.items() if row in place},
            waiting=frozenset(place[row] for row in self.waiting if row in place),
            misfits=[replace(each, row=place[each.row]) for each in self.misfits if each.row in place],
        )


def make_our_key(system: str, source_object: str, source_key: str, branch: str = "") -> str:
    """Our key of the target record made from this source record: `system:object:key`, with `#branch` where named.
    system: empty where the object's own name begins with it: `crm.customer` gives `crm:customer:key`, as it does where
    `crm` is the only source. What comes before the key has no `:` of its own, so that no two records have one key: a
    `:` in the object's name is written `%3A`, and a `%` there `%25`. Mappings of one object into one other have all of
    them a branch, or there is only one."""
    if not system:
        system, _, source_object = source_object.partition(".")
    place = source_object.replace("%", "%25").replace(":", "%3A")
    return f"{system}:{place}:{source_key}{branch_suffix(branch)}"


def branch_suffix(branch: str) -> str:
    """What our key of a record of this branch ends in."""
    return f"#{branch}" if branch else ""
