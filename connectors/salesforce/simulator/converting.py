"""Leads that are converted: each becomes a contact of an account, with an opportunity or without one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from ...simulating.tables import Row
from .answers import Document, RowError
from .org import Acting, Org
from .shapes import ObjectShape
from .writing import found, insert

LEAD = "Lead"
OF_ACCOUNT = {
    "Company": "Name",
    "LeadSource": "AccountSource",
    **{each: each for each in ("Phone", "Rating", "Industry")},
}
OF_ACCOUNT |= {"NumberOfEmployees": "NumberOfEmployees", "Website": "Website", "CurrencyIsoCode": "CurrencyIsoCode"}
OF_CONTACT = {each: each for each in ("Salutation", "FirstName", "LastName", "Title", "Email", "Phone", "MobilePhone")}
OF_CONTACT |= {"LeadSource": "LeadSource", "Description": "Description", "CurrencyIsoCode": "CurrencyIsoCode"}
OF_DEAL = {"LeadSource": "LeadSource", "CurrencyIsoCode": "CurrencyIsoCode"}
ADDRESS = ("Street", "City", "State", "PostalCode", "Country")
FOLLOWING = (("CampaignMember", "LeadId", "ContactId"), ("Task", "WhoId", "WhoId"), ("Event", "WhoId", "WhoId"))
"""Who refers to the lead, by which field; by which it refers to the contact then."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """account, contact: ids of those that are there already, or empty."""

    lead: str
    status: str
    account: str = ""
    contact: str = ""
    owner: str = ""
    deal: bool = True
    deal_name: str = ""


def convert(org: Org, acting: Acting, asked: Conversion) -> Mapping[str, str]:
    """By the names of SOAP, ids of what became of it. Raises RowError."""
    shape = org.shapes[LEAD]
    lead = found(org, acting, shape, asked.lead)
    _check(org, shape, lead, asked)
    owner = {"OwnerId": asked.owner or lead["OwnerId"]}
    account, contact, deal = asked.account, asked.contact, ""
    if not account:
        billing = {each: f"Billing{each}" for each in ADDRESS}
        account = _made(org, acting, "Account", lead, {**OF_ACCOUNT, **billing}, owner)
    if not contact:
        mailing = {each: f"Mailing{each}" for each in ADDRESS}
        contact = _made(org, acting, "Contact", lead, {**OF_CONTACT, **mailing}, {**owner, "AccountId": account})
    if asked.deal:
        deal = _deal(org, acting, lead, asked, {**owner, "AccountId": account}, contact)
    now = org.stamp()
    done: Row = {"LastModifiedDate": now, "LastModifiedById": acting.user, "SystemModstamp": now}
    for name, field, then in FOLLOWING:
        for each in org.store.column(name, "Id", f'"{field}" = ?', [asked.lead]) if name in org.shapes else ():
            org.store.change(name, each, {then: contact, "SystemModstamp": now})
    done |= {"IsConverted": 1, "ConvertedDate": now[:10], "ConvertedAccountId": account, "ConvertedContactId": contact}
    org.store.change(LEAD, asked.lead, {**done, "ConvertedOpportunityId": deal or None, "Status": asked.status})
    told = {"accountId": account, "contactId": contact, "leadId": asked.lead}
    return {**told, "opportunityId": deal} if deal else told


def _check(org: Org, shape: ObjectShape, lead: Row, asked: Conversion) -> None:
    if lead["IsConverted"]:
        raise RowError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
    statuses = next(each["picklistValues"] for each in shape.document["fields"] if each["name"] == "Status")
    if all(asked.status != each["value"] for each in statuses):
        raise RowError("INVALID_STATUS", f"invalid convertedStatus: {asked.status}", ["Status"])
    if not asked.owner and org.by_prefix[str(lead["OwnerId"])[:3]].name != "User":
        raise RowError("REQUIRED_FIELD_MISSING", "ownerId: a queue owns the lead", ["OwnerId"])
    if asked.contact:
        (of,) = org.store.column("Contact", "AccountId", '"Id" = ?', [asked.contact]) or (None,)
        if not asked.account or of != asked.account:
            raise RowError("INVALID_CROSS_REFERENCE_KEY", "contactId: no contact of that account", ["ContactId"])


def _made(org: Org, acting: Acting, name: str, lead: Row, fields: Mapping[str, str], more: Document) -> str:
    shape = org.shapes[name]
    values = {theirs: lead[ours] for ours, theirs in fields.items() if lead.get(ours) is not None}
    return insert(org, acting, shape, {**{name: each for name, each in values.items() if shape.has(name)}, **more})


def _deal(org: Org, acting: Acting, lead: Row, asked: Conversion, own: Document, contact: str) -> str:
    """It closes with the quarter, and begins with the first stage."""
    shape, today = org.shapes["Opportunity"], org.clock.now().date()
    stages = next(each["picklistValues"] for each in shape.document["fields"] if each["name"] == "StageName")
    begins = today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
    closes = (begins + dt.timedelta(days=95)).replace(day=1) - dt.timedelta(days=1)
    named = {"Name": asked.deal_name or f"{lead['Company']}-", "StageName": stages[0]["value"]}
    deal = _made(org, acting, "Opportunity", lead, OF_DEAL, {**own, **named, "CloseDate": str(closes)})
    role = org.shapes.get("OpportunityContactRole")
    if role is not None:
        insert(org, acting, role, {"OpportunityId": deal, "ContactId": contact, "IsPrimary": True})
    return deal
