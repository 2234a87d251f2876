"""The tenant that is imitated: what it has, who is in it, and the folder that says so."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...clock import Clock
from ...errors import InputError
from ...simulating.settings import told_in
from ...simulating.tables import Row
from .answers import NO_RIGHT, Document, RefusedError, bad_parameter, missing
from .people import WHOLE_COMPANY, People, Person
from .presets import completed, preset_describes, system_fields, written_out
from .settings import Settings
from .shape import DEPARTMENT, PERSONNEL, FieldShape, ObjectShape, object_shape
from .store import VISIBLE, Ids, Store, packed

FILE, DESCRIBES, DATABASE = "tenant.yaml", "describe", "simulator.db"
MADE_UP = Path(__file__).with_name("tenant.yaml")
KEYS = {"departments", "employees", "pools", "fields", "settings"}
NOT_ON_THE_WAY = (PERSONNEL, DEPARTMENT)
"""Objects that get no key field of ours."""


@dataclass(frozen=True, slots=True)
class Call:
    """One business call that was let in. who: the acting employee. open_ids: whether people go by FSUID in it."""

    path: str
    top: Document
    who: Person
    open_ids: bool
    custom_path: bool = False

    @property
    def data(self) -> Document:
        """Raises RefusedError where there is none."""
        data = self.top.get("data")
        if not isinstance(data, dict):
            raise missing("data")
        return data


class Tenant:
    """Raises InputError where the folder cannot be read or used."""

    def __init__(self, clock: Clock, settings: Settings, folder: Path | None) -> None:
        self.clock = clock
        self.settings = settings
        self.number = "700001"
        told = told_in(MADE_UP if folder is None or not (folder / FILE).exists() else folder / FILE, KEYS)
        describes = _describes(folder, told.get("fields") or {}, settings.key_field)
        self.shapes: Mapping[str, ObjectShape] = {
            name: object_shape(describe, where) for name, (describe, where) in describes.items()
        }
        self.details: dict[str, list[ObjectShape]] = {}
        self.referring: dict[str, list[tuple[ObjectShape, FieldShape]]] = {}
        for shape in self.shapes.values():
            if shape.master is not None:
                self.details.setdefault(str(shape.master.target), []).append(shape)
            for each in shape.fields.values():
                if each.target:
                    self.referring.setdefault(each.target, []).append((shape, each))
        try:
            self.store = Store(None if folder is None else folder / DATABASE, self.shapes)
        except sqlite3.Error as error:
            raise InputError("simulator.database", path=str(folder), reason=str(error)) from error
        self.people = People(self.store, settings.ea)
        self.ids = Ids(f"{settings.random_seed}.{self.now()}", settings.ids == "shuffled")
        self.uploads: dict[str, Document] = {}
        """What was signed for an upload that has not come yet, by its signature."""
        self._settle_in(told)

    def now(self) -> int:
        """Milliseconds since 1970 by the tenant's own clock."""
        return int(self.clock.now().timestamp() * 1000)

    # Objects

    def shape(self, name: object, call: Call) -> ObjectShape:
        """The object of that name, where it may be named at that path. Raises RefusedError."""
        if not isinstance(name, str) or not name:
            raise missing("dataObjectApiName")
        shape = self.shapes.get(name)
        if shape is None:
            raise bad_parameter(f"no such object: {name}")
        wrong = (
            self.settings.preset_on_custom_path == "refused"
            if call.custom_path and not shape.custom
            else not call.custom_path and shape.custom and self.settings.custom_on_preset_path == "refused"
        )
        if wrong:
            raise bad_parameter(f"{name} has no place at {call.path}")
        return shape

    def row(self, shape: ObjectShape, row_id: object, call: Call) -> Row:
        """Raises RefusedError where there is none, or none that the acting employee may see."""
        row = self.store.get(shape.name, row_id) if isinstance(row_id, str) else None
        if row is None:
            raise RefusedError(self.settings.validation_code, f"no such data: {row_id}")
        if self.settings.data_scope == "own" and not self.seen_by(call.who, row):
            raise RefusedError(self.settings.validation_code, NO_RIGHT, NO_RIGHT)
        return row

    def seen_by(self, who: Person, row: Row) -> bool:
        told = f'"{who.id}"'
        return told in str(row["owner"]) or told in str(row["relevant_team"])

    # People

    def person(self, told: object, open_ids: bool) -> Person:
        """Of an id as a caller writes it. Raises RefusedError where nobody goes by it."""
        ways = (self.people.by_open_id, self.people.by_id)
        ways = ways if open_ids else ways[::-1]
        for way in ways if self.settings.mixed_user_ids == "accepted" else ways[:1]:
            person = way.get(str(told))
            if person is not None:
                return person
        raise RefusedError(self.settings.unknown_user, f"no such employee: {told}")

    # Its beginning

    def _settle_in(self, told: Mapping[str, Any]) -> None:
        """Departments, employees and pools of the file, as far as they are not there yet."""
        for name, row_id, values in _first_rows(told):
            if self.store.get(name, row_id) is None:
                shape = self.shapes[name]
                row = {**self.system_values(shape, row_id), **values}
                self.store.insert(name, {each: row.get(each) for each in (*shape.fields, VISIBLE)})

    def system_values(self, shape: ObjectShape, row_id: str) -> Row:
        """What a new row has of the system before anything else is known of it."""
        now = self.now()
        return {
            "_id": row_id,
            "tenant_id": self.number,
            "record_type": "default__c" if "record_type" in shape.fields else None,
            "life_status": "normal",
            "lock_status": "0",
            "created_by": '["-10000"]',
            "last_modified_by": '["-10000"]',
            "create_time": now,
            "last_modified_time": now,
            "is_deleted": 0,
            "version": "1",
            VISIBLE: now + int(self.settings.index_lag * 1000),
        }


def _describes(folder: Path | None, fields: Mapping[str, Any], key_field: str) -> dict[str, tuple[Document, str]]:
    """Every object's describe with where it stands; the tenant's own outrank the presets."""
    system = system_fields()
    found = {name: (each, "presets") for name, each in preset_describes().items()}
    for file in sorted((folder / DESCRIBES).glob("*.json")) if folder is not None else ():
        try:
            told = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError("simulator.file", path=str(file), reason=type(error).__name__) from error
        for key in ("data", "describe"):
            told = told[key] if isinstance(told, dict) and isinstance(told.get(key), dict) else told
        if not isinstance(told, dict) or not isinstance(told.get("api_name"), str):
            raise InputError("simulator.describe", where=str(file), what="api_name")
        found[told["api_name"]] = (completed(told, system), str(file))
    for name, more in fields.items():
        if name not in found:
            raise InputError("simulator.describe", where=FILE, what=str(name))
        found[name][0]["fields"] |= {key: written_out(key, each, "custom") for key, each in more.items()}
    if key_field:
        ours = written_out(key_field, {"type": "text", "label": "旧系统主键", "unique": True}, "custom")
        for name, (describe, _) in found.items():
            if name not in NOT_ON_THE_WAY:
                describe["fields"].setdefault(key_field, dict(ours))
    return found


def _first_rows(told: Mapping[str, Any]) -> Iterator[tuple[str, str, Row]]:
    for each in told.get("departments") or ():
        parent = packed([str(each.get("parent", WHOLE_COMPANY))])
        yield DEPARTMENT, str(each["id"]), {"name": each["name"], "parent_id": parent, "status": "0"}
    for each in told.get("employees") or ():
        yield (
            PERSONNEL,
            str(each["id"]),
            {
                "name": each["name"],
                "full_name": each["name"],
                "user_id": str(each["id"]),
                "phone": each.get("mobile"),
                "email": each.get("email"),
                "employee_number": each.get("number"),
                "position": each.get("position"),
                "main_department": packed([str(each["department"])]) if "department" in each else None,
                "leader": packed([str(each["leader"])]) if "leader" in each else None,
                "status": "0" if each.get("active", True) else "1",
            },
        )
    for each in told.get("pools") or ():
        yield each["object"], str(each["id"]), {"name": each["name"]}
