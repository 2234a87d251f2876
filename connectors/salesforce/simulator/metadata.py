"""What there is: versions, resources, objects and their describes."""

from __future__ import annotations

from email.utils import format_datetime, parsedate_to_datetime

from .answers import Document, Reply, said
from .described import shown
from .org import Org
from .request import Request
from .shapes import ObjectShape

SUMMARY = (
    "activateable",
    "associateEntityType",
    "associateParentEntity",
    "createable",
    "custom",
    "customSetting",
    "deletable",
    "deprecatedAndHidden",
    "feedEnabled",
    "hasSubtypes",
    "isInterface",
    "isSubtype",
    "keyPrefix",
    "label",
    "labelPlural",
    "layoutable",
    "mergeable",
    "mruEnabled",
    "name",
    "queryable",
    "replicateable",
    "retrieveable",
    "searchable",
    "triggerable",
    "undeletable",
    "updateable",
)
SEASONS = ("Spring", "Summer", "Winter")


def versions(org: Org) -> Reply:
    numbers = range(org.settings.oldest_version, org.settings.newest_version + 1)
    return said(
        [{"label": _label(each), "url": f"/services/data/v{each}.0", "version": f"{each}.0"} for each in numbers]
    )


def _label(version: int) -> str:
    """67 was Summer '26."""
    at = version - 67 + 1
    year = 26 + at // 3 + (at % 3 == 2)
    return f"{SEASONS[at % 3]} '{year:02d}"


def resources(org: Org, request: Request) -> Reply:
    base = request.acting.base
    names = ("sobjects", "query", "queryAll", "composite", "limits", "jobs", "support", "recent", "search", "tooling")
    identity = f"{request.acting.origin}/id/{org.organization['Id']}/{request.acting.user}"
    return said({**{name: f"{base}/{name}" for name in names}, "identity": identity})


def _summary(shape: ObjectShape, base: str) -> Document:
    document = shape.document
    told = {name: document.get(name, False) for name in SUMMARY}
    own = f"{base}/sobjects/{shape.name}"
    return {**told, "urls": {"sobject": own, "describe": f"{own}/describe", "rowTemplate": f"{own}/{{ID}}"}}


def describe_all(org: Org, request: Request) -> Reply:
    shapes = sorted(org.by_lower.values(), key=lambda shape: shape.name)
    told = [_summary(each, request.acting.base) for each in shapes]
    return said({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": told})


def object_info(org: Org, request: Request) -> Reply:
    shape = org.shape(request.path[1])
    return said({"objectDescribe": _summary(shape, request.acting.base), "recentItems": []})


def describe(org: Org, request: Request) -> Reply:
    shape = org.shape(request.path[1])
    since = request.headers.get("if-modified-since")
    if since is not None and parsedate_to_datetime(since) >= org.described.replace(microsecond=0):
        return Reply(status=304)
    own = f"{request.acting.base}/sobjects/{shape.name}"
    told = {
        **_summary(shape, request.acting.base),
        "actionOverrides": [],
        "childRelationships": _children(org, shape),
        "compactLayoutable": True,
        "fields": [shown(each) for each in shape.document["fields"] if each["name"] not in shape.hidden],
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": _record_types(org, shape, own),
        "searchLayoutable": True,
        "supportedScopes": [{"label": f"All {shape.document['label']}", "name": "everything"}],
        "sobjectDescribeOption": "FULL",
    }
    return said(told, headers={"Last-Modified": format_datetime(org.described, usegmt=True)})


def _children(org: Org, shape: ObjectShape) -> list[Document]:
    return [
        {
            "cascadeDelete": field.cascades,
            "childSObject": child.name,
            "deprecatedAndHidden": False,
            "field": field.name,
            "junctionIdListNames": [],
            "junctionReferenceTo": [],
            "relationshipName": _child_name(child, field.name),
            "restrictedDelete": field.restricts,
        }
        for child, field in shape.referring
        if field.name not in child.hidden and child.name.lower() in org.by_lower
    ]


def _child_name(child: ObjectShape, name: str) -> object:
    return next((each.get("childName") for each in child.document["fields"] if each["name"] == name), None)


def _record_types(org: Org, shape: ObjectShape, own: str) -> list[Document]:
    rows: list[Document] = list(org.store.rows("RecordType", '"SobjectType" = ?', [shape.name], 'ORDER BY "Id"'))
    master = {"Id": "012000000000000AAA", "Name": "Master", "DeveloperName": "Master", "IsActive": 1}
    return [
        {
            "active": bool(each["IsActive"]),
            "available": bool(each["IsActive"]),
            "defaultRecordTypeMapping": at == 0,
            "developerName": each["DeveloperName"],
            "master": each["DeveloperName"] == "Master",
            "name": each["Name"],
            "recordTypeId": each["Id"],
            "urls": {"layout": f"{own}/describe/layouts/{each['Id']}"},
        }
        for at, each in enumerate([*rows, master])
    ]
