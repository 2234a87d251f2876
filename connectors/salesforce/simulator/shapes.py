"""Objects and fields as their describes tell them, ready to be asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, auto
from functools import cached_property

from ...errors import InputError
from .answers import Document

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}\Z")
LONG_TEXT = 255
"""A longer text can neither be filtered nor sorted by."""


class Kind(Enum):
    """How a value is kept."""

    TEXT = auto()
    PICKLIST = auto()
    PICKLISTS = auto()
    EMAIL = auto()
    ID = auto()
    BOOLEAN = auto()
    """1 and 0."""
    INT = auto()
    NUMBER = auto()
    """As a whole number of its smallest unit, so that 18 digits are exact."""
    DATE = auto()
    DATETIME = auto()
    """UTC, as 2026-03-02T01:00:00.000."""
    TIME = auto()
    BODY = auto()
    """Bytes lie apart; here is their length."""
    ADDRESS = auto()
    LOCATION = auto()


KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("string", "textarea", "phone", "url", "combobox", "encryptedstring", "anyType"), Kind.TEXT),
    **dict.fromkeys(("complexvalue", "json", "datacategorygroupreference"), Kind.TEXT),
    "picklist": Kind.PICKLIST,
    "multipicklist": Kind.PICKLISTS,
    "email": Kind.EMAIL,
    **dict.fromkeys(("id", "reference"), Kind.ID),
    "boolean": Kind.BOOLEAN,
    **dict.fromkeys(("int", "long"), Kind.INT),
    **dict.fromkeys(("double", "currency", "percent"), Kind.NUMBER),
    "date": Kind.DATE,
    "datetime": Kind.DATETIME,
    "time": Kind.TIME,
    "base64": Kind.BODY,
    "address": Kind.ADDRESS,
    "location": Kind.LOCATION,
}
COMPOUND = frozenset({Kind.ADDRESS, Kind.LOCATION})
AUDIT = ("CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById")


@dataclass(frozen=True, slots=True, eq=False)
class FieldShape:
    """options: None where any text goes. worked_out: how its value is made when it is asked for, {} where it is kept.
    parts: by what an address calls them. number: the form of an auto-number."""

    name: str
    label: str
    type: str
    kind: Kind
    length: int
    digits: int
    scale: int
    createable: bool
    updateable: bool
    nillable: bool
    defaulted: bool
    default: object
    unique: bool
    external: bool
    looked_up: bool
    exact: bool
    options: frozenset[str] | None
    targets: tuple[str, ...]
    relationship: str
    master: bool
    cascades: bool
    restricts: bool
    worked_out: Document
    number: str
    parts: Mapping[str, FieldShape]
    filterable: bool
    sortable: bool
    groupable: bool

    @property
    def kept(self) -> bool:
        return not self.worked_out and self.kind not in COMPOUND

    @property
    def polymorphic(self) -> bool:
        return len(self.targets) > 1


@dataclass(eq=False)
class ObjectShape:
    """every: all fields by name. hidden: names of those that the user may not see."""

    name: str
    prefix: str
    document: Document
    every: Mapping[str, FieldShape]
    hidden: frozenset[str] = frozenset()
    children: dict[str, tuple[ObjectShape, FieldShape]] = field(default_factory=dict)
    """By the relationship's name in lower case: who refers to this object, and by which field."""
    referring: list[tuple[ObjectShape, FieldShape]] = field(default_factory=list)

    @cached_property
    def fields(self) -> Mapping[str, FieldShape]:
        """What the user sees, in the describe's order."""
        return {name: each for name, each in self.every.items() if name not in self.hidden}

    @cached_property
    def by_name(self) -> Mapping[str, FieldShape]:
        """By name as it is and in lower case."""
        return {each.lower(): shape for each, shape in self.fields.items()} | dict(self.fields)

    @cached_property
    def relationships(self) -> Mapping[str, FieldShape]:
        return {each.relationship.lower(): each for each in self.fields.values() if each.relationship}

    @cached_property
    def kept(self) -> tuple[FieldShape, ...]:
        return tuple(each for each in self.every.values() if each.kept)

    @cached_property
    def required(self) -> tuple[FieldShape, ...]:
        return tuple(
            each
            for each in self.kept
            if each.createable and not each.nillable and not each.defaulted and each.kind is not Kind.BOOLEAN
        )

    @cached_property
    def defaults(self) -> Mapping[str, str | int]:
        """What a new record has where nothing is said, as it is kept."""
        told: dict[str, str | int] = {}
        for each in self.kept:
            if each.kind is Kind.BOOLEAN:
                told[each.name] = int(str(each.default).lower() == "true")
            elif each.default is not None and not each.number:
                whole = each.kind in (Kind.INT, Kind.NUMBER)
                told[each.name] = int(Decimal(str(each.default)).scaleb(each.scale)) if whole else str(each.default)
        return told

    @cached_property
    def unique(self) -> tuple[FieldShape, ...]:
        return tuple(each for each in self.kept if each.unique)

    @cached_property
    def numbered(self) -> tuple[FieldShape, ...]:
        return tuple(each for each in self.kept if each.number)

    @cached_property
    def masters(self) -> tuple[FieldShape, ...]:
        return tuple(each for each in self.kept if each.master)

    @cached_property
    def body(self) -> FieldShape | None:
        return next((each for each in self.kept if each.kind is Kind.BODY), None)

    @cached_property
    def name_field(self) -> str:
        """Of the field that names a record; empty where there is none."""
        return next((str(each["name"]) for each in self.document["fields"] if each.get("nameField")), "")

    def able(self, what: str) -> bool:
        return bool(self.document.get(what))

    def has(self, name: str) -> bool:
        return name in self.every


def object_shape(document: Document, where: str, hidden: Iterable[str] = ()) -> ObjectShape:
    """document: a whole describe. Raises InputError `simulator.describe` naming the place that it stands at."""
    name, told = document.get("name"), document.get("fields")
    if not isinstance(name, str) or not NAME.match(name) or not isinstance(told, list):
        raise InputError("simulator.describe", where=where, what="name, fields")
    plain: dict[str, FieldShape] = {}
    for each in told:
        if not isinstance(each, dict) or not NAME.match(str(each.get("name"))) or each.get("type") not in KINDS:
            raise InputError("simulator.describe", where=where, what=str(each)[:80])
        plain[each["name"]] = _field(each, {})
    fields = {}
    for each in told:
        shape = plain[each["name"]]
        parts = _parts(shape, told, plain)
        worked_out = each.get("workedOut") or _name_of(each, plain)
        fields[shape.name] = _field({**each, "workedOut": worked_out}, parts) if parts or worked_out else shape
    if "Id" not in fields:
        raise InputError("simulator.describe", where=where, what="Id")
    return ObjectShape(name, str(document.get("keyPrefix") or ""), document, fields, frozenset(hidden))


def _name_of(told: Document, fields: Mapping[str, FieldShape]) -> Document:
    """People's names are put together."""
    if told["name"] == "Name" and not told.get("createable") and "LastName" in fields:
        return {"joined": [each for each in ("FirstName", "LastName") if each in fields], "by": " "}
    return {}


def _parts(shape: FieldShape, told: Sequence[Document], fields: Mapping[str, FieldShape]) -> dict[str, FieldShape]:
    if shape.kind not in COMPOUND:
        return {}
    parts = {}
    for each in told:
        if each.get("compoundFieldName") == shape.name and each["name"] != shape.name:
            stem = shape.name.removesuffix("__c").removesuffix("Address")
            part = each["name"].removesuffix("__s").removeprefix(stem).strip("_")
            parts[part[:1].lower() + part[1:]] = fields[each["name"]]
    return parts


def _field(told: Document, parts: Mapping[str, FieldShape]) -> FieldShape:
    kind, calculated = KINDS[told["type"]], bool(told.get("calculated"))
    values = told.get("picklistValues") or ()
    length = int(told.get("length") or 0) or (LONG_TEXT if kind in (Kind.TEXT, Kind.PICKLIST) else 0)
    worked_out = told.get("workedOut") or ({"nothing": True} if calculated else {})
    default = told.get("defaultValue")
    chosen = next((each["value"] for each in values if each.get("defaultValue")), None)
    return FieldShape(
        name=told["name"],
        label=str(told.get("label") or told["name"]),
        type=told["type"],
        kind=kind,
        length=length,
        digits=int(told.get("precision") or told.get("digits") or 18),
        scale=int(told.get("scale") or 0) if kind is Kind.NUMBER else 0,
        createable=bool(told.get("createable")),
        updateable=bool(told.get("updateable")),
        nillable=bool(told.get("nillable", True)),
        defaulted=bool(told.get("defaultedOnCreate")),
        default=chosen if default is None else default,
        unique=bool(told.get("unique")),
        external=bool(told.get("externalId")),
        looked_up=bool(told.get("idLookup")),
        exact=bool(told.get("caseSensitive")),
        options=frozenset(each["value"] for each in values if each.get("active", True))
        if told.get("restrictedPicklist")
        else None,
        targets=tuple(told.get("referenceTo") or ()),
        relationship=str(told.get("relationshipName") or ""),
        master=told.get("relationshipOrder") is not None,
        cascades=told.get("relationshipOrder") is not None or bool(told.get("cascadeDelete")),
        restricts=bool(told.get("restrictedDelete")),
        worked_out=worked_out,
        number=str(told.get("numberForm") or "{00000000}") if told.get("autoNumber") else "",
        parts=parts,
        filterable=(bool(told.get("filterable", True)) and length <= LONG_TEXT) or kind is not Kind.TEXT,
        sortable=bool(told.get("sortable", True)),
        groupable=bool(told.get("groupable", kind not in (Kind.NUMBER, Kind.DATETIME, Kind.PICKLISTS))),
    )


def connected(shapes: Mapping[str, ObjectShape]) -> None:
    """Let each object know who refers to it."""
    for shape in shapes.values():
        names = {each["name"]: str(each.get("childName") or "") for each in shape.document["fields"]}
        for each in shape.every.values():
            for target in each.targets:
                if target in shapes:
                    shapes[target].referring.append((shape, each))
                    if names[each.name]:
                        shapes[target].children[names[each.name].lower()] = (shape, each)
