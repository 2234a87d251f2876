"""The org's objects as it describes them itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..errors import InputError
from ..nearest import nearest
from ..schema import Field, FieldType, ObjectSchema
from .file_fields import files_of
from .our_key import KeyField, key_field_of

ID = "Id"
PERSON, NAME = "IsPersonAccount", "Name"
"""Where people are accounts the org refuses a name for them, which is made of its parts; others only need one."""
PARTS = ";"
"""Between the values of a picklist of which several may be chosen."""
NUMBERS = {"double", "currency", "percent"}
NOT_READ = {"base64", "address", "location"}
"""Bodies are no cells, and what is put together of other fields comes by those."""
NOT_SOUGHT = {"multipicklist", "time", "encryptedstring"}
TRAILS = ("History", "Share", "Feed", "ChangeEvent")
"""What the org keeps beside an object by itself."""
NEVER_WHOLE = ("ContentDocumentLink", "ContentFolderItem", "ContentFolderMember")
"""What the org only tells of records that are named: nobody can count it."""
_TYPES = {
    "boolean": FieldType.BOOLEAN,
    "int": FieldType.INTEGER,
    "long": FieldType.INTEGER,
    "date": FieldType.DATE,
    "datetime": FieldType.INSTANT,
    "picklist": FieldType.CHOICE,
    "reference": FieldType.REFERENCE,
}


@dataclass(frozen=True, slots=True)
class OrgField:
    """kind: its type there. sought: a query can be narrowed by it. created, updated: a create or an update may say what
    is in it. given: the org puts something there where a create says nothing of it, and leaves it empty where it says
    so."""

    kind: str
    field: Field
    sought: bool
    created: bool = False
    updated: bool = False
    given: bool = False


@dataclass(frozen=True, slots=True)
class OrgObject:
    """binned, archived: records say of themselves that they are. told: names of all fields in its describe.
    replicated: the org keeps a log of what is written and deleted. files: which fields are of files. our_key: the field
    that our key lies in, None where there is none. created, updated: our user may make records of it, and change
    them."""

    name: str
    schema: ObjectSchema
    fields: Mapping[str, OrgField]
    binned: bool
    archived: bool
    told: frozenset[str] = frozenset()
    replicated: bool = False
    files: frozenset[str] = frozenset()
    our_key: KeyField | None = None
    created: bool = True
    updated: bool = True


def listed(document: Mapping[str, Any]) -> dict[str, str]:
    """Of a list of all objects: name -> label of those that hold records of their own."""
    return {
        str(each["name"]): str(each.get("label") or "")
        for each in document.get("sobjects") or ()
        if each.get("queryable")
        and each.get("retrieveable")
        and not (each.get("deprecatedAndHidden") or each.get("customSetting"))
        and not str(each["name"]).endswith(TRAILS)
        and each["name"] not in NEVER_WHOLE
    }


def described(document: Mapping[str, Any], key_field: str = "") -> OrgObject:
    """document: of a describe. key_field: the name of the field that our key lies in."""
    told = [each for each in document.get("fields") or () if each.get("type") not in NOT_READ]
    fields = {str(each["name"]): _field(each, key_field) for each in told}
    files = files_of(document, fields)
    fields |= {each: OrgField("file", field, sought=False) for each, field in files.items()}
    if PERSON in fields and NAME in fields:
        fields[NAME] = replace(fields[NAME], field=replace(fields[NAME].field, required=False))
    name = str(document["name"])
    schema = ObjectSchema(name, (ID,), tuple(each.field for each in fields.values()), str(document.get("label") or ""))
    names = frozenset(str(each["name"]) for each in document.get("fields") or ())
    return OrgObject(
        name,
        schema,
        fields,
        binned="IsDeleted" in fields,
        archived="IsArchived" in fields,
        told=names,
        replicated=bool(document.get("replicateable")),
        files=frozenset(files),
        our_key=key_field_of(told, key_field),
        created=bool(document.get("createable")),
        updated=bool(document.get("updateable")),
    )


def _field(told: Mapping[str, Any], key_field: str) -> OrgField:
    kind, name = str(told["type"]), str(told["name"])
    scale = int(told.get("scale") or 0)
    type_ = _TYPES.get(kind, FieldType.TEXT)
    if kind in NUMBERS:
        type_ = FieldType.DECIMAL if scale or kind != "double" else FieldType.INTEGER
    created, updated = (bool(told.get(each)) and name != key_field for each in ("createable", "updateable"))
    needed = bool(told.get("createable")) and told.get("nillable") is False and not told.get("defaultedOnCreate")
    length = int(told.get("length") or 0)
    field = Field(
        name,
        type_,
        label=str(told.get("label") or ""),
        required=needed and kind != "boolean",
        writable=created or updated,
        changeable=updated or not created,
        unique=bool(told.get("unique")) or name == ID,
        length=length if type_ is FieldType.TEXT and length else None,
        precision=int(told.get("precision") or 0) or None if kind in NUMBERS else None,
        scale=scale if type_ is FieldType.DECIMAL else None,
        choices=_choices(told) if type_ is FieldType.CHOICE else (),
        references=tuple(map(str, told.get("referenceTo") or ())) if type_ is FieldType.REFERENCE else (),
        master=told.get("relationshipOrder") == 0,
        empty_text=False,
        parts=PARTS if kind == "multipicklist" else "",
        trimmed=type_ is FieldType.TEXT,
    )
    sought = told.get("filterable") is not False and kind not in NOT_SOUGHT
    given = bool(told.get("defaultedOnCreate")) and told.get("nillable") is not False
    return OrgField(kind, field, sought, created, updated, given)


def _choices(told: Mapping[str, Any]) -> tuple[str, ...]:
    """None where others are taken, too."""
    if not told.get("restrictedPicklist"):
        return ()
    return tuple(str(each["value"]) for each in told.get("picklistValues") or () if each.get("active") is not False)


def no_object(name: str, known: Mapping[str, str]) -> InputError:
    return InputError("salesforce.no_object", object=name, near=nearest(name, known))


def no_field(there: OrgObject, name: str) -> InputError:
    labels = {each.field.name: each.field.label for each in there.fields.values()}
    return InputError("salesforce.no_field", object=there.name, field=name, near=nearest(name, labels))


def require(there: OrgObject, names: Iterable[str]) -> None:
    """Raises InputError `salesforce.no_field`."""
    for name in names:
        if name not in there.fields:
            raise no_field(there, name)
