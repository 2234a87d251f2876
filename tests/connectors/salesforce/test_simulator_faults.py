"""What goes wrong on the way, and what became of the call."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from changeover.connectors.errors import InputError
from changeover.connectors.salesforce.simulator import NoAnswerError
from changeover.connectors.salesforce.simulator.faults import read_faults
from changeover.connectors.simulating.server import CutAnswerError

from .callers import START, Caller, simulator

ACCOUNTS, COLLECTION = "*/sobjects/Account", "*/composite/sobjects"


def struck(tmp_path: Path, *faults: str, **settings: Any) -> Caller:
    file = tmp_path / "faults.yaml"
    file.write_text("faults:\n" + "".join(f"  - {each}\n" for each in faults), encoding="utf-8")
    return Caller(simulator(faults=read_faults(file), **settings))


def make(caller: Caller, name: str) -> tuple[int, str]:
    """(status, error code or what else is said); (0, "") where the connection broke."""
    try:
        status, _, body = caller.raw("POST", "sobjects/Account", json.dumps({"Name": name}).encode())
    except NoAnswerError:
        return 0, ""
    try:
        told = json.loads(body)
    except ValueError:
        return status, body.decode()[:6]
    return status, told[0]["errorCode"] if isinstance(told, list) else ""


@pytest.mark.parametrize(
    ("fault", "when", "answer", "made"),
    [
        ("lost", "before", (0, ""), 0),
        ("lost", "after", (0, ""), 1),
        ("cut", "before", (0, ""), 1),
        ("unavailable", "before", (503, "SERVER_UNAVAILABLE"), 0),
        ("unavailable", "after", (503, "SERVER_UNAVAILABLE"), 1),
        ("edge", "before", (420, ""), 0),
        ("html", "before", (200, "<html>"), 0),
        ("html", "after", (200, "<html>"), 1),
        ("expired", "before", (401, "INVALID_SESSION_ID"), 0),
        ("concurrent", "before", (403, "REQUEST_LIMIT_EXCEEDED"), 0),
        ("daily", "before", (403, "REQUEST_LIMIT_EXCEEDED"), 0),
        ("slow", "before", (201, ""), 1),
    ],
)
def test_the_second_call_of_a_path_is_struck_and_no_other(
    tmp_path: Path, fault: str, when: str, answer: tuple[int, str], made: int
) -> None:
    caller = struck(tmp_path, f"{{path: '{ACCOUNTS}', calls: 2, fault: {fault}, when: {when}, seconds: 40}}")
    assert make(caller, "甲") == (201, "")
    assert make(caller, "乙") == answer
    assert caller.simulator.count("Account") == 1 + made
    assert caller.clock.now() == START.replace(second=40 if fault == "slow" else 0)
    caller.sign_in()
    assert make(caller, "丙") == (201, "")


def test_a_cut_answer_is_told_of_with_half_of_it(tmp_path: Path) -> None:
    caller = struck(tmp_path, "{path: '*/results', every: 1, fault: cut}", bulk_polls=0)
    make(caller, "甲")
    job = caller.call("POST", "jobs/query", {"query": "SELECT Name FROM Account"})[1]["id"]
    caller.call("GET", f"jobs/query/{job}")
    with pytest.raises(CutAnswerError) as error:
        caller.raw("GET", f"jobs/query/{job}/results")
    status, headers, body = error.value.answer
    assert (status, body, error.value.arrive) == (200, '"Name"\n"甲"\n'.encode(), len(body) // 2)
    assert headers["Sforce-Locator"] == "null"


def test_a_late_write_is_stamped_now_and_seen_later_and_the_watermark_waits_for_it(tmp_path: Path) -> None:
    caller = struck(tmp_path, f"{{path: '{ACCOUNTS}', calls: [2], fault: late, seconds: 300}}")
    make(caller, "甲")
    caller.clock.sleep(60)
    assert make(caller, "乙") == (0, "")
    caller.clock.sleep(120)
    span = "start=2026-03-02T01:00:00Z&end=2026-03-02T01:30:00Z"
    told = caller.call("GET", f"sobjects/Account/updated?{span}")[1]
    assert (len(told["ids"]), told["latestDateCovered"]) == (1, "2026-03-02T01:01:00.000+0000")
    caller.clock.sleep(180)
    assert caller.cells("SELECT SystemModstamp FROM Account WHERE Name = '乙'") == ["2026-03-02T01:01:00.000+0000"]
    assert (
        caller.call("GET", f"sobjects/Account/updated?{span}")[1]["latestDateCovered"] == "2026-03-02T01:06:00.000+0000"
    )


def test_rows_are_locked_each_so_many_or_beside_their_siblings(tmp_path: Path) -> None:
    caller = struck(
        tmp_path,
        f"{{path: '{COLLECTION}', calls: 1, fault: locked, rows: 3}}",
        f"{{path: '{COLLECTION}', calls: 2, fault: locked}}",
        "{path: '*/jobs/ingest/*', calls: 2, fault: locked, rows: 2}",
    )
    parents = [caller.create("Account", Name=name) for name in "甲乙"]

    def load(accounts: list[str | None]) -> list[bool]:
        records = [{"attributes": {"type": "Contact"}, "LastName": "x", "AccountId": each} for each in accounts]
        told = caller.call("POST", "composite/sobjects", {"records": records})[1]
        assert {each["errors"][0]["statusCode"] for each in told if not each["success"]} <= {"UNABLE_TO_LOCK_ROW"}
        return [each["success"] for each in told]

    assert load([None] * 6) == [True, True, False, True, True, False]
    assert load([parents[0], parents[0], parents[1], parents[0], parents[0]]) == [True, False, True, True, False]
    assert load(parents * 2) == [True] * 4
    job = caller.call("POST", "jobs/ingest", {"object": "Account", "operation": "insert"})[1]["id"]
    caller.raw("PUT", f"jobs/ingest/{job}/batches", b"Name\na\nb\nc\n")
    caller.call("PATCH", f"jobs/ingest/{job}", {"state": "UploadComplete"})
    assert caller.simulator.count("Account") == 4


def test_a_job_that_failed_half_way_tells_what_it_did_not_do(tmp_path: Path) -> None:
    caller = struck(
        tmp_path,
        "{path: '*/jobs/ingest/*', calls: 2, fault: failed}",
        "{path: '*/jobs/query', calls: 1, fault: failed}",
        bulk_polls=0,
    )
    job = caller.call("POST", "jobs/ingest", {"object": "Account", "operation": "insert"})[1]["id"]
    caller.raw("PUT", f"jobs/ingest/{job}/batches", b"Name\na\nb\nc\nd\n")
    caller.call("PATCH", f"jobs/ingest/{job}", {"state": "UploadComplete"})
    told = caller.call("GET", f"jobs/ingest/{job}")[1]
    assert (told["state"], told["numberRecordsProcessed"]) == ("Failed", 2)
    assert caller.raw("GET", f"jobs/ingest/{job}/unprocessedrecords/")[2] == b'"Name"\n"c"\n"d"\n'
    job = caller.call("POST", "jobs/query", {"query": "SELECT Id FROM Account"})[1]["id"]
    assert caller.call("GET", f"jobs/query/{job}")[1]["state"] == "Failed"
    assert caller.refused("GET", f"jobs/query/{job}/results") == "400 INVALIDJOBSTATE"


def test_an_answer_may_come_without_its_headers(tmp_path: Path) -> None:
    caller = struck(tmp_path, "{path: '*/results', calls: 1, fault: bare}", bulk_polls=0)
    job = caller.call("POST", "jobs/query", {"query": "SELECT Id FROM Account"})[1]["id"]
    caller.call("GET", f"jobs/query/{job}")
    for headers in ((), ("Sforce-Limit-Info", "Sforce-Locator", "Sforce-NumberOfRecords")):
        told = caller.raw("GET", f"jobs/query/{job}/results")[1]
        assert tuple(sorted(each for each in told if each.startswith("Sforce-"))) == headers


def test_a_file_of_faults_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        struck(tmp_path, "{path: x, calls: 1, fault: burst}")
    assert error.value.code == "simulator.fault"
