"""Both ways in, and how many calls there may be."""

from __future__ import annotations

import pytest
from changeover.connectors.clock import VirtualClock
from changeover.connectors.errors import InputError
from changeover.connectors.fxiaoke.simulator import Settings
from changeover.connectors.fxiaoke.simulator.answers import RefusedError
from changeover.connectors.fxiaoke.simulator.limits import PACK, Limits

from .callers import CREDENTIALS, START, Caller, simulator

SIGN_IN = "/cgi/corpAccessToken/get/V2"
MOBILE = "/cgi/user/getByMobile"


def test_a_token_is_given_out_again_until_it_is_nearly_over_and_both_are_good_then() -> None:
    caller = Caller(simulator())
    first = dict(caller.body)
    caller.clock.sleep(6599)
    assert caller.sign_in()["corpAccessToken"] == first["corpAccessToken"]
    caller.clock.sleep(1)
    second = caller.sign_in()
    assert second["corpAccessToken"] != first["corpAccessToken"]
    assert caller.raw(MOBILE, {**first, "mobile": "1"})["errorCode"] == 0
    caller.clock.sleep(600)
    late = caller.raw(MOBILE, {**first, "mobile": "1"})
    assert (late["errorCode"], late["errorMessage"]) == (20016, "the cropId,cropAccessToken or authorization is error")
    assert caller.post(MOBILE, mobile="1")["errorCode"] == 0


def test_what_is_left_of_a_token_is_told_in_the_new_way_and_in_the_old_one_as_set() -> None:
    for settings, left in (({}, 7200), ({"legacy_expires_in": "left"}, 7100)):
        caller = Caller(simulator(**settings))
        assert caller.clock.sleep(100) is None
        assert caller.sign_in()["expiresIn"] == left
    new = Caller(simulator(), new=True)
    new.clock.sleep(116)
    assert new.sign_in() | {"traceId": ""} == {
        "errorCode": 0,
        "errorMessage": "success",
        "errorDescription": "成功",
        "accessToken": new.headers["Authorization"].removeprefix("Bearer "),
        "expiresIn": 7084,
        "ea": "simulator",
        "appId": "FSAID_simulator",
        "openUserId": new.simulator.sign_in.corp_id,
        "traceId": "",
    }


def test_a_token_endpoint_takes_ten_calls_a_minute() -> None:
    caller = Caller(simulator())
    for _ in range(9):
        caller.sign_in()
    assert caller.raw(SIGN_IN, CREDENTIALS)["errorCode"] == 30004
    caller.clock.sleep(60)
    assert caller.raw(SIGN_IN, CREDENTIALS)["errorCode"] == 0


def test_who_is_not_let_in_is_told_so_in_the_gateways_own_words() -> None:
    caller, new = Caller(simulator()), Caller(simulator(), new=True)
    wrong = caller.raw(SIGN_IN, {**CREDENTIALS, "appSecret": "other"})
    assert (wrong["errorCode"], wrong["errorMessage"]) == (10006, "the parameter appSecret is missing or illegal")
    assert wrong["errorDescription"] == "缺少参数或参数不合法"
    assert caller.raw(SIGN_IN, {**CREDENTIALS, "permanentCode": "other"})["errorCode"] == 20015
    assert caller.raw(SIGN_IN, {**CREDENTIALS, "appId": "other"})["errorCode"] == 20006
    assert caller.raw("/oauth2.0/token", CREDENTIALS)["errorCode"] == 10006
    without = caller.raw("/cgi/crm/v2/data/query", {})
    assert (without["errorCode"], without["errorMessage"]) == (20017, "corpAccessToken为必填项，不能为空")
    for call in ({**caller.body, "corpAccessToken": "x"}, {**caller.body, "corpId": "x"}):
        assert caller.raw("/cgi/crm/v2/data/query", call)["errorCode"] == 20016
    for headers in ({**new.headers, "Authorization": "Bearer x"}, {**new.headers, "x-fs-ea": "x"}):
        assert new.raw("/cgi/crm/v2/data/query", {}, headers)["errorCode"] == 20016
    nowhere = caller.post("/cgi/crm/v2/data/add")
    said = "the request uri=[/cgi/crm/v2/data/add], apiName=[null] is not exists"
    assert (nowhere["errorCode"], nowhere["errorMessage"]) == (10006, said)
    status, _, _ = caller.simulator.answer("GET", "/cgi/crm/v2/data/query", {}, b"")
    assert status == 200, "an error, but never by its status"


def test_people_go_by_one_name_in_each_way_and_the_two_do_not_mix() -> None:
    old, new = Caller(simulator()), Caller(simulator(), new=True)
    ours = old.create("AccountObj", {"name": "甲", "owner": [old.open_id("1001")]})
    theirs = new.create("AccountObj", {"name": "甲", "owner": ["1001"]})
    assert old.get("AccountObj", ours)["owner"] == [old.open_id("1001")]
    assert new.get("AccountObj", theirs)["owner"] == ["1001"]
    assert new.get("AccountObj", theirs, convertUserId=True)["owner"] == [new.open_id("1001")]
    assert old.not_created("AccountObj", {"name": "乙", "owner": ["1001"]}).startswith("20012 ")
    assert new.not_created("AccountObj", {"name": "乙", "owner": [new.open_id("1001")]}).startswith("20012 ")
    assert old.raw("/cgi/crm/v2/object/list", {**old.body, "currentOpenUserId": "x"})["errorCode"] == 20012
    loose = Caller(simulator(mixed_user_ids="accepted"))
    assert loose.create("AccountObj", {"name": "乙", "owner": ["1001"]})
    other = Caller(simulator(unknown_user=30027))
    assert other.not_created("AccountObj", {"name": "乙", "owner": ["FSUID_X"]}).startswith("30027 ")


def test_each_path_takes_a_hundred_calls_in_any_twenty_seconds() -> None:
    caller = Caller(simulator(refused_calls_count="no"))
    for _ in range(50):
        caller.well(MOBILE, mobile="1")
    caller.clock.sleep(15)
    for _ in range(50):
        caller.well(MOBILE, mobile="1")
    assert caller.refused(MOBILE, mobile="1").startswith("30004 ")
    caller.well("/cgi/user/list", departmentId=999999, fetchChild=True)
    caller.clock.sleep(5)
    for _ in range(50):
        caller.well(MOBILE, mobile="1")
    assert caller.refused(MOBILE, mobile="1").startswith("30004 ")
    assert (caller.simulator.calls[MOBILE], caller.simulator.limits.refused[MOBILE]) == (150, 2)


def test_a_refused_call_may_count_too_and_its_code_may_be_the_other_one() -> None:
    caller = Caller(simulator(burst_code=14001, rate_calls=2))
    answers = []
    for seconds in (0, 0, 15, 10):
        caller.clock.sleep(seconds)
        answers.append(caller.post(MOBILE, mobile="1")["errorCode"])
    assert answers == [0, 0, 14001, 0]
    caller.clock.sleep(5)
    assert caller.post(MOBILE, mobile="1")["errorCode"] == 14001, "two of the last 20 seconds, one of them refused"


def test_a_day_has_as_many_calls_as_were_bought_and_ends_at_midnight_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert PACK == 100_000
    monkeypatch.setattr("changeover.connectors.fxiaoke.simulator.limits.PACK", 10)
    clock = VirtualClock(START)
    limits = Limits(Settings(rate_calls=0, packs=1), clock)
    for _ in range(10):
        limits.count("/x")
    with pytest.raises(RefusedError) as spent:
        limits.count("/y")
    assert spent.value.code == 30002
    clock.sleep(15 * 3600 - 1)  # 23:59:59 in Shanghai
    with pytest.raises(RefusedError):
        limits.count("/y")
    clock.sleep(1)
    limits.count("/y")
    assert Caller(simulator(packs=0)).refused(MOBILE, mobile="1").startswith("30003 ")


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"nothing": "1"}, "simulator.setting_unknown"),
        ({"packs": "many"}, "simulator.setting_value"),
        ({"total": "sometimes"}, "simulator.setting_value"),
        ({"zone": "Asia/Nowhere"}, "simulator.setting_value"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(settings: dict[str, str], code: str) -> None:
    with pytest.raises(InputError) as error:
        simulator(**settings)
    assert error.value.code == code


def test_a_trace_id_of_the_callers_is_asked_for_as_set() -> None:
    strict = Caller(simulator(third_trace_id="required"))
    assert "thirdTraceId" in strict.refused("/cgi/crm/v2/object/list")
    assert strict.well("/cgi/crm/v2/object/list?thirdTraceId=1b2c")
