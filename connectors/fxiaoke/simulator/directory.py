"""The address book: employees and departments outside of the objects. Nothing lies in `data` here."""

from __future__ import annotations

import datetime as dt

from .answers import Document, RefusedError, missing, well
from .people import WHOLE_COMPANY, Person
from .tenant import Call, Tenant

NO_DEPARTMENT = 30007
DEFAULT_SIZE, LARGEST_SIZE = 20, 1000


def by_mobile(tenant: Tenant, call: Call) -> Document:
    """Nobody of that number is no error."""
    mobile = call.top.get("mobile")
    if not isinstance(mobile, str) or not mobile:
        raise missing("mobile")
    found = [each for each in tenant.people.by_id.values() if each.mobile == mobile]
    return well("success", empList=[_employee(each, call) for each in found])


def _employee(person: Person, call: Call) -> Document:
    numbers = [int(each) for each in person.departments if each.isdigit()]
    return {
        "enterpriseId": 700001,
        "openUserId": person.open_id if call.open_ids else person.id,
        "account": person.mobile,
        "fullName": person.name,
        "name": person.name,
        "status": "NORMAL" if person.active else "STOP",
        "mobile": person.mobile,
        "email": person.email,
        "gender": person.sex or "M",
        "isActive": person.active,
        "mainDepartmentIds": numbers,
        "departmentIds": numbers,
    }


def user_list(tenant: Tenant, call: Call) -> Document:
    return well("success", userList=[_user(tenant, each, call) for each in _of_department(tenant, call)])


def simple_list(tenant: Tenant, call: Call) -> Document:
    keys = ("openUserId", "name", "nickName")
    users = [_user(tenant, each, call) for each in _of_department(tenant, call)]
    return well("success", userList=[{key: each[key] for key in keys} for each in users])


def user(tenant: Tenant, call: Call) -> Document:
    return well("success", **_user(tenant, tenant.person(call.top.get("openUserId"), call.open_ids), call))


def users_by_time(tenant: Tenant, call: Call) -> Document:
    """Those changed in a span of time, by pages that are counted from 1."""
    size, number = call.top.get("pageSize") or DEFAULT_SIZE, call.top.get("pageNumber") or 1
    if type(size) is not int or type(number) is not int or not 0 < size <= LARGEST_SIZE or number < 1:
        raise missing("pageSize")
    start, end = call.top.get("startTime") or 0, call.top.get("endTime") or tenant.now()
    found = [each for each in tenant.people.by_id.values() if int(start) <= each.changed <= int(end)]
    page = found[(number - 1) * size : number * size]
    return well(
        "success",
        employees=[_user(tenant, each, call) for each in page],
        totalCount=len(found),
        pageCount=-(-len(found) // size),
        pageNumber=number,
    )


def _of_department(tenant: Tenant, call: Call) -> list[Person]:
    told = call.top.get("departmentId")
    number = str(told)
    if told is None or number not in tenant.people.departments:
        raise RefusedError(NO_DEPARTMENT, f"no such department: {told}")
    below = call.top.get("fetchChild") is True
    if number == WHOLE_COMPANY and below:
        return list(tenant.people.by_id.values())
    return list(tenant.people.of(tenant.people.below(number) if below else {number}))


def _user(tenant: Tenant, person: Person, call: Call) -> Document:
    numbers = [int(each) for each in person.departments if each.isdigit()]
    leader = tenant.people.by_id.get(person.leader or "")
    told: Document = {
        "openUserId": person.open_id if call.open_ids else person.id,
        "account": person.mobile,
        "name": person.name,
        "nickName": person.name,
        "isStop": not person.active,
        "email": person.email,
        "mobile": person.mobile,
        "gender": person.sex or "M",
        "position": person.position,
        "departmentIds": numbers,
        "employeeNumber": person.number,
        "hireDate": dt.datetime.fromtimestamp(person.created / 1000, dt.UTC).date().isoformat(),
        "createTime": person.created,
        "leaderId": None if leader is None else leader.open_id if call.open_ids else leader.id,
    }
    if call.top.get("showDepartmentIdsDetail") is True:
        told |= {"mainDepartmentId": numbers[0] if numbers else None, "attachingDepartmentIds": numbers[1:]}
    return {key: value for key, value in told.items() if value is not None}


def departments(tenant: Tenant, call: Call) -> Document:
    """The whole company is department 0 here."""
    told = [
        {
            "id": int(each.id),
            "name": each.name,
            "parentId": 0 if each.parent in (None, WHOLE_COMPANY) else int(str(each.parent)),
            "isStop": not each.active,
            "order": place,
        }
        for place, each in enumerate(tenant.people.departments.values())
        if each.id != WHOLE_COMPANY and each.id.isdigit()
    ]
    return well("success", departments=told)
