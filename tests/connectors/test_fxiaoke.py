"""The connector to Fxiaoke against the simulator: what it sends, and what it makes of each answer and each silence."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import cast

import pytest
from changeover.connectors.cell import Cell
from changeover.connectors.change import Batch, Change, ChangeKind, Details, Outcome, OutcomeState
from changeover.connectors.clock import VirtualClock
from changeover.connectors.errors import InputError, UnavailableError
from changeover.connectors.finding import Severity
from changeover.connectors.fxiaoke.connector import FxiaokeConnector
from changeover.connectors.fxiaoke.simulator.settings import Settings as SimulatorSettings
from changeover.connectors.fxiaoke.simulator.simulator import Simulator
from changeover.connectors.fxiaoke.transport import Answered, NoAnswerError, NotSentError
from changeover.connectors.pace import Action, Pace
from changeover.connectors.pace.quota import QuotaSpentError
from changeover.connectors.port import KEY, OUR_KEY

from .fxiaoke_kit import NOWHERE, OUR_FIELD, START, Body, InProcess, Strike, connected

CREATE, QUERY = "/cgi/crm/v2/data/create", "/cgi/crm/v2/data/query"
OBJECTS = ["AccountObj", "ContactObj", "NewOpportunityObj"]
U, N = OutcomeState.UNKNOWN, OutcomeState.NOT_SENT


class Tenant:
    """A tenant with an administrator who has made our field, and a connector to it."""

    def __init__(self, settings: dict[str, str] | None = None, strike: Strike | None = None, **options: object) -> None:
        self.clock = VirtualClock(START)
        told = SimulatorSettings.of({"key_field": OUR_FIELD, **(settings or {})})
        self.simulator = Simulator(self.clock, told)
        self.way = InProcess(self.simulator, self.clock, strike)
        self.pace = Pace(self.clock)
        self.connector: FxiaokeConnector = connected(
            self.way, self.clock, pace=self.pace, **{"objects": OBJECTS, **options}
        )

    def write(self, *changes: Change, object_name: str = "AccountObj") -> list[Outcome]:
        return self.connector.write(Batch(object_name, changes))

    def accounts(self, *numbers: int, **cells: Cell) -> list[Outcome]:
        return self.write(*(account(number, **cells) for number in numbers))

    def names(self) -> list[str]:
        return [str(row["name"]) for row in self.simulator.rows("AccountObj")]


def account(number: int, /, **cells: Cell) -> Change:
    return Change(ChangeKind.CREATE, f"k{number}", values={"name": f"客户{number}", **cells})


def envelope(code: int, message: str = "x") -> Answered:
    return 200, {}, json.dumps({"errorCode": code, "errorMessage": message, "traceId": "E-O.x"}).encode()


def at(path: str, *answers: object) -> Strike:
    """What becomes of the calls to a path, one after another: an exception before or (in a list) after it was done, an
    answer in place of the gateway's, or None for the gateway's own."""
    left = list(answers)

    def strike(called: str, act: Callable[[], Answered]) -> Answered:
        told = left.pop(0) if called == path and left else None
        if isinstance(told, Exception):
            raise told
        if isinstance(told, list):
            act()
            raise told[0]
        return cast(Answered, told) if told is not None else act()

    return strike


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


def test_nothing_is_set_off_unless_asked() -> None:
    settings = {"approval": "AccountObj", "workflow": "AccountObj.remark=来自工作流"}
    quiet, loud = Tenant(settings), Tenant(settings, workflows=True, approvals=True)
    for tenant in (quiet, loud):
        tenant.accounts(1)
    assert [(row["life_status"], row["remark"]) for row in quiet.simulator.rows("AccountObj")] == [("normal", None)]
    told = [(row["life_status"], row["remark"]) for row in loud.simulator.rows("AccountObj")]
    assert told == [("ineffective", "来自工作流")]


def test_who_made_it_and_when_is_kept_where_it_is_mapped() -> None:
    tenant = Tenant()
    made = dt.datetime(2015, 3, 1, 9, 30, tzinfo=dt.UTC)
    tenant.write(account(1, create_time=made, created_by="1001"), account(2))
    flags = [(body["hasSpecifyTime"], body["hasSpecifyCreatedBy"]) for body in tenant.way.bodies("/create")]
    assert flags == [(True, True), (False, False)]
    chunk = tenant.connector.find("AccountObj", (OUR_KEY,), [("k1",)], ["create_time", "created_by"])
    assert chunk.frame.iloc[0].to_dict() == {"create_time": made, "created_by": "1001"}
    late = Change(ChangeKind.UPDATE, "k1", chunk.keys[0], {"create_time": made})
    [refused] = tenant.write(late)
    assert (refused.state, refused.field) == (OutcomeState.REJECTED, "create_time")
    with pytest.raises(InputError):
        Tenant(preserve=False).connector.find("AccountObj", (KEY,), [], ["nowhere"])


def test_a_write_has_the_shape_that_the_gateway_takes() -> None:
    tenant = Tenant(functions=False, duplicate_rules=False)
    [made] = tenant.accounts(1, tel=None)
    tenant.write(Change(ChangeKind.UPDATE, "k1", made.target_key, {"tel": None, "fax": "1"}))
    [create], [update] = tenant.way.bodies("/create"), tenant.way.bodies("/update")
    assert create["data"] == {
        "object_data": {"dataObjectApiName": "AccountObj", "name": "客户1", OUR_FIELD: "k1"},
        "optionInfo": {"isDuplicateSearch": False, "useValidationRule": True, "skipFuncValidate": True},
    }
    changed = {"dataObjectApiName": "AccountObj", "_id": made.target_key, "tel": None, "fax": "1"}
    assert update["data"] == {"object_data": changed}, "what changed, and nothing else"


OWNER = "/cgi/crm/v2/data/changeOwner"


def test_an_owner_is_changed_by_a_call_of_its_own() -> None:
    tenant = Tenant()
    [made] = tenant.accounts(1, owner="1001")

    def update(**cells: Cell) -> Outcome:
        return tenant.write(Change(ChangeKind.UPDATE, "k1", made.target_key, cells))[0]

    assert update(owner="1002").state is OutcomeState.ACKED
    assert tenant.way.bodies("/update") == [], "nothing else was to be done"
    assert update(owner="1003", tel="1").state is OutcomeState.ACKED
    [row] = tenant.simulator.rows("AccountObj")
    assert (row["owner"], row["tel"]) == ('["1003"]', "1")
    refused = update(owner="9999")
    assert (refused.state, refused.code) == (OutcomeState.REJECTED, "target.reference")
    half = update(owner="9999", tel="2")
    assert (half.state, half.code) == (U, "target.half_done"), "the fields are written"
    tenant.way.strike = at(OWNER, NotSentError("refused"), NotSentError("refused"))
    assert update(owner="1002", tel="3").code == "target.half_done"
    with pytest.raises(UnavailableError):
        update(owner="1002")


def test_what_nobody_owns_goes_into_the_pool_that_is_named() -> None:
    tenant = Tenant(pools={"AccountObj": "华东公海"})
    tenant.write(account(1), account(2, owner="1002"))
    told = {row["name"]: (row["owner"], row["high_seas_id"]) for row in tenant.simulator.rows("AccountObj")}
    assert told == {"客户1": (None, "64a000000000000000000001"), "客户2": ('["1002"]', None)}
    nowhere = Tenant(pools={"AccountObj": "华北公海"})
    assert [each.code for each in nowhere.connector.lacking("AccountObj")] == ["fxiaoke.no_pool"]
    with pytest.raises(InputError):
        nowhere.accounts(1)
    assert nowhere.connector.lacking("ContactObj") == ()
    plain = Tenant()
    [made] = plain.accounts(1)
    assert plain.simulator.rows("AccountObj")[0]["owner"] == '["1000"]', "else it is the acting employee's"
    [left] = plain.write(Change(ChangeKind.UPDATE, "k1", made.target_key, {"owner": None}))
    assert (left.state, left.field) == (OutcomeState.REJECTED, "owner")


def test_a_delete_goes_through_the_bin() -> None:
    tenant = Tenant()
    made = tenant.accounts(1, 2, 3)

    def delete(number: int) -> Outcome:
        return tenant.write(Change(ChangeKind.DELETE, f"k{number}", made[number - 1].target_key))[0]

    assert delete(1).state is OutcomeState.ACKED
    assert (delete(1).state, delete(1).code) == (OutcomeState.REJECTED, "target.gone")
    tenant.way.strike = at("/cgi/crm/v2/data/delete", NoAnswerError("x"))
    assert delete(2).state is U
    assert delete(2).state is OutcomeState.ACKED, "it was in the bin already"
    assert tenant.names() == ["客户3"]


def test_details_go_into_the_create_of_their_master() -> None:
    tenant = Tenant(objects=["SalesOrderObj", "SalesOrderProductObj"])
    made = dt.datetime(2015, 3, 1, tzinfo=dt.UTC)
    lines = tuple(
        Change(ChangeKind.CREATE, f"l{number}", values={"quantity": number, "create_time": made}) for number in (1, 2)
    )
    order = Change(ChangeKind.CREATE, "o1", values={}, details=(Details("SalesOrderProductObj", "order_id", lines),))
    [outcome] = tenant.write(order, object_name="SalesOrderObj")
    assert outcome.state is OutcomeState.ACKED, "of the details nobody knows yet"
    [body] = tenant.way.bodies("/create")
    assert body["hasSpecifyTime"] is True
    found = tenant.connector.find("SalesOrderProductObj", (OUR_KEY,), [("l1",), ("l2",)], ["order_id", "quantity"])
    assert sorted(zip(map(str, found.our_keys), found.frame["order_id"], found.frame["quantity"], strict=True)) == [
        ("l1", outcome.target_key, "1"),
        ("l2", outcome.target_key, "2"),
    ]


def test_a_missing_field_for_our_key_is_told_with_what_to_do() -> None:
    tenant = Tenant({"key_field": ""})
    [told] = tenant.connector.lacking("AccountObj")
    assert (told.code, told.severity) == ("fxiaoke.our_key", Severity.BLOCKS)
    assert (told.params["label"], told.params["field"]) == ("客户", OUR_FIELD)
    with pytest.raises(InputError):
        tenant.accounts(1)
    assert Tenant(our_key="account_no").connector.lacking("AccountObj")[0].code == "fxiaoke.our_key_twice"
    assert Tenant().connector.lacking("AccountObj") == ()


def test_pages_go_on_behind_the_last_key() -> None:
    tenant = Tenant(page=7)
    for start in range(0, 40, 20):
        tenant.accounts(*range(start, start + 20))
    chunks = list(tenant.connector.read("AccountObj", ["name"], size=10))
    assert [len(chunk) for chunk in chunks] == [10] * 4
    assert len({key for chunk in chunks for key in chunk.keys}) == 40
    infos = [cast(Body, cast(Body, body["data"])["search_query_info"]) for body in tenant.way.bodies("/query")]
    assert {info["offset"] for info in infos} == {0}
    assert all(cast(Body, body["data"])["find_explicit_total_num"] is True for body in tenant.way.bodies("/query"))
    assert tenant.connector.count("AccountObj") == 40


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
    connector = Tenant().connector
    assert [need.interface for need in connector.capabilities.allowance.needs[Action.WRITE]] == [CREATE]
    assert connector.now() == START or connector.now().tzinfo is not None
    assert connector.record_url("AccountObj", NOWHERE) is None
    linked = Tenant(record_url="https://fx.example.cn/{object}/{key}").connector
    assert linked.record_url("AccountObj", "64a0") == "https://fx.example.cn/AccountObj/64a0"
