"""The names of a parent: a reference counts as our key of it, but a record becomes ours when it is adopted and is no
longer ours when an undo lets it go, and nobody has edited its children by that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache

import numpy as np
import pyarrow as pa

from ...mappings.compile import CompiledMapping
from ...runs.digest import field_digests
from ...runs.ledger import undone
from ..fingerprint import FOREIGN, Digests, Marks, TargetRows, parent_objects
from ..session import Session

Former = Callable[[], Mapping[tuple[str, str], str]]
"""Tells (object, target key) -> our key of the records that an undo has let go: `former_names`."""


def former_names(session: Session) -> Former:
    """Looked up when it is first needed, and once."""
    return cache(lambda: undone.released_keys(session.ledger))


def holds(
    session: Session,
    mapping: CompiledMapping,
    target: TargetRows,
    spots: Sequence[int],
    wanted: Digests,
    former: Former,
) -> Marks:
    """Where these rows of the target hold what the digests say, whatever the parents' names were when those were made.
    wanted: a row a spot, in the order of the mapping's fields."""
    same: Marks = target.digests[spots] == wanted
    for column, each in enumerate(mapping.target_fields):
        if each.name in mapping.references and not same[:, column].all():
            for seen in _other_names(session, mapping, target, spots, each.name, former):
                same[:, column] |= seen == wanted[:, column]
    return same


def _other_names(
    session: Session, mapping: CompiledMapping, target: TargetRows, spots: Sequence[int], name: str, former: Former
) -> Iterator[np.ndarray]:
    objects = parent_objects(session, mapping, name)
    keys = [target.columns[name][spot].as_py() for spot in spots]
    foreign = [None if key is None else FOREIGN + key for key in keys]
    names = former()
    let_go = [[None if key is None else names.get((parent, key), FOREIGN + key) for key in keys] for parent in objects]
    for named in (foreign, *let_go):
        yield field_digests([pa.array(named, pa.string())], session.keys.digest)[:, 0]
