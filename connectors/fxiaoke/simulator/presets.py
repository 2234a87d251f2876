"""The preset objects, as far as they are known, and what every object has, as describes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ...simulating.shipped import read_shipped
from .answers import Document

FILE = Path(__file__).with_name("presets.yaml")
SHORT = {
    "required": "is_required",
    "unique": "is_unique",
    "decimals": "decimal_places",
    "length": "max_length",
    "target": "target_api_name",
}
"""Keys of the file that stand for longer ones of a describe."""


def preset_describes() -> dict[str, Document]:
    """By api name, with the fields that every object has."""
    told = _told()
    system = told["system"]
    return {
        name: completed({"api_name": name, "define_type": "package", **each}, system)
        for name, each in told.items()
        if name != "system"
    }


def system_fields() -> dict[str, Any]:
    system: dict[str, Any] = _told()["system"]
    return system


@cache
def _told() -> dict[str, Any]:
    """The file; nobody changes what it says."""
    told: dict[str, Any] = read_shipped(FILE)
    return told


def completed(describe: Mapping[str, Any], system: Mapping[str, Any]) -> Document:
    """A describe with all its fields written out, and those that it leaves out of the ones every object has."""
    own = "custom" if str(describe["api_name"]).endswith("__c") else "package"
    fields = {name: written_out(name, each, own) for name, each in (describe.get("fields") or {}).items()}
    for name, each in system.items():
        fields.setdefault(name, written_out(name, each, "package" if name == "name" else "system"))
    return {"is_active": True, "define_type": own, **describe, "fields": fields}


def written_out(name: str, told: Mapping[str, Any], own: str) -> Document:
    """A field in a describe's own keys."""
    full = {SHORT.get(key, key): value for key, value in told.items()}
    if isinstance(full.get("options"), dict):
        full["options"] = [{"value": str(value), "label": label} for value, label in full["options"].items()]
    of_tenant = "custom" if name.endswith("__c") else own
    return {"api_name": name, "define_type": of_tenant, "is_active": True, "is_required": False, **full}
