"""What the administrator has to do before records may be written."""

from __future__ import annotations

from ..errors import InputError
from ..finding import Finding, Severity
from .options import Options
from .org_object import OrgObject


def require_key(there: OrgObject, connection: str, options: Options) -> None:
    """Raises InputError `salesforce.our_key`."""
    if there.our_key is None:
        label, field = _label(there), options.key_field
        raise InputError("salesforce.our_key", connection=connection, object=there.name, label=label, field=field)


def lacking(there: OrgObject, connection: str, options: Options) -> tuple[Finding, ...]:
    """The right to write the object, and the field for our key as it is needed."""
    codes = []
    if not (there.created and there.updated):
        codes.append("salesforce.not_written")
    if there.our_key is None:
        codes.append("salesforce.our_key")
    elif not there.our_key.fit:
        codes.append("salesforce.our_key_unfit")
    told = {"connection": connection, "object": there.name, "label": _label(there), "field": options.key_field}
    return tuple(Finding(each, Severity.BLOCKS, told, object=there.name) for each in codes)


def _label(there: OrgObject) -> str:
    return there.schema.label or there.name
