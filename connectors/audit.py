"""The option `audit` of connections that do not say by themselves which fields tell who made and changed a record."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from .errors import InputError
from .nearest import nearest
from .port import AuditFields
from .schema import ObjectSchema

EVERY_OBJECT = "*"
KINDS = tuple(each.name for each in dataclasses.fields(AuditFields))


def read_audit(given: object, connection: str) -> dict[str, AuditFields]:
    """Object, or `*` for all others -> its fields. Raises InputError `audit.form` or `audit.unknown`."""
    if given is None:
        return {}
    told = given.items() if isinstance(given, Mapping) else [("audit", given)]
    found: dict[str, AuditFields] = {}
    for name, fields in told:
        if not isinstance(fields, Mapping) or not all(isinstance(each, str) for each in fields.values()):
            raise InputError("audit.form", connection=connection, object=str(name), known=", ".join(KINDS))
        for kind in fields:
            if kind not in KINDS:
                near = nearest(str(kind), KINDS)
                raise InputError("audit.unknown", connection=connection, option=f"{name}.{kind}", nearest=near)
        found[str(name)] = AuditFields(**fields)
    return found


def audit_of(audit: Mapping[str, AuditFields], described: ObjectSchema) -> AuditFields:
    """What is said of this object; of all others only as far as it has these fields. Raises InputError `audit.no_field`
    where it is said of this one and it has no such field."""
    own = audit.get(described.name)
    said = dataclasses.asdict(own or audit.get(EVERY_OBJECT) or AuditFields())
    missing = [name for name in said.values() if name is not None and described.field(name) is None]
    if own is not None and missing:
        near = nearest(missing[0], described.field_names)
        raise InputError("audit.no_field", object=described.name, name=missing[0], nearest=near)
    return AuditFields(**{kind: None if name in missing else name for kind, name in said.items()})
