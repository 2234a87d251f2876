"""相关团队: who besides the owner works on a row."""

from __future__ import annotations

from typing import Any

from ...simulating.tables import Row
from .answers import Document, as_map, bad_parameter, missing, texts_of, well
from .records import touch
from .rows import member
from .shape import ObjectShape
from .store import packed, unpacked
from .tenant import Call, Tenant

OWNER = "1"
ROLES, PERMISSIONS = ("2", "3", "4"), ("1", "2")
DOCUMENTED = ("AccountObj", "OpportunityObj")


def add(tenant: Tenant, call: Call) -> Document:
    """Who owns the row stays its owner. Who is in it gets the new role."""
    people = _people(tenant, call, call.data)
    fields = _role(call.data)
    with tenant.store.whole():
        for shape, row in _rows(tenant, call):
            owners = {
                one for each in _team(row) if each["teamMemberRole"] == OWNER for one in each["teamMemberEmployee"]
            }
            coming = people - owners
            others = [each for each in _team(row) if not coming & set(each["teamMemberEmployee"])]
            _keep(tenant, call, shape, row, [*others, *(member(each, *fields) for each in sorted(coming))])
    return well()


def edit(tenant: Tenant, call: Call) -> Document:
    """The members that are named, each with role and permission, in place of those that there were."""
    told = call.data.get("teamMemberInfos")
    if not isinstance(told, list) or not all(isinstance(each, dict) for each in told):
        raise missing("teamMemberInfos")
    shape, row = _row(tenant, call)
    members = [member(person, *_role(each)) for each in told for person in sorted(_people(tenant, call, each))]
    owner = [each for each in _team(row) if each["teamMemberRole"] == OWNER]
    _keep(tenant, call, shape, row, [*owner, *members])
    return well()


def get(tenant: Tenant, call: Call) -> Document:
    """How the answer is called inside is not known; this one repeats what `edit` takes."""
    _, row = _row(tenant, call)
    known = tenant.people.by_id
    told = [
        {
            **each,
            "teamMemberEmployee": [
                known[one].open_id if call.open_ids and one in known else one for one in each["teamMemberEmployee"]
            ],
        }
        for each in _team(row)
    ]
    return well(data={"teamMemberInfos": told})


def delete(tenant: Tenant, call: Call) -> Document:
    people = _people(tenant, call, call.data)
    with tenant.store.whole():
        for shape, row in _rows(tenant, call):
            kept = [
                each
                for each in _team(row)
                if each["teamMemberRole"] == OWNER or not people & set(each["teamMemberEmployee"])
            ]
            _keep(tenant, call, shape, row, kept)
    return well()


def _team(row: Row) -> list[dict[str, Any]]:
    members: list[dict[str, Any]] = unpacked(row["relevant_team"]) or []
    return members


def _keep(tenant: Tenant, call: Call, shape: ObjectShape, row: Row, members: list[Document]) -> None:
    touch(tenant, call, shape, row, {"relevant_team": packed(members) if members else None})


def _people(tenant: Tenant, call: Call, told: Document) -> set[str]:
    ids = told.get("teamMemberEmployee")
    if not isinstance(ids, list) or not ids:
        raise missing("teamMemberEmployee")
    return {tenant.person(each, call.open_ids).id for each in ids}


def _role(told: Document) -> tuple[str, str]:
    role, permission = told.get("teamMemberRole"), told.get("teamMemberPermissionType")
    if role not in ROLES:
        raise missing("teamMemberRole")
    if permission not in PERMISSIONS:
        raise missing("teamMemberPermissionType")
    return role, permission


def _shape(tenant: Tenant, call: Call) -> ObjectShape:
    """apiName stands at the top here, all else in `data`."""
    name = call.top.get("apiName")
    if not isinstance(name, str) or as_map(call.top.get("data")) is None:
        raise missing("apiName")
    known = name in DOCUMENTED or tenant.settings.team_on_others == "accepted"
    if name not in tenant.shapes or not known:
        raise bad_parameter(f"{name} has no team here")
    return tenant.shapes[name]


def _rows(tenant: Tenant, call: Call) -> list[tuple[ObjectShape, Row]]:
    shape, ids = _shape(tenant, call), texts_of(call.data.get("dataIDs"))
    if not ids:
        raise missing("dataIDs")
    return [(shape, tenant.row(shape, each, call)) for each in ids]


def _row(tenant: Tenant, call: Call) -> tuple[ObjectShape, Row]:
    shape = _shape(tenant, call)
    return shape, tenant.row(shape, call.data.get("dataID"), call)
