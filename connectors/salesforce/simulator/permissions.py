"""What people may do and see, as the org tells it: of the user who asks, and by sets of permissions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...simulating.tables import Row
from .org import Org
from .shapes import ObjectShape

OF_USERS = {
    "PermissionsViewAllData": "view_all_data",
    "PermissionsModifyAllData": "view_all_data",
    "PermissionsQueryAllFiles": "query_all_files",
    "PermissionsCreateAuditFields": "audit_fields",
    "PermissionsUpdateWithInactiveOwner": "inactive_owners",
    "PermissionsBulkApiHardDelete": "hard_delete",
    "PermissionsViewSetup": "view_setup",
}
"""Permission -> the setting that gives it."""
TOLD = (
    "UserPermissionAccess",
    "PermissionSetAssignment",
    "PermissionSet",
    "ObjectPermissions",
    "FieldPermissions",
)
VERBS = {"Create": "createable", "Edit": "updateable", "Delete": "deletable"}


def granted(org: Org) -> Row:
    """What every user of it may do."""
    told: Row = {key: int(getattr(org.settings, name) == "yes") for key, name in OF_USERS.items()}
    return {**told, "PermissionsApiEnabled": 1}


def tell(org: Org) -> None:
    """Anew at each start: of a set that all users have, and of one that sees everything and that none of them has."""
    for name in TOLD:
        org.store.sql.execute(f'DELETE FROM "{name}"')  # noqa: S608 - a name of ours
    own, stamp = granted(org), {"SystemModstamp": org.stamp()}
    org.store.insert("UserPermissionAccess", {"Id": "000000000000000AAA", **own})
    ours, theirs = _new(org, "PermissionSet"), _new(org, "PermissionSet")
    everything = dict.fromkeys(own, 1)
    org.store.insert("PermissionSet", {"Id": ours, "Name": "Users", "Label": "Users", **own, **stamp})
    org.store.insert("PermissionSet", {"Id": theirs, "Name": "Owners", "Label": "Owners", **everything, **stamp})
    for user in org.store.column("User", "Id", "1", []):
        row: Row = {"Id": _new(org, "PermissionSetAssignment"), "AssigneeId": user, "PermissionSetId": ours}
        org.store.insert("PermissionSetAssignment", {**row, **stamp})
    shapes = [each for each in org.shapes.values() if each.able("queryable") and each.has("SystemModstamp")]
    org.store.insert_all("ObjectPermissions", _of_objects(org, shapes, ours, theirs))
    org.store.insert_all("FieldPermissions", _of_fields(org, shapes, ours, theirs))


def _new(org: Org, name: str) -> str:
    return org.new_id(org.shapes[name])


def _of_objects(org: Org, shapes: Iterable[ObjectShape], ours: str, theirs: str) -> Iterator[Row]:
    for shape in shapes:
        able: Row = {f"Permissions{verb}": int(shape.able(key)) for verb, key in VERBS.items()}
        for parent in [theirs] if shape.name.lower() not in org.by_lower else [ours, theirs]:
            whole = int(parent == theirs or shape.name in org.seen_whole)
            told: Row = {"ParentId": parent, "SobjectType": shape.name, "PermissionsRead": 1, **able}
            every: Row = {"PermissionsViewAllRecords": whole, "PermissionsModifyAllRecords": whole}
            yield {"Id": _new(org, "ObjectPermissions"), **told, **every}


def _of_fields(org: Org, shapes: Iterable[ObjectShape], ours: str, theirs: str) -> Iterator[Row]:
    """Of those fields that permissions are given for; the others everybody sees."""
    for shape in shapes:
        given = {each["name"]: each for each in shape.document["fields"] if each.get("permissionable")}
        for name, field in given.items():
            told: Row = {"SobjectType": shape.name, "Field": f"{shape.name}.{name}", "PermissionsRead": 1}
            for parent in [theirs] if name in shape.hidden else [ours, theirs]:
                edit = int(bool(field.get("updateable")))
                yield {"Id": _new(org, "FieldPermissions"), "ParentId": parent, **told, "PermissionsEdit": edit}
