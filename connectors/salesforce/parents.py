"""Fields of a record's parents, read with it: what a record type is called, say, whose id is another in each org."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..errors import InputError
from ..nearest import nearest
from ..schema import Field, FieldType
from .org_object import OrgField, OrgObject

BETWEEN = "."
OF_ALL = ("Type", "Name")
"""What can be read of a parent that may be of several kinds: of which kind it is, and what it is called."""
Described = Callable[[str], OrgObject]


def with_parents(
    there: OrgObject, document: Mapping[str, Any], wanted: Sequence[str], described: Described
) -> OrgObject:
    """document: the object's own describe. wanted: fields as `RecordType.DeveloperName`, the name of the relationship
    before the point. described: any object of that name. Raises InputError `salesforce.no_field`."""
    related = {
        str(each["relationshipName"]): [str(name) for name in each.get("referenceTo") or ()]
        for each in document.get("fields") or ()
        if each.get("relationshipName")
    }
    fields = {name: _of_parent(there, name, related, described) for name in wanted}
    schema = replace(there.schema, fields=(*there.schema.fields, *(each.field for each in fields.values())))
    return replace(there, schema=schema, fields={**there.fields, **fields})


def cell_of(row: Mapping[str, Any], name: str) -> object:
    """Of a row as the org tells it, which holds a parent's fields inside of it. None where there is no parent."""
    above, _, own = name.partition(BETWEEN)
    if not own or name in row:
        return row.get(name)
    parent = row.get(above)
    return cell_of(parent, own) if isinstance(parent, dict) else None


def _of_parent(there: OrgObject, name: str, related: Mapping[str, Sequence[str]], described: Described) -> OrgField:
    """Raises InputError `salesforce.no_field`."""
    above, _, own = name.partition(BETWEEN)
    parents = related.get(above, ())
    if len(parents) > 1 and own in OF_ALL:
        return OrgField("string", Field(name, FieldType.TEXT, writable=False, empty_text=False), sought=False)
    found = described(parents[0]).fields.get(own) if len(parents) == 1 else None
    if found is None or found.field.type is FieldType.FILE:
        known = [f"{each}{BETWEEN}{own}" for each in related]
        raise InputError("salesforce.no_field", object=there.name, field=name, near=nearest(name, known))
    field = replace(found.field, name=name, writable=False, required=False, unique=False, references=())
    return OrgField(found.kind, field, sought=False)
