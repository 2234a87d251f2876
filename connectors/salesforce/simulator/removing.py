"""Records that are deleted, and those that come back."""

from __future__ import annotations

from ...simulating.tables import Row
from .answers import RowError
from .org import Acting, Org
from .people import refuse_half
from .shapes import ObjectShape
from .writing import found

DAYS_IN_BIN = 15


def delete(org: Org, acting: Acting, shape: ObjectShape, row_id: str, for_good: bool = False) -> None:
    """Into the bin, with all that it is the master of. Raises RowError."""
    org.writable(shape, "deletable")
    refuse_half(shape, found(org, acting, shape, row_id))
    doomed: dict[str, ObjectShape] = {}
    _gather(org, shape, row_id, doomed)
    for each, of in doomed.items():
        _let_go(org, of, each, set(doomed))
        _into_bin(org, acting, of, each, for_good)
    org.live.clear()


def _gather(org: Org, shape: ObjectShape, row_id: str, doomed: dict[str, ObjectShape]) -> None:
    """Details before their masters."""
    if row_id in doomed:
        return
    for child, field in shape.referring:
        if not (field.cascades or field.restricts) or not field.kept:
            continue
        for each in org.store.column(child.name, "Id", _alive(child, field.name), [row_id]):
            if field.restricts:
                said = "Your attempt to delete could not be completed because it is associated with the following"
                raise RowError("DELETE_FAILED", f"{said} {child.document['labelPlural'].lower()}.: {each}")
            _gather(org, child, each, doomed)
    doomed[row_id] = shape


def _alive(shape: ObjectShape, field: str) -> str:
    return f'"{field}" = ?' + (' AND "IsDeleted" = 0' if shape.has("IsDeleted") else "")


def _let_go(org: Org, shape: ObjectShape, row_id: str, doomed: set[str]) -> None:
    """Who refers to what is deleted does so no more; without a stamp of it."""
    for child, field in shape.referring:
        if field.kept and not field.cascades and field.updateable and field.nillable and field.name != "OwnerId":
            for each in org.store.column(child.name, "Id", _alive(child, field.name), [row_id]):
                if each not in doomed:
                    org.store.change(child.name, each, {field.name: None})
                    org.store.note_cleared(row_id, child.name, each, field.name)


def _into_bin(org: Org, acting: Acting, shape: ObjectShape, row_id: str, for_good: bool) -> None:
    now = org.stamp()
    org.store.note_gone(shape.name, [row_id], now)
    if for_good or not shape.has("IsDeleted"):
        org.store.remove(shape.name, row_id)
        return
    changed: Row = {"IsDeleted": 1, "SystemModstamp": now, "LastModifiedDate": now, "LastModifiedById": acting.user}
    org.store.change(shape.name, row_id, {name: value for name, value in changed.items() if shape.has(name)})


def undelete(org: Org, acting: Acting, shape: ObjectShape, row_id: str) -> None:
    """Out of the bin, with what went into it at the same time, and all that referred to it. Raises RowError."""
    row = org.store.get(shape.name, row_id)
    if row is None or not row.get("IsDeleted"):
        raise RowError("UNDELETE_FAILED", "Entity is not in the recycle bin")
    for master in shape.masters:
        above = row.get(master.name)
        if above and org.store.count(master.targets[0], '"Id" = ? AND "IsDeleted" = 1', [above]):
            raise RowError("UNDELETE_FAILED", "The parent of this record is in the recycle bin")
    _back(org, acting, shape, row_id, str(row["SystemModstamp"]))


def _back(org: Org, acting: Acting, shape: ObjectShape, row_id: str, gone: str) -> None:
    now = org.stamp()
    changed: Row = {"IsDeleted": 0, "SystemModstamp": now, "LastModifiedDate": now, "LastModifiedById": acting.user}
    org.store.change(shape.name, row_id, {name: value for name, value in changed.items() if shape.has(name)})
    org.store.note_back(shape.name, row_id)
    for name, each, column in org.store.cleared(row_id):
        if org.store.count(name, f'"Id" = ? AND "{column}" IS NULL', [each]):
            org.store.change(name, each, {column: row_id})
    for child, field in shape.referring:
        if field.cascades and field.kept and child.has("IsDeleted"):
            stamped = child.has("SystemModstamp")
            where = f'"{field.name}" = ? AND "IsDeleted" = 1' + (' AND "SystemModstamp" = ?' if stamped else "")
            for each in org.store.column(child.name, "Id", where, [row_id, gone] if stamped else [row_id]):
                _back(org, acting, child, each, gone)


def empty_bin(org: Org) -> None:
    """Of what has been in it for fifteen days."""
    before = org.ago(days=DAYS_IN_BIN)
    for shape in org.shapes.values():
        if shape.has("IsDeleted") and shape.has("SystemModstamp"):
            where = '"IsDeleted" = 1 AND "SystemModstamp" < ?'
            for each in org.store.column(shape.name, "Id", where, [before]):
                org.store.remove(shape.name, each)
