"""Rows made and changed: create with details, update, and what approval and workflow make of both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...simulating.tables import Row
from .answers import NULL_POINTER, Document, RefusedError, as_map, bad_parameter, missing, well
from .people import SYSTEM_USER
from .rows import member
from .shape import PERSONNEL, ObjectShape
from .store import packed, unpacked
from .tenant import Call, Tenant
from .values import check_required, check_unique, checked

POOLS = {"AccountObj": "high_seas_id", "LeadsObj": "leads_pool_id"}
"""The fields that hold the pool of a row that nobody owns."""


def create(tenant: Tenant, call: Call) -> Document:
    """A row and its details, all or nothing."""
    data = call.data
    told = object_data(tenant, data)
    shape = tenant.shape(told.get("dataObjectApiName"), call)
    details = details_of(tenant, call, shape, data)
    with tenant.store.whole():
        row = _made(tenant, call, shape, told)
        ids = {detail.name: [_new_detail(tenant, call, detail, row, each) for each in rows] for detail, rows in details}
    answer = well(dataId=row["_id"])
    if call.top.get("includeDetailIds") is True and tenant.settings.detail_ids_key:
        answer[tenant.settings.detail_ids_key] = ids
    if shape.name == PERSONNEL:
        answer["extraData"] = {"user_id": row["user_id"]}
    return answer


def one_made(tenant: Tenant, call: Call, shape: ObjectShape, told: Document) -> str:
    """A create without details. Returns the row's id."""
    return str(_made(tenant, call, shape, told)["_id"])


def _made(tenant: Tenant, call: Call, shape: ObjectShape, told: Document) -> Row:
    row = new_row(tenant, call, shape, told)
    _search_duplicates(tenant, call, shape, row)
    _insert(tenant, shape, row)
    return row


def one_changed(tenant: Tenant, call: Call, shape: ObjectShape, told: Document) -> str:
    """An update without details. Returns the row's id."""
    row = tenant.row(shape, told.get("_id"), call)
    _check_open(tenant, call, row)
    write(tenant, call, shape, row, told)
    return str(row["_id"])


def update(tenant: Tenant, call: Call) -> Document:
    data = call.data
    told = object_data(tenant, data)
    shape = tenant.shape(told.get("dataObjectApiName"), call)
    row = tenant.row(shape, told.get("_id"), call)
    _check_open(tenant, call, row)
    details = details_of(tenant, call, shape, data)
    with tenant.store.whole():
        write(tenant, call, shape, row, told)
        for detail, rows in details:
            _update_details(tenant, call, detail, row, rows)
    return well()


def object_data(tenant: Tenant, data: Document) -> Document:
    """Raises RefusedError as the real one does where the envelope is another."""
    told = as_map(data.get("object_data"))
    if told is None:
        raise RefusedError(tenant.settings.wrong_envelope_code, NULL_POINTER, NULL_POINTER)
    return told


Details = list[tuple[ObjectShape, list[Document]]]


def details_of(tenant: Tenant, call: Call, shape: ObjectShape, data: Document) -> Details:
    """The detail objects that are named, with their rows. Raises RefusedError."""
    told = data.get("details") or {}
    if not isinstance(told, dict):
        raise bad_parameter("details is no map")
    known = {each.name: each for each in tenant.details.get(shape.name, ())}
    found: Details = []
    for name, rows in told.items():
        if name not in known:
            raise bad_parameter(f"{name} is no detail of {shape.name}")
        if rows is not None:
            if not isinstance(rows, list) or not all(isinstance(each, dict) for each in rows):
                raise bad_parameter(f"details of {name} are no list of maps")
            found.append((known[name], rows))
    most = tenant.settings.max_details
    if most and sum(len(rows) for _, rows in found) > most:
        raise bad_parameter(f"more than {most} details")
    return found


def new_row(tenant: Tenant, call: Call, shape: ObjectShape, told: Mapping[str, Any]) -> Row:
    """A checked row of a create, complete but not yet kept. Raises RefusedError."""
    values = checked(tenant, call, shape, told, creating=True)
    row = {**tenant.system_values(shape, tenant.ids.new(tenant.now())), **values, **_worked(tenant, call, shape)}
    row["created_by"] = row["last_modified_by"] = packed([call.who.id])
    if call.top.get("hasSpecifyTime") is True and isinstance(told.get("create_time"), int):
        row["create_time"] = told["create_time"]
    if call.top.get("hasSpecifyCreatedBy") is True and told.get("created_by"):
        row["created_by"] = packed([_creator(tenant, call, told["created_by"])])
    if row.get("owner") is None:
        row["owner"] = _owner(tenant, call, shape, row)
    if call.top.get("triggerApprovalFlow") is not False and shape.name in tenant.settings.named("approval"):
        row["life_status"] = tenant.settings.approval_leaves
    if shape.name == PERSONNEL:
        row["user_id"] = str(max((int(each) for each in tenant.people.by_id if each.isdigit()), default=999) + 1)
    row |= owned(tenant, row)
    check_required(tenant, shape, row, creating=True)
    check_unique(tenant, shape, row, None)
    return row


def owned(tenant: Tenant, row: Row) -> Row:
    """What follows from who owns a row."""
    owners = unpacked(row.get("owner")) or []
    if not owners:
        return {"owner_department": None, "data_own_department": None, "relevant_team": None}
    person = tenant.people.by_id.get(owners[0])
    number = next(iter(person.departments), None) if person is not None else None
    department = tenant.people.departments.get(number or "")
    others = [each for each in unpacked(row.get("relevant_team")) or () if owners[0] not in each["teamMemberEmployee"]]
    return {
        "owner_department": department.name if department else None,
        "data_own_department": packed([number]) if number else None,
        "relevant_team": packed(
            [member(owners[0], "1", "2"), *(each for each in others if each["teamMemberRole"] != "1")]
        ),
    }


def _creator(tenant: Tenant, call: Call, told: object) -> str:
    ids = told if isinstance(told, list) and told else [told]
    if ids == [SYSTEM_USER]:
        return SYSTEM_USER
    person = tenant.person(ids[0], call.open_ids)
    if not person.active and tenant.settings.disabled_creator == "refused":
        raise RefusedError(tenant.settings.unknown_user, f"the employee has left: {ids[0]}")
    return person.id


def _owner(tenant: Tenant, call: Call, shape: ObjectShape, row: Row) -> str | None:
    if shape.name in POOLS and row.get(POOLS[shape.name]) is not None:
        return None
    if tenant.settings.no_owner == "refused":
        raise RefusedError(tenant.settings.validation_code, "owner is required")
    return packed([call.who.id]) if tenant.settings.no_owner == "acting_user" else None


def _worked(tenant: Tenant, call: Call, shape: ObjectShape) -> Row:
    """What the workflow sets."""
    row: Row = {}
    if call.top.get("triggerWorkFlow") is not False:
        for each in tenant.settings.named("workflow"):
            where, _, value = each.partition("=")
            name, _, field = where.partition(".")
            if name == shape.name and field in shape.fields:
                row[field] = value
    return row


def _search_duplicates(tenant: Tenant, call: Call, shape: ObjectShape, row: Row) -> None:
    options = as_map(call.data.get("optionInfo")) or {}
    if options.get("isDuplicateSearch") is not True and call.top.get("checkDuplicateSearch") is not True:
        return
    for each in tenant.settings.named("duplicate_rules"):
        name, _, field = each.partition(".")
        value = row.get(field) if name == shape.name else None
        if value is None or field not in shape.fields:
            continue
        found = list(tenant.store.rows(name, f'"{field}" = ? AND "life_status" <> ?', [value, "invalid"], "LIMIT 10"))
        if found:
            with_rows = tenant.settings.duplicate_answer == "error_with_rows"
            rows = {"dataList": [{"_id": one["_id"]} for one in found], "matchType": "PRECISE", "keepSave": False}
            raise RefusedError(
                tenant.settings.validation_code,
                "duplicate data found",
                "duplicate data found",
                rows if with_rows else None,
            )


def _insert(tenant: Tenant, shape: ObjectShape, row: Row) -> None:
    tenant.store.insert(shape.name, row)
    tenant.people.changed(shape.name)


def _new_detail(tenant: Tenant, call: Call, shape: ObjectShape, master: Row, told: Document) -> str:
    given = {**told, shape.master_name: master["_id"]}
    row = new_row(tenant, call, shape, given)
    if told.get("owner") is None:
        row["owner"] = master["owner"]
        row |= owned(tenant, row)
    row["life_status"] = master["life_status"]
    _insert(tenant, shape, row)
    return str(row["_id"])


# Changes


def _check_open(tenant: Tenant, call: Call, row: Row) -> None:
    """Raises RefusedError where the row takes no changes."""
    skips = call.custom_path and call.data.get("skipDataStatusValidate") is True
    if row["life_status"] == "invalid":
        raise RefusedError(tenant.settings.validation_code, "the data is invalid")
    if row["lock_status"] == "1" and tenant.settings.locked_update == "refused" and not skips:
        raise RefusedError(tenant.settings.validation_code, "the data is locked")
    waits = row["life_status"] in ("under_review", "ineffective", "in_change")
    if waits and tenant.settings.under_review_update == "refused" and not skips:
        raise RefusedError(tenant.settings.validation_code, "the data is under review")


def write(tenant: Tenant, call: Call, shape: ObjectShape, row: Row, told: Mapping[str, Any]) -> None:
    """Change the row's own fields as an update says. Raises RefusedError."""
    values = checked(tenant, call, shape, told, creating=False)
    if "sales_stage" in values and tenant.settings.stage_by_update == "refused":
        raise RefusedError(tenant.settings.validation_code, "sales_stage goes by changeSalesStage")
    if tenant.settings.update == "overwrite":
        kept = {"owner", "record_type", shape.master_name}
        values = {each.name: None for each in shape.own if each.name in row and each.name not in kept} | values
    check_required(tenant, shape, values, creating=False)
    check_unique(tenant, shape, values, str(row["_id"]))
    touch(tenant, call, shape, row, values)


def touch(tenant: Tenant, call: Call, shape: ObjectShape, row: Row, values: Mapping[str, Any]) -> None:
    """Keep the values, and that it was changed, when and by whom."""
    stamped = {
        **values,
        "version": str(int(str(row["version"] or "0")) + 1),
        "last_modified_time": tenant.now(),
        "last_modified_by": packed([call.who.id]),
    }
    tenant.store.change(shape.name, str(row["_id"]), stamped)
    tenant.people.changed(shape.name)
    row.update(stamped)


def _update_details(tenant: Tenant, call: Call, shape: ObjectShape, master: Row, told: list[Document]) -> None:
    """Those with an id are changed, those without are made; and those that are not named, removed, as set."""
    there = {
        str(each["_id"]): each for each in tenant.store.rows(shape.name, f'"{shape.master_name}" = ?', [master["_id"]])
    }
    named = {str(each["_id"]) for each in told if "_id" in each}
    if named - there.keys():
        raise missing("_id")
    if tenant.settings.update_details == "replaced":
        for gone in there.keys() - named:
            tenant.store.remove(shape.name, gone)
    for each in told:
        if "_id" in each:
            write(tenant, call, shape, there[str(each["_id"])], each)
        else:
            _new_detail(tenant, call, shape, master, each)
