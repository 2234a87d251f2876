"""Who is who, as changeover.yaml says it: where each system keeps its people, who takes over from who left."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

MATCHES: Final = ("email", "phone", "name", "number")
MANAGER: Final = "manager"
"""In `successor`: whoever is above the person who left."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ActiveRule(_Strict):
    """Who counts as active: those whose `field` holds one of the texts."""

    field: str
    is_: Annotated[tuple[str | int | bool, ...], Field(alias="is", min_length=1)]

    def holds(self, cells: Iterable[str | None]) -> list[bool]:
        """Of each cell of the field, as text."""
        wanted = {str(each).lower() if isinstance(each, bool) else str(each) for each in self.is_}
        return [cell in wanted for cell in cells]


class PersonSide(_Strict):
    """The people of one system. object: where they are kept. key: the field that owner fields hold; None for the
    object's own key. email, phone, name, number: the fields to match by. department: the field by which `successors`
    are chosen, of the source. manager: whom they report to, by key or e-mail, of the source. active: who is still
    there; without it all are."""

    object: str
    key: str | None = None
    email: str | None = None
    phone: str | None = None
    name: str | None = None
    number: str | None = None
    department: str | None = None
    manager: str | None = None
    active: ActiveRule | None = None

    def match_field(self, match: str) -> str | None:
        """The field that holds what is matched by, None where the side names none."""
        return {"email": self.email, "phone": self.phone, "name": self.name, "number": self.number}[match]

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field of the object that `build_people` wants in the side's frame."""
        matched = (self.match_field(match) for match in MATCHES)
        named = [self.key, *matched, self.department, self.manager, self.active.field if self.active else None]
        return tuple(dict.fromkeys(name for name in named if name is not None))


class DepartmentSide(_Strict):
    """The departments of one system. object: where they are kept. key: the field that records hold; None for the
    object's own key. code, name: the fields to match by. active: which are still there; without it all are."""

    object: str
    key: str | None = None
    code: str | None = None
    name: str | None = None
    active: ActiveRule | None = None

    def match_field(self, match: str) -> str | None:
        """The field that holds what is matched by, None where the side names none."""
        return {"code": self.code, "name": self.name}[match]

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field of the object that is wanted of it."""
        named = [self.key, self.code, self.name, self.active.field if self.active else None]
        return tuple(dict.fromkeys(name for name in named if name is not None))


class DepartmentsConfig(_Strict):
    """`departments:` of `people:`. source: None where the old system has no object of them, only their names or codes
    in its records. match: what to compare, in this order. csv: a file with the columns `source` and `target`; it
    wins."""

    source: DepartmentSide | None = None
    target: DepartmentSide
    match: tuple[Literal["code", "name"], ...] = ("code", "name")
    csv: str | None = None


def _successor(value: object) -> object:
    """A person, `manager`, or both in a list, the manager first."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and len(value) == 2 and value[0] == MANAGER != value[1]:
        return tuple(value)
    raise PydanticCustomError("people.successor_form", "successor_form")


class PeopleConfig(_Strict):
    """`people:` of changeover.yaml. match: what to compare, in this order. csv: a file with the columns `source` and
    `target`; it wins over `match`. successors: who takes over from the people of a department of the source, by
    e-mail or key in the target; successor: who does from everybody else, and `manager` before all of them where the
    first one up the reporting line who is still there does. departments: which is which."""

    source: PersonSide
    target: PersonSide
    match: tuple[Literal["email", "phone", "name", "number"], ...] = ("email",)
    csv: str | None = None
    successors: dict[str, str] = {}
    successor: Annotated[tuple[str, ...], BeforeValidator(_successor)] = ()
    departments: DepartmentsConfig | None = None

    @property
    def by_manager(self) -> bool:
        return MANAGER in self.successor

    @property
    def source_objects(self) -> tuple[str, ...]:
        """The objects of the source of which it is asked who is who."""
        departments = self.departments.source if self.departments is not None else None
        return (self.source.object, *([departments.object] if departments is not None else []))

    @property
    def of_all(self) -> str | None:
        """Who takes over from everybody else."""
        return next((each for each in self.successor if each != MANAGER), None)

    @model_validator(mode="after")
    def _said_whole(self) -> PeopleConfig:
        if self.successors and self.source.department is None:
            raise PydanticCustomError("people.no_department", "no_department")
        if self.by_manager and self.source.manager is None and self.csv is None:
            raise PydanticCustomError("people.no_manager", "no_manager")
        if self.source.manager is not None and not self.by_manager:
            raise PydanticCustomError("people.manager_unused", "manager_unused")
        return self
