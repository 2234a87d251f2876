"""What becomes of a row besides its fields: invalid and deleted, owned by somebody else, locked, in another stage."""

from __future__ import annotations

from collections.abc import Iterator

from ...simulating.tables import Row
from .answers import NO_RIGHT, Document, RefusedError, as_map, missing, texts_of, well
from .records import POOLS, owned, touch
from .shape import ObjectShape
from .store import packed
from .tenant import Call, Tenant

INVALID = "invalid"


def invalid(tenant: Tenant, call: Call) -> Document:
    """One row."""
    shape = tenant.shape(call.data.get("dataObjectApiName"), call)
    _make_invalid(tenant, call, shape, [_id(call.data.get("object_data_id"))])
    return well()


def invalid_many(tenant: Tenant, call: Call) -> Document:
    """Of custom objects only."""
    shape = tenant.shape(call.data.get("dataObjectApiName"), call)
    if not shape.custom:
        raise RefusedError(tenant.settings.validation_code, f"{shape.name} is no custom object")
    _make_invalid(tenant, call, shape, _ids(call.data, "idList"))
    return well()


def _make_invalid(tenant: Tenant, call: Call, shape: ObjectShape, ids: list[str]) -> None:
    with tenant.store.whole():
        for row in _rows(tenant, call, shape, ids):
            if row["life_status"] == INVALID:
                raise RefusedError(tenant.settings.validation_code, "the data is invalid already")
            check_unlocked(tenant, row)
            for each, one in _with_details(tenant, shape, row):
                if one["life_status"] != INVALID:
                    before = one["life_status"]
                    touch(tenant, call, each, one, {"life_status": INVALID, "life_status_before_invalid": before})


def recover(tenant: Tenant, call: Call) -> Document:
    shape = tenant.shape(call.data.get("dataObjectApiName"), call)
    with tenant.store.whole():
        for row in _rows(tenant, call, shape, _ids(call.data, "idList")):
            _check_invalid(tenant, row)
            for each, one in _with_details(tenant, shape, row):
                if one["life_status"] == INVALID:
                    before = one["life_status_before_invalid"] or "normal"
                    touch(tenant, call, each, one, {"life_status": before, "life_status_before_invalid": None})
    return well()


def delete(tenant: Tenant, call: Call) -> Document:
    """For good; only what is invalid."""
    shape = tenant.shape(call.data.get("dataObjectApiName"), call)
    with tenant.store.whole():
        for row in _rows(tenant, call, shape, _ids(call.data, "idList")):
            _check_invalid(tenant, row)
            for each, one in [*_with_details(tenant, shape, row)]:
                tenant.store.remove(each.name, str(one["_id"]))
                tenant.people.changed(each.name)
                _empty_references(tenant, each, str(one["_id"]))
    return well()


def _empty_references(tenant: Tenant, shape: ObjectShape, gone: str) -> None:
    for other, field in tenant.referring.get(shape.name, ()):
        if field.empties:
            for row in tenant.store.rows(other.name, f'"{field.name}" = ?', [gone]):
                tenant.store.change(other.name, str(row["_id"]), {field.name: None})


def change_owner(tenant: Tenant, call: Call) -> Document:
    """data.Data: rows with their new owners. What lies in a pool belongs to nobody, so nobody may give it away."""
    shape = tenant.shape(call.data.get("dataObjectApiName"), call)
    told = call.data.get("Data")
    if not isinstance(told, list) or not told or not all(isinstance(each, dict) for each in told):
        raise missing("Data")
    with tenant.store.whole():
        for each in told:
            owners = each.get("ownerId")
            if not isinstance(owners, list) or len(owners) != 1:
                raise missing("ownerId")
            row = tenant.row(shape, _id(each.get("objectDataId")), call)
            check_unlocked(tenant, row)
            if row["owner"] is None and shape.name in POOLS and row.get(POOLS[shape.name]) is not None:
                raise RefusedError(tenant.settings.validation_code, NO_RIGHT, NO_RIGHT)
            give(tenant, call, shape, row, tenant.person(owners[0], call.open_ids).id)
    return well()


def give(tenant: Tenant, call: Call, shape: ObjectShape, row: Row, employee: str | None, **more: str | None) -> None:
    """Let the row belong to somebody, or to nobody."""
    row["owner"] = None if employee is None else packed([employee])
    touch(tenant, call, shape, row, {"owner": row["owner"], **owned(tenant, row), **more})


def lock(tenant: Tenant, call: Call) -> Document:
    return _set_lock(tenant, call, "1", packed([call.who.id]))


def unlock(tenant: Tenant, call: Call) -> Document:
    return _set_lock(tenant, call, "0", None)


def _set_lock(tenant: Tenant, call: Call, status: str, who: str | None) -> Document:
    name = call.data.get("dataObjectApiName")
    shape = tenant.shapes.get(name) if isinstance(name, str) else None
    if shape is None:
        raise missing("dataObjectApiName")
    with tenant.store.whole():
        for row in _rows(tenant, call, shape, _ids(call.data, "dataIds")):
            rows = _with_details(tenant, shape, row, follow=call.data.get("detailObjStrategy", 1) == 1)
            for each, one in [*rows]:
                touch(tenant, call, each, one, {"lock_status": status, "lock_user": who})
    return well()


def change_stage(tenant: Tenant, call: Call) -> Document:
    """What the body is called inside is not known; this one takes `objectDataId` and `sales_stage`."""
    told = as_map(call.top.get("data")) or {}
    shape = tenant.shape(told.get("dataObjectApiName") or told.get("apiName"), call)
    if "sales_stage" not in shape.fields or not isinstance(told.get("sales_stage"), str):
        raise missing("sales_stage")
    row = tenant.row(shape, _id(told.get("objectDataId")), call)
    check_unlocked(tenant, row)
    values: Row = {"sales_stage": told["sales_stage"]}
    if "stg_changed_time" in shape.fields:
        values["stg_changed_time"] = tenant.now()
    touch(tenant, call, shape, row, values)
    return well()


def check_unlocked(tenant: Tenant, row: Row) -> None:
    """Raises RefusedError where the row is locked and that counts."""
    if row["lock_status"] == "1" and tenant.settings.locked_update == "refused":
        raise RefusedError(tenant.settings.validation_code, "the data is locked")


def _check_invalid(tenant: Tenant, row: Row) -> None:
    if row["life_status"] != INVALID:
        raise RefusedError(tenant.settings.validation_code, "the data is not invalid")


def _with_details(
    tenant: Tenant, shape: ObjectShape, row: Row, follow: bool | None = None
) -> Iterator[tuple[ObjectShape, Row]]:
    """The row, and its details where they follow it."""
    yield shape, row
    if tenant.settings.details_follow == "yes" if follow is None else follow:
        for detail in tenant.details.get(shape.name, ()):
            for each in tenant.store.rows(detail.name, f'"{detail.master_name}" = ?', [row["_id"]]):
                yield detail, each


def _rows(tenant: Tenant, call: Call, shape: ObjectShape, ids: list[str]) -> Iterator[Row]:
    return (tenant.row(shape, each, call) for each in ids)


def _id(told: object) -> str:
    if not isinstance(told, str) or not told:
        raise missing("id")
    return told


def _ids(data: Document, name: str) -> list[str]:
    found = texts_of(data.get(name))
    if not found:
        raise missing(name)
    return found
