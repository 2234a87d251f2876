"""Bulk 2.0: jobs that query and jobs that write, from their making to their end."""

from __future__ import annotations

import csv
import gzip
import io
from typing import Any

import pytest

from .callers import Caller, simulator


def rows_of(body: bytes, delimiter: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body.decode(), newline=""), delimiter=delimiter))


def job(caller: Caller, kind: str, **told: Any) -> dict[str, Any]:
    status, made = caller.call("POST", f"jobs/{kind}", told)
    assert status == 200, made
    return dict(made)


def finish(caller: Caller, kind: str, job_id: str) -> dict[str, Any]:
    for _ in range(9):
        told = caller.call("GET", f"jobs/{kind}/{job_id}")[1]
        if told["state"] in ("JobComplete", "Failed", "Aborted"):
            return dict(told)
    raise AssertionError(told)


def load(caller: Caller, content: str, **told: Any) -> dict[str, Any]:
    """The job's end."""
    made = job(caller, "ingest", contentType="CSV", **told)
    assert (made["state"], made["contentUrl"]) == ("Open", f"services/data/v67.0/jobs/ingest/{made['id']}/batches")
    assert caller.raw("PUT", "/" + made["contentUrl"], content.encode(), Content_Type="text/csv")[0] == 201
    assert caller.refused("PUT", "/" + made["contentUrl"], 7) == "400 INVALIDREQUEST"
    assert (
        caller.call("PATCH", f"jobs/ingest/{made['id']}", {"state": "UploadComplete"})[1]["state"] == "UploadComplete"
    )
    return finish(caller, "ingest", made["id"])


def results(caller: Caller, job_id: str, which: str, delimiter: str = ",") -> list[dict[str, str]]:
    status, headers, body = caller.raw("GET", f"jobs/ingest/{job_id}/{which}")
    assert (status, headers["Content-Type"]) == (200, "text/csv")
    return rows_of(body, delimiter)


@pytest.fixture(scope="module")
def caller() -> Caller:
    caller = Caller(simulator(bulk_polls=2, bulk_page_rows=4))
    content = "Name,Description,NumberOfEmployees,Credit_Limit__c,Key_Account__c\n"
    content += "".join(f'A{number},"line 1\nsaid ""{number}""",{number},12500000.5,true\n' for number in range(9))
    assert load(caller, content, object="Account", operation="insert")["numberRecordsProcessed"] == 9
    return caller


def test_results_come_by_pages_that_can_be_had_again(caller: Caller) -> None:
    soql = (
        "SELECT Name, Description, Credit_Limit__c, Parent.Name, CreatedDate, Key_Account__c FROM Account ORDER BY Name"
    )
    made = job(caller, "query", operation="query", query=soql)
    path = f"jobs/query/{made['id']}"
    assert (made["state"], made["object"], made["jobType"], made["id"][:3]) == (
        "UploadComplete",
        "Account",
        "V2Query",
        "750",
    )
    assert caller.refused("GET", f"{path}/results") == "400 INVALIDJOBSTATE"
    assert [caller.call("GET", path)[1]["state"] for _ in range(3)] == ["InProgress", "InProgress", "JobComplete"]
    found, locator, pages = [], "", []
    while locator != "null":
        status, headers, body = caller.raw("GET", f"{path}/results?locator={locator}&maxRecords=5")
        locator = headers["Sforce-Locator"]
        pages.append(locator)
        found += rows_of(body)
        assert (status, headers["Sforce-NumberOfRecords"], body[-1:]) == (200, str(len(rows_of(body))), b"\n")
    assert (len(pages), [each["Name"] for each in found]) == (2, [f"A{number}" for number in range(9)])
    assert found[3] == {
        "Name": "A3",
        "Description": 'line 1\nsaid "3"',
        "Credit_Limit__c": "12500000.5",
        "Parent.Name": "",
        "CreatedDate": "2026-03-02T01:00:00.000Z",
        "Key_Account__c": "true",
    }
    assert len(rows_of(caller.raw("GET", f"{path}/results?locator={pages[0]}")[2])) == 4
    pages = [each["resultUrl"] for each in caller.call("GET", f"{path}/resultPages")[1]["resultPages"]]
    assert [len(rows_of(caller.raw("GET", each)[2])) for each in pages] == [4, 4, 1]
    caller.version = 58
    assert caller.refused("GET", f"{path}/results") == "409 API_VERSION_MISMATCH"
    caller.version = 67
    assert caller.refused("PATCH", path, {"state": "Aborted"}) == "400 INVALIDJOBSTATE"
    assert caller.call("DELETE", path) == (204, None)
    assert caller.refused("GET", path) == "404 NOT_FOUND"


def test_what_bulk_does_not_query(caller: Caller) -> None:
    def refused(query: str) -> str:
        return caller.refused("POST", "jobs/query", {"operation": "query", "query": query})

    assert refused("SELECT BillingAddress FROM Account") == "400 FUNCTIONALITY_NOT_ENABLED"
    assert refused("SELECT COUNT(Id) FROM Account") == "400 FUNCTIONALITY_NOT_ENABLED"
    assert refused("SELECT Id, (SELECT Id FROM Contacts) FROM Account") == "400 FUNCTIONALITY_NOT_ENABLED"
    assert refused("SELECT VersionData FROM ContentVersion") == "400 FEATURENOTENABLED"
    assert refused("SELECT Id FROM Attachment") == "400 INVALIDENTITY"
    assert refused("SELECT Nme FROM Account") == "400 INVALID_FIELD"
    made = job(caller, "query", operation="query", query="SELECT Id FROM Account")
    assert caller.call("PATCH", f"jobs/query/{made['id']}", {"state": "Aborted"})[1]["state"] == "Aborted"
    assert made["id"] in [each["id"] for each in caller.call("GET", "jobs/query")[1]["records"]]


def test_rows_are_written_each_by_itself_and_told_in_no_order() -> None:
    caller = Caller(simulator())
    account = caller.create("Account", Name="甲", Tax_Number__c="T1", Phone="1", Fax="2")
    content = "LastName|Email|Account.Tax_Number__c|Birthdate\r\n"
    content += "何|a@b.example|T1|1990-01-02\r\n于|wrong|T1|\r\n秦||T9|\r\n陶|||1990-02-31\r\n"
    content += "".join(f"N{number}|||\r\n" for number in range(20))
    told = load(caller, content, object="Contact", operation="insert", columnDelimiter="PIPE", lineEnding="CRLF")
    assert (told["state"], told["numberRecordsProcessed"], told["numberRecordsFailed"]) == ("JobComplete", 24, 3)
    good, bad = (results(caller, told["id"], which, "|") for which in ("successfulResults/", "failedResults"))
    assert (len(good), {each["sf__Created"] for each in good}) == (21, {"true"})
    assert [each["LastName"] for each in good] != sorted(each["LastName"] for each in good)
    assert {each["LastName"]: each["sf__Error"].partition(":")[0] for each in bad} == {
        "于": "INVALID_EMAIL_ADDRESS",
        "秦": "INVALID_FIELD",
        "陶": "INVALID_TYPE_ON_FIELD_IN_RECORD",
    }
    assert next(each for each in bad if each["LastName"] == "于")["sf__Error"].endswith(":Email --")
    assert caller.cells("SELECT LastName FROM Contact WHERE AccountId != null") == ["何"]
    update = f"Id,Phone,Fax,NumberOfEmployees\n{account},,#N/A,7\n"
    assert load(caller, update, object="Account", operation="update")["numberRecordsFailed"] == 0
    assert caller.find("SELECT Phone, Fax, NumberOfEmployees FROM Account") == [
        {"Phone": "1", "Fax": None, "NumberOfEmployees": 7}
    ]
    upsert = "Tax_Number__c,Name\nt1,乙\nT2,丙\n,丁\n"
    told = load(caller, upsert, object="Account", operation="upsert", externalIdFieldName="Tax_Number__c")
    assert sorted(each["sf__Created"] for each in results(caller, told["id"], "successfulResults")) == ["false", "true"]
    assert results(caller, told["id"], "failedResults")[0]["sf__Error"].startswith("MISSING_ARGUMENT")
    task = "Subject,Account:What.Tax_Number__c\ncall,T2\n"
    assert load(caller, task, object="Task", operation="insert")["numberRecordsFailed"] == 0
    assert caller.cells("SELECT What.Name FROM Task") == [{"Name": "丙"}]
    assert load(caller, f"Id\n{account}\n{account}\n", object="Account", operation="delete")["numberRecordsFailed"] == 1
    assert caller.cells("SELECT Name FROM Account") == ["丙"]
    assert results(caller, told["id"], "unprocessedrecords") == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("Nme\nx\n", "InvalidBatch : Field name not found : Nme"),
        ("Parent.Nme\nx\n", "InvalidBatch : Field name not found : Parent.Nme"),
        ("Name\r\nx\r\n", "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF"),
        ("Name,Phone\nx\n", "InvalidBatch : row 1 has 1 columns, the header 2"),
        (
            "Name\n" + "x" * 131_073 + "\n",
            "ClientInputError : the content is no CSV: field larger than field limit (131072)",
        ),
        ("", "InvalidBatch : Failed to parse CSV header: empty"),
    ],
)
def test_content_that_cannot_be_used_fails_the_job(caller: Caller, content: str, said: str) -> None:
    told = load(caller, content, object="Account", operation="insert")
    assert (told["state"], told["errorMessage"]) == ("Failed", said)


def test_jobs_that_cannot_be_made_and_quotas() -> None:
    caller = Caller(simulator(bulk_records=3, bulk_query_jobs=1))

    def refused(**told: Any) -> str:
        return caller.refused("POST", "jobs/ingest", told)

    assert refused(object="Nothing", operation="insert") == "400 INVALIDENTITY"
    assert refused(object="Attachment", operation="insert") == "400 INVALIDENTITY"
    assert refused(object="Account", operation="hardDelete") == "400 FEATURENOTENABLED"
    assert refused(object="Account", operation="merge") == "400 INVALIDREQUEST"
    assert refused(object="Account", operation="upsert", externalIdFieldName="Phone") == "404 NOT_FOUND"
    assert refused(object="Account", operation="insert", columnDelimiter="DOT") == "400 INVALIDREQUEST"
    job(caller, "query", operation="query", query="SELECT Id FROM Account")
    assert caller.refused("POST", "jobs/query", {"query": "SELECT Id FROM Account"}) == "403 REQUEST_LIMIT_EXCEEDED"
    made = job(caller, "ingest", object="Account", operation="insert")
    caller.raw(
        "PUT", f"jobs/ingest/{made['id']}/batches", gzip.compress(b"Name\na\nb\nc\nd\n"), Content_Encoding="gzip"
    )
    assert (
        caller.refused("PATCH", f"jobs/ingest/{made['id']}", {"state": "UploadComplete"})
        == "403 REQUEST_LIMIT_EXCEEDED"
    )
    assert caller.simulator.count("Account") == 0
    boundary = "b0"
    parts = (("job", '{"object": "Account", "operation": "insert"}'), ("content", "Name\r\na\r\n".replace("\r", "")))
    form = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n' for name, text in parts
    )
    kind = f"multipart/form-data; boundary={boundary}"
    body = caller.raw("POST", "jobs/ingest", f"{form}--{boundary}--\r\n".encode(), Content_Type=kind)[2]
    assert (b'"UploadComplete"' in body, caller.simulator.count("Account")) == (True, 1)


def test_jobs_of_the_first_version_speak_xml_and_keep_the_order_of_their_rows() -> None:
    caller = Caller(simulator(bulk_polls=1))
    space = "http://www.force.com/2009/06/asyncapi/dataload"
    session = {"X_SFDC_Session": caller.headers.pop("Authorization").removeprefix("Bearer ")}

    def call(method: str, path: str, body: str = "", kind: str = "application/xml") -> tuple[int, str]:
        status, _, told = caller.raw(
            method, f"/services/async/40.0/job{path}", body.encode(), Content_Type=kind, **session
        )
        return status, told.decode()

    def made(operation: str, name: str = "Account", kind: str = "CSV") -> str:
        parts = f"<operation>{operation}</operation><object>{name}</object><contentType>{kind}</contentType>"
        status, told = call("POST", "", f'<jobInfo xmlns="{space}">{parts}</jobInfo>')
        assert (status, "<state>Open</state>" in told, space in told) == (201, True, True), told
        return told.partition("<id>")[2].partition("</id>")[0]

    def batch(job: str, content: str) -> str:
        status, told = call("POST", f"/{job}/batch", content, "text/csv; charset=UTF-8")
        assert (status, "<state>Queued</state>" in told) == (201, True), told
        path = f"/{job}/batch/" + told.partition("<id>")[2].partition("</id>")[0]
        assert "<state>InProgress</state>" in call("GET", path)[1]
        return path

    job = made("insert")
    path = batch(job, "Name,Phone\n甲,1\n,2\n丙,3\n")
    assert call("GET", f"{path}/result")[0] == 400
    told = call("GET", path)[1]
    assert ("<state>Completed</state>" in told, "<numberRecordsFailed>1</numberRecordsFailed>" in told) == (True, True)
    rows = rows_of(call("GET", f"{path}/result")[1].encode())
    assert [(each["Success"], each["Created"]) for each in rows] == [
        ("true", "true"),
        ("false", "false"),
        ("true", "true"),
    ]
    assert rows[1]["Error"].startswith("REQUIRED_FIELD_MISSING")
    assert call("GET", f"{path}/request")[1] == "Name,Phone\n甲,1\n,2\n丙,3\n"
    assert (
        "<state>Closed</state>"
        in call("POST", f"/{job}", f'<jobInfo xmlns="{space}"><state>Closed</state></jobInfo>')[1]
    )
    assert "<exceptionCode>InvalidJobState</exceptionCode>" in call("POST", f"/{job}/batch", "Name\nx\n", "text/csv")[1]
    assert "<numberBatchesTotal>1</numberBatchesTotal>" in call("GET", f"/{job}")[1]
    path = batch(made("insert"), "Nme\nx\n")
    assert "<stateMessage>InvalidBatch : Field name not found : Nme</stateMessage>" in call("GET", path)[1]
    job = made("query")
    path = batch(job, "SELECT Name, Phone FROM Account ORDER BY Name DESC")
    assert call("GET", f"/{job}/batch")[1].count("<state>Completed</state>") == 1
    result = call("GET", f"{path}/result")[1].partition("<result>")[2].partition("</result>")[0]
    told = call("GET", f"{path}/result/{result}")[1]
    assert rows_of(told.encode()) == [{"Name": "甲", "Phone": "1"}, {"Name": "丙", "Phone": "3"}]
    assert "InvalidJob" in call("POST", "", "<jobInfo><operation>merge</operation></jobInfo>")[1]
    assert "InvalidBatch" in call("POST", "", "<torn")[1]
    session["X_SFDC_Session"] = "x"
    assert "<exceptionCode>InvalidSessionId</exceptionCode>" in call("GET", f"/{job}")[1]


def test_big_numbers_may_come_with_exponents_and_big_answers_packed() -> None:
    caller = Caller(simulator(numbers_in_cells="exponents", bulk_polls=0))
    for number in ("12500000.5", "0.25", "-139000000", "0"):
        caller.create("Account", Name="x" * 255, Credit_Limit__c=number)
    made = job(caller, "query", query="SELECT Credit_Limit__c, Name FROM Account ORDER BY Credit_Limit__c")
    finish(caller, "query", made["id"])
    _, headers, body = caller.raw("GET", f"jobs/query/{made['id']}/results", Accept_Encoding="gzip")
    assert headers["Content-Encoding"] == "gzip"
    told = rows_of(gzip.decompress(body))
    assert [each["Credit_Limit__c"] for each in told] == ["-1.39E8", "0.0", "0.25", "1.25000005E7"]
