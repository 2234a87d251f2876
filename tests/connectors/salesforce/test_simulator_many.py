"""Many records a call, and many calls in one."""

from __future__ import annotations

from typing import Any

import pytest

from .callers import Caller, simulator


def typed(kind: str, **values: Any) -> dict[str, Any]:
    return {"attributes": {"type": kind}, **values}


def codes(told: list[dict[str, Any]]) -> list[str]:
    return ["" if each["success"] else each["errors"][0]["statusCode"] for each in told]


def test_each_record_of_a_collection_comes_off_by_itself_or_all_do() -> None:
    caller = Caller(simulator())
    records = [
        typed("Account", Name="甲", Tax_Number__c="1"),
        typed("Account"),
        typed("Contact", LastName="乙"),
        typed("Nothing"),
    ]
    status, told = caller.call("POST", "composite/sobjects/", {"records": records})
    assert (status, codes(told)) == (200, ["", "REQUIRED_FIELD_MISSING", "", "INVALID_TYPE"])
    assert told[1] == {
        "success": False,
        "errors": [
            {
                "statusCode": "REQUIRED_FIELD_MISSING",
                "message": "Required fields are missing: [Name]",
                "fields": ["Name"],
            }
        ],
    }
    account, contact = told[0]["id"], told[2]["id"]
    together = {"allOrNone": True, "records": [typed("Account", Name="丙"), typed("Account")]}
    told = caller.call("POST", "composite/sobjects", together)[1]
    assert codes(told) == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"]
    assert caller.simulator.count("Account") == 1
    changes = [
        typed("Account", id=account[:15], Name="丁"),
        typed("Contact", Id=contact, LastName=""),
        typed("Account", Name="x"),
    ]
    told = caller.call("PATCH", "composite/sobjects", {"records": changes})[1]
    assert codes(told) == ["", "REQUIRED_FIELD_MISSING", "MISSING_ARGUMENT"]
    twice = {"records": [typed("Account", id=account, Name="x"), typed("Account", id=account[:15], Name="y")]}
    assert caller.refused("PATCH", "composite/sobjects", twice) == "400 DUPLICATE_VALUE"
    told = caller.call(
        "POST", "composite/sobjects/Account", {"ids": [contact, account], "fields": ["Name", "Owner.Alias"]}
    )[1]
    assert (told[0], told[1]["Name"], told[1]["Owner"]["Alias"]) == (None, "丁", "admin")
    assert caller.call("GET", f"composite/sobjects/Account?ids={account}&fields=Id")[1][0]["Id"] == account
    told = caller.call("DELETE", f"composite/sobjects?ids={contact},{account},0015j0000009999&allOrNone=false")[1]
    assert codes(told) == ["", "", "INVALID_CROSS_REFERENCE_KEY"]
    assert caller.refused("POST", "composite/sobjects", {"records": records * 51}) == "400 LIMIT_EXCEEDED"
    runs = [typed(kind, Name="x", LastName="x") for kind in ("Account", "Contact") * 6]
    assert caller.refused("POST", "composite/sobjects", {"records": runs}) == "400 LIMIT_EXCEEDED"


def test_a_collection_makes_and_changes_by_an_external_id() -> None:
    caller = Caller(simulator())
    path = "composite/sobjects/Account/Tax_Number__c"
    first = [typed("Account", Name=name, Tax_Number__c=name) for name in "AB"]
    assert [each["created"] for each in caller.call("PATCH", path, {"records": first})[1]] == [True, True]
    records = [
        typed("Account", Name="x", Tax_Number__c="a"),
        typed("Account", Name="y", Tax_Number__c="C"),
        typed("Account", Name="z"),
    ]
    told = caller.call("PATCH", path, {"records": records})[1]
    assert [(each["success"], each.get("created")) for each in told] == [(True, False), (True, True), (False, None)]
    assert codes(told)[2] == "MISSING_ARGUMENT"
    told = caller.call("PATCH", path, {"records": [typed("Account", Name="x", Tax_Number__c="D")] * 2})[1]
    assert codes(told) == ["DUPLICATE_VALUE"] * 2
    assert caller.cells("SELECT Name FROM Account ORDER BY Tax_Number__c") == ["x", "B", "y"]


def test_what_one_call_says_is_told_to_the_next() -> None:
    caller = Caller(simulator())
    base = "/services/data/v67.0"
    parts: list[dict[str, Any]] = [
        {
            "method": "POST",
            "url": f"{base}/sobjects/Account",
            "referenceId": "acc",
            "body": {"Name": "甲", "Credit_Limit__c": 1.1},
        },
        {
            "method": "POST",
            "url": f"{base}/sobjects/Contact",
            "referenceId": "con",
            "body": {"LastName": "乙", "AccountId": "@{acc.id}"},
        },
        {
            "method": "GET",
            "url": f"{base}/query?q=SELECT+Name+FROM+Contact+WHERE+Id='@{{con.id}}'",
            "referenceId": "found",
        },
        {
            "method": "PATCH",
            "url": f"{base}/sobjects/Account/@{{acc.id}}",
            "referenceId": "ren",
            "body": {"Name": "@{found.records[0].Name}"},
        },
        {"method": "GET", "url": f"{base}/sobjects/Account/@{{nothing.id}}", "referenceId": "lost"},
    ]
    told = caller.call("POST", "composite", {"compositeRequest": parts})[1]["compositeResponse"]
    assert [each["httpStatusCode"] for each in told] == [201, 201, 200, 204, 400]
    assert told[4]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert caller.cells("SELECT Name FROM Account") == ["乙"]
    assert caller.last["Sforce-Limit-Info"].startswith("api-usage=2/")
    told = caller.call("POST", "composite", {"allOrNone": True, "compositeRequest": parts})[1]["compositeResponse"]
    assert [each["httpStatusCode"] for each in told] == [400] * 5
    assert (caller.simulator.count("Account"), caller.simulator.count("Contact")) == (1, 1)
    assert caller.refused("POST", "composite", {"compositeRequest": parts * 6}) == "400 LIMIT_EXCEEDED"
    assert caller.refused("POST", "composite", {"compositeRequest": [parts[2]] * 6}) == "400 LIMIT_EXCEEDED"
    graph = {"graphId": "1", "compositeRequest": parts[:2]}
    told = caller.call("POST", "composite/graph", {"graphs": [graph, {"graphId": "2", "compositeRequest": parts}]})[1][
        "graphs"
    ]
    assert [(each["graphId"], each["isSuccessful"]) for each in told] == [("1", True), ("2", False)]
    assert caller.simulator.count("Contact") == 2


def test_a_batch_goes_on_or_halts() -> None:
    caller = Caller(simulator())
    parts = [
        {"method": "POST", "url": "v67.0/sobjects/Account", "richInput": {"Name": "甲"}},
        {"method": "GET", "url": "v67.0/sobjects/Account/x"},
        {"method": "GET", "url": "v67.0/limits"},
    ]
    told = caller.call("POST", "composite/batch", {"batchRequests": parts})[1]
    assert (told["hasErrors"], [each["statusCode"] for each in told["results"]]) == (True, [201, 404, 200])
    told = caller.call("POST", "composite/batch", {"batchRequests": parts, "haltOnError": True})[1]
    assert [each["statusCode"] for each in told["results"]] == [201, 404, 412]
    assert told["results"][2]["result"][0]["errorCode"] == "BATCH_PROCESSING_HALTED"


def test_a_tree_is_made_whole_or_not_at_all() -> None:
    caller = Caller(simulator())

    def tree(**line: Any) -> dict[str, Any]:
        lines = {"records": [{"attributes": {"type": "Statement_Line__c", "referenceId": "l"}, **line}]}
        statement = {
            "attributes": {"type": "Checkup_Statement__c", "referenceId": "s"},
            "Period__c": "2026-01",
            "Lines__r": lines,
        }
        account = {
            "attributes": {"type": "Account", "referenceId": "a"},
            "Name": "甲",
            "Checkup_Statements__r": {"records": [statement]},
        }
        return {"records": [account]}

    status, told = caller.call("POST", "composite/tree/Account/", tree(Amount__c=7))
    assert (status, told["hasErrors"], [each["referenceId"] for each in told["results"]]) == (
        201,
        False,
        ["a", "s", "l"],
    )
    assert caller.cells("SELECT Lines_Total__c FROM Checkup_Statement__c") == [7.0]
    status, told = caller.call("POST", "composite/tree/Account", tree(Nothing=7))
    assert (status, told["hasErrors"]) == (400, True)
    assert told["results"] == [{"referenceId": "l", "errors": [told["results"][0]["errors"][0]]}]
    assert caller.simulator.count("Account") == 1


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"records": 7}', b'{"records": [7]}'])
def test_what_cannot_be_read_is_refused(body: bytes) -> None:
    caller = Caller(simulator())
    for path in ("composite/sobjects", "composite", "composite/batch", "composite/tree/Account", "composite/graph"):
        assert caller.raw("POST", path, body)[0] == 400
