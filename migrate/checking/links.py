"""References of the source as they are: to records that are not there, or stay behind; rings; how deep trees go.

A run finds out when it waits for a parent in vain; here it is known before, and why. Keys are kept as digests, eight
bytes each, but for references of an object to itself or to one that is read later: there the keys are kept too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ...connectors.finding import Finding, Severity
from ...mappings.compile import CompiledMapping
from ...mappings.language import Outside
from ...mappings.mapped import MappedChunk, make_our_key
from ...runs.digest import field_digests
from ...runs.ledger import records
from ..fingerprint import arrow_column
from ..loading.outside import ABSENT, CODES, LEFT_OUT, SEVERITIES
from ..session import Session

Digests = npt.NDArray[np.uint64]
_NONE = np.empty(0, np.uint64)


@dataclass(slots=True)
class _Keys:
    """Digests of our keys that a mapping makes, and of those that its `where` leaves behind."""

    kept: list[Digests] = field(default_factory=list)
    left: list[Digests] = field(default_factory=list)
    read: bool = False

    def close(self) -> None:
        self.kept, self.left = [_sorted(self.kept)], [_sorted(self.left)]
        self.read = True


@dataclass(slots=True)
class _Waiting:
    """References that cannot be looked up yet, a row each: the child's digest, its source key, the parent's key."""

    own: list[Digests] = field(default_factory=list)
    children: list[pa.Array] = field(default_factory=list)
    parents: list[pa.Array] = field(default_factory=list)


def _sorted(pieces: Sequence[Digests]) -> Digests:
    return np.unique(np.concatenate(pieces)) if pieces else _NONE


def _inside(digests: Digests, known: Digests) -> npt.NDArray[np.bool_]:
    if not len(known):
        return np.zeros(len(digests), dtype=bool)
    places = np.searchsorted(known, digests).clip(max=len(known) - 1)
    found: npt.NDArray[np.bool_] = known[places] == digests
    return found


class Links:
    """All references of a session's mappings, followed while their records are read."""

    def __init__(self, session: Session, mappings: Mapping[str, CompiledMapping]) -> None:
        self._ledger = session.ledger
        self._key = session.keys.digest
        self._mappings = mappings
        referred = {parent for mapping in mappings.values() for parent in chain(*mapping.references.values())}
        self._known = {name: _Keys() for name in mappings if name in referred}
        self._waiting: dict[tuple[str, str, str], _Waiting] = {}

    def see(self, mapping: CompiledMapping, mapped: MappedChunk) -> Iterator[Finding]:
        """Remember what these records are called, and look up what they refer to where that was read already."""
        known = self._known.get(mapping.name)
        own = self._digests(pa.array(mapped.our_keys, pa.string()))
        if known is not None:
            left = [
                make_our_key(mapping.system, mapping.source.name, key, mapping.branch) for key in mapped.filtered_keys
            ]
            known.kept.append(own)
            known.left.append(self._digests(pa.array(left, pa.string())))
        for name, column in ((name, arrow_column(mapped.frame, name)) for name in mapping.references):
            for parent, mine in mapping.made_by(name, column):
                children = pa.array(mapped.source_keys, pa.string()).filter(mine)
                if self._known[parent].read:
                    yield from self._astray(mapping, name, parent, children, column.filter(mine))
                    continue
                waiting = self._waiting.setdefault((mapping.name, name, parent), _Waiting())
                waiting.own.append(own[mine.to_numpy(zero_copy_only=False)])
                waiting.children.append(children)
                waiting.parents.append(column.filter(mine))

    def end(self, mapping: CompiledMapping) -> Iterator[Finding]:
        """The mapping's records were all seen: look up what waited for them."""
        if mapping.name not in self._known:
            return
        self._known[mapping.name].close()
        for (name, field_name, parent), waiting in list(self._waiting.items()):
            child = self._mappings[name]
            if parent != mapping.name:
                continue
            del self._waiting[name, field_name, parent]
            children, parents = pa.concat_arrays(waiting.children), pa.concat_arrays(waiting.parents)
            yield from self._astray(child, field_name, parent, children, parents)
            if child is mapping:
                yield from self._shape(mapping, field_name, np.concatenate(waiting.own), children, parents)

    def _digests(self, keys: pa.Array) -> Digests:
        found: Digests = field_digests([keys], self._key)[:, 0]
        return found

    def _astray(
        self, mapping: CompiledMapping, name: str, maker: str, children: pa.Array, parents: pa.Array
    ) -> Iterator[Finding]:
        """Records whose parent, made by that mapping, neither moves nor is in the target already."""
        parent = self._mappings[maker]
        known = self._known[parent.name]
        digests = self._digests(parents)
        lost = np.flatnonzero(~_inside(digests, known.kept[0]))
        if not len(lost):
            return
        left = _inside(digests[lost], known.left[0])
        keys = parents.take(pa.array(lost)).to_pylist()
        there = records.target_keys(self._ledger, parent.target.name, sorted(set(keys)))
        file, line = mapping.rule_lines[name]
        for row, key, behind in zip(lost.tolist(), keys, left.tolist(), strict=True):
            if key not in there:
                code, severity, told = _outside(mapping.outside.get(name), behind)
                yield Finding(
                    code,
                    severity,
                    {"field": name, "parent": parent.source.name, "by": parent.name, **told},
                    object=mapping.source.name,
                    key=children[row].as_py(),
                    field=name,
                    mapping=mapping.name,
                    file=file,
                    line=line,
                )

    def _shape(
        self, mapping: CompiledMapping, name: str, own: Digests, children: pa.Array, parents: pa.Array
    ) -> Iterator[Finding]:
        """Rings of records that are each other's parent, and how many levels the tree has."""
        ring, levels = _rings_and_levels(own, self._digests(parents))
        file, line = mapping.rule_lines[name]
        place = {"mapping": mapping.name, "object": mapping.source.name, "field": name, "file": file, "line": line}
        required = any(each.name == name and each.required for each in mapping.target_fields)
        severity = Severity.HOLDS if required else Severity.INFO
        code = "reference.ring_required" if required else "links.ring"
        for row in np.flatnonzero(ring).tolist():
            yield Finding(code, severity, {"field": name}, key=children[row].as_py(), **place)  # type: ignore[arg-type]
        if levels:
            yield Finding("links.levels", Severity.INFO, {"levels": levels + 1}, **place)  # type: ignore[arg-type]


def _outside(policy: Outside | None, behind: bool) -> tuple[str, Severity, dict[str, str]]:
    """What becomes of a record whose parent stays behind, or else is nowhere."""
    if policy is None:
        return "reference.left_behind" if behind else "reference.nowhere", Severity.HOLDS, {}
    return CODES[policy], SEVERITIES[policy], {"why": f"@outside.{LEFT_OUT if behind else ABSENT}"}


def _rings_and_levels(own: Digests, parents: Digests) -> tuple[npt.NDArray[np.bool_], int]:
    """Which of the children are part of a ring, and the most steps from a child that leads into none to its root.

    Each step doubles how far every child has looked ahead, so even a long chain takes few.
    """
    count = len(own)
    order = np.argsort(own)
    places = np.searchsorted(own[order], parents).clip(max=max(count - 1, 0))
    has_one = own[order][places] == parents
    # one place more than there are children: the end of every way that ends
    ahead = np.append(np.where(has_one, order[places], count), count)
    steps = np.append(np.ones(count, np.int64), 0)
    for _ in range(max(count, 1).bit_length()):
        steps = np.minimum(steps + steps[ahead], 2**40)
        ahead = ahead[ahead]
    endless = ahead[:count] != count
    ring = np.zeros(count, dtype=bool)
    ring[ahead[:count][endless]] = True
    deepest = int(steps[:count][~endless].max(initial=0))
    return ring, deepest
