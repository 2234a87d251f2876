"""Rows as callers see them: numbers as text, people as lists, and beside a field what its suffixes tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from ...simulating.tables import Row, Stored
from .answers import Document
from .people import SYSTEM_USER
from .shape import LISTS, FieldShape, Kind, ObjectShape
from .store import unpacked
from .tenant import Call, Tenant


class Shown:
    """Rows of one object for one caller. projection: the fields that are asked for; none for all."""

    def __init__(
        self, tenant: Tenant, call: Call, shape: ObjectShape, projection: Sequence[str] = (), total: int | None = None
    ) -> None:
        self._tenant = tenant
        self._call = call
        self._shape = shape
        self._nulls = call.top.get("includeNull") is True
        self._total = total
        self._fields = [each for each in shape.fields.values() if not projection or each.name in projection]
        self._whole = not projection
        self._names: dict[str, dict[str, str]] = {}
        self._people: dict[str, Document] = {}

    def all(self, rows: Iterable[Row]) -> list[Document]:
        found = list(rows)
        self._names = {
            each.name: self._names_of(each.name, each.target, found)
            for each in self._fields
            if each.kind is Kind.REFERENCE and each.target
        }
        return [self._one(row) for row in found]

    def _names_of(self, name: str, target: str, rows: Sequence[Row]) -> dict[str, str]:
        if target not in self._tenant.shapes:
            return {}
        return self._tenant.store.names(target, [str(row[name]) for row in rows if row[name]])

    def _one(self, row: Row) -> Document:
        told: Document = {}
        for field in self._fields:
            value = row.get(field.name)
            if value is None:
                if self._nulls:
                    told[field.name] = None
            else:
                self._add(told, field, value)
        if self._whole:
            told["package"] = "CRM"
            told["object_describe_api_name"] = self._shape.name
            self._add_department(told, row)
        if self._total is not None:
            told["total_num"] = self._total
        return told

    def _add(self, told: Document, field: FieldShape, value: Stored) -> None:
        adder = ADDERS.get(field.kind)
        if adder is not None:
            adder(self, told, field, value)
        else:
            told[field.name] = unpacked(value) if field.kind in LISTS else value

    def _add_number(self, told: Document, field: FieldShape, value: Stored) -> None:
        told[field.name] = int(float(str(value))) if field.bare else value

    def _add_boolean(self, told: Document, field: FieldShape, value: Stored) -> None:
        told[field.name] = bool(value)

    def _add_option(self, told: Document, field: FieldShape, value: Stored) -> None:
        told[field.name] = value
        if field.name != "record_type" and str(value) in field.options:
            told[f"{field.name}__r"] = field.options[str(value)]

    def _add_person(self, told: Document, field: FieldShape, value: Stored) -> None:
        told[field.name] = self._known_as(str(value))

    def _add_reference(self, told: Document, field: FieldShape, value: Stored) -> None:
        told[field.name] = told[f"{field.name}__relation_ids"] = value
        called = self._names.get(field.name, {}).get(str(value))
        if called is not None:
            told[f"{field.name}__r"] = called

    def _known_as(self, employee: str) -> str:
        if not self._call.open_ids or employee == SYSTEM_USER:
            return employee
        person = self._tenant.people.by_id.get(employee)
        return employee if person is None else person.open_id

    def _person(self, employee: str) -> Document:
        if employee not in self._people:
            person = self._tenant.people.by_id.get(employee)
            name = "系统" if employee == SYSTEM_USER else ""
            self._people[employee] = (
                {"id": employee, "name": name}
                if person is None
                else self._tenant.people.shown(person, self._call.open_ids, self._tenant.number)
            )
        return self._people[employee]

    def _add_people(self, told: Document, field: FieldShape, value: Stored) -> None:
        ids = unpacked(value)
        told[field.name] = [self._known_as(each) for each in ids]
        shown = [self._person(each) for each in ids]
        told[f"{field.name}__r"], told[f"{field.name}__l"] = shown[0], shown

    def _add_departments(self, told: Document, field: FieldShape, value: Stored) -> None:
        told[field.name] = ids = unpacked(value)
        shown = [self._department(each) for each in ids]
        told[f"{field.name}__r"], told[f"{field.name}__l"] = shown[0], shown

    def _department(self, number: str) -> Document:
        department = self._tenant.people.departments.get(number)
        if department is None:
            return {"deptId": number}
        return {
            "deptId": number,
            "deptName": department.name,
            "deptType": "dept",
            "parentId": department.parent,
            "status": 0 if department.active else 1,
        }

    def _add_department(self, told: Document, row: Row) -> None:
        for number in (unpacked(row.get("data_own_department")) or ())[:1]:
            told["owner_department_id"] = number

    def _add_team(self, told: Document, field: FieldShape, value: Stored) -> None:
        members: list[dict[str, Any]] = unpacked(value)
        told[field.name] = [
            {**member, "teamMemberEmployee": [self._known_as(each) for each in member["teamMemberEmployee"]]}
            for member in members
        ]
        people = [self._person(each)["name"] for member in members for each in member["teamMemberEmployee"]]
        told[f"{field.name}__r"] = ",".join(people)


Adder: TypeAlias = Callable[[Shown, Document, FieldShape, Stored], None]
ADDERS: Mapping[Kind, Adder] = {
    Kind.NUMBER: Shown._add_number,
    Kind.BOOLEAN: Shown._add_boolean,
    Kind.CHOICE: Shown._add_option,
    Kind.PERSON: Shown._add_person,
    Kind.PEOPLE: Shown._add_people,
    Kind.DEPARTMENTS: Shown._add_departments,
    Kind.REFERENCE: Shown._add_reference,
    Kind.PARTS: Shown._add_team,
}


def member(employee: str, role: str, permission: str) -> Document:
    return {
        "teamMemberEmployee": [employee],
        "teamMemberType": "0",
        "teamMemberRole": role,
        "teamMemberPermissionType": permission,
        "teamMemberDeptCascade": "0",
    }
