"""Who changed records of the target last, as far as it tells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...connectors.port import KEY
from ...connectors.stored import text_of
from ..fingerprint import Marks
from ..session import Session


def changed_by_us(session: Session, object_name: str, keys: Sequence[str]) -> Marks:
    """Which of these records nobody has changed since we did. None of them where the target keeps no such field, or
    does not say as whom we write."""
    return _changed_by(session, object_name, keys, others=False)


def changed_by_others(session: Session, object_name: str, keys: Sequence[str]) -> Marks:
    """Which of these records somebody has changed since we did, as the target says. None of them where it does not."""
    return _changed_by(session, object_name, keys, others=True)


def _changed_by(session: Session, object_name: str, keys: Sequence[str], *, others: bool) -> Marks:
    target = session.target
    by, actor = target.audit_fields(object_name).modified_by, target.acting_user()
    if by is None or actor is None:
        return np.zeros(len(keys), dtype=bool)
    told = set[str]()
    size = target.capabilities.find_size
    for start in range(0, len(keys), size):
        chunk = target.find(object_name, (KEY,), [(key,) for key in keys[start : start + size]], (by,))
        same = pc.equal(text_of(chunk.frame[by]), actor)
        wanted = pc.fill_null(pc.invert(same) if others else same, False)
        told.update(pa.array(chunk.keys, pa.string()).filter(wanted).to_pylist())
    return np.array([key in told for key in keys], dtype=bool)
