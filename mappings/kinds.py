"""A reference to records of several kinds: each record's own kind says which mapping makes its parent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..connectors.stored import plain_text
from .rule import Columns, CompiledRule, Filled, ParentKeys

UNKNOWN = "reference.kind_unknown"


@dataclass(frozen=True, slots=True)
class KindsRule(CompiledRule):
    """by: the source field whose cell is the kind; None where the key begins with it, of which the longest counts. of:
    kind -> the parent's keys. A key whose kind is none of them is a misfit; without a key there is no parent."""

    by: str | None
    of: Mapping[str, ParentKeys]

    @property
    def sources(self) -> tuple[str, ...]:
        told = [self.by] if self.by is not None else []
        return tuple(dict.fromkeys([*self.rule.from_, *told]))

    @property
    def parents(self) -> tuple[ParentKeys, ...]:
        return tuple(dict.fromkeys(self.of.values()))

    def refer(self, source: Columns, columns: list[pa.Array], filled: Filled) -> pa.StringArray:
        kinds = plain_text(source[self.by]) if self.by is not None else self._begins(plain_text(columns[0]))
        result = pa.nulls(len(kinds), pa.string())
        has_key = np.zeros(len(kinds), dtype=bool)
        known = np.zeros(len(kinds), dtype=bool)
        for kind, parent in self.of.items():
            keys = parent.our_keys(columns)
            mine = pc.fill_null(pc.equal(kinds, kind), False)
            result = pc.if_else(mine, keys, result)
            has_key |= keys.is_valid().to_numpy(zero_copy_only=False)
            known |= mine.to_numpy(zero_copy_only=False)
        strange = has_key & ~known
        if strange.any():
            filled.misfits[UNKNOWN] = strange
        return result

    def _begins(self, keys: pa.StringArray) -> pa.StringArray:
        kinds = pa.nulls(len(keys), pa.string())
        for kind in sorted(self.of, key=len):
            kinds = pc.if_else(pc.fill_null(pc.starts_with(keys, kind), False), kind, kinds)
        return kinds


def by_kinds(plain: CompiledRule, by: str | None, of: Mapping[str, ParentKeys]) -> KindsRule:
    """The rule, referring to these."""
    said = {each.name: getattr(plain, each.name) for each in fields(CompiledRule)}
    return KindsRule(**said, by=by, of=of)
