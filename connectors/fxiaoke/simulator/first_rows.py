"""Rows that the tenant has from its beginning: `rows/OBJECT.jsonl` in its folder, each line a row as a query answers
it. They are read once, when there is no database yet, and taken as they are: only their types are looked at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...simulating.tables import Row, Stored
from .answers import Document, RefusedError
from .people import SYSTEM_USER, Person
from .records import owned
from .shape import DEPARTMENT, PERSONNEL, FieldShape, Kind, ObjectShape
from .store import VISIBLE, packed
from .tenant import Call, Tenant
from .values import stored

ROWS = "rows"
FIRST = (DEPARTMENT, PERSONNEL)
"""Objects whose rows are named by those of all others."""
KEPT_AS_TOLD = frozenset({Kind.REFERENCE, Kind.PERSON, Kind.GIVEN})
PACKED = frozenset({Kind.REFERENCES, Kind.PARTS, Kind.FILES})
OPEN_ID = "FSUID_"
NOBODY = Call("", {}, Person("0", "", "", "", "", (), None, "", "", "", False, 0, 0), open_ids=False)
"""Nobody asks; of those who do, the check of a value wants to know how they name people, which is looked at here."""


def lay_first_rows(tenant: Tenant, folder: Path | None) -> None:
    """All of them, or none; then the database is let go. Raises InputError `simulator.row`, `simulator.file`."""
    if folder is None or tenant.store.settled:
        return
    files = sorted((folder / ROWS).glob("*.jsonl"), key=lambda file: (file.stem not in FIRST, file.stem))
    try:
        with tenant.store.whole():
            for file in files:
                _lay(tenant, file)
            tenant.store.settle()
    except BaseException:
        tenant.store.close()
        raise


def _lay(tenant: Tenant, file: Path) -> None:
    shape = tenant.shapes.get(file.stem)
    if shape is None:
        raise InputError("simulator.file", path=str(file), reason="no such object")
    for number, told in _lines(file):
        try:
            row = _row(tenant, shape, told)
        except (_MisfitError, RefusedError) as error:
            raise InputError("simulator.row", path=str(file), line=number, what=str(error)) from error
        tenant.store.insert(shape.name, {each: row.get(each) for each in (*shape.fields, VISIBLE)})
    tenant.people.changed(shape.name)


class _MisfitError(Exception):
    """A row that cannot be kept; what it says is the field at fault."""


def _lines(file: Path) -> Iterator[tuple[int, Document]]:
    try:
        with file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    told = json.loads(line, parse_float=str)
                    if not isinstance(told, dict):
                        raise InputError("simulator.row", path=str(file), line=number, what="{...}")
                    yield number, told
    except (OSError, ValueError) as error:
        raise InputError("simulator.file", path=str(file), reason=type(error).__name__) from error


def _row(tenant: Tenant, shape: ObjectShape, told: Document) -> Row:
    row_id = told.get("_id")
    if not isinstance(row_id, str) or not row_id or tenant.store.get(shape.name, row_id) is not None:
        raise _MisfitError("_id")
    values: Row = {}
    for name, value in told.items():
        field = shape.fields.get(name)
        if field is not None:
            values[name] = _kept(tenant, field, value)
        elif name.endswith("__c"):
            raise _MisfitError(name)  # of what else a tenant tells of itself, not all is imitated
    row = {**tenant.system_values(shape, row_id), **values}
    return row | {name: value for name, value in owned(tenant, row).items() if row.get(name) is None}


def _kept(tenant: Tenant, field: FieldShape, value: Any) -> Stored:
    if value is None or value in ([], ""):
        return None
    if field.kind in KEPT_AS_TOLD:
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise _MisfitError(field.name)
        return value
    if field.kind in PACKED:
        return packed(value)
    if field.kind is Kind.PEOPLE:
        if not isinstance(value, list):
            raise _MisfitError(field.name)
        return packed([_employee(tenant, each) for each in value])
    if field.kind is Kind.NUMBER:
        value = str(value)  # some come as JSON numbers
    return stored(tenant, NOBODY, field, value)


def _employee(tenant: Tenant, told: object) -> str:
    """By either of the two names that an employee goes by."""
    if told == SYSTEM_USER:
        return SYSTEM_USER
    return tenant.person(told, str(told).startswith(OPEN_ID)).id
