"""sf, the command line that Salesforce publishes, drives the simulator as it is."""

from __future__ import annotations

import csv
import io
import json

import pytest
from changeover.connectors.salesforce.simulator import Fault, FaultKind, Faults, Server

from .conftest import Client

pytestmark = pytest.mark.judges
ORG = ("--target-org", "local")
ACCOUNTS = "SELECT Name, Tax_Number__c, Credit_Limit__c, Owner.Username FROM Account ORDER BY Tax_Number__c"


def test_bulk_and_queries(sf: Client, server: Server) -> None:
    sf.write("a.csv", ["Name,Tax_Number__c,Credit_Limit__c", "甲,S-1,12.5", '"乙, ""q""",S-2,0.1', "丙,S-1,3"])
    bulk = ("--sobject", "Account", "--wait", "5", *ORG)
    failed = sf.run("data", "import", "bulk", "--file", "a.csv", *bulk, "--json")
    job = json.loads(failed.stdout)["data"]["jobId"]
    assert failed.returncode == 1
    told = sf.result("data", "bulk", "results", "--job-id", job, *ORG)
    assert (told["successfulRecords"], told["failedRecords"], told["status"]) == (2, 1, "JobComplete")
    assert "DUPLICATE_VALUE" in (sf.folder / told["failedFilePath"]).read_text(encoding="utf-8")
    sf.write("u.csv", ["Tax_Number__c,Name,Credit_Limit__c", "S-2,乙二,#N/A", "S-3,丁,7"])
    told = sf.result("data", "upsert", "bulk", "--file", "u.csv", "--external-id", "Tax_Number__c", *bulk)
    created = {each["Tax_Number__c"]: each["sf__Created"] for each in told["records"]["successfulResults"]}
    assert (created, told["jobInfo"]["numberRecordsFailed"]) == ({"S-2": "false", "S-3": "true"}, 0)
    shown = sf.well("data", "query", "--query", ACCOUNTS, "--result-format", "csv", *ORG)
    rows = list(csv.reader(io.StringIO(shown[shown.index("Name,") :])))
    assert rows == [
        ["Name", "Tax_Number__c", "Credit_Limit__c", "Owner.Username"],
        ["甲", "S-1", "12.5", "admin@muan.example"],
        ["乙二", "S-2", "", "admin@muan.example"],
        ["丁", "S-3", "7", "admin@muan.example"],
    ]
    counted = sf.well("data", "query", "--query", "SELECT Name, COUNT(Id) many FROM Account GROUP BY Name", *ORG)
    assert "MANY" in counted
    assert "丁" in counted
    told = sf.result("data", "export", "bulk", "--query", "SELECT Id, Name FROM Account", "--output-file", "all.csv",
                     "--wait", "5", *ORG)  # fmt: skip
    assert told["totalSize"] == 3
    ids = [row["Id"] for row in csv.DictReader((sf.folder / "all.csv").read_text(encoding="utf-8").splitlines())]
    sf.write("v.csv", ["Id,Name", *(f"{each},又{at}" for at, each in enumerate(ids))])
    assert sf.result("data", "update", "bulk", "--file", "v.csv", *bulk)["successfulRecords"] == 3
    assert {row["Name"] for row in server.simulator.rows("Account")} == {"又0", "又1", "又2"}
    sf.write("d.csv", ["Id", *ids[:2]])
    assert sf.result("data", "delete", "bulk", "--file", "d.csv", *bulk)["jobInfo"]["numberRecordsProcessed"] == 2
    assert server.simulator.count("Account") == 1
    told = sf.result("data", "export", "bulk", "--query", "SELECT Id FROM Account", "--output-file", "bin.json",
                     "--result-format", "json", "--all-rows", "--wait", "5", *ORG)  # fmt: skip
    assert told["totalSize"] == 3


def test_records_trees_and_files(sf: Client, server: Server) -> None:
    contact = ("--sobject", "Contact", *ORG)
    made = sf.result("data", "create", "record", "--values", "LastName='Zhu Li' Birthdate=2001-02-03", *contact)
    told = sf.result("data", "get", "record", "--where", "LastName='Zhu Li'", *contact)
    assert (told["Id"], told["Birthdate"]) == (made["id"], "2001-02-03")
    sf.result("data", "update", "record", "--record-id", made["id"], "--values", "Title=Dr", *contact)
    assert server.simulator.rows("Contact")[0]["Title"] == "Dr"
    sf.result("data", "delete", "record", "--record-id", made["id"], *contact)
    assert server.simulator.count("Contact") == 0
    leaf = {"attributes": {"type": "Contact", "referenceId": "C"}, "LastName": "叶"}
    tree = {"attributes": {"type": "Account", "referenceId": "A"}, "Name": "树", "Contacts": {"records": [leaf]}}
    sf.write("tree.json", [json.dumps({"records": [tree]}, ensure_ascii=False)])
    account, _ = sf.result("data", "import", "tree", "--files", "tree.json", *ORG)
    query = "SELECT Name, (SELECT LastName FROM Contacts) FROM Account"
    (told,) = sf.result("data", "export", "tree", "--query", query, "--output-dir", ".", *ORG)["records"]
    assert (told["Name"], told["Contacts"]["records"][0]["LastName"]) == ("树", "叶")
    drawn = sf.well("data", "query", "--query", query.replace("Name,", "Name, Owner.Name,"), *ORG)
    assert "树" in drawn
    assert "静 何" in drawn
    assert "叶" in drawn
    sf.write("note.txt", ["see you on Monday"])
    named = ("--title", "Note", "--parent-id", account["id"])
    told = sf.result("data", "create", "file", "--file", "note.txt", *named, *ORG)
    (version,) = server.simulator.rows("ContentVersion")
    assert (told["Id"], version["ContentSize"], version["FileExtension"]) == (version["Id"], 18, "txt")
    assert account["id"] in {row["LinkedEntityId"] for row in server.simulator.rows("ContentDocumentLink")}
    assert sf.result("sobject", "list", "--sobject", "custom", *ORG) == [
        "Checkup_Statement__c",
        "Clinic__c",
        "Statement_Line__c",
    ]
    assert sf.result("sobject", "describe", "--sobject", "Account", *ORG)["name"] == "Account"
    limits = {each["name"]: each["max"] for each in sf.result("org", "list", "limits", *ORG)}
    assert limits["DailyApiRequests"] == 100_000
    (counted,) = sf.result("org", "list", "sobject", "record-counts", "--sobject", "Account", *ORG)
    assert counted == {"name": "Account", "count": 1}
    found = sf.result("data", "search", "--query", "FIND {树} IN NAME FIELDS RETURNING Account(Name), Contact", *ORG)
    assert [each["Name"] for each in found["searchRecords"]] == ["树"]


UNWELL = [(FaultKind.UNAVAILABLE, 4), (FaultKind.EDGE, 5), (FaultKind.EXPIRED, 8)]
"""Signing in asks three queries, and `data query` two."""


@pytest.mark.parametrize("faults", [Faults([Fault("*/query", kind, frozenset({call})) for kind, call in UNWELL])])
def test_faults_are_taken_for_what_they_are(sf: Client, faults: Faults[FaultKind]) -> None:
    """It asks again where it is told 503 and 420, and ends where the session is over."""
    asked = ("data", "query", "--query", "SELECT Alias FROM User WHERE IsActive = true", *ORG)
    assert sf.result(*asked)["totalSize"] == 4
    assert faults.struck == 2
    over = sf.run(*asked, "--json")
    assert (over.returncode, faults.struck) == (1, 3)
    assert "INVALID_SESSION_ID" in over.stdout
