"""What the connector to Salesforce sends when it writes, and what it makes of each answer and each silence."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import requests
from changeover.connectors.cell import Cell
from changeover.connectors.change import CONTAGION, Batch, Change, ChangeKind, Outcome, OutcomeState
from changeover.connectors.errors import ChangeoverError, InputError, UnavailableError
from changeover.connectors.pace import Action
from changeover.connectors.port import KEY, OUR_KEY
from changeover.connectors.salesforce.simulator import Fault, FaultKind, Faults, Simulator
from changeover.connectors.salesforce.simulator.org import Rules
from changeover.connectors.salesforce.write import LARGEST
from urllib3.exceptions import NewConnectionError

from .callers import Caller, simulator
from .org_kit import Answered, Strike
from .target_kit import KEY_FIELD, emptied
from .test_connector_reads import Org

COLLECTION = "/services/data/v67.0/composite/sobjects"
ACKED, UNKNOWN, REJECTED = OutcomeState.ACKED, OutcomeState.UNKNOWN, OutcomeState.REJECTED
NOT_SENT, FATAL = OutcomeState.NOT_SENT, OutcomeState.FATAL


class Target(Org):
    """An org that is written to. strike: what becomes of a call."""

    def __init__(self, simulator: Simulator, strike: Strike | None = None, **options: object) -> None:
        super().__init__(simulator, **options)
        self.way._strike = strike

    def beside(self, strike: Strike | None = None, **options: object) -> Target:
        """Another connector to the same org."""
        return Target(self.simulator, strike, **options)

    def write(self, *changes: Change, name: str = "Account") -> dict[str, Outcome]:
        told = self.connector.write(Batch(name, changes))
        assert len(told) == len(changes)
        return {each.our_key: each for each in told}

    def one(self, change: Change, name: str = "Account") -> Outcome:
        return self.write(change, name=name)[change.our_key]

    def made(self, number: int = 1, **cells: Cell) -> str:
        told = self.one(account(number, **cells))
        assert told.state is ACKED, told
        return str(told.target_key)

    def row(self, key: str, name: str = "Account") -> dict[str, Any]:
        return next(each for each in self.simulator.rows(name) if each["Id"] == key)

    def bodies(self) -> list[dict[str, Any]]:
        """Of the calls that write records."""
        sent = [each for each in self.way.sent if each.path_url.startswith(COLLECTION)]
        return [json.loads(each.body) if each.body else {} for each in sent]


def account(number: int, /, **cells: Cell) -> Change:
    return Change(ChangeKind.CREATE, f"old:acc:{number}", None, {"Name": f"客户{number}", **cells})


def changed(key: str, /, number: int = 1, **cells: Cell) -> Change:
    return Change(ChangeKind.UPDATE, f"old:acc:{number}", key, cells)


@pytest.fixture(scope="module")
def shared() -> Iterator[Simulator]:
    made = simulator(None, key_field=KEY_FIELD)
    yield made
    made.close()


@pytest.fixture
def org(shared: Simulator) -> Target:
    emptied(shared)
    return Target(shared)


def answering(status: int, document: object) -> Strike:
    """In place of what the org would say to a call that writes."""

    def strike(path: str, act: Any) -> Answered:
        return (status, {}, json.dumps(document).encode()) if path == COLLECTION else act()

    return strike


def test_a_create_says_what_there_is_and_an_update_what_has_changed(org: Target) -> None:
    key = org.made(
        AnnualRevenue=Decimal("12345678901234.50"),
        NumberOfEmployees=7,
        Description="两行\n文字",
        Fax=None,
        Rating=None,
    )
    org.one(changed(key, Phone="+86 10", Fax=None))
    created, updated = (each["records"][0] for each in org.bodies())
    assert created == {
        "attributes": {"type": "Account"},
        KEY_FIELD: "old:acc:1",
        "Name": "客户1",
        "AnnualRevenue": 12345678901234.50,
        "NumberOfEmployees": 7,
        "Description": "两行\n文字",
    }
    assert b'"AnnualRevenue":12345678901234.5,' in org.way.sent[-2].body
    assert updated == {"attributes": {"type": "Account"}, "id": key, "Phone": "+86 10", "Fax": None}
    headers = org.way.sent[-1].headers
    assert headers["Sforce-Auto-Assign"] == "FALSE"
    assert headers["Sforce-Duplicate-Rule-Header"] == "allowSave=true"


def test_a_default_of_the_org_is_not_put_where_the_source_is_empty(org: Target) -> None:
    empty = org.one(Change(ChangeKind.CREATE, "k", None, {"Subject": "x", "Priority": None, "OwnerId": None}), "Case")
    plain = org.one(Change(ChangeKind.CREATE, "l", None, {"Subject": "x"}), "Case")
    told = [org.row(str(each.target_key), "Case") for each in (empty, plain)]
    assert [each["Priority"] for each in told] == [None, "Medium"]
    assert told[0]["OwnerId"] == told[1]["OwnerId"] == org.connector.acting_user()


def test_owners_and_duplicates_are_the_project_s_to_say(org: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    other = next(str(each["Username"]) for each in org.simulator.rows("User")[1:] if each["IsActive"])
    monkeypatch.setattr(org.simulator.org, "rules", Rules({"Account": other}, {"Account": ("Name",)}, {}))
    first = org.made()
    assert org.row(first)["OwnerId"] == org.connector.acting_user()
    twin = Change(ChangeKind.CREATE, "another", None, {"Name": "客户1"})
    refusing = org.beside(duplicates="refuse", assignment=True)
    told, again = refusing.one(twin), refusing.one(account(1))
    assert (told.state, told.code) == (REJECTED, "target.duplicate")
    assert (again.state, again.target_key) == (OutcomeState.EXISTS, first), "it is our own record that it is like"
    assert org.row(refusing.made(2))["OwnerId"] != org.connector.acting_user()
    assert org.one(twin).state is ACKED


def test_the_audit_fields_are_written_where_the_org_lets_us(shared: Simulator) -> None:
    long_ago = dt.datetime(2016, 5, 6, 7, 8, 9, tzinfo=dt.UTC)
    org = Target(simulator(None, key_field=KEY_FIELD, audit_fields="yes"))
    schema = org.connector.describe().objects["Account"]
    told = {name: schema.field(name) for name in ("CreatedDate", "LastModifiedById", "Phone")}
    assert {name: each and (each.writable, each.changeable) for name, each in told.items()} == {
        "CreatedDate": (True, False),
        "LastModifiedById": (True, False),
        "Phone": (True, True),
    }
    key = org.made(CreatedDate=long_ago, LastModifiedDate=long_ago)
    assert org.row(key)["CreatedDate"] == "2016-05-06T07:08:09.000"
    refused = org.one(changed(key, CreatedDate=long_ago, Phone="1"))
    assert (refused.state, refused.code, refused.field) == (REJECTED, "target.refused", "CreatedDate")
    assert org.row(key)["Phone"] is None
    plain = Target(shared)
    assert not plain.connector.describe().objects["Account"].field("CreatedDate").writable  # type: ignore[union-attr]


def test_each_refusal_is_told_by_its_cause(org: Target) -> None:
    gone = org.made(9)
    org.one(Change(ChangeKind.DELETE, "old:acc:9", gone))
    cases: dict[str, tuple[str, dict[str, Cell]]] = {
        "target.required": ("Name", {"Name": None}),
        "target.too_long": ("Name", {"Name": "x" * 256}),
        "target.reference": ("ParentId", {"ParentId": gone}),
        "target.out_of_range": ("NumberOfEmployees", {"NumberOfEmployees": 2**40}),
    }
    changes = [account(place, **cells) for place, (_, cells) in enumerate(cases.values(), 20)]
    told = org.write(account(1), *changes, account(2))
    assert [(each.state, each.code, each.field) for each in told.values()] == [
        (ACKED, None, None),
        *((REJECTED, code, field) for code, (field, _) in cases.items()),
        (ACKED, None, None),
    ]
    assert all("REQUIRED" in str(each.detail) for each in told.values() if each.code == "target.required")
    for act in (changed(gone, 9, Phone="1"), Change(ChangeKind.DELETE, "old:acc:9", gone)):
        assert (org.one(act).state, org.one(act).code) == (REJECTED, "target.gone")
    mail = Change(ChangeKind.CREATE, "c", None, {"LastName": "王", "Email": "no mail"})
    assert org.one(mail, "Contact").code == "target.type"


def test_a_call_that_is_refused_whole_is_told_so_that_it_is_halved(org: Target) -> None:
    """The org reads the records of a call together: one that is no number spoils it for all."""
    told = org.beside(answering(400, [{"errorCode": "JSON_PARSER_ERROR", "message": "x"}]))
    outcomes = told.write(account(1), account(2))
    assert {(each.state, each.code) for each in outcomes.values()} == {(NOT_SENT, CONTAGION)}
    alone = told.one(account(1))
    assert (alone.state, alone.code) == (REJECTED, "target.type")


LIMIT = {
    "statusCode": "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
    "message": "OnAccount: System.LimitException: Apex CPU time limit exceeded",
    "fields": [],
}


@pytest.mark.parametrize(
    ("error", "state", "code"),
    [
        ({"statusCode": "UNABLE_TO_LOCK_ROW", "message": "x", "fields": []}, NOT_SENT, "target.locked"),
        (
            {"statusCode": "STORAGE_LIMIT_EXCEEDED", "message": "x", "fields": []},
            OutcomeState.FATAL,
            "target.disk_full",
        ),
        (LIMIT, NOT_SENT, CONTAGION),
        ({"statusCode": "SOMETHING_NEW", "message": "a &lt; b", "fields": []}, REJECTED, "target.refused"),
    ],
)
def test_what_was_not_done_may_go_again(org: Target, error: dict[str, object], state: OutcomeState, code: str) -> None:
    told = org.beside(answering(200, [{"success": False, "errors": [error]}])).one(account(1))
    assert (told.state, told.code) == (state, code)
    assert "&lt;" not in str(told.detail)


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        (Fault(COLLECTION, FaultKind.LOST, every=1, after=True), UNKNOWN),
        (Fault(COLLECTION, FaultKind.LOST, every=1), UNKNOWN),
        (Fault(COLLECTION, FaultKind.CUT, every=1), UNKNOWN),
        (Fault(COLLECTION, FaultKind.UNAVAILABLE, every=1, after=True), UNKNOWN),
        (Fault(COLLECTION, FaultKind.EDGE, every=1, after=True), UNKNOWN),
        (Fault(COLLECTION, FaultKind.HTML, every=1, after=True), UNKNOWN),
        (Fault(COLLECTION, FaultKind.CONCURRENT, every=1), OutcomeState.THROTTLED),
        (Fault(COLLECTION, FaultKind.DAILY, every=1), OutcomeState.THROTTLED),
        (Fault(COLLECTION, FaultKind.EXPIRED, frozenset({1})), ACKED),
        (Fault(COLLECTION, FaultKind.EXPIRED, every=1), OutcomeState.EXPIRED),
    ],
    ids=lambda each: each.kind.value + "_after" * each.after if isinstance(each, Fault) else "",
)
def test_what_a_call_came_to(org: Target, fault: Fault[FaultKind], state: OutcomeState) -> None:
    """And nothing that was done is told not to be; what was not done stands in no other call of the batch either."""
    org.connector.lacking("Account")
    key = str(org.accounts(1)[0])
    org.simulator.faults = Faults([fault])
    told = org.write(account(1), changed(key, 2, Phone="1"))
    assert told["old:acc:1"].state is state
    assert told["old:acc:2"].state in ({state} if state is not UNKNOWN else {NOT_SENT})
    there = org.simulator.count("Account") - 1
    assert there == {UNKNOWN: int(fault.after or fault.kind is FaultKind.CUT), ACKED: 1}.get(state, 0)
    if fault.kind is FaultKind.DAILY:
        assert told["old:acc:1"].retry_after == 3600.0
    if state is UNKNOWN and there:
        assert org.connector.find("Account", (OUR_KEY,), [("old:acc:1",)], []).our_keys == ["old:acc:1"]


def test_an_answer_that_is_not_of_these_records_tells_nothing(org: Target) -> None:
    key, other = "0015j00000000001AA", "0015j00000000002AA"
    for document in ([], [{"id": other, "success": True, "errors": []}], {"success": True}, [7], None, 7):
        assert org.beside(answering(200, document)).one(changed(key, Phone="1")).state is UNKNOWN, document


def test_what_never_left_is_raised(org: Target) -> None:
    def refused(path: str, act: Any) -> Answered:
        if path == COLLECTION:
            raise requests.ConnectionError(NewConnectionError(None, "refused"))  # type: ignore[arg-type]
        return act()

    with pytest.raises(UnavailableError) as raised:
        org.beside(refused).one(account(1))
    assert raised.value.code == "salesforce.unreachable"


def test_large_records_go_in_calls_of_their_own(org: Target) -> None:
    wide = [
        Change(ChangeKind.CREATE, f"w{number}", None, {"LastName": "王", "Description": "长" * 32_000})
        for number in range(100)
    ]
    assert {each.state for each in org.connector.write(Batch("Contact", tuple(wide)))} == {ACKED}
    sizes = [len(each.body) for each in org.way.sent if each.path_url == COLLECTION]
    assert len(sizes) == 2
    assert max(sizes) < LARGEST


def test_the_same_record_twice_in_a_batch(org: Target) -> None:
    """Two keys of ours never are one record's, but an undo of several does not know that: the org refuses the call."""
    key = org.made()
    told = org.write(changed(key, 1, Phone="1"), changed(key, 2, Fax="2"))
    assert {each.state for each in told.values()} == {ACKED}
    assert (org.row(key)["Phone"], org.row(key)["Fax"]) == ("1", "2")


def test_a_key_with_blanks_around_it_is_another_one(org: Target) -> None:
    keys = ["a", "a ", " a", "a|", "|a", "|", "||", "A", "a\u3000"]
    changes = [Change(ChangeKind.CREATE, each, None, {"Name": repr(each)}) for each in keys]
    made = {key: str(each.target_key) for key, each in org.write(*changes).items()}
    assert len(set(made.values())) == len(keys)
    assert dict(pair for some in org.connector.our_keys("Account") for pair in some) == made
    for key, there in made.items():
        assert org.connector.find("Account", (OUR_KEY,), [(key,)], []).keys == [there], key


def test_what_lies_in_the_bin_has_no_key_of_ours(org: Target) -> None:
    org = org.beside(deleted="read")
    key = org.made()
    org.one(Change(ChangeKind.DELETE, "old:acc:1", key))
    assert org.connector.find("Account", (OUR_KEY,), [("old:acc:1",)], []).keys == []
    assert list(org.connector.our_keys("Account")) in ([], [[]])
    assert org.connector.find("Account", (KEY,), [(key,)], []).keys == [key], "read as the project says"
    assert org.made() != key


def test_what_the_administrator_has_not_made_is_told() -> None:
    settings = {"hidden_fields": f"Account.{KEY_FIELD}", "read_only_objects": "Contact"}
    org = Target(simulator(None, key_field=KEY_FIELD, **settings))
    connector = org.connector
    assert [each.code for each in connector.lacking("Account")] == ["salesforce.our_key"]
    assert [each.code for each in connector.lacking("Contact")] == ["salesforce.not_written"]
    assert connector.lacking("Lead") == ()
    with pytest.raises(InputError) as raised:
        org.one(account(1))
    assert raised.value.code == "salesforce.our_key"
    assert not [each for each in org.paths() if each.startswith("/composite")]
    [found] = org.beside(key_field="AccountNumber").connector.lacking("Account")
    assert (found.code, found.params["field"], found.object) == ("salesforce.our_key_unfit", "AccountNumber", "Account")


def test_calls_are_foretold(org: Target) -> None:
    allowance = org.connector.capabilities.allowance
    for action in (Action.WRITE, Action.DELETE):
        [need] = allowance.needs_of("Account", action)
        assert (need.interface, need.calls_for(401)) == ("writing", 3)
    org.made()
    assert org.paths()[-2:] == ["/sobjects/Account/describe", "/composite/sobjects"]


def test_the_connector_s_own_field_is_not_the_mapping_s(org: Target) -> None:
    field = org.connector.describe().objects["Account"].field(KEY_FIELD)
    assert field is not None
    assert not field.writable
    told = org.one(account(1, **{KEY_FIELD: "x"}))
    assert (told.state, told.field) == (REJECTED, KEY_FIELD)


def test_a_caller_s_edit_is_seen(org: Target) -> None:
    key = org.made()
    caller = Caller(org.simulator)
    caller.call("PATCH", f"sobjects/Account/{key}", {"Phone": " 010 "})
    assert org.row(key)["Phone"] == "010"
    assert org.connector.describe().objects["Account"].field("Phone").trimmed  # type: ignore[union-attr]


def test_a_batch_that_is_too_large_is_the_caller_s_mistake(org: Target) -> None:
    with pytest.raises(ValueError, match="201 changes"):
        org.write(*(account(number) for number in range(201)))
    with pytest.raises(ChangeoverError):
        org.one(account(1, Nothing="x"))
