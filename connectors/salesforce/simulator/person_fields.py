"""Fields of an org in which people can be accounts: an account has those of its contact besides, under other names."""

from __future__ import annotations

from collections.abc import Mapping

from .answers import Document
from .described import field_document
from .shapes import ObjectShape

ACCOUNT, CONTACT = "Account", "Contact"
PERSON, ITS_CONTACT = "IsPersonAccount", "PersonContactId"
SAME = ("Salutation", "FirstName", "LastName", "Phone", "Fax", "OwnerId", "CurrencyIsoCode")
"""Called alike in both."""
APART = ("AccountId", "ReportsToId", "Description")
"""Only the contact has them."""


def has_people(documents: Mapping[str, Document]) -> bool:
    """Whether an org's own describes say so."""
    return any(each["name"] == PERSON for each in documents[ACCOUNT]["fields"])


def put_in(documents: Mapping[str, Document]) -> None:
    """Into the describes of accounts, contacts and record types, as far as it is not there."""
    account, contact = documents[ACCOUNT]["fields"], documents[CONTACT]["fields"]
    there = {each["name"]: each for each in account}
    for each in list(contact):
        compound = each["type"] in ("address", "location")
        if each["name"] in APART or not (each.get("createable") or compound):
            continue
        name = _name(each["name"])
        if name not in there:
            there[name] = _of_account(each, name)
            account.append(there[name])
        if not compound:
            there[name]["mirrors"] = each["name"]
    flag = {"type": "boolean", "read_only": True}
    person = {"type": "reference", "to": [CONTACT], "relationship": "PersonContact", "read_only": True}
    more = {ACCOUNT: {PERSON: flag, ITS_CONTACT: person}, CONTACT: {PERSON: flag}, "RecordType": {"IsPersonType": flag}}
    for name, fields in more.items():
        told = documents[name]["fields"]
        told += [field_document(*each) for each in fields.items() if all(one["name"] != each[0] for one in told)]


def _name(of_contact: str) -> str:
    if of_contact in SAME:
        return of_contact
    return f"{of_contact.removesuffix('__c')}__pc" if of_contact.endswith("__c") else f"Person{of_contact}"


def _of_account(told: Document, name: str) -> Document:
    whole = told.get("compoundFieldName")
    relationship = str(told.get("relationshipName") or "")
    return {
        **told,
        "name": name,
        "compoundFieldName": _name(str(whole)) if whole else None,
        "relationshipName": f"{relationship.removesuffix('__r')}__pr" if relationship.endswith("__r") else None,
        "childName": None,
        "nameField": False,
        "nillable": told["type"] != "boolean",
        "unique": False,
    }


def mirrored(account: ObjectShape) -> Mapping[str, str]:
    """Field of the account -> field of its contact."""
    return {each["name"]: each["mirrors"] for each in account.document["fields"] if each.get("mirrors")}
