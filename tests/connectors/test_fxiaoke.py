"""The connector to Fxiaoke against the simulator: what it makes of each answer and each silence."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable

import pytest
from changeover.connectors.change import Change, ChangeKind, OutcomeState
from changeover.connectors.errors import InputError, UnavailableError
from changeover.connectors.fxiaoke.transport import Answered, NoAnswerError, NotSentError
from changeover.connectors.pace import Action
from changeover.connectors.pace.quota import QuotaSpentError
from changeover.connectors.port import OUR_KEY

from .fxiaoke_kit import NOWHERE, START
from .fxiaoke_tenant import CREATE, QUERY, Tenant, at, envelope

U, N = OutcomeState.UNKNOWN, OutcomeState.NOT_SENT


SILENCES: list[tuple[object, bool]] = [
    (NoAnswerError("ReadTimeout"), False),
    ([NoAnswerError("ReadTimeout")], True),
    ((502, {}, b"<html>Bad Gateway</html>"), False),
    ((200, {}, b"<html>Sign in</html>"), False),
    ((302, {"Location": "/"}, b""), False),
    ((200, {}, b'{"errorCode":'), False),
    ((200, {}, b"{}"), False),
    (envelope(-1), False),
    (envelope(-2), False),
    (envelope(50009), False),
]


@pytest.mark.parametrize(("silence", "done"), SILENCES)
def test_what_nobody_answered_is_unknown(silence: object, done: bool) -> None:
    tenant = Tenant(strike=at(CREATE, None, silence))
    first, second, third = tenant.accounts(1, 2, 3)
    assert [each.state for each in (first, second, third)] == [OutcomeState.ACKED, U, OutcomeState.ACKED]
    assert (second.code, second.target_key) == ("target.no_answer", None)
    found = tenant.connector.find("AccountObj", (OUR_KEY,), [("k1",), ("k2",), ("k3",)], ["name"])
    assert sorted(map(str, found.our_keys)) == ["k1", *(["k2"] if done else []), "k3"]
    again = tenant.accounts(2)[0]
    assert again.state is (OutcomeState.EXISTS if done else OutcomeState.ACKED)
    assert sorted(tenant.names()) == ["客户1", "客户2", "客户3"], "nothing twice"


def test_two_silences_in_a_row_end_the_batch() -> None:
    tenant = Tenant(strike=at(CREATE, NoAnswerError("x"), NoAnswerError("x")))
    assert [each.state for each in tenant.accounts(1, 2, 3, 4)] == [U, U, N, N]
    assert len(tenant.way.bodies("/create")) == 2


TURNED_AWAY: list[tuple[Answered, OutcomeState, str]] = [
    (envelope(14001), OutcomeState.THROTTLED, "target.throttled"),
    (envelope(30004), OutcomeState.THROTTLED, "target.throttled"),
    (envelope(30002), OutcomeState.THROTTLED, "target.throttled"),
    (envelope(15003), OutcomeState.FATAL, "target.fatal"),
    (envelope(30003), OutcomeState.FATAL, "target.fatal"),
]


@pytest.mark.parametrize(("answer", "state", "code"), TURNED_AWAY)
def test_what_the_gateway_turns_away_is_not_done(answer: Answered, state: OutcomeState, code: str) -> None:
    tenant = Tenant(strike=at(CREATE, None, answer))
    outcomes = tenant.accounts(1, 2, 3)
    assert [(each.state, each.code) for each in outcomes[1:]] == [(state, code)] * 2, "the rest is not tried"
    assert len(tenant.way.bodies("/create")) == 2
    spent = json.loads(answer[2])["errorCode"] == 30002
    until_midnight = dt.timedelta(hours=8).total_seconds() if spent else None
    assert outcomes[1].retry_after == until_midnight, "16:00 in China"
    assert tenant.names() == ["客户1"]


def test_busy_is_throttled_where_the_project_says_so() -> None:
    tenant = Tenant(strike=at(CREATE, envelope(-1)), busy="not_done")
    assert [each.state for each in tenant.accounts(1, 2)] == [OutcomeState.THROTTLED] * 2


@pytest.mark.parametrize("sign_in", ["bearer", "app_token"])
def test_a_session_that_is_over_is_begun_anew(sign_in: str) -> None:
    user = "FSUID_" if sign_in == "app_token" else "1000"
    told = Tenant()
    if sign_in == "app_token":
        user = told.simulator.tenant.people.by_id["1000"].open_id
    tenant = Tenant(strike=at(CREATE, None, envelope(20016), None), sign_in=sign_in, user=user)
    assert [each.state for each in tenant.accounts(1, 2)] == [OutcomeState.ACKED] * 2
    signed_in = [path for path, _ in tenant.way.sent if path.endswith(("/V2", "/token"))]
    assert len(signed_in) == 2
    assert tenant.connector.identity() == Tenant().connector.identity(), "the same tenant by both"
    always = Tenant(strike=at(CREATE, *[envelope(20016)] * 2), sign_in=sign_in, user=user)
    assert [each.state for each in always.accounts(1, 2)] == [OutcomeState.EXPIRED] * 2


def test_wrong_credentials_end_it() -> None:
    tenant = Tenant(app_secret="${FX_CODE}")  # noqa: S106 - a name, and the wrong one
    with pytest.raises(UnavailableError) as caught:
        tenant.connector.identity()
    assert caught.value.code == "fxiaoke.credentials"
    later = Tenant(strike=at("/oauth2.0/token", None, envelope(20006)))
    later.connector.describe()
    later.way.strike = at(CREATE, envelope(20016))
    signing = later.way.strike

    def both(path: str, act: Callable[[], Answered]) -> Answered:
        return envelope(20006) if path == "/oauth2.0/token" else signing(path, act)

    later.way.strike = both
    outcomes = later.accounts(1, 2)
    assert [(each.state, each.code) for each in outcomes] == [(OutcomeState.FATAL, "target.credentials")] * 2


def test_what_never_left_is_raised_or_not_sent() -> None:
    tenant = Tenant(strike=at(CREATE, NotSentError("refused"), None, NotSentError("refused")))
    with pytest.raises(UnavailableError) as caught:
        tenant.accounts(1, 2)
    assert caught.value.code == "fxiaoke.unreachable"
    outcomes = tenant.accounts(1, 2, 3)
    assert [each.state for each in outcomes] == [OutcomeState.ACKED, N, N]
    assert outcomes[1].code == "fxiaoke.unreachable"


def test_a_spent_day_lets_nothing_depart() -> None:
    tenant = Tenant(packs=1)
    tenant.connector.describe()
    spent, daily = tenant.pace.of_today() or (0, 0)
    assert daily == 100_000
    tenant.pace.told(daily - 1)
    assert [each.state for each in tenant.accounts(1, 2)] == [OutcomeState.ACKED, N]
    with pytest.raises(QuotaSpentError):
        tenant.accounts(2)
    assert spent < 10


def test_a_question_is_asked_again_and_a_refusal_is_not() -> None:
    tenant = Tenant(strike=at(QUERY, NoAnswerError("x"), envelope(-1), envelope(30004)))
    assert tenant.connector.count("AccountObj") == 0
    assert len(tenant.way.bodies("/query")) == 4
    refusing = Tenant(strike=at(QUERY, envelope(32000)))
    with pytest.raises(InputError) as caught:
        refusing.connector.count("AccountObj")
    assert (caught.value.code, caught.value.params["number"]) == ("fxiaoke.refused", "32000")
    never = Tenant(strike=at(QUERY, *[NoAnswerError("x")] * 9))
    with pytest.raises(UnavailableError):
        never.connector.count("AccountObj")


def test_the_pace_keeps_each_interface_below_its_limit() -> None:
    limited = Tenant({"rate_calls": "10", "rate_seconds": "2"}, calls=10, seconds=2.0)
    began = limited.clock.monotonic()
    for start in range(0, 60, 20):
        assert {each.state for each in limited.accounts(*range(start, start + 20))} == {OutcomeState.ACKED}
    took = limited.clock.monotonic() - began
    assert 10.0 <= took <= 10.5, "60 calls: 10 at once and then 5 a second"


def test_calls_are_told_by_the_interface_that_they_go_to() -> None:
    tenant = Tenant()
    connector = tenant.connector

    def told() -> list[str]:
        return [need.interface for need in connector.capabilities.allowance.needs_of("AccountObj", Action.WRITE)]

    assert told() == [CREATE]
    [made] = tenant.accounts(1)
    tenant.write(Change(ChangeKind.UPDATE, "k1", made.target_key, {"tel": "1"}))
    assert told() == ["/cgi/crm/v2/data/update"]
    assert connector.now() == START or connector.now().tzinfo is not None
    assert connector.record_url("AccountObj", NOWHERE) is None
    linked = Tenant(record_url="https://fx.example.cn/{object}/{key}").connector
    assert linked.record_url("AccountObj", "64a0") == "https://fx.example.cn/AccountObj/64a0"


def test_who_made_and_changed_a_record_and_when_is_told_by_the_systems_own_fields() -> None:
    told = Tenant().connector.audit_fields("AccountObj")
    assert (told.created_at, told.created_by) == ("create_time", "created_by")
    assert (told.modified_at, told.modified_by) == ("last_modified_time", "last_modified_by")
