"""Clients that others wrote, over a socket: each makes, changes, finds and deletes records, one by one and in bulk."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from changeover.connectors.clock import SystemClock
from changeover.connectors.errors import InputError
from changeover.connectors.salesforce.simulator import SIMULATOR, Fault, FaultKind, Faults, Server, Settings, Simulator
from changeover.connectors.simulators import Wanted
from simple_salesforce import Salesforce, SalesforceResourceNotFound

from .plain_http import session

DRIVE = Path(__file__).with_name("drive_jsforce.mjs")
JSFORCE = "jsforce@3.10.16"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server(Simulator(SystemClock(), Settings(bulk_polls=0)))
    yield server
    server.close()


def test_simple_salesforce(server: Server) -> None:
    told = server.credentials
    named = {"consumer_key": told["client_id"], "consumer_secret": told["client_secret"]}
    host = urlsplit(server.url).netloc
    by_app = Salesforce(**named, domain="muan.my", session=session(server.url), version="67.0")
    assert by_app.sf_instance == host
    by_password = Salesforce(
        username=told["username"],
        password=told["password"],
        security_token=told["security_token"],
        session=session(server.url),
        version="59.0",
    )
    for client in (by_app, by_password):
        made = client.Account.create({"Name": "甲", "Credit_Limit__c": 12.5})
        assert client.Account.upsert("Tax_Number__c/T-1", {"Name": "乙"}) in (200, 201)
        assert client.Account.get_by_custom_id("Tax_Number__c", "T-1")["Name"] == "乙"
        assert client.Account.update(made["id"], {"Name": "丙"}) == 204
        assert [each["Name"] for each in client.query_all("SELECT Name FROM Account ORDER BY Name")["records"]] == [
            "丙",
            "乙",
        ]
        assert client.query("SELECT COUNT() FROM Account")["totalSize"] == 2
        assert client.Account.describe()["name"] == "Account"
        assert client.Account.delete(made["id"]) == 204
        with pytest.raises(SalesforceResourceNotFound):
            client.Account.get(made["id"])
        assert client.limits()["DailyApiRequests"]["Max"] == 100_000
        assert client.api_usage["api-usage"].total == 100_000
    rows = [{"LastName": f"何{number}", "Account.Tax_Number__c": "T-1"} for number in range(30)]
    (loaded,) = by_app.bulk2.Contact.insert(records=rows)
    assert (loaded["numberRecordsProcessed"], loaded["numberRecordsFailed"]) == (30, 0)
    assert by_app.bulk2.Contact.get_successful_records(loaded["job_id"]).count("\n") == 31
    pages = list(by_app.bulk2.Contact.query("SELECT Id, LastName FROM Contact", max_records=20))
    assert [page.count("\n") for page in pages] == [21, 11]
    ids = [{"Id": line.partition(",")[0].strip('"')} for page in pages for line in page.splitlines()[1:]]
    (gone,) = by_app.bulk2.Contact.delete(records=ids)
    assert (gone["numberRecordsFailed"], server.simulator.count("Contact")) == (0, 0)
    old = by_app.bulk.Lead.insert([{"LastName": "a", "Company": "x"}, {"LastName": "b"}], batch_size=10000)
    assert [(each["success"], [error["statusCode"] for error in each["errors"]]) for each in old] == [
        (True, []),
        (False, ["REQUIRED_FIELD_MISSING"]),
    ]
    assert [each["LastName"] for each in by_app.bulk.Lead.query("SELECT LastName FROM Lead")] == ["a"]
    assert by_app.bulk.Lead.delete([{"Id": old[0]["id"]}])[0]["success"]


def test_many_callers_at_once_make_one_record_of_one_external_id(server: Server) -> None:
    headers = {"Authorization": f"Bearer {server.credentials['session_id']}"}
    url = f"{server.url}/services/data/v67.0/sobjects/Clinic__c/Code__c"

    def put(number: int) -> list[int]:
        caller = requests.Session()
        caller.trust_env = False
        return [
            caller.patch(f"{url}/C{each}", json={"Name": str(number)}, headers=headers, timeout=30).status_code
            for each in range(5)
        ]

    with ThreadPoolExecutor(8) as pool:
        told = [each for some in pool.map(put, range(8)) for each in some]
    assert (told.count(201), told.count(200), server.simulator.count("Clinic__c")) == (5, 35, 5)


def test_jsforce(server: Server, tmp_path: Path) -> None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are not here")
    (tmp_path / "package.json").write_text('{"private": true, "type": "module"}', encoding="utf-8")
    install = [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(tmp_path), JSFORCE]
    try:
        installed = subprocess.run(install, capture_output=True, text=True, timeout=300, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("the registry of npm does not answer")
    if installed.returncode:
        pytest.skip(f"{JSFORCE} cannot be had: {installed.stderr[-200:]}")
    script = shutil.copy(DRIVE, tmp_path / DRIVE.name)
    told = json.dumps({"url": server.url, **server.credentials})
    ran = subprocess.run([node, script], input=told, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {
        "oauth": True,
        "soap": True,
        "created": 3,
        "refused": ["REQUIRED_FIELD_MISSING"],
        "upserted": [True, False],
        "found": ["J1", "J2", "K"],
        "retrieved": ["J1", "J2"],
        "updated": True,
        "described": "Lead",
        "loaded": [25, 1],
        "queried": 28,
        "deleted": 25,
        "left": 3,
        "converted": [True, "J", True],
    }


def test_connections_break_where_a_fault_says_so_and_the_command_finds_the_simulator(tmp_path: Path) -> None:
    faults = Faults(
        [Fault("*/limits", FaultKind.CUT, frozenset({1})), Fault("*/limits", FaultKind.LOST, frozenset({2}))]
    )
    server = Server(Simulator(SystemClock(), faults=faults))
    caller = requests.Session()
    caller.trust_env = False
    caller.headers["Authorization"] = f"Bearer {server.credentials['session_id']}"
    url = f"{server.url}/services/data/v67.0"
    for _ in range(2):
        with pytest.raises(requests.RequestException):
            caller.get(f"{url}/limits", timeout=30)
    assert caller.get(f"{url}/limits", timeout=30).status_code == 200
    sent = caller.post(f"{url}/sobjects/Account", data=iter([b'{"Na', b'me": "x"}']), timeout=30)
    assert (sent.status_code, caller.head(f"{url}/sobjects", timeout=30).text) == (201, "")
    assert caller.delete(f"{url}/sobjects/Account/{sent.json()['id']}", timeout=30).status_code == 204
    with pytest.raises(InputError) as error:
        Server(Simulator(SystemClock()), int(server.url.rpartition(":")[2]))
    assert error.value.code == "simulator.port"
    server.close()
    (tmp_path / "org.yaml").write_text(
        "settings: {sandbox: no, daily_calls: 7}\nusers: [{username: a@b.c, last: A}]\n", "utf-8"
    )
    started = SIMULATOR.start(Wanted(data=tmp_path, settings={"daily_calls": "8"}), SystemClock())
    told = requests.get(
        f"{started.url}/services/data/v67.0/query?q=SELECT+IsSandbox+FROM+Organization",
        headers={"Authorization": f"Bearer {started.credentials['session_id']}"},
        timeout=30,
    )
    assert (told.json()["records"][0]["IsSandbox"], told.headers["Sforce-Limit-Info"]) == (False, "api-usage=1/8")
    started.close()
