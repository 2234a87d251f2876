"""The one function of the tenant's own that is imitated: ours, which carries out many rows in one call. A tenant has it
only once its administrator has put it in, so it is off until it is set on."""

from __future__ import annotations

from typing import Any

from .answers import Document, RefusedError, as_map, bad_parameter, missing, well
from .records import new_row, write
from .tenant import Call, Tenant

MOST = 500
ACTIONS = ("create", "update")


def run(tenant: Tenant, call: Call) -> Document:
    """data{api_name, parameters: [{name: "request", type: "Map", value: {object, action, key, rows}}]}. Each row comes
    off or not by itself; the answer tells so for each, with its `key`'s value."""
    settings = tenant.settings
    if settings.bulk_function == "off" or call.data.get("api_name") != settings.bulk_function_name:
        raise bad_parameter(f"no such function: {call.data.get('api_name')}")
    asked = _request(call)
    shape, rows, action = tenant.shapes.get(str(asked.get("object"))), asked.get("rows"), asked.get("action")
    if shape is None or action not in ACTIONS or not isinstance(rows, list):
        raise missing("request")
    if len(rows) > MOST:
        raise bad_parameter(f"more than {MOST} rows")
    inner = Call(call.path, {**call.top, **(as_map(asked.get("flags")) or {})}, call.who, call.open_ids, shape.custom)
    key = str(asked.get("key") or "_id")
    results = []
    for told in rows:
        result: dict[str, Any] = {"key": told.get(key) if isinstance(told, dict) else None}
        try:
            with tenant.store.whole():
                result |= {"success": True, "id": _carry_out(tenant, inner, shape.name, action, told)}
        except RefusedError as error:
            result |= {"success": False, "code": error.code, "message": error.message}
        results.append(result)
    return well(data={"functionResult": {"results": results}})


def _request(call: Call) -> Document:
    for each in call.data.get("parameters") or ():
        if isinstance(each, dict) and each.get("name") == "request" and isinstance(each.get("value"), dict):
            value: Document = each["value"]
            return value
    raise missing("parameters")


def _carry_out(tenant: Tenant, call: Call, name: str, action: str, told: object) -> str:
    shape = tenant.shapes[name]
    if not isinstance(told, dict):
        raise missing("rows")
    if action == "create":
        row = new_row(tenant, call, shape, told)
        tenant.store.insert(name, row)
    else:
        row = tenant.row(shape, told.get("_id"), call)
        write(tenant, call, shape, row, told)
    tenant.people.changed(name)
    return str(row["_id"])
