"""Records made, changed and found by an external id: what each interface that writes comes down to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ...simulating.tables import Row, Stored
from .answers import CallError, RowError, attributes_of, not_found
from .ids import whole
from .org import Acting, Org
from .shapes import LONG_TEXT, FieldShape, ObjectShape
from .shown import as_text
from .values import read_only, stored

NUMBER = re.compile(r"\{(0+)\}")
KB_OF_RECORD, KB = 2, 1024
Hook = Callable[[Org, Acting, ObjectShape, Row], None]
FIRST: dict[str, Callable[[Org, ObjectShape, Mapping[str, Any]], Mapping[str, Any]]] = {}
"""By object: what a new record is taken for. Raises RowError."""
BEFORE: dict[str, Hook] = {}
"""By object: what it does with a new record's values before they are kept."""
AFTER: dict[str, Hook] = {}
CHANGED: dict[str, Callable[[Org, Acting, ObjectShape, Row, Row], None]] = {}
"""By object: what follows of a change, given the record before it, and what is changed. Raises RowError."""


def insert(org: Org, acting: Acting, shape: ObjectShape, record: Mapping[str, Any]) -> str:
    """Its id. Raises RowError, and CallError for a record that cannot be read."""
    org.writable(shape, "createable")
    first = FIRST.get(shape.name)
    if first is not None:
        record = first(org, shape, record)
    now = org.stamp()
    row: Row = {
        "CreatedDate": now,
        "CreatedById": acting.user,
        "LastModifiedDate": now,
        "LastModifiedById": acting.user,
    }
    row |= shape.defaults
    row |= _taken(org, shape, record, creating=True)
    row["SystemModstamp"] = now
    if shape.has("OwnerId") and shape.every["OwnerId"].createable:
        row["OwnerId"] = _owner(org, acting, shape, row.get("OwnerId"))
    _check_required(org, shape, row, shape.required)
    _check_unique(org, shape, row, "")
    _check_duplicates(org, acting, shape, row)
    if (org.store.given_out("@records") + 1) * KB_OF_RECORD > org.settings.storage_mb * KB:
        raise RowError("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded")
    org.store.next_number("@records")
    row_id = org.new_id(shape)
    row["Id"] = row_id
    row["IsDeleted"] = 0
    for each in shape.numbered:
        row[each.name] = _next(org, shape, each)
    before = BEFORE.get(shape.name)
    if before is not None:
        before(org, acting, shape, row)
    if shape.body is not None and row.get(shape.body.name) is not None:
        _keep_body(org, shape, row)
    org.store.insert(shape.name, row)
    org.live.add(row_id)
    after = AFTER.get(shape.name)
    if after is not None:
        after(org, acting, shape, row)
    return row_id


def update(org: Org, acting: Acting, shape: ObjectShape, row_id: str, record: Mapping[str, Any]) -> None:
    """Raises RowError, and CallError for a record that cannot be read."""
    org.writable(shape, "updateable")
    before = found(org, acting, shape, row_id)
    if before.get("IsConverted"):
        raise RowError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
    changed = _taken(org, shape, record, creating=False)
    _check_required(org, shape, {**before, **changed}, [each for each in shape.required if each.name in changed])
    _check_unique(org, shape, changed, row_id)
    for each in shape.kept:
        if shape.name in each.targets and changed.get(each.name) is not None:
            _check_circle(org, shape, each, row_id, str(changed[each.name]))
    now = org.stamp()
    changed |= {"LastModifiedDate": now, "LastModifiedById": acting.user, "SystemModstamp": now}
    if shape.body is not None and changed.get(shape.body.name) is not None:
        changed["Id"] = row_id
        _keep_body(org, shape, changed)
    follows = CHANGED.get(shape.name)
    if follows is not None:
        follows(org, acting, shape, before, changed)
    history = org.shapes.get(history_name(shape.name))
    if history is not None:
        _note(org, acting, history, shape, before, changed)
    org.store.change(shape.name, row_id, changed)


def history_name(name: str) -> str:
    """Of the object that keeps what became of that one's fields."""
    return name.removesuffix("__c") + "__History" if name.endswith("__c") else f"{name}History"


def _note(org: Org, acting: Acting, history: ObjectShape, shape: ObjectShape, before: Row, changed: Row) -> None:
    """What changed, but for a long text only that it did."""
    parent = next((each.name for each in history.kept if shape.name in each.targets), None)
    for name, value in changed.items():
        field = shape.every[name]
        if before.get(name) == value or not field.updateable or parent is None:
            continue
        told = [None, None] if field.length > LONG_TEXT else [before.get(name), value]
        row: Row = {parent: before["Id"], "Field": name, "DataType": field.type, "IsDeleted": 0}
        row |= {"OldValue": as_text(field, told[0]), "NewValue": as_text(field, told[1])}
        row |= {"Id": org.new_id(history), "CreatedDate": org.stamp(), "CreatedById": acting.user}
        org.store.insert(history.name, row)


def upsert(
    org: Org,
    acting: Acting,
    shape: ObjectShape,
    key: FieldShape,
    value: Any,
    record: Mapping[str, Any],
    update_only: bool = False,
) -> tuple[str, bool]:
    """(id, whether it was made); by Id, a record without one is new. Raises RowError; DUPLICATE_EXTERNAL_ID where more
    than one record fits."""
    if key.name == "Id" and value in (None, ""):
        return insert(org, acting, shape, record), True
    there = by_external(org, shape, key, value)
    if len(there) > 1:
        said = f"Record is duplicated: more than one record found for external id field: [{', '.join(there)}]"
        raise RowError("DUPLICATE_EXTERNAL_ID", said, [key.name], 300)
    if there:
        update(org, acting, shape, there[0], record)
        return there[0], False
    if update_only or key.name == "Id":
        raise RowError("NOT_FOUND", "The requested resource does not exist", (), 404)
    return insert(org, acting, shape, {**record, key.name: value}), True


def found(org: Org, acting: Acting, shape: ObjectShape, row_id: str) -> Row:
    """The record that is there. Raises RowError for one that is not, was deleted, or is not the user's to see."""
    row = org.store.get(shape.name, row_id)
    if row is None:
        raise RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", (), 404)
    if row.get("IsDeleted"):
        raise RowError("ENTITY_IS_DELETED", "entity is deleted", (), 404)
    if org.settings.view_all_data == "no" and row.get("OwnerId", acting.user) != acting.user:
        raise RowError("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", (), 403)
    return row


def by_external(org: Org, shape: ObjectShape, key: FieldShape, value: Any) -> list[str]:
    if key.name == "Id":
        row_id = whole(str(value))
        return [row_id] if row_id and org.store.count(shape.name, '"Id" = ? AND "IsDeleted" = 0', [row_id]) else []
    sought = stored(key, value)
    if sought is None:
        raise RowError("MISSING_ARGUMENT", f"{key.name} not specified", [key.name])
    where = f'"{key.name}" = ?' + (' AND "IsDeleted" = 0' if shape.has("IsDeleted") else "")
    return org.store.column(shape.name, "Id", where, [sought])


def external_key(shape: ObjectShape, name: str) -> FieldShape:
    """Raises CallError where it is no field to find records by."""
    key = shape.by_name.get(name) or shape.by_name.get(name.lower())
    if key is None or not (key.external or key.looked_up or key.name == "Id"):
        raise not_found("Provided external ID field does not exist or is not accessible: " + name)
    return key


# What a record says


def _taken(org: Org, shape: ObjectShape, record: Mapping[str, Any], creating: bool) -> Row:
    fields, row, refused = shape.by_name, {}, []
    for name, value in record.items():
        field = fields.get(name) or fields.get(name.lower())
        if field is None:
            if name == "attributes":
                continue
            field, value = _by_relationship(org, shape, name, value)
        if not (field.createable if creating else field.updateable):
            refused.append(field.name)
            continue
        kept = row[field.name] = stored(field, value)
        if kept is not None and field.targets:
            check_reference(org, field, str(kept))
    if refused:
        raise read_only(*refused)
    return row


def _by_relationship(org: Org, shape: ObjectShape, name: str, value: Any) -> tuple[FieldShape, str | None]:
    """A reference that is told by an external id of what it refers to."""
    field = shape.relationships.get(name.lower())
    if field is None or not isinstance(value, dict | None):
        said = f"No such column '{name}' on sobject of type {shape.name}"
        raise RowError("INVALID_FIELD", said, [name])
    if value is None:
        return field, None
    told = {key: each for key, each in value.items() if key != "attributes"}
    target = org.by_lower.get(str(attributes_of(value).get("type") or field.targets[0]).lower())
    if target is None or target.name not in field.targets or len(told) != 1:
        raise RowError("INVALID_FIELD", f"{name}: more than 1 field provided in an external foreign key reference")
    (key_name, sought), *_ = told.items()
    key = target.by_name.get(key_name.lower())
    if key is None or not (key.external or key.looked_up):
        said = f"Field name provided, {key_name} is not an External ID or indexed field for {target.name}"
        raise RowError("INVALID_FIELD", said)
    if sought in (None, ""):
        return field, None
    there = by_external(org, target, key, sought)
    if len(there) != 1:
        said = f"Foreign key external ID: {sought} not found for field {key.name} in entity {target.name}"
        raise RowError("INVALID_FIELD", said)
    return field, there[0]


def check_reference(org: Org, field: FieldShape, row_id: str) -> None:
    """Raises RowError where it refers to nothing, or to what it may not."""
    if row_id in org.live and org.by_prefix[row_id[:3]].name in field.targets:
        return
    target = org.by_prefix.get(row_id[:3])
    if target is None or target.name not in field.targets:
        said = f"{field.label}: id value of incorrect type: {row_id}"
        raise RowError("FIELD_INTEGRITY_EXCEPTION", said, [field.name])
    column = "IsActive" if target.name == "User" else "IsDeleted"
    told = org.store.column(target.name, column if target.has(column) else "Id", '"Id" = ?', [row_id])
    if not told:
        raise RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [field.name])
    if target.name == "User":
        if not told[0] and field.name == "OwnerId" and org.settings.inactive_owners == "no":
            said = f"operation performed with inactive user [{row_id}] as owner of record"
            raise RowError("INACTIVE_OWNER_OR_USER", said, [field.name])
        return
    if target.has("IsDeleted") and told[0]:
        raise RowError("ENTITY_IS_DELETED", "entity is deleted", [field.name])
    org.live.add(row_id)


def _owner(org: Org, acting: Acting, shape: ObjectShape, told: Stored) -> Stored:
    if acting.assigns and shape.name in org.rules.owners:
        user = org.user(org.rules.owners[shape.name])
        if user is not None:
            return user["Id"]
    return told or acting.user


def _next(org: Org, shape: ObjectShape, field: FieldShape) -> str:
    number = org.store.next_number(f"{shape.name}.{field.name}")
    return NUMBER.sub(lambda digits: str(number).zfill(len(digits[1])), field.number)


# What is held against a record


def _check_required(org: Org, shape: ObjectShape, row: Row, required: Iterable[FieldShape]) -> None:
    lacking = [each.name for each in required if row.get(each.name) is None]
    if lacking:
        said = f"Required fields are missing: [{', '.join(lacking)}]"
        raise RowError("REQUIRED_FIELD_MISSING", said, lacking)
    for field in org.rules.wanted.get(shape.name, ()):
        if row.get(field) is None:
            raise RowError("FIELD_CUSTOM_VALIDATION_EXCEPTION", f"{field} is wanted by a rule", [field])


def _check_unique(org: Org, shape: ObjectShape, row: Row, row_id: str) -> None:
    for each in shape.unique:
        value = row.get(each.name)
        if value is None:
            continue
        where = f'"{each.name}" = ? AND "Id" <> ?' + (' AND "IsDeleted" = 0' if shape.has("IsDeleted") else "")
        other = org.store.column(shape.name, "Id", where + " LIMIT 1", [value, row_id])
        if other:
            said = f"duplicate value found: {each.name} duplicates value on record with id: {other[0][:15]}"
            raise RowError("DUPLICATE_VALUE", said, [each.name])


def _check_duplicates(org: Org, acting: Acting, shape: ObjectShape, row: Row) -> None:
    if acting.saves_duplicates:
        return
    for field in org.rules.duplicates.get(shape.name, ()):
        if row.get(field) is not None:
            where = f'"{field}" = ? AND "IsDeleted" = 0'
            if org.store.count(shape.name, where, [row[field]]):
                raise RowError("DUPLICATES_DETECTED", "Use one of these records?")


def _check_circle(org: Org, shape: ObjectShape, field: FieldShape, row_id: str, parent: str) -> None:
    met = {row_id}
    above: str | None = parent
    while above is not None:
        if above in met:
            raise RowError("CIRCULAR_DEPENDENCY", "attempting to violate hierarchy constraints", [field.name])
        met.add(above)
        above = next(iter(org.store.column(shape.name, field.name, '"Id" = ?', [above])), None)


def _keep_body(org: Org, shape: ObjectShape, row: Row) -> None:
    """The bytes lie apart; the field keeps how many they are."""
    assert shape.body is not None  # noqa: S101 - asked by who calls
    body = str(row[shape.body.name]).encode("latin-1")
    org.store.keep_body(str(row["Id"]), body)
    row[shape.body.name] = len(body)
    if shape.has("BodyLength"):
        row["BodyLength"] = len(body)


def object_of(org: Org, row_id: str) -> ObjectShape:
    """By the first three characters of an id. Raises CallError."""
    found_ = org.by_prefix.get(row_id[:3])
    if found_ is None:
        raise CallError(400, "MALFORMED_ID", f"malformed id {row_id}")
    return found_
