"""The connector to Salesforce over an invented org: what it sees, reads and finds, and what it makes of answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml
from changeover.connectors.chunk import Chunk
from changeover.connectors.clock import VirtualClock
from changeover.connectors.errors import ChangeoverError, InputError, UnavailableError
from changeover.connectors.pace import Pace
from changeover.connectors.port import KEY, Settings
from changeover.connectors.salesforce.connector import SalesforceConnector
from changeover.connectors.salesforce.errors import Kind, OrgError
from changeover.connectors.salesforce.options import read_options
from changeover.connectors.salesforce.simulator import Fault, FaultKind, Faults, Simulator
from changeover.connectors.salesforce.simulator.ids import checked
from changeover.connectors.salesforce.soql import whole_id
from changeover.connectors.schema import FieldType

from .callers import START, Caller, simulator
from .org_kit import APP, HOST, SECRETS, InProcess, connected
from .test_simulator_sign_in import certificate

QUERY, MORE = "/services/data/v67.0/query", "/services/data/v67.0/query/*"


class Org:
    """With a connector to it."""

    def __init__(self, simulator: Simulator, **options: object) -> None:
        self.simulator = simulator
        clock = simulator.org.clock
        assert isinstance(clock, VirtualClock)
        self.clock, self.way, self.pace = clock, InProcess(simulator), Pace(clock)
        self.connector: SalesforceConnector = connected(self.way, clock, self.pace, **options)

    def accounts(self, number: int) -> list[str]:
        """Put beneath the API. Their ids."""
        org, made = self.simulator.org, []
        stamps = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), org.stamp())
        for at in range(number):
            made.append(org.new_id(org.shapes["Account"]))
            org.store.insert("Account", {"Id": made[-1], "IsDeleted": 0, "Name": f"客户{at}", **stamps})
        return made

    def keys(self, name: str = "Account", *, after: str | None = None, size: int = 20_000) -> list[str]:
        return [key for chunk in self.connector.read(name, [], after=after, size=size) for key in chunk.keys]

    def paths(self) -> list[str]:
        return [str(each.path_url).partition("?")[0].removeprefix("/services/data/v67.0") for each in self.way.sent]


@pytest.fixture(scope="module")
def whole() -> Iterator[Org]:
    """Nothing in it is changed."""
    org = Org(simulator())
    org.accounts(4100)
    yield org
    org.simulator.close()


def code_of(act: object) -> str:
    with pytest.raises(ChangeoverError) as raised:
        act()  # type: ignore[operator]
    return raised.value.code


def cells(chunk: Chunk) -> dict[str, list[object]]:
    return {name: chunk.frame[name].array.__arrow_array__().to_pylist() for name in chunk.frame}  # type: ignore[attr-defined]


def test_an_org_says_who_it_is_and_what_it_has(whole: Org) -> None:
    told = whole.connector.identity()
    assert (told.kind, told.id[:3], len(told.id), told.name) == ("salesforce", "00D", 18, "沐安健康管理")
    assert told.production is False
    assert whole.connector.now() == START
    assert whole.connector.acting_user() == whole.simulator.sign_in.run_as["Id"]
    schema = whole.connector.describe()
    assert {"Account", "Contact", "User", "Group", "RecordType"} <= schema.objects.keys()
    assert not [name for name in schema.objects if name.endswith(("History", "Share", "Feed"))]
    assert {whole.connector.count(name) >= 0 for name in schema.objects} == {True}, "what is described can be counted"
    account = schema.objects["Account"]
    seen = {each.name: each for each in account.fields}
    assert account.key == ("Id",)
    assert "BillingAddress" not in seen
    assert seen["BillingCity"].length == 40
    assert (seen["Name"].required, seen["CreatedDate"].writable, seen["Id"].unique) == (True, False, True)
    assert (seen["ParentId"].type, seen["ParentId"].references) == (FieldType.REFERENCE, ("Account",))
    assert seen["Tax_Number__c"].unique
    assert (seen["Credit_Limit__c"].type, seen["Credit_Limit__c"].scale) == (FieldType.DECIMAL, 2)
    task = {each.name: each for each in schema.objects["Task"].fields}
    assert task["WhoId"].references == ("Contact", "Lead")
    assert not any(each.required for each in task.values() if each.name in ("Status", "OwnerId", "IsClosed"))
    audit = whole.connector.audit_fields("Account")
    assert (audit.modified_at, audit.created_by) == ("LastModifiedDate", "CreatedById")
    assert whole.connector.record_url("Account", "001x") == f"{HOST}/001x"


def test_choices_sets_and_details_are_told(whole: Org) -> None:
    told = yaml.safe_load((Path(__file__).parents[3] / "connectors/salesforce/simulator/org/custom.yaml").read_text())
    name, field, short = next(
        (name, field, short)
        for name, each in told.items()
        for field, short in each["fields"].items()
        if short.get("master")
    )
    seen = {each.name: each for each in whole.connector.describe().objects[name].fields}
    assert (seen[field].master, seen[field].references, seen[field].required) == (True, tuple(short["to"]), True)


def test_a_read_costs_a_call_for_each_page_and_goes_on_behind_any_id(whole: Org) -> None:
    before = len(whole.way.sent)
    keys = whole.keys()
    assert len(keys) == len(set(keys)) == 4100 == whole.connector.count("Account")
    pages = [each for each in whole.paths()[before:] if each.startswith("/query")]
    assert len(pages) == 3 + 1, "three pages, and the count on its own"
    assert pages[0] == "/query"
    assert pages[1].startswith("/query/0r8")
    assert whole.keys(after=keys[4097], size=1) == keys[4098:]
    assert whole.keys(after=keys[-1]) == []
    (first, *_) = whole.connector.read("Account", ["Name", "IsDeleted"], size=3)
    assert cells(first) == {"Name": ["客户0", "客户1", "客户2"], "IsDeleted": [False] * 3}
    assert first.cursor == first.keys[2] == keys[2]


def test_the_day_is_counted_as_the_org_counts_it() -> None:
    org = Org(simulator(daily_calls=1000))
    org.connector.identity()
    quota = org.connector.capabilities.allowance.quota
    assert quota is not None
    assert quota.calls == 1000
    org.connector.identity()
    assert org.pace.of_today() == (1, 1000), "who it is was known"
    Caller(org.simulator).call("GET", "limits")
    org.connector.now()
    assert org.pace.of_today() == (3, 1000), "the calls of others are in it"
    org.simulator.close()


def test_records_are_found_by_whatever_an_org_can_search(whole: Org) -> None:
    keys = whole.keys()[:3]
    found = whole.connector.find(
        "Account", (KEY,), [(keys[0][:15],), (keys[2],), ("x",), ("001" + "9" * 15,)], ["Name"]
    )
    assert found.keys == [keys[0], keys[2]], "an id of 15 letters is that of 18"
    assert whole.connector.find("Account", ("Name",), [("客户7",), ("x" * 300,)], []).keys == [whole.keys()[7]]
    assert code_of(lambda: whole.connector.find("Account", ("Description",), [("x",)], [])) == "salesforce.not_sought"
    with pytest.raises(ValueError, match="201 values"):
        whole.connector.find("Account", (KEY,), [("x",)] * 201, [])
    before = len(whole.way.sent)
    long = [(f"客户{number}" + "长" * 200,) for number in range(199)]
    assert whole.connector.find("Account", ("Name",), [*long, ("客户9",)], ["Name"]).keys == [whole.keys()[9]]
    assert whole.paths()[before] == "/composite", "too long for an address"
    body = json.loads(whole.way.sent[before].body or b"")
    assert len(unquote(body["compositeRequest"][0]["url"])) > 40_000


def test_what_is_not_there_is_said_with_what_is_nearest(whole: Org) -> None:
    with pytest.raises(InputError) as raised:
        whole.connector.count("Acount")
    assert (raised.value.code, raised.value.params["near"]) == ("salesforce.no_object", "Account")
    with pytest.raises(InputError) as raised:
        whole.keys("account")
    assert raised.value.params["near"] == "Account"
    assert code_of(lambda: list(whole.connector.read("Account", ["Naem"]))) == "salesforce.no_field"
    narrow = connected(whole.way, whole.clock, objects=["Contact"])
    assert list(narrow.describe().objects) == ["Contact"]
    assert code_of(lambda: narrow.count("Account")) == "salesforce.no_object"


def test_whole_ids_are_those_of_the_vendors_rule() -> None:
    assert whole_id("001D000000IqhSL") == "001D000000IqhSLIAZ"
    assert whole_id("70130000001tcyI") == "70130000001tcyIAAQ"
    assert whole_id("0015j0000000aBZ") == checked("0015j0000000aBZ")
    assert whole_id("001d000000iqhsliaz") == "001D000000IqhSLIAZ", "as a spreadsheet may have it"
    assert [whole_id(each) for each in ("001D000000IqhS", "001D000000IqhSLIAA", "001D000000Iqh-L")] == [None] * 3


# What lies in the bin or is archived


def test_what_is_deleted_or_archived_comes_as_the_options_say() -> None:
    org = Org(simulator())
    one, gone = org.accounts(2)
    caller = Caller(org.simulator)
    caller.call("DELETE", f"sobjects/Account/{gone}")
    tasks = [caller.create("Task", Subject=str(each)) for each in range(3)]
    org.simulator.org.store.change("Task", tasks[1], {"IsArchived": 1})
    caller.call("DELETE", f"sobjects/Task/{tasks[2]}")

    def seen(**options: object) -> tuple[list[str], list[str]]:
        other = Org(org.simulator, **options)
        told = other.keys("Account"), other.keys("Task")
        assert tuple(len(each) for each in told) == (other.connector.count("Account"), other.connector.count("Task"))
        return told

    assert seen() == ([one], tasks[:2])
    assert seen(archived="left_out") == ([one], tasks[:1])
    assert seen(deleted="read") == ([one, gone], tasks)
    assert seen(deleted="read", archived="left_out") == ([one, gone], [tasks[0], tasks[2]])
    org.simulator.close()


# What may become of a call


def test_nothing_is_lost_or_doubled_by_what_befalls_a_read() -> None:
    kinds = [FaultKind.UNAVAILABLE, FaultKind.EDGE, FaultKind.HTML, FaultKind.LOST, FaultKind.CONCURRENT]
    faults = [Fault(MORE, kind, frozenset({2 * at + 1})) for at, kind in enumerate(kinds, 1)]
    faults += [Fault(QUERY, FaultKind.LOST, frozenset({1})), Fault(MORE, FaultKind.EXPIRED, frozenset({14}))]
    org = Org(simulator(faults=Faults(faults)), page=200)
    made = org.accounts(2400)
    assert org.keys(size=250) == sorted(made)
    assert org.simulator.faults.struck == 7
    assert org.paths().count("/services/oauth2/token") == 2, "a new session, once"
    org.simulator.close()


def test_pages_that_are_no_longer_kept_are_asked_for_anew_behind_the_last_record() -> None:
    org = Org(simulator(locator_seconds=60), page=200)
    made = org.accounts(500)
    chunks = org.connector.read("Account", [], size=200)
    keys = list(next(chunks).keys)
    org.clock.sleep(61)
    org.simulator.org.store.remove("Account", made[450])
    keys += [key for chunk in chunks for key in chunk.keys]
    assert keys == [each for each in made if each != made[450]]
    assert [each for each in org.paths() if each == "/query"] == ["/query"] * 2
    org.simulator.close()


@pytest.mark.parametrize(
    ("kind", "calls", "code"),
    [
        (FaultKind.DAILY, {1}, "salesforce.day_spent"),
        (FaultKind.UNAVAILABLE, {1, 2, 3, 4, 5}, "salesforce.no_answer"),
        (FaultKind.HTML, {1, 2, 3, 4, 5}, "salesforce.no_answer"),
        (FaultKind.EXPIRED, {1, 2}, "salesforce.turned_away"),
    ],
)
def test_what_does_not_pass_stops_the_command(kind: FaultKind, calls: set[int], code: str) -> None:
    org = Org(simulator(faults=Faults([Fault(QUERY, kind, frozenset(calls))])))
    with pytest.raises(UnavailableError) as raised:
        org.connector.identity()
    assert raised.value.code == code
    assert org.connector.identity().kind == "salesforce", "and the next one goes well"
    org.simulator.close()


@pytest.mark.parametrize(
    ("status", "code", "words", "kind"),
    [
        (401, "INVALID_SESSION_ID", "", Kind.SESSION),
        (403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded.", Kind.THROTTLED),
        (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", Kind.SPENT),
        (403, "API_DISABLED_FOR_ORG", "", Kind.TURNED_AWAY),
        (403, "TXN_SECURITY_NO_ACCESS", "", Kind.TURNED_AWAY),
        (410, "UNSUPPORTED_API_VERSION", "", Kind.TURNED_AWAY),
        (400, "QUERY_TIMEOUT", "", Kind.SILENT),
        (400, "MALFORMED_QUERY", "", Kind.REFUSED),
        (404, "NOT_FOUND", "", Kind.REFUSED),
    ],
)
def test_an_error_means_what_the_vendor_says(status: int, code: str, words: str, kind: Kind) -> None:
    assert OrgError(status, [{"errorCode": code, "message": words}]).kind is kind


def test_a_status_without_a_code_is_told_by_itself() -> None:
    told = {status: OrgError(status, "<html>").kind for status in (302, 401, 406, 420, 429, 500)}
    silent = dict.fromkeys((406, 420, 500), Kind.SILENT)
    assert told == {302: Kind.TURNED_AWAY, 401: Kind.SESSION, 429: Kind.THROTTLED, **silent}


# Who is let in


def test_every_way_in_leads_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = certificate(tmp_path)
    org_file = "certificate: app.pem\nusers: [{username: a@b.example, last: A}]\n"
    (tmp_path / "org.yaml").write_text(org_file, encoding="utf-8")
    there = simulator(tmp_path)
    token = there.sign_in.open(str(there.sign_in.run_as["Id"]))
    own = {"SF_KEY": key.decode(), "SF_REFRESH": there.sign_in.refresh_token, "SF_SESSION": token}
    for name, told in own.items():
        monkeypatch.setitem(SECRETS, name, told)
    ways: list[dict[str, object]] = [
        {"sign_in": "jwt", "user": "a@b.example", "private_key": "${SF_KEY}"},
        {"sign_in": "refresh_token", "refresh_token": "${SF_REFRESH}"},
        {"sign_in": "session", "session_id": "${SF_SESSION}"},
    ]
    user = there.sign_in.run_as["Id"]
    for way in ways:
        assert Org(there, **way).connector.acting_user() == user, way
    org = Org(there, **ways[2])
    there.sign_in.expire()
    assert code_of(org.connector.identity) == "salesforce.session_over"
    for name in own:
        monkeypatch.setitem(SECRETS, name, "wrong")
    monkeypatch.setitem(SECRETS, "SF_SECRET", "wrong")
    codes = [code_of(Org(there, **way).connector.identity) for way in [{}, *ways]]
    wrong = "salesforce.credentials"
    assert codes == [wrong, "salesforce.private_key", wrong, "salesforce.session_over"]
    there.close()


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"host": "https://muan.lightning.force.com"}, "salesforce.host"),
        ({"host": "http://muan.my.salesforce.com"}, "salesforce.host"),
        ({"login": "login.salesforce.com"}, "salesforce.host"),
        ({"hots": "x"}, "option.unknown"),
        ({"version": "67"}, "option.value"),
        ({"page": 2001}, "option.value"),
        ({"sign_in": "jwt"}, "salesforce.option_missing"),
    ],
)
def test_a_wrong_setting_is_named(options: dict[str, object], code: str) -> None:
    assert code_of(lambda: read_options(Settings("sf", "salesforce", {**APP, **options}))) == code


def test_settings_come_as_a_project_has_them() -> None:
    def audience(host: str, **more: object) -> str:
        return read_options(Settings("sf", "salesforce", {**APP, "host": host, **more})).meant_for

    assert audience(HOST) == "https://login.salesforce.com"
    assert audience("https://muan--full.sandbox.my.salesforce.com") == "https://test.salesforce.com"
    assert audience("https://muan.my.sfcrmproducts.cn") == "https://login.sfcrmproducts.cn"
    assert audience(HOST, audience="https://x.example") == "https://x.example"
    assert read_options(Settings("sf", "salesforce", {**APP, "timeout": Decimal("7.5")})).timeout == 7.5
