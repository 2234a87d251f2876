"""Many rows in one call by the tenant's own function: what each answer, each half of one and each silence means."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import cast

import pytest
from changeover.connectors.change import Change, ChangeKind, OutcomeState
from changeover.connectors.errors import UnavailableError
from changeover.connectors.finding import Severity
from changeover.connectors.fxiaoke.transport import Answered, NoAnswerError, NotSentError
from changeover.connectors.pace import Action, Need, Rate

from .fxiaoke_kit import Body
from .fxiaoke_tenant import Tenant, account, at, envelope

FUNCTION = "/cgi/crm/v2/special/function"
A, R, U, N = OutcomeState.ACKED, OutcomeState.REJECTED, OutcomeState.UNKNOWN, OutcomeState.NOT_SENT
Rows = list[Body]


def by_function(settings: dict[str, str] | None = None, **options: object) -> Tenant:
    told: dict[str, object] = {"bulk": "changeover_bulk__c", **options}
    tenant = Tenant({"bulk_function": "on", **(settings or {})}, **told)
    tenant.connector.describe()
    tenant.way.sent.clear()
    return tenant


def requests(tenant: Tenant) -> list[Body]:
    told = (cast(Body, body["data"])["parameters"] for body in tenant.way.bodies("/function"))
    return [cast(Body, cast(Rows, each)[0]["value"]) for each in told]


def changed(change: Callable[[Rows], Rows]) -> Callable[[str, Callable[[], Answered]], Answered]:
    """The function's results with something done to them."""

    def strike(path: str, act: Callable[[], Answered]) -> Answered:
        status, headers, body = act()
        told = json.loads(body)
        if path == FUNCTION:
            result = told["data"]["functionResult"]
            result["results"] = change(result["results"])
        return status, headers, json.dumps(told).encode()

    return strike


def test_many_rows_take_one_call_and_each_is_told_by_its_key() -> None:
    tenant = by_function(bulk_rows=50)
    able = tenant.connector.capabilities
    assert (able.batch_size, able.details, able.server_maximum) == (50, 0, dt.timedelta(minutes=5))
    assert able.allowance.needs[Action.WRITE] == (Need(FUNCTION, 50),)
    assert Rate(100, 60.0) in able.allowance.of(FUNCTION).rates
    made = dt.datetime(2015, 3, 1, tzinfo=dt.UTC)
    bad = [account(1, tel="1" * 300), account(2, created_by="9999"), account(3, name=None)]
    outcomes = tenant.write(*bad, *(account(number, create_time=made, owner="1001") for number in range(10, 40)))
    told = {each.our_key: each for each in outcomes}
    assert [(told[key].state, told[key].code) for key in ("k1", "k2", "k3")] == [
        (R, "target.too_long"),
        (R, "target.reference"),
        (R, "target.required"),
    ]
    rows = {row["legacy_key__c"]: row for row in tenant.simulator.rows("AccountObj")}
    assert {key: row["_id"] for key, row in rows.items()} == {
        key: each.target_key for key, each in told.items() if each.state is A
    }
    assert len(rows) == 30
    assert {(row["owner"], row["create_time"], row["life_status"]) for row in rows.values()} == {
        ('["1001"]', 1_425_168_000_000, "normal")
    }
    again = tenant.write(*(account(number) for number in range(10, 41)))
    assert [each.state for each in again].count(OutcomeState.EXISTS) == 30
    assert {each.our_key: each.target_key for each in again if each.state is not A} == {
        key: row["_id"] for key, row in rows.items()
    }
    assert [path for path, _ in tenant.way.sent] == [FUNCTION, FUNCTION, "/cgi/crm/v2/data/query"]


def test_updates_go_together_and_what_takes_calls_of_its_own_goes_alone() -> None:
    tenant = by_function()
    made = tenant.accounts(1, 2, 3, 4)
    keys = [each.target_key for each in made]
    tenant.way.sent.clear()
    updates = [
        Change(ChangeKind.UPDATE, f"k{place}", key, {"tel": str(place)}) for place, key in enumerate(keys[:2], 1)
    ]
    given = Change(ChangeKind.UPDATE, "k3", keys[2], {"owner": "1002", "tel": "3"})
    gone = Change(ChangeKind.UPDATE, "k9", "f" * 24, {"tel": "9"})
    outcomes = {
        each.our_key: each for each in tenant.write(given, *updates, gone, Change(ChangeKind.DELETE, "k4", keys[3]))
    }
    assert {key: each.state for key, each in outcomes.items()} == {"k1": A, "k2": A, "k3": A, "k4": A, "k9": R}
    assert outcomes["k9"].code == "target.gone"
    assert [(row["tel"], row["owner"]) for row in tenant.simulator.rows("AccountObj")] == [
        ("1", '["1000"]'),
        ("2", '["1000"]'),
        ("3", '["1002"]'),
    ]
    [request] = requests(tenant)
    assert request["rows"] == [
        {"tel": "1", "_id": keys[0]},
        {"tel": "2", "_id": keys[1]},
        {"tel": "9", "_id": "f" * 24},
    ]


HALVES: list[Callable[[Rows], Rows]] = [
    lambda rows: rows[:1],
    lambda rows: [rows[0], {**rows[1], "key": "another"}, {"key": rows[2]["key"]}],
    lambda rows: [rows[0], *rows[1:], *rows[1:]],
    lambda rows: [rows[0], *({"key": each["key"], "success": False, "message": "执行超时"} for each in rows[1:])],
    lambda rows: [rows[0], *({**each, "success": False, "code": -1, "message": "x"} for each in rows[1:])],
]


@pytest.mark.parametrize("half", HALVES)
def test_what_the_answer_does_not_tell_is_unknown(half: Callable[[Rows], Rows]) -> None:
    tenant = by_function()
    tenant.way.strike = changed(half)
    first, *rest = tenant.accounts(1, 2, 3)
    assert (first.our_key, first.state) == ("k1", A)
    assert [(each.state, each.code, each.target_key) for each in rest] == [(U, "target.no_answer", None)] * 2
    tenant.way.strike = None
    assert {each.state for each in tenant.accounts(1, 2, 3)} == {OutcomeState.EXISTS}, "nothing twice"
    assert len(tenant.names()) == 3


def test_a_key_that_is_not_told_is_looked_for() -> None:
    tenant = by_function()
    tenant.way.strike = changed(lambda rows: [{**each, "id": None} for each in reversed(rows)])
    outcomes = tenant.accounts(1, 2)
    assert {each.our_key: each.target_key for each in outcomes} == {
        str(row["legacy_key__c"]): row["_id"] for row in tenant.simulator.rows("AccountObj")
    }


WHOLE: list[tuple[object, OutcomeState, bool]] = [
    ([NoAnswerError("ReadTimeout")], U, True),
    (envelope(32000, "函数执行超时"), U, False),
    (envelope(-2), U, False),
    (envelope(14001), OutcomeState.THROTTLED, False),
    (envelope(15003), OutcomeState.FATAL, False),
]


@pytest.mark.parametrize(("answer", "state", "done"), WHOLE)
def test_a_call_that_comes_to_nothing_is_told_of_every_row(answer: object, state: OutcomeState, done: bool) -> None:
    tenant = by_function()
    tenant.way.strike = at(FUNCTION, answer)
    gone = Change(ChangeKind.DELETE, "k9", "f" * 24)
    outcomes = tenant.write(account(1), account(2), gone)
    assert [each.state for each in outcomes[:2]] == [state] * 2
    assert outcomes[2].state is (R if state is U else state), "what goes alone goes on where nobody was turned away"
    assert {each.state for each in tenant.accounts(1, 2)} == {OutcomeState.EXISTS if done else A}


def test_what_never_left_is_raised_or_not_sent() -> None:
    tenant = by_function(bulk_rows=2)
    tenant.way.strike = at(FUNCTION, NotSentError("refused"), None)
    with pytest.raises(UnavailableError):
        tenant.accounts(1, 2)
    tenant.way.strike = at("/cgi/crm/v2/data/invalid", NotSentError("refused"))
    outcomes = tenant.write(account(1), Change(ChangeKind.DELETE, "k9", "f" * 24))
    assert [(each.our_key, each.state) for each in outcomes] == [("k1", A), ("k9", N)]


def test_without_the_function_each_record_takes_a_call_and_it_is_told() -> None:
    for settings in ({"bulk_function": "off"}, {"bulk_function": "on", "bulk_function_name": "another__c"}):
        tenant = by_function(settings, details=7)
        able = tenant.connector.capabilities
        assert (able.batch_size, able.details, able.server_maximum.total_seconds()) == (20, 7, 120)
        [told] = tenant.connector.lacking("AccountObj")
        assert (told.code, told.severity, told.params["number"]) == ("fxiaoke.bulk_missing", Severity.WARNS, "32000")
        assert {each.state for each in tenant.accounts(1, 2)} == {A}
        assert len(tenant.way.bodies("/create")) == 2
    old = Tenant({"bulk_function": "on"}, bulk="changeover_bulk__c")
    old.way.strike = at(FUNCTION, (200, {}, b'{"errorCode":0,"data":{"function":"changeover_bulk","version":0}}'))
    assert [each.params["number"] for each in old.connector.lacking("AccountObj")] == ["version 0"]
    assert Tenant().connector.lacking("AccountObj") == () == by_function().connector.lacking("AccountObj")


def test_people_go_by_their_numbers_alone() -> None:
    """A function inside the tenant does not know them by FSUID, so such a row goes alone."""
    plain = Tenant()
    user = plain.simulator.tenant.people.by_id["1000"].open_id
    tenant = by_function(sign_in="app_token", user=user)
    other = tenant.simulator.tenant.people.by_id["1001"].open_id
    assert {each.state for each in tenant.write(account(1), account(2, owner=other))} == {A}
    assert [row["owner"] for row in tenant.simulator.rows("AccountObj")] == ['["1000"]', '["1001"]']
    assert (len(requests(tenant)), len(tenant.way.bodies("/create"))) == (1, 1)
