"""Describes: those that are shipped, written short, and an org's own, as the API told them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...simulating.shipped import read_shipped
from .answers import Document

FOLDER = Path(__file__).with_name("org")
WORDS = re.compile(r"(?<=[a-z])(?=[A-Z0-9])|_+")
ADDRESS = {
    "Street": ("textarea", 255),
    "City": ("string", 40),
    "State": ("string", 80),
    "PostalCode": ("string", 20),
    "Country": ("string", 80),
}
LENGTHS = {"string": 255, "textarea": 255, "email": 80, "phone": 40, "url": 255, "picklist": 255}
LENGTHS |= {"multipicklist": 4099, "reference": 18, "id": 18, "combobox": 255, "encryptedstring": 175}
SOAP = {"id": "tns:ID", "reference": "tns:ID", "boolean": "xsd:boolean", "int": "xsd:int", "date": "xsd:date"}
SOAP |= {"datetime": "xsd:dateTime", "time": "xsd:time", "base64": "xsd:base64Binary", "address": "urn:address"}
SOAP |= {"location": "urn:location", **dict.fromkeys(("double", "currency", "percent"), "xsd:double")}
NUMBERS = frozenset({"double", "currency", "percent"})
SAME: Mapping[str, Any] = {
    **dict.fromkeys(("deprecatedAndHidden", "highScaleNumber", "searchPrefilterable", "aiPredictionField"), False),
    **dict.fromkeys(("filteredLookupInfo", "mask", "maskType", "referenceTargetField", "dependsOn"), None),
    "writeRequiresMasterRead": False,
    "defaultValueFormula": None,
}
"""What is told of every field alike."""
PRIVATE = ("workedOut", "numberForm", "childName", "mirrors")
"""What a field's document holds for ourselves."""
ABLE: tuple[str, ...] = (
    "createable",
    "updateable",
    "deletable",
    "undeletable",
    "replicateable",
    "queryable",
    "retrieveable",
)
ABLE += ("searchable", "triggerable", "layoutable")
SYSTEM: Mapping[str, Mapping[str, Any]] = {
    "Id": {"type": "id", "read_only": True, "required": True, "label": "Record ID"},
    "IsDeleted": {"type": "boolean", "read_only": True, "label": "Deleted"},
    "CreatedDate": {"type": "datetime", "read_only": True, "required": True},
    "CreatedById": {"type": "reference", "to": ["User"], "relationship": "CreatedBy", "read_only": True},
    "LastModifiedDate": {"type": "datetime", "read_only": True, "required": True},
    "LastModifiedById": {"type": "reference", "to": ["User"], "relationship": "LastModifiedBy", "read_only": True},
    "SystemModstamp": {"type": "datetime", "read_only": True, "required": True},
}


@cache
def shipped() -> Mapping[str, Document]:
    """Every describe of the invented company, by object; not to be changed."""
    found = {}
    for file in sorted(FOLDER.glob("*.yaml")):
        for name, told in read_shipped(file).items():
            found[name] = written_out(name, told)
    return found


def own(folder: Path | None) -> Iterator[tuple[str, Document]]:
    """(file, describe) of each file in the org's folder. Raises InputError `simulator.file`, `simulator.describe`."""
    for file in sorted((folder / "describe").glob("*.json")) if folder is not None else ():
        try:
            told = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError("simulator.file", path=str(file), reason=type(error).__name__) from error
        if not isinstance(told, dict) or not isinstance(told.get("name"), str):
            raise InputError("simulator.describe", where=str(file), what="name")
        for child in told.get("fields") or ():
            if isinstance(child, dict):
                child.setdefault("nillable", True)
        yield str(file), told


def named_children(documents: Mapping[str, Document]) -> None:
    """A describe names its children's relationships at the parent; here each field knows its own."""
    for document in documents.values():
        for each in document.get("childRelationships") or ():
            child = documents.get(str(each.get("childSObject")))
            for one in (child or {}).get("fields") or ():
                if one.get("name") == each.get("field") and each.get("relationshipName"):
                    one["childName"] = each["relationshipName"]
                    one.setdefault("cascadeDelete", bool(each.get("cascadeDelete")))


def spaced(name: str) -> str:
    bare = name.removesuffix("__c").removesuffix("__s")
    bare = bare[:-2] if bare.endswith("Id") and bare != "Id" else bare
    return " ".join(each for each in WORDS.split(bare) if each)


def written_out(name: str, told: Mapping[str, Any]) -> Document:
    """An object's describe in the API's own keys."""
    custom, fields = name.endswith("__c"), list[Document]()
    given = told.get("fields") or {}
    without = set(told.get("without") or ())
    first = {key: each for key, each in SYSTEM.items() if key not in without}
    for key, each in {"Id": first.pop("Id"), **given, **first}.items():
        fields += field_documents(key, each)
    read_only = bool(told.get("read_only"))
    label = str(told.get("label") or spaced(name))
    return {
        "name": name,
        "label": label,
        "labelPlural": str(told.get("plural") or f"{label}s"),
        "keyPrefix": told.get("prefix"),
        "custom": custom,
        "customSetting": False,
        **{each: not read_only or each in ("queryable", "retrieveable") for each in ABLE},
        **dict.fromkeys(("deprecatedAndHidden", "feedEnabled", "hasSubtypes", "isSubtype", "isInterface"), False),
        "mergeable": name in ("Account", "Contact", "Lead", "Case"),
        "mruEnabled": not read_only,
        "associateEntityType": None,
        "associateParentEntity": None,
        **(told.get("able") or {}),
        "fields": fields,
    }


def field_documents(name: str, told: Mapping[str, Any]) -> Iterator[Document]:
    """The field, before it the parts that it is put together of."""
    if told["type"] == "address":
        stem = name.removesuffix("Address")
        for part, (kind, length) in ADDRESS.items():
            yield field_document(stem + part, {"type": kind, "length": length, "part_of": name})
        for part in ("Latitude", "Longitude"):
            yield field_document(stem + part, {"type": "double", "precision": 18, "scale": 15, "part_of": name})
    if told["type"] == "location":
        for part in ("Latitude", "Longitude"):
            short = {"type": "double", "precision": 18, "scale": 15, "part_of": name}
            yield field_document(f"{name.removesuffix('__c')}__{part}__s", short)
    yield field_document(name, told)


def field_document(name: str, told: Mapping[str, Any]) -> Document:
    kind, length = str(told["type"]), int(told.get("length") or LENGTHS.get(str(told["type"]), 0))
    compound = kind in ("address", "location")
    worked_out = told.get("formula") or told.get("rollup") or told.get("computed")
    fixed = bool(told.get("read_only") or worked_out or told.get("auto") or compound)
    boolean, master = kind == "boolean", bool(told.get("master"))
    required = bool(told.get("required") or boolean or master or told.get("auto"))
    default = told.get("default", False if boolean else None)
    return {
        "name": name,
        "label": str(told.get("label") or spaced(name)),
        "type": kind,
        "soapType": SOAP.get(kind, "xsd:string"),
        "length": length,
        "byteLength": length * 3,
        "digits": int(told.get("digits") or 8) if kind == "int" else 0,
        "precision": int(told.get("precision") or 18) if kind in NUMBERS else 0,
        "scale": int(told.get("scale") or 0) if kind in NUMBERS else 0,
        "nillable": not required,
        "createable": not fixed,
        "updateable": not fixed and not master and not told.get("create_only"),
        "filterable": (length <= LENGTHS["string"] or kind == "multipicklist") and kind not in ("base64", "address"),
        "sortable": length <= LENGTHS["string"] and not compound and kind not in ("base64", "multipicklist"),
        "groupable": kind not in (*NUMBERS, "datetime", "multipicklist", "base64", "time")
        and length <= LENGTHS["string"],
        "aggregatable": not compound and not boolean,
        "unique": bool(told.get("unique")),
        "caseSensitive": bool(told.get("case_sensitive")),
        "externalId": bool(told.get("external")),
        "idLookup": bool(told.get("external") or told.get("looked_up") or name == "Id"),
        "custom": name.endswith(("__c", "__s")),
        "calculated": bool(told.get("formula") or told.get("rollup")),
        "calculatedFormula": str(told["text"]) if told.get("formula") and told.get("text") else None,
        "autoNumber": bool(told.get("auto")),
        "defaultedOnCreate": boolean
        or bool(told.get("auto") or told.get("defaulted"))
        or told.get("default") is not None,
        "defaultValue": default,
        "compoundFieldName": told.get("part_of"),
        "picklistValues": _picklist(told),
        "restrictedPicklist": bool(told.get("restricted")),
        "dependentPicklist": bool(told.get("controller")),
        "controllerName": told.get("controller"),
        "encrypted": kind == "encryptedstring",
        "htmlFormatted": bool(told.get("html")),
        "nameField": bool(told.get("name")),
        "permissionable": not required and not fixed,
        "inlineHelpText": told.get("help"),
        "extraTypeInfo": "plaintextarea" if kind == "textarea" else None,
        "queryByDistance": kind == "location",
        "formulaTreatNullNumberAsZero": bool(worked_out) and kind in NUMBERS,
        **_reference(told),
        **SAME,
        "workedOut": dict(worked_out or {}),
        "numberForm": told.get("auto"),
        "childName": told.get("children"),
    }


def _reference(told: Mapping[str, Any]) -> Document:
    targets, master = list(told.get("to") or ()), bool(told.get("master"))
    return {
        "referenceTo": targets,
        "relationshipName": told.get("relationship"),
        "relationshipOrder": 0 if master else None,
        "polymorphicForeignKey": len(targets) > 1,
        "namePointing": len(targets) > 1,
        "cascadeDelete": master or bool(told.get("cascade")),
        "restrictedDelete": bool(told.get("restricts")),
    }


def _picklist(told: Mapping[str, Any]) -> list[Document]:
    """values: texts. for: by a value of the controlling field, those that go with it."""
    values, controlling = told.get("values") or (), told.get("for") or {}
    return [
        {
            "value": str(each),
            "label": str(each),
            "active": True,
            "defaultValue": each == told.get("default"),
            "validFor": _valid_for(str(each), controlling) if controlling else None,
        }
        for each in values
    ]


def _valid_for(value: str, controlling: Mapping[str, Any]) -> str:
    """A bit for each value of the controlling field, the highest first, in base 64."""
    bits = bytearray((len(controlling) + 7) // 8 or 1)
    for at, values in enumerate(controlling.values()):
        if value in values:
            bits[at // 8] |= 0x80 >> at % 8
    return base64.b64encode(bytes(bits)).decode()


def shown(field: Document) -> Document:
    """As the API tells it."""
    return {key: value for key, value in field.items() if key not in PRIVATE}
