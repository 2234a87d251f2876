"""The one function of the tenant's own that is imitated: ours, which carries out many rows in one call. A tenant has it
only once its administrator has put it in, so it is off until it is set on.

What the text of the function, `changeover_bulk.apl`, says is what it does here."""

from __future__ import annotations

from typing import Any

from .answers import Document, RefusedError, as_map, bad_parameter, missing, well
from .records import one_changed, one_made
from .tenant import Call, Tenant

NAME, VERSION = "changeover_bulk", 1
MOST = {"create": 500, "update": 250}
"""Rows in a call."""


def run(tenant: Tenant, call: Call) -> Document:
    """data{api_name, parameters: [{name: "request", type: "Map", value: {object, action, key, flags, rows}}]}. Each row
    comes off or not by itself; the answer tells so for each, with its `key`'s value. The action `about` does nothing
    and tells the version."""
    settings = tenant.settings
    if settings.bulk_function == "off" or call.data.get("api_name") != settings.bulk_function_name:
        raise bad_parameter(f"no such function: {call.data.get('api_name')}")
    asked = _request(call)
    if asked.get("action") == "about":
        return well(data={"functionResult": {"function": NAME, "version": VERSION, "results": []}})
    shape, rows, action = tenant.shapes.get(str(asked.get("object"))), asked.get("rows"), asked.get("action")
    if shape is None or action not in MOST or not isinstance(rows, list):
        raise missing("request")
    if len(rows) > MOST[action]:
        raise bad_parameter(f"more than {MOST[action]} rows")
    top = {**call.top, **(as_map(asked.get("flags")) or {})}
    inner = Call(call.path, top, call.who, open_ids=False, custom_path=False)
    key = str(asked.get("key") or "_id")
    results = []
    for told in rows:
        result: dict[str, Any] = {"key": told.get(key) if isinstance(told, dict) else None}
        try:
            if not isinstance(told, dict):
                raise missing("rows")
            with tenant.store.whole():
                act = one_made if action == "create" else one_changed
                result |= {"success": True, "id": act(tenant, inner, shape, told)}
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
