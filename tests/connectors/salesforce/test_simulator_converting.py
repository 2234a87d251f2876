"""Leads that are converted over SOAP: what they become, what follows them, and that they change no more."""

from __future__ import annotations

import re
from typing import Any

from changeover.connectors.salesforce.simulator import Simulator

from .callers import Caller, simulator

SOAP = '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Header><sessionId>{}</sessionId></e:Header>'
LEAD = {"Company": "甲厂", "FirstName": "宁", "LastName": "何", "Email": "ning@x.example", "LeadSource": "Web"}


def convert(caller: Caller, *asked: dict[str, str]) -> list[dict[str, str]]:
    """Of each lead, what is told of it."""
    wanted = "".join(
        f"<leadConverts>{''.join(f'<{name}>{each}</{name}>' for name, each in one.items())}</leadConverts>"
        for one in asked
    )
    session = caller.headers["Authorization"].partition(" ")[2]
    body = f"{SOAP.format(session)}<e:Body><convertLead>{wanted}</convertLead></e:Body></e:Envelope>"
    _, _, told = caller.raw("POST", "/services/Soap/u/64.0", body.encode(), Content_Type="text/xml")
    results = re.findall(r"<result>(.*?)</result>", told.decode())
    return [dict(re.findall(r"<(\w+)>([^<]*)</\1>", each)) for each in results]


def row(simulator: Simulator, name: str, row_id: str) -> dict[str, Any]:
    return next(each for each in simulator.rows(name) if each["Id"] == row_id)


def test_a_lead_becomes_an_account_a_contact_and_a_deal() -> None:
    caller = Caller(simulator())
    lead = caller.create("Lead", **LEAD, Street="和平路 1", City="沈阳", NumberOfEmployees=12)
    campaign = caller.create("Campaign", Name="C")
    caller.create("CampaignMember", CampaignId=campaign, LeadId=lead)
    caller.create("Task", WhoId=lead, Subject="call")
    (told,) = convert(caller, {"leadId": lead, "convertedStatus": "Qualified"})
    assert (told["success"], told["leadId"]) == ("true", lead)
    account, contact = (
        row(caller.simulator, "Account", told["accountId"]),
        row(caller.simulator, "Contact", told["contactId"]),
    )
    assert (account["Name"], account["BillingCity"], account["AccountSource"]) == ("甲厂", "沈阳", "Web")
    assert account["NumberOfEmployees"] == 12
    assert (contact["AccountId"], contact["LastName"], contact["Email"]) == (account["Id"], "何", "ning@x.example")
    deal = row(caller.simulator, "Opportunity", told["opportunityId"])
    assert (deal["Name"], deal["StageName"], deal["CloseDate"]) == ("甲厂-", "Prospecting", "2026-03-31")
    assert caller.find("SELECT ContactId, IsPrimary FROM OpportunityContactRole") == [
        {"ContactId": contact["Id"], "IsPrimary": True}
    ]
    assert caller.cells("SELECT ContactId FROM CampaignMember") == [contact["Id"]]
    assert caller.cells("SELECT WhoId FROM Task") == [contact["Id"]]
    asked = "IsConverted, ConvertedDate, ConvertedAccountId, ConvertedOpportunity.Name, Status"
    assert caller.find(f"SELECT {asked} FROM Lead") == [
        {
            "IsConverted": True,
            "ConvertedDate": "2026-03-02",
            "ConvertedAccountId": account["Id"],
            "ConvertedOpportunity": {"Name": "甲厂-"},
            "Status": "Qualified",
        }
    ]
    assert caller.refused("PATCH", f"sobjects/Lead/{lead}", {"Title": "x"}) == "400 CANNOT_UPDATE_CONVERTED_LEAD"
    (again,) = convert(caller, {"leadId": lead, "convertedStatus": "Qualified"})
    assert (again["success"], again["statusCode"]) == ("false", "CANNOT_UPDATE_CONVERTED_LEAD")


def test_it_may_join_what_is_there_and_what_is_refused_leaves_nothing_behind() -> None:
    caller = Caller(simulator())
    account, other = caller.create("Account", Name="乙"), caller.create("Account", Name="丙")
    contact = caller.create("Contact", LastName="Li", AccountId=account)
    leads = [caller.create("Lead", **LEAD) for _ in range(4)]
    queue = caller.cells("SELECT Id FROM Group WHERE Name = 'East Leads'")[0]
    caller.call("PATCH", f"sobjects/Lead/{leads[3]}", {"OwnerId": queue})
    status = {"convertedStatus": "Qualified", "doNotCreateOpportunity": "true"}
    told = convert(
        caller,
        {"leadId": leads[0], "accountId": account, "contactId": contact, **status},
        {"leadId": leads[1], "accountId": other, "contactId": contact, **status},
        {"leadId": leads[2], **status, "convertedStatus": "Gone"},
        {"leadId": leads[3], **status},
        {"leadId": "x", **status},
    )
    assert [each.get("statusCode") for each in told] == [
        None,
        "INVALID_CROSS_REFERENCE_KEY",
        "INVALID_STATUS",
        "REQUIRED_FIELD_MISSING",
        "MALFORMED_ID",
    ]
    assert (told[0]["accountId"], told[0]["contactId"], "opportunityId" in told[0]) == (account, contact, False)
    counts = [caller.simulator.count(name) for name in ("Account", "Contact", "Opportunity")]
    assert counts == [2, 1, 0]
    user = caller.cells("SELECT Id FROM User WHERE Alias = 'admin'")[0]
    (told_,) = convert(caller, {"leadId": leads[3], "ownerId": user, **status})
    assert row(caller.simulator, "Contact", told_["contactId"])["OwnerId"] == user
