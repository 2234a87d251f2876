"""People who are accounts: each is an account and a contact in one, and what is written to either is seen in both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...simulating.tables import Row
from . import writing
from .answers import RowError
from .org import Acting, Org
from .person_fields import ACCOUNT, CONTACT, ITS_CONTACT, PERSON, mirrored
from .shapes import ObjectShape
from .values import read_only

NAMES = ("FirstName", "LastName")


def _named(row: Mapping[str, Any]) -> str:
    return " ".join(str(row[each]) for each in NAMES if row.get(each))


def _type_of(org: Org, row_id: object) -> bool:
    """Whether accounts of this record type are people."""
    return org.store.count("RecordType", '"Id" = ? AND "IsPersonType" = 1', [str(row_id)]) > 0


def _taken_for(org: Org, shape: ObjectShape, record: Mapping[str, Any]) -> Mapping[str, Any]:
    """A new account as a person, where it is one: with a record type of people, named by its parts."""
    if not shape.has(PERSON):
        return record
    told = {shape.by_name[key.lower()].name: each for key, each in record.items() if key.lower() in shape.by_name}
    kind = told.get("RecordTypeId")
    if not (_type_of(org, kind) if kind else told.get("LastName")):
        _refuse_people(shape, told)
        return record
    if told.get("Name"):
        raise read_only("Name")
    if not str(told.get("LastName") or "").strip():
        raise RowError("REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", ["LastName"])
    if not kind:
        (kind, *_) = org.store.column("RecordType", "Id", '"IsPersonType" = 1 AND "IsActive" = 1', []) or (None,)
    return {**record, "Name": _named({name: str(told.get(name) or "").strip() for name in NAMES}), "RecordTypeId": kind}


def _refuse_people(shape: ObjectShape, told: Mapping[str, Any]) -> None:
    """Fields of people, of an account that is none. Raises RowError."""
    alone = [ours for ours, theirs in mirrored(shape).items() if ours != theirs or ours in (*NAMES, "Salutation")]
    wrong = [each for each in alone if told.get(each) not in (None, "", 0, False)]
    if wrong:
        raise read_only(*wrong)


def _marked(org: Org, acting: Acting, shape: ObjectShape, row: Row) -> None:
    if shape.has(PERSON) and _type_of(org, row.get("RecordTypeId")):
        row[PERSON] = 1


def _paired(org: Org, acting: Acting, shape: ObjectShape, row: Row) -> None:
    """The contact that belongs to a new person."""
    if not row.get(PERSON):
        return
    contact = org.shapes[CONTACT]
    stamps = ("CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp")
    values: Row = {**contact.defaults, **{theirs: row.get(ours) for ours, theirs in mirrored(shape).items()}}
    values |= {each: row[each] for each in stamps} | {"Id": org.new_id(contact), "AccountId": row["Id"]}
    org.store.insert(CONTACT, {**values, PERSON: 1, "IsDeleted": 0})
    org.store.change(ACCOUNT, str(row["Id"]), {ITS_CONTACT: values["Id"]})


def _changed(org: Org, acting: Acting, shape: ObjectShape, before: Row, changed: Row) -> None:
    """What an update changes goes to the other half, too."""
    stamps = {each: changed[each] for each in ("LastModifiedDate", "LastModifiedById", "SystemModstamp")}
    if not before.get(PERSON):
        if shape.name == ACCOUNT and shape.has(PERSON):
            _refuse_people(shape, changed)
            _refuse_other_kind(org, changed, person=False)
        return
    pairs = mirrored(org.shapes[ACCOUNT])
    if shape.name == ACCOUNT:
        if "Name" in changed:
            raise read_only("Name")
        _refuse_other_kind(org, changed, person=True)
        if "LastName" in changed and changed["LastName"] is None:
            raise RowError("REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", ["LastName"])
        other = {theirs: changed[ours] for ours, theirs in pairs.items() if ours in changed}
        org.store.change(CONTACT, str(before[ITS_CONTACT]), {**other, **stamps})
        if any(each in changed for each in NAMES):
            changed["Name"] = _named({**before, **changed})
        return
    if "AccountId" in changed:
        raise read_only("AccountId")
    own: Row = {ours: changed[theirs] for ours, theirs in pairs.items() if theirs in changed}
    if any(each in changed for each in NAMES):
        own["Name"] = _named({**before, **changed})
    org.store.change(ACCOUNT, str(before["AccountId"]), {**own, **stamps})


def refuse_half(shape: ObjectShape, row: Row) -> None:
    """What cannot be done to one half of a person. Raises RowError."""
    if row.get(PERSON) and shape.name != ACCOUNT:
        raise RowError("INVALID_OPERATION", "the contact of a person account goes with its account", (), 400)


def _refuse_other_kind(org: Org, changed: Row, *, person: bool) -> None:
    if changed.get("RecordTypeId") and _type_of(org, changed["RecordTypeId"]) is not person:
        raise RowError("FIELD_INTEGRITY_EXCEPTION", "a person is no business, and stays one", ["RecordTypeId"])


writing.FIRST[ACCOUNT] = _taken_for
writing.BEFORE[ACCOUNT] = _marked
writing.AFTER[ACCOUNT] = _paired
writing.CHANGED[ACCOUNT] = writing.CHANGED[CONTACT] = _changed
