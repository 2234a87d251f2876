"""sfdmu, the data loader among sf's plugins, drives the simulator as it is: by collections, Bulk 2.0 and Bulk 1.0."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from changeover.connectors.salesforce.simulator import Server

from .conftest import SFDMU, Client

pytestmark = pytest.mark.judges
MANY = 260
LEADS = "SELECT Id, LastName, Company, Email FROM Lead"


@pytest.fixture
def plugged(sf: Client) -> Client:
    if not SFDMU.exists():
        pytest.skip("sfdmu is not installed: type `make judges`")
    sf.well("plugins", "link", str(SFDMU), "--no-install")
    return sf


def move(
    client: Client, server: Server, folder: str, objects: list[Mapping[str, Any]], *, out: bool = False, **more: Any
) -> str:
    """What it prints. out: from the org into files instead."""
    org = {"name": "org", "orgUserName": "org", "instanceUrl": server.url}
    told = {"orgs": [{**org, "accessToken": server.credentials["session_id"]}], "objects": objects}
    client.write(f"{folder}/export.json", [json.dumps({**told, "pollingIntervalMs": 200, **more})])
    source, target = ("org", "csvfile") if out else ("csvfile", "org")
    return client.well("sfdmu", "run", "-s", source, "-u", target, "-p", folder, "--noprompt", "--nowarnings")


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_parents_and_children_by_collections(plugged: Client, server: Server) -> None:
    asked = {
        "Tax_Number__c": "SELECT Id, Name, Tax_Number__c, ParentId FROM Account",
        "Email": "SELECT Id, LastName, Email, AccountId FROM Contact",
    }
    objects = [{"query": soql, "operation": "Upsert", "externalId": key} for key, soql in asked.items()]
    accounts = ["Id,Name,Tax_Number__c,ParentId,Parent.Tax_Number__c", "001A,甲,D-1,,", '001B,"乙, two",D-2,001A,D-1']
    plugged.write("first/Account.csv", accounts)
    head = "Id,LastName,Email,AccountId,Account.Tax_Number__c"
    plugged.write("first/Contact.csv", [head, "003A,Li,li@x.example,001A,D-1", "003B,Wu,wu@x.example,001B,D-2"])
    move(plugged, server, "first", objects)
    plugged.write("again/Account.csv", [accounts[0], "001A,甲甲,D-1,,", "001C,丙,D-3,001A,D-1"])
    plugged.write("again/Contact.csv", [head, "003B,Wang,wu@x.example,001C,D-3"])
    move(plugged, server, "again", objects)
    simulator = server.simulator
    ids = {row["Tax_Number__c"]: row["Id"] for row in simulator.rows("Account")}
    assert {(row["Name"], row["ParentId"]) for row in simulator.rows("Account")} == {
        ("甲甲", None),
        ("乙, two", ids["D-1"]),
        ("丙", ids["D-1"]),
    }
    told = {(row["LastName"], row["Email"], row["AccountId"]) for row in simulator.rows("Contact")}
    assert told == {("Li", "li@x.example", ids["D-1"]), ("Wang", "wu@x.example", ids["D-3"])}


def test_many_by_bulk_of_both_kinds(plugged: Client, server: Server) -> None:
    lead = {"query": LEADS, "externalId": "Email"}
    head = "Id,LastName,Company,Email"
    plugged.write("two/Lead.csv", [head, *(f"00Q{at},何{at},Co,b{at}@x.example" for at in range(MANY))])
    assert "Bulk API V2.0" in move(plugged, server, "two", [{**lead, "operation": "Insert"}])
    assert server.simulator.count("Lead") == MANY
    plugged.write("one/Lead.csv", [head, *(f"00Q{at},吴{at},Co,b{at}@x.example" for at in range(MANY + 5))])
    told = move(plugged, server, "one", [{**lead, "operation": "Upsert"}], bulkApiVersion="1.0", apiVersion="50.0")
    assert "Bulk API V1.0" in told
    move(plugged, server, "out", [{**lead, "operation": "Readonly"}], out=True)
    found = rows(plugged.folder / "out" / "Lead.csv")
    assert {(each["LastName"], each["Email"]) for each in found} == {
        (f"吴{at}", f"b{at}@x.example") for at in range(MANY + 5)
    }
    gone = {**lead, "query": f"{LEADS} WHERE Email LIKE 'b1%'", "operation": "Delete", "deleteOldData": True}
    move(plugged, server, "gone", [gone])
    left = {row["Email"] for row in server.simulator.rows("Lead") if not row["IsDeleted"]}
    assert left == {f"b{at}@x.example" for at in range(MANY + 5) if not str(at).startswith("1")}
