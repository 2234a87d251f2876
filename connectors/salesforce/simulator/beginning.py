"""What an org has before anybody writes to it: itself, its people and groups, record types, and what it says of its own
objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...simulating.tables import Row
from .currencies import KIND
from .described import spaced
from .invented import put_in
from .org import ORGANIZATION, Org
from .permissions import granted, tell
from .shapes import ObjectShape

DEFINITIONS = ("EntityDefinition", "FieldDefinition", "TabDefinition")
QUEUE, PEOPLE = "Queue", "IsPersonType"


def settle_in(org: Org) -> None:
    """Put in what is not there yet."""
    with org.store.whole():
        if not org.store.count(ORGANIZATION):
            _first_rows(org, org.told)
            if org.settings.records:
                put_in(org, org.settings.records, org.store.column("User", "Id", '1 ORDER BY "Id" LIMIT 1', [])[0])
        for name in DEFINITIONS:
            org.store.sql.execute(f'DELETE FROM "{name}"')  # noqa: S608 - a name of ours
        for shape in org.shapes.values():
            _define(org, shape)
        _tell_currencies(org)
        tell(org)


def _first_rows(org: Org, told: Mapping[str, Any]) -> None:
    settings = org.settings
    own = told.get("organization") or {}
    organization = {"InstanceName": settings.instance, "IsSandbox": int(settings.sandbox == "yes"), **own}
    _put(org, ORGANIZATION, {key: int(each) if isinstance(each, bool) else each for key, each in organization.items()})
    allowed = granted(org)
    profiles = {
        each: _put(org, "Profile", {"Name": each, **allowed})
        for each in told.get("profiles") or ["System Administrator"]
    }
    roles: dict[str, str] = {}
    for each in told.get("roles") or ():
        parent = roles.get(each.get("parent"))
        values = {"Name": each["name"], "DeveloperName": each["name"].replace(" ", "_"), "ParentRoleId": parent}
        roles[each["name"]] = _put(org, "UserRole", values)
    users = dict(_users(org, told, profiles, roles))
    first = next(iter(users.values()), None)
    for each in told.get("groups") or ():
        _group(org, each, users)
    for each in _record_types(org, told):
        values = {"Name": each["name"], "DeveloperName": each["developer_name"], "SobjectType": each["object"]}
        _put(org, "RecordType", {**values, "IsActive": int(each.get("active", True)), **_of_people(org, each)})
    for name in ("Organization", "Profile", "UserRole", "User", "Group", "RecordType", "GroupMember", "QueueSobject"):
        shape = org.shapes[name]
        for key in ("CreatedById", "LastModifiedById"):
            if shape.has(key) and shape.every[key].kept:
                org.store.sql.execute(f'UPDATE "{name}" SET "{key}" = ?', [first])  # noqa: S608 - names of ours


def _record_types(org: Org, told: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Where people can be accounts, one of theirs at least."""
    kinds = list(told.get("record_types") or ())
    if not org.shapes["RecordType"].has(PEOPLE) or any(each.get("person") for each in kinds):
        return kinds
    own = {"object": "Account", "developer_name": "PersonAccount", "name": "Person Account", "person": True}
    return [*kinds, own]


def _of_people(org: Org, told: Mapping[str, Any]) -> Row:
    return {PEOPLE: int(bool(told.get("person")))} if org.shapes["RecordType"].has(PEOPLE) else {}


def _users(
    org: Org, told: Mapping[str, Any], profiles: Mapping[str, str], roles: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    (first_profile, *_) = profiles.values()
    made: dict[str, str] = {}
    for each in told.get("users") or ():
        values = {
            "Username": each["username"],
            "FirstName": each.get("first"),
            "LastName": each["last"],
            "Email": each.get("email", each["username"]),
            "Alias": each.get("alias", each["username"][:8]),
            "IsActive": int(each.get("active", True)),
            "UserRoleId": roles.get(each.get("role")),
            "ProfileId": profiles.get(each.get("profile"), first_profile),
            "FederationIdentifier": each.get("federation"),
            "EmployeeNumber": each.get("number"),
            "Department": each.get("department"),
            "ManagerId": made.get(each.get("manager")),
            "UserType": "Standard",
            "TimeZoneSidKey": "Asia/Shanghai",
            "LocaleSidKey": "zh_CN",
            "LanguageLocaleKey": "zh_CN",
            "EmailEncodingKey": "UTF-8",
        }
        made[each["username"]] = _put(org, "User", values)
        yield each["username"], made[each["username"]]


def _group(org: Org, told: Mapping[str, Any], users: Mapping[str, str]) -> None:
    kind = told.get("type", QUEUE)
    name = told["name"]
    group = _put(
        org,
        "Group",
        {"Name": name, "DeveloperName": told.get("developer_name", name.replace(" ", "_")), "Type": kind},
    )
    for each in told.get("objects") or ():
        _put(org, "QueueSobject", {"QueueId": group, "SobjectType": each})
    for each in told.get("members") or ():
        _put(org, "GroupMember", {"GroupId": group, "UserOrGroupId": users[each]})


def _put(org: Org, name: str, values: Row) -> str:
    """Its id."""
    shape = org.shapes[name]
    row_id, now = org.new_id(shape), org.stamp()
    system: Row = {"CreatedDate": now, "LastModifiedDate": now, "SystemModstamp": now, "IsDeleted": 0}
    org.store.insert(name, {**system, **values, "Id": row_id})
    return row_id


def _tell_currencies(org: Org) -> None:
    """What each is worth now."""
    if org.rates:
        org.store.sql.execute(f'DELETE FROM "{KIND}"')  # noqa: S608 - a name of ours
    for at, (code, rate) in enumerate(org.rates.items()):
        worth = int(rate.scaleb(org.shapes[KIND].every["ConversionRate"].scale))
        own: Row = {"IsoCode": code, "IsActive": 1, "IsCorporate": int(at == 0), "ConversionRate": worth}
        _put(org, KIND, {**own, "DecimalPlaces": 2})


def _define(org: Org, shape: ObjectShape) -> None:
    document = shape.document
    row: Row = {
        "Id": org.new_id(org.shapes["EntityDefinition"]),
        "DurableId": shape.name,
        "QualifiedApiName": shape.name,
        "DeveloperName": shape.name.removesuffix("__c"),
        "Label": str(document.get("label") or shape.name),
        "PluralLabel": str(document.get("labelPlural") or shape.name),
        "KeyPrefix": shape.prefix or None,
        "IsCustomSetting": int(bool(document.get("customSetting"))),
        "IsQueryable": int(shape.able("queryable")),
        "IsRetrieveable": int(shape.able("retrieveable")),
        "IsReplicateable": int(shape.able("replicateable")),
        "IsEverCreatable": int(shape.able("createable")),
        "IsEverUpdatable": int(shape.able("updateable")),
        "IsEverDeletable": int(shape.able("deletable")),
        "IsCustomizable": 1,
        "IsIdEnabled": 1,
        "IsDeprecatedAndHidden": 0,
        "InternalSharingModel": _sharing(shape),
    }
    org.store.insert("EntityDefinition", row)
    if shape.able("layoutable"):
        tab: Row = {"Id": org.new_id(org.shapes["TabDefinition"]), "DurableId": shape.name, "Name": shape.name}
        tab |= {"Label": row["PluralLabel"], "SobjectName": shape.name, "IsAvailableInDesktop": 1}
        org.store.insert("TabDefinition", {**tab, "IsCustom": int(shape.name.endswith("__c"))})
    for each in shape.every.values():
        field: Row = {
            "Id": org.new_id(org.shapes["FieldDefinition"]),
            "DurableId": f"{shape.name}.{each.name}",
            "EntityDefinitionId": row["Id"],
            "QualifiedApiName": each.name,
            "DeveloperName": each.name.removesuffix("__c"),
            "Label": each.label,
            "DataType": spaced(each.type).title(),
            "IsCalculated": int(bool(each.worked_out)),
        }
        org.store.insert("FieldDefinition", field)


def _sharing(shape: ObjectShape) -> str:
    """Whoever owns a record sees it, and of a detail who sees its master; what nobody owns everybody sees."""
    return "ControlledByParent" if shape.masters else "Private" if shape.has("OwnerId") else "Read"
