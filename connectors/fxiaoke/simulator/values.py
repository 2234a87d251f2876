"""What a write says, checked against the describe and brought into the form that rows keep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Context, Decimal, DecimalException
from typing import Any, TypeAlias

from ...simulating.tables import Row, Stored
from .answers import RefusedError
from .shape import FieldShape, Kind, ObjectShape
from .store import packed
from .tenant import Call, Tenant

DERIVED = ("__r", "__l", "__o", "__v", "__p", "__relation_ids", "__e")
ENVELOPE = frozenset({"dataObjectApiName", "object_describe_api_name", "object_describe_id"})
FARTHEST_TIME = 1 << 63
NOT_BY_UPDATE = frozenset({"owner"})
EXACT = Context(prec=1000)
"""No number that a field takes is cut by what Decimal holds by itself."""


def checked(tenant: Tenant, call: Call, shape: ObjectShape, told: Mapping[str, Any], creating: bool) -> Row:
    """The fields of a write that a row keeps. What is the system's is left out, and so is the owner of an update.
    Raises RefusedError for what the describe does not allow."""
    row: Row = {}
    for name, value in told.items():
        field = shape.fields.get(name)
        if field is None:
            if name not in ENVELOPE and not name.endswith(DERIVED):
                _unknown(tenant, name)
        elif field.kind is Kind.GIVEN:
            if tenant.settings.read_only_fields == "refused":
                raise _refused(tenant, field, "is read-only")
        elif field.system or field.kind is Kind.PARTS or (not creating and _passed_over(tenant, name, value)):
            continue
        elif value is None or (value in ([], "") and _is_nothing(tenant, value)):
            row[name] = None
        else:
            row[name] = stored(tenant, call, field, value)
    return row


def _passed_over(tenant: Tenant, name: str, value: object) -> bool:
    """By an update."""
    return name in NOT_BY_UPDATE or (value is None and tenant.settings.null_in_update == "ignored")


def _is_nothing(tenant: Tenant, value: object) -> bool:
    return value == [] or tenant.settings.empty_text == "null"


def _unknown(tenant: Tenant, name: str) -> None:
    if tenant.settings.unknown_fields == "refused":
        raise RefusedError(tenant.settings.validation_code, f"no such field: {name}")


def check_required(tenant: Tenant, shape: ObjectShape, row: Row, creating: bool) -> None:
    """Raises RefusedError where a field that must be filled is not, or is being emptied."""
    for field in shape.required:
        if row.get(field.name) is None and (creating or field.name in row):
            raise _refused(tenant, field, "is required")


def check_unique(tenant: Tenant, shape: ObjectShape, row: Row, row_id: str | None) -> None:
    """Raises RefusedError where another row has such a value already."""
    for field in shape.unique:
        value = row.get(field.name)
        if value is None:
            continue
        living = "" if tenant.settings.invalid_holds_unique == "yes" else " AND \"life_status\" <> 'invalid'"
        other = tenant.store.one(shape.name, "_id", f'"{field.name}" = ? AND "_id" <> ?{living}', [value, row_id or ""])
        if other is not None:
            raise _refused(tenant, field, "is unique, and another row has this value")


def stored(tenant: Tenant, call: Call, field: FieldShape, value: Any) -> Stored:
    """One value as a row keeps it. Raises RefusedError."""
    single = SINGLE.get(field.kind)
    if single is not None:
        return single(tenant, call, field, value)
    if field.kind is Kind.FILES:
        return _files(tenant, field, value)
    each = SEVERAL[field.kind]
    return packed([each(tenant, call, field, one) for one in _list(tenant, field, value)])


def _text(tenant: Tenant, call: Call, field: FieldShape, value: object) -> str:
    if not isinstance(value, str):
        raise _wrong_type(tenant, field)
    if field.length and len(value) > field.length:
        raise _refused(tenant, field, f"is longer than {field.length}")
    return value


def _time(tenant: Tenant, call: Call, field: FieldShape, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= FARTHEST_TIME:
        raise _wrong_type(tenant, field)
    return value


def _boolean(tenant: Tenant, call: Call, field: FieldShape, value: object) -> int:
    if not isinstance(value, bool):
        raise _wrong_type(tenant, field)
    return int(value)


def _employee(tenant: Tenant, call: Call, field: FieldShape, value: object) -> str:
    return tenant.person(value, call.open_ids).id


def _list(tenant: Tenant, field: FieldShape, value: object) -> list[Any]:
    if not isinstance(value, list):
        raise _wrong_type(tenant, field)
    if len(value) > 1 and field.single and field.kind in (Kind.PEOPLE, Kind.DEPARTMENTS):
        raise _refused(tenant, field, "takes one")
    return value


def _number(tenant: Tenant, call: Call, field: FieldShape, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _wrong_type(tenant, field)
    if not isinstance(value, str) and tenant.settings.json_numbers == "refused":
        raise _wrong_type(tenant, field)
    try:
        number = Decimal(str(value))
        finite = number.is_finite()
    except DecimalException:
        finite = False
    if not finite:
        raise _wrong_type(tenant, field)
    if field.decimals is None:
        return format(number, "f")
    cut = number.quantize(Decimal(1).scaleb(-field.decimals), context=EXACT)
    if cut != number and tenant.settings.more_decimals == "refused":
        raise _refused(tenant, field, f"has more than {field.decimals} decimal places")
    return format(cut, "f")


def _option(tenant: Tenant, call: Call, field: FieldShape, value: object) -> str:
    text = _text(tenant, call, field, value)
    if field.options and text not in field.options:
        raise _refused(tenant, field, "has no such option")
    return text


def _department(tenant: Tenant, call: Call, field: FieldShape, value: object) -> str:
    text = _text(tenant, call, field, value)
    if text not in tenant.people.departments:
        raise _refused(tenant, field, "names no department")
    return text


def _reference(tenant: Tenant, call: Call, field: FieldShape, value: object) -> str:
    text = _text(tenant, call, field, value)
    target = tenant.shapes.get(field.target or "")
    if target is not None:
        status = tenant.store.one(target.name, "life_status", '"_id" = ?', [text])
        dead = status == "invalid" and tenant.settings.reference_to_invalid == "refused"
        if status is None or dead:
            code = tenant.settings.lookup_code
            said = f"数据[{text}]的字段[{field.label}]关联关系不存在-{code}"
            raise RefusedError(code, said, said)
    return text


def _files(tenant: Tenant, field: FieldShape, value: object) -> str:
    files = _list(tenant, field, value)
    for each in files:
        if not isinstance(each, dict) or not isinstance(each.get("path"), str):
            raise _wrong_type(tenant, field)
        if tenant.store.file(each["path"], tenant.now()) is None:
            raise _refused(tenant, field, "names a file that is not there, or no longer")
    tenant.store.keep_for_good(each["path"] for each in files)
    return packed(files)


def _refused(tenant: Tenant, field: FieldShape, why: str) -> RefusedError:
    return RefusedError(tenant.settings.validation_code, f"[{field.label}] {field.name} {why}")


def _wrong_type(tenant: Tenant, field: FieldShape) -> RefusedError:
    if tenant.settings.wrong_type == "system_error":
        return RefusedError(-2, "system error")
    return _refused(tenant, field, f"is no {field.type}")


Reader: TypeAlias = Callable[[Tenant, Call, FieldShape, Any], Stored]
SINGLE: Mapping[Kind, Reader] = {
    Kind.TEXT: _text,
    Kind.PERSON: _text,
    Kind.NUMBER: _number,
    Kind.TIME: _time,
    Kind.BOOLEAN: _boolean,
    Kind.CHOICE: _option,
    Kind.REFERENCE: _reference,
}
SEVERAL: Mapping[Kind, Reader] = {
    Kind.CHOICES: _option,
    Kind.PEOPLE: _employee,
    Kind.DEPARTMENTS: _department,
    Kind.REFERENCES: _reference,
}
