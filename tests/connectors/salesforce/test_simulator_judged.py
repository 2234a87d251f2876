"""What clients asked for and did not get at first: requests as sf CLI, sfdmu, CumulusCI and others send them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from .callers import CLIENT, Caller, simulator


@pytest.fixture(scope="module")
def caller() -> Caller:
    return Caller(simulator(bulk_polls=0))


def columns(caller: Caller, soql: str) -> dict[str, Any]:
    status, told = caller.call("GET", f"query?q={quote(soql)}&columns=true")
    assert status == 200
    return dict(told)


def named(told: list[dict[str, Any]]) -> list[Any]:
    """Names, aggregates marked, of columns within columns as lists."""
    return [
        (
            f"{each['columnName']}{'*' if each['aggregate'] else ''}",
            *([named(each["joinColumns"])] * bool(each["joinColumns"])),
        )
        for each in told
    ]


def test_columns_of_parents_and_children_lie_within_theirs(caller: Caller) -> None:
    told = columns(
        caller,
        "SELECT name, owner.Name, Owner.Profile.Name, (SELECT LastName, Account.Name FROM Contacts), Parent.ParentId, "
        "id, Credit_Limit__c, Owner.Email FROM Account",
    )
    assert named(told["columnMetadata"]) == [
        ("Name",),
        ("Owner", [("Name",), ("Profile", [("Name",)]), ("Email",)]),
        ("Contacts*", [("LastName",), ("Account", [("Name",)])]),
        ("Parent", [("ParentId",)]),
        ("Id",),
        ("Credit_Limit__c",),
    ]
    assert (told["entityName"], told["idSelected"], told["groupBy"], told["keyPrefix"]) == (
        "Account",
        True,
        False,
        "001",
    )
    name, owner, _, _, _, limit = told["columnMetadata"]
    assert (name["textType"], name["insertable"], owner["foreignKeyName"]) == (True, True, "OwnerId")
    assert (limit["numberType"], limit["custom"], limit["apexType"]) == (True, True, "Currency")
    assert not columns(caller, "SELECT Owner.Id FROM Account")["idSelected"]


def test_columns_that_are_worked_out_have_the_names_of_their_cells(caller: Caller) -> None:
    asked = "Region__c, COUNT(Id) n, MAX(Credit_Limit__c), COUNT_DISTINCT(Owner.Name)"
    soql = f"SELECT {asked} FROM Account GROUP BY Region__c"
    told = columns(caller, soql)
    assert named(told["columnMetadata"]) == [("Region__c",), ("n*",), ("expr0*",), ("expr1*",)]
    assert [each["displayName"] for each in told["columnMetadata"][1:]] == [
        "count(Id)",
        "max(Credit_Limit__c)",
        "count_distinct(Owner.Name)",
    ]
    caller.create("Account", Name="x")
    (row,) = caller.find(soql)
    assert list(row) == [each["columnName"] for each in told["columnMetadata"]]
    several = columns(caller, "SELECT Who.Name, TYPEOF What WHEN Account THEN Phone END FROM Task")["columnMetadata"]
    assert named(several) == [("Who", [("Name",)]), ("What",)]


def test_an_upsert_by_id_makes_what_has_none(caller: Caller) -> None:
    made = caller.create("Contact", LastName="Li")
    records = [
        {"attributes": {"type": "Contact"}, "Id": made, "LastName": "Lee"},
        {"attributes": {"type": "Contact"}, "Id": None, "LastName": "Wu"},
        {"attributes": {"type": "Contact"}, "Id": None, "LastName": "Yu"},
    ]
    status, told = caller.call("PATCH", "composite/sobjects/Contact/Id", {"allOrNone": False, "records": records})
    assert (status, [each.get("created") for each in told]) == (200, [False, True, True])
    wanted = {"object": "Contact", "operation": "upsert", "externalIdFieldName": "Id", "contentType": "CSV"}
    _, job = caller.call("POST", "jobs/ingest", wanted)
    caller.raw(
        "PUT", f"jobs/ingest/{job['id']}/batches", f"Id,LastName\n{made},Lei\n,Ma\n".encode(), Content_Type="text/csv"
    )
    caller.call("PATCH", f"jobs/ingest/{job['id']}", {"state": "UploadComplete"})
    _, told = caller.call("GET", f"jobs/ingest/{job['id']}")
    assert (told["numberRecordsProcessed"], told["numberRecordsFailed"]) == (2, 0)
    assert caller.cells("SELECT LastName FROM Contact ORDER BY LastName") == ["Lei", "Ma", "Wu", "Yu"]
    told = caller.refused("PATCH", "sobjects/Contact/Id/0035j0000000099AAA", {"LastName": "x"})
    assert told.startswith("404")


def test_objects_may_be_called_like_clauses(caller: Caller) -> None:
    queue = caller.cells("SELECT Id FROM Group WHERE Name = 'East Leads'")[0]
    caller.create("Lead", LastName="Li", Company="x", OwnerId=queue)
    owner = "TYPEOF Owner WHEN User THEN Alias WHEN Group THEN DeveloperName END"
    assert caller.cells(f"SELECT {owner} FROM Lead") == [{"DeveloperName": "East_Leads"}]
    assert caller.cells("SELECT COUNT(Id) FROM Group g GROUP BY Type ORDER BY Type") == [2, 1]


def test_tabs_can_be_asked_for(caller: Caller) -> None:
    soql = "SELECT SObjectName FROM TabDefinition WHERE IsCustom = true AND SObjectName IN ('Clinic__c','Account')"
    assert caller.cells(soql) == ["Clinic__c"]


def test_what_ends_tls_before_it_says_so_and_addresses_are_of_that_kind() -> None:
    caller = Caller(simulator())
    behind = {"X_Forwarded_Proto": "https", "Host": "127.0.0.1:9"}
    told = caller.form(CLIENT, {"X-Forwarded-Proto": "https", "Host": "127.0.0.1:9"})
    assert told["instance_url"] == "https://127.0.0.1:9"
    assert told["id"].startswith("https://127.0.0.1:9/id/")
    assert caller.call("GET", "", **behind)[1]["identity"].startswith("https://127.0.0.1:9/")
    assert caller.call("GET", "/services/oauth2/userinfo", **behind)[1]["urls"]["rest"].startswith(
        "https://127.0.0.1:9/"
    )
    assert caller.call("GET", "/services/oauth2/userinfo")[1]["urls"]["rest"].startswith("http://localhost")
