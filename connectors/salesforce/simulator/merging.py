"""Records of one object that become one: the others go into the bin and say which it is."""

from __future__ import annotations

from collections.abc import Sequence

from ...simulating.tables import Row
from .answers import RowError
from .org import Acting, Org
from .person_fields import PERSON
from .shapes import ObjectShape
from .writing import found

MASTER, MOST = "MasterRecordId", 2


def merge(org: Org, acting: Acting, shape: ObjectShape, row_id: str, others: Sequence[str]) -> None:
    """Who refers to one of the others refers to the one that stays from then on. Raises RowError."""
    if not shape.has(MASTER) or not 0 < len(others) <= MOST or row_id in others:
        raise RowError("INVALID_OPERATION", f"one or two other records of an object with {MASTER} are merged")
    if any(found(org, acting, shape, each).get(PERSON) for each in (row_id, *others)):
        raise RowError("INVALID_OPERATION", "people who are accounts are not merged here")
    now = org.stamp()
    changed: Row = {"LastModifiedDate": now, "LastModifiedById": acting.user, "SystemModstamp": now}
    for other in others:
        _take_over(org, shape, other, row_id, changed)
        org.store.change(shape.name, other, {**changed, "IsDeleted": 1, MASTER: row_id})
    org.store.note_gone(shape.name, others, now)
    org.store.change(shape.name, row_id, changed)
    org.live.clear()


def _take_over(org: Org, shape: ObjectShape, other: str, row_id: str, changed: Row) -> None:
    for child, field in shape.referring:
        if not field.kept or field.name == MASTER:
            continue
        stamps = {name: value for name, value in changed.items() if child.has(name)}
        for each in org.store.column(child.name, "Id", f'"{field.name}" = ?', [other]):
            if each != row_id:
                org.store.change(child.name, each, {field.name: row_id, **stamps})
