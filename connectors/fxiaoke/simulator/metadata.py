"""What objects there are, and how each is described."""

from __future__ import annotations

from .answers import Document, as_map, bad_parameter, missing, well
from .tenant import Call, Tenant


def object_list(tenant: Tenant, call: Call) -> Document:
    return well(
        data={
            "objects": [
                {
                    "describeApiName": each.name,
                    "describeDisplayName": each.label,
                    "defineType": "custom" if each.custom else "package",
                    "isActive": True,
                    "iconPath": "",
                    "iconIndex": 0,
                    "hideButton": False,
                    "publicObject": False,
                }
                for each in tenant.shapes.values()
            ]
        }
    )


def describe(tenant: Tenant, call: Call) -> Document:
    """apiName at the top, as clients send it, or in `data`, as the documents say."""
    inner = as_map(call.top.get("data")) or {}
    name = call.top.get("apiName") or inner.get("apiName")
    if not isinstance(name, str):
        raise missing("apiName")
    shape = tenant.shapes.get(name)
    if shape is None:
        raise bad_parameter(f"no such object: {name}")
    data: Document = {"describe": shape.describe}
    key = tenant.settings.describe_details_key
    if key and True in (call.top.get("includeDetail"), inner.get("includeDetail")):
        data[key] = [each.describe for each in tenant.details.get(name, ())]
    return well(data=data)
