"""A mapping file that puts records together, as one that has a source object."""

from __future__ import annotations

from dataclasses import replace

from ..yaml.document import Document
from . import ASSEMBLY

_GROUPS = {"field", "all", "any", "not"}
"""Keys of `where` that are no fields."""


def as_source(document: Document) -> Document:
    """What is put together is the source object `assembly.NAME`, and only records that every required contributor
    knows pass `where`. Other files, and those that say `from` as well, come back as they are."""
    data = document.data
    assemble = data.get("assemble")
    if not isinstance(assemble, dict) or "from" in data:
        return document
    given, where = assemble.get("required"), data.get("where")
    required = {name: {"equals": "true"} for name in given if isinstance(name, str)} if isinstance(given, list) else {}
    told = {**data, "from": f"{ASSEMBLY}.{data.get('mapping')}"}
    if required and isinstance(where, dict | None):
        plain = not required.keys() & _GROUPS and not isinstance((where or {}).get("field"), str)
        apart = [{"field": name, **said} for name, said in required.items()]
        told["where"] = {**(where or {}), **required} if plain else {"all": [*([where] if where else []), *apart]}
    return replace(document, data=told)
