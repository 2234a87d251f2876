"""What changed and what was deleted since when, what is counted, and the bodies of files."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from typing import Any
from urllib.parse import quote

from changeover.connectors.salesforce.simulator.invented import SHARES

from .callers import START, Caller, simulator


def at(minutes: int) -> str:
    return quote((START + dt.timedelta(minutes=minutes)).isoformat())


def changed(caller: Caller, name: str, which: str, start: int, end: int) -> dict[str, Any]:
    status, told = caller.call("GET", f"sobjects/{name}/{which}/?start={at(start)}&end={at(end)}")
    assert status == 200, told
    return dict(told)


def test_what_was_written_and_deleted_in_a_span_of_time() -> None:
    caller = Caller(simulator(replication_lag=60))
    early, late = caller.create("Account", Name="甲"), caller.create("Account", Name="乙")
    contact = caller.create("Contact", LastName="丙", AccountId=late)
    caller.clock.sleep(600)
    caller.call("PATCH", f"sobjects/Account/{early}", {"Name": "丁"})
    caller.call("DELETE", f"sobjects/Account/{late}")
    caller.clock.sleep(600)
    assert changed(caller, "Account", "updated", 0, 5) == {
        "ids": [],
        "latestDateCovered": "2026-03-02T01:05:00.000+0000",
    }
    assert changed(caller, "Account", "updated", 10, 11)["ids"] == [early]
    told = changed(caller, "Account", "deleted", 0, 21)
    assert told["deletedRecords"] == [{"id": late, "deletedDate": "2026-03-02T01:10:00.000+0000"}]
    assert told["latestDateCovered"] == "2026-03-02T01:19:00.000+0000"
    assert [each["id"] for each in changed(caller, "Contact", "deleted", 10, 11)["deletedRecords"]] == [contact]
    caller.simulator.undelete(late)
    assert changed(caller, "Account", "deleted", 0, 21)["deletedRecords"] == []
    assert changed(caller, "Account", "updated", 20, 21)["ids"] == [late]
    path = "sobjects/Account/updated?start={}&end={}"
    assert caller.refused("GET", path.format(at(5), at(5))) == "400 INVALID_REPLICATION_DATE"
    assert caller.refused("GET", path.format(at(-31 * 1440), at(5))) == "400 INVALID_REPLICATION_DATE"
    assert caller.refused("GET", path.format("2026-03-02T01:00:00", at(5))) == "400 INVALID_REPLICATION_DATE"
    assert caller.refused("GET", "sobjects/AccountHistory/updated?start=x&end=y") == "400 INVALID_TYPE_FOR_OPERATION"
    counts = caller.call("GET", "limits/recordCount?sObjects=Account,Contact,Nothing")[1]["sObjects"]
    assert counts == [{"count": 2, "name": "Account"}, {"count": 1, "name": "Contact"}]


def test_files_have_versions_links_and_a_checksum() -> None:
    caller = Caller(simulator(query_all_files="yes"))
    account, body = caller.create("Account", Name="甲"), bytes(range(256)) * 4
    values = {"Title": "报告", "PathOnClient": "c:\\报告.PDF", "FirstPublishLocationId": account}
    first = caller.create("ContentVersion", VersionData=base64.b64encode(body).decode(), **values)
    told = caller.find(
        "SELECT ContentSize, Checksum, FileExtension, IsLatest, VersionData, ContentDocumentId FROM ContentVersion"
    )[0]
    document = told.pop("ContentDocumentId")
    assert told == {
        "ContentSize": 1024,
        "Checksum": hashlib.md5(body, usedforsecurity=False).hexdigest(),
        "FileExtension": "PDF",
        "IsLatest": True,
        "VersionData": f"/services/data/v67.0/sobjects/ContentVersion/{first}/VersionData",
    }
    status, headers, got = caller.raw("GET", f"/services/data/v67.0/sobjects/ContentVersion/{first}/VersionData")
    assert (status, headers["Content-Type"], got) == (200, "application/octet-stream", body)
    links = f"SELECT ShareType FROM ContentDocumentLink WHERE ContentDocumentId = '{document}' ORDER BY ShareType"
    assert caller.cells(links) == ["I", "V"]
    edge = "b0"
    head = f"--{edge}\r\nContent-Disposition: form-data; name="
    values = {"ContentDocumentId": document, "Title": "2", "PathOnClient": "2"}
    form = f'{head}"entity_content"\r\nContent-Type: application/json\r\n\r\n{json.dumps(values)}\r\n'
    form += f'{head}"VersionData"; filename="2"\r\n\r\n'
    raw = form.encode() + b"\r\n\x00\xff\r" + f"\r\n--{edge}--\r\n".encode()
    status, _, _ = caller.raw(
        "POST", "sobjects/ContentVersion", raw, Content_Type=f"multipart/form-data; boundary={edge}"
    )
    assert status == 201
    latest = caller.find("SELECT VersionNumber, ContentSize FROM ContentVersion WHERE IsLatest = true")
    assert latest == [{"VersionNumber": "2", "ContentSize": 5}]
    assert caller.find("SELECT Title, ContentSize FROM ContentDocument") == [{"Title": "2", "ContentSize": 5}]
    assert (
        caller.refused("POST", "sobjects/ContentVersion", {"Title": "x"})
        == "400 REQUIRED_FIELD_MISSING VersionData PathOnClient"
    )
    assert caller.call("DELETE", f"sobjects/ContentDocument/{document}")[0] == 204
    assert (caller.simulator.count("ContentVersion"), caller.simulator.count("ContentDocumentLink")) == (0, 0)


def test_attachments_keep_their_bodies_apart() -> None:
    caller = Caller(simulator())
    account = caller.create("Account", Name="甲")
    row_id = caller.create("Attachment", ParentId=account, Name="a", Body=base64.b64encode(b"abc").decode())
    assert caller.raw("GET", f"sobjects/Attachment/{row_id}/Body")[2] == b"abc"
    assert caller.find("SELECT BodyLength FROM Attachment") == [{"BodyLength": 3}]
    assert caller.call("PATCH", f"sobjects/Attachment/{row_id}", {"Body": base64.b64encode(b"abcd").decode()})[0] == 204
    assert caller.raw("GET", f"sobjects/Attachment/{row_id}/Body")[2] == b"abcd"
    refused = caller.refused("POST", "sobjects/Attachment", {"ParentId": account, "Name": "a", "Body": "?"})
    assert refused == "400 INVALID_BASE64 Body"
    assert caller.refused("GET", f"sobjects/Attachment/{account}/Body") == "404 NOT_FOUND"


def test_who_may_not_query_all_files_names_records() -> None:
    caller = Caller(simulator())
    other = Caller(caller.simulator, username="east@muan.example")
    account = other.create("Account", Name="甲")
    values = {"Title": "x", "PathOnClient": "x", "VersionData": "YQ==", "FirstPublishLocationId": account}
    other.create("ContentVersion", **values)
    assert caller.cells("SELECT Id FROM ContentVersion") == []
    assert caller.not_found("SELECT Id FROM ContentDocumentLink") == "400 MALFORMED_QUERY"
    links = caller.cells(f"SELECT ContentDocumentId FROM ContentDocumentLink WHERE LinkedEntityId IN ('{account}')")
    assert len(caller.cells(f"SELECT Id FROM ContentVersion WHERE ContentDocumentId = '{links[0]}'")) == 1


def test_an_org_may_begin_with_invented_records_and_they_are_the_same_each_time() -> None:
    def rows(seed: int) -> list[Any]:
        caller = Caller(simulator(records=120, random_seed=seed))
        assert len(caller.query("SELECT Id FROM Statement_Line__c")["records"]) == 12
        assert sum(caller.simulator.count(each) for each in SHARES) == 120
        return caller.find("SELECT Name, Credit_Limit__c, Statements_Total__c, Parent.Name FROM Account")

    assert rows(1) == rows(1) != rows(2)
