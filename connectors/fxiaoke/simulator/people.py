"""Employees and departments, and the two names that each employee goes by."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from ...simulating.tables import Row
from .answers import Document
from .shape import DEPARTMENT, PERSONNEL
from .store import Store, unpacked

SYSTEM_USER = "-10000"
WHOLE_COMPANY = "999999"
LEFT = "1"


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    open_id: str
    name: str
    mobile: str
    email: str
    departments: tuple[str, ...]
    leader: str | None
    number: str
    position: str
    sex: str
    active: bool
    created: int
    changed: int


@dataclass(frozen=True, slots=True)
class Department:
    id: str
    name: str
    parent: str | None
    active: bool


def open_id_of(ea: str, employee: str) -> str:
    return f"FSUID_{hashlib.sha256(f'{ea}.{employee}'.encode()).hexdigest()[:32].upper()}"


class People:
    """Read from the rows of the two objects, whenever these have changed."""

    def __init__(self, store: Store, ea: str) -> None:
        self._store = store
        self._ea = ea

    def changed(self, object_name: str) -> None:
        """A row of that object was written."""
        if object_name in (PERSONNEL, DEPARTMENT):
            for each in ("by_id", "by_open_id", "departments"):
                self.__dict__.pop(each, None)

    @cached_property
    def by_id(self) -> Mapping[str, Person]:
        return {each.id: each for each in map(self._person, self._store.rows(PERSONNEL)) if each.id}

    @cached_property
    def by_open_id(self) -> Mapping[str, Person]:
        return {each.open_id: each for each in self.by_id.values()}

    @cached_property
    def departments(self) -> Mapping[str, Department]:
        root = Department(WHOLE_COMPANY, "全公司", None, True)
        return {root.id: root} | {each.id: each for each in map(_department, self._store.rows(DEPARTMENT))}

    def _person(self, row: Row) -> Person:
        number = str(row["user_id"] or "")
        return Person(
            number,
            open_id_of(self._ea, number),
            str(row["full_name"] or row["name"] or ""),
            str(row["phone"] or ""),
            str(row["email"] or ""),
            tuple(unpacked(row["main_department"]) or ()),
            next(iter(unpacked(row["leader"]) or ()), None),
            str(row["employee_number"] or ""),
            str(row["position"] or ""),
            str(row["sex"] or ""),
            str(row["status"]) != LEFT,
            int(row["create_time"] or 0),
            int(row["last_modified_time"] or 0),
        )

    def below(self, department: str) -> set[str]:
        """It and all that are under it."""
        found = {department}
        for _ in self.departments:
            more = {each.id for each in self.departments.values() if each.parent in found}
            if more <= found:
                break
            found |= more
        return found

    def of(self, departments: set[str]) -> Iterator[Person]:
        return (each for each in self.by_id.values() if departments.intersection(each.departments))

    def shown(self, person: Person, open_ids: bool, tenant: str) -> Document:
        """What stands beside an owner in a row."""
        department = next((self.departments[each].name for each in person.departments if each in self.departments), "")
        return {
            "id": person.open_id if open_ids else person.id,
            "name": person.name,
            "nickname": person.name,
            "tenantId": tenant,
            "dept": department,
            "email": person.email,
            "phone": person.mobile,
            "post": person.position,
            "empNum": person.number,
            "status": 1 if person.active else 2,
            "supervisorId": person.leader,
            "picAddr": "",
            "createTime": person.created,
            "modifyTime": person.changed,
            "description": "",
        }


def _department(row: Row) -> Department:
    parent = next(iter(unpacked(row["parent_id"]) or ()), None)
    return Department(str(row["_id"]), str(row["name"]), parent, str(row["status"]) == "0" or row["status"] is None)
