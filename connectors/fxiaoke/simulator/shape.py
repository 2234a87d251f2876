"""An object as its describe tells it, prepared once so that no call looks at a describe."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property

from ...errors import InputError
from .answers import Document

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
TEXT_LENGTH = 255
LENGTHS = {"long_text": 2000, "html_rich_text": 0, "rich_text": 0}
"""Where the describe tells no max_length; 0 is any."""


class Kind(Enum):
    TEXT = auto()
    NUMBER = auto()
    TIME = auto()
    BOOLEAN = auto()
    CHOICE = auto()
    CHOICES = auto()
    PERSON = auto()
    """The one field that holds an employee as a text."""
    PEOPLE = auto()
    DEPARTMENTS = auto()
    REFERENCE = auto()
    REFERENCES = auto()
    FILES = auto()
    GIVEN = auto()
    """By the system: formulas, counts, quotes, numbers given out."""
    PARTS = auto()
    """Lists and groups that no write sets."""


KINDS: dict[str, Kind] = {
    **dict.fromkeys(("text", "long_text", "html_rich_text", "rich_text", "phone_number", "email", "url"), Kind.TEXT),
    **dict.fromkeys(("location", "country", "province", "city", "district"), Kind.TEXT),
    **dict.fromkeys(("number", "currency", "percentile"), Kind.NUMBER),
    **dict.fromkeys(("date", "time", "date_time"), Kind.TIME),
    "true_or_false": Kind.BOOLEAN,
    **dict.fromkeys(("select_one", "record_type"), Kind.CHOICE),
    **dict.fromkeys(("select_many", "tag", "array"), Kind.CHOICES),
    **dict.fromkeys(("employee", "employee_many", "out_employee"), Kind.PEOPLE),
    **dict.fromkeys(("department", "department_many"), Kind.DEPARTMENTS),
    **dict.fromkeys(("object_reference", "master_detail"), Kind.REFERENCE),
    "object_reference_many": Kind.REFERENCES,
    **dict.fromkeys(("file_attachment", "image", "signature"), Kind.FILES),
    **dict.fromkeys(("formula", "count", "quote", "auto_number"), Kind.GIVEN),
}
PERSONNEL, DEPARTMENT = "PersonnelObj", "DepartmentObj"
PERSON = (PERSONNEL, "user_id")
OWN_NAMES = frozenset({"name", "owner", "record_type"})
"""Of the fields that every object has, those that a write sets."""
SYSTEM_NAMES = frozenset(
    {"_id", "tenant_id", "life_status", "life_status_before_invalid", "lock_status", "lock_user", "created_by"}
    | {"create_time", "last_modified_by", "last_modified_time", "owner_department", "data_own_department"}
    | {"relevant_team", "is_deleted", "version"}
)
LISTS = frozenset({Kind.CHOICES, Kind.PEOPLE, Kind.DEPARTMENTS, Kind.REFERENCES, Kind.FILES})
"""Kept as JSON."""


@dataclass(frozen=True, slots=True)
class FieldShape:
    """options: value -> label; empty where any value goes. bare: the few numbers that come as JSON numbers."""

    name: str
    label: str
    type: str
    kind: Kind
    system: bool
    required: bool
    unique: bool
    length: int
    decimals: int | None
    options: Mapping[str, str]
    target: str | None
    empties: bool
    """Becomes empty when what it refers to is deleted."""
    bare: bool
    single: bool


@dataclass(frozen=True)
class ObjectShape:
    name: str
    label: str
    custom: bool
    fields: Mapping[str, FieldShape]
    describe: Document
    master: FieldShape | None

    @property
    def master_name(self) -> str:
        """Of the field that refers to the master; empty where there is none."""
        return self.master.name if self.master else ""

    @cached_property
    def own(self) -> tuple[FieldShape, ...]:
        """What a write may name and a row keeps besides what is the system's."""
        return tuple(each for each in self.fields.values() if not each.system)

    @cached_property
    def required(self) -> tuple[FieldShape, ...]:
        return tuple(each for each in self.own if each.required)

    @cached_property
    def unique(self) -> tuple[FieldShape, ...]:
        return tuple(each for each in self.own if each.unique)


def object_shape(describe: Document, where: str) -> ObjectShape:
    """Raises InputError `simulator.describe` naming the file (or place) that holds it."""
    name, told = describe.get("api_name"), describe.get("fields")
    if not isinstance(name, str) or not NAME.match(name) or not isinstance(told, dict):
        raise InputError("simulator.describe", where=where, what="api_name, fields")
    fields = {}
    for field_name, each in told.items():
        if not NAME.match(field_name) or not isinstance(each, dict) or not isinstance(each.get("type"), str):
            raise InputError("simulator.describe", where=where, what=field_name)
        if each.get("is_active", True):
            fields[field_name] = _field(field_name, each, person=(name, field_name) == PERSON)
    masters = [each for each in fields.values() if each.type == "master_detail"]
    label = str(describe.get("label") or describe.get("display_name") or name)
    described = {**describe, "fields": {key: _shown(each) for key, each in told.items()}}
    return ObjectShape(name, label, name.endswith("__c"), fields, described, masters[0] if masters else None)


def _field(name: str, told: Document, person: bool) -> FieldShape:
    kind = Kind.PERSON if person else KINDS.get(told["type"], Kind.PARTS)
    options = {
        str(each["value"]): str(each.get("label", each["value"]))
        for each in told.get("options") or ()
        if isinstance(each, dict) and "value" in each and not each.get("not_usable")
    }
    length = told.get("max_length") or LENGTHS.get(told["type"], TEXT_LENGTH)
    decimals = told.get("decimal_places")
    return FieldShape(
        name,
        str(told.get("label") or name),
        told["type"],
        kind,
        name in SYSTEM_NAMES or (told.get("define_type") == "system" and name not in OWN_NAMES),
        bool(told.get("is_required")),
        bool(told.get("is_unique")),
        int(length),
        None if decimals is None else int(decimals),
        options,
        told.get("target_api_name"),
        told.get("action_on_target_delete") == "set_null",
        bool(told.get("bare")),
        not told["type"].endswith("_many"),
    )


def _shown(told: Document) -> Document:
    return {key: value for key, value in told.items() if key != "bare"}
