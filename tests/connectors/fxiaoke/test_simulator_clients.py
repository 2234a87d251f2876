"""What other clients are known to send, and what they read of the answers. In our own words; none of their code."""

from __future__ import annotations

import json
import re
from typing import Any

from .callers import QUIET, START_MS, Caller, simulator


def test_an_order_system_creates_orders_and_payments_with_their_lines() -> None:
    caller = Caller(simulator())
    account = caller.create("AccountObj", {"name": "甲"})
    product = caller.create("ProductObj", {"name": "体检", "price": "100"})
    line = {"product_id": product, "quantity": "2", "sales_price": "100", "subtotal": "200"}
    order = {
        "object_data": {"dataObjectApiName": "SalesOrderObj", "account_id": account, "order_time": START_MS},
        "details": {"SalesOrderProductObj": [line]},
    }
    order_id = caller.well("create", order, **QUIET)["dataId"]
    payment = {
        "object_data": {"dataObjectApiName": "PaymentObj", "account_id": account, "payment_time": START_MS},
        "details": {"OrderPaymentObj": [{"order_id": order_id, "payment_amount": "200"}]},
    }
    payment_id = caller.well("create", payment, **QUIET)["dataId"]
    part = caller.find("OrderPaymentObj", ("payment_id", "EQ", [payment_id]))[0]
    assert (part["order_id"], part["payment_amount"]) == (order_id, "200.00")


def test_a_nightly_copy_takes_what_changed_in_a_window_page_by_page() -> None:
    caller = Caller(simulator(rate_calls=0))
    for number in range(25):
        caller.create("AccountObj", {"name": str(number)})
        caller.clock.sleep(1)
    window = ("last_modified_time", "BETWEEN", [START_MS + 5000, START_MS + 20_000])
    names: list[str] = []
    offset, total = 0, 1
    while offset < total:
        page = caller.page("AccountObj", window, limit=10, offset=offset, total=True)
        names += [each["name"] for each in page["dataList"]]
        assert page["dataList"][0]["total_num"] == page["total"], "some read the total off the first row"
        offset, total = offset + 10, page["total"]
    assert names == [str(number) for number in range(5, 21)]


def test_people_and_departments_are_read_by_the_path_of_custom_objects() -> None:
    caller = Caller(simulator())
    for name, wanted in (("PersonnelObj", "phone"), ("DepartmentObj", "parent_id")):
        info = {"limit": 100, "offset": 0, "filters": [], "orders": []}
        told = caller.well(
            "/cgi/crm/custom/v2/data/query", {"dataObjectApiName": name, "search_query_info": info}, **QUIET
        )
        assert all(wanted in row for row in told["data"]["dataList"])


def test_flags_that_stand_inside_data_are_not_seen() -> None:
    caller = Caller(simulator(approval="AccountObj"))
    told = {"object_data": {"dataObjectApiName": "AccountObj", "name": "甲"}, "triggerApprovalFlow": False}
    row_id = caller.well("create", told)["dataId"]
    assert caller.get("AccountObj", row_id)["life_status"] == "ineffective"


def test_a_robot_finds_its_user_by_mobile_before_anything_else() -> None:
    caller = Caller(simulator())
    asked: dict[str, Any] = {key: caller.body[key] for key in ("corpAccessToken", "corpId")}
    told = caller.raw("/cgi/user/getByMobile", {**asked, "mobile": "13800000002"})
    assert (told["errorMessage"], told["errorDescription"]) == ("success", "成功")
    assert set(told["empList"][0]) >= {
        *("enterpriseId", "openUserId", "account", "fullName", "name", "status", "mobile", "email", "gender"),
        *("isActive", "mainDepartmentIds", "departmentIds"),
    }
    assert told["empList"][0]["departmentIds"] == [1001]


def test_a_client_of_the_new_way_sends_what_the_documents_ask_for() -> None:
    caller = Caller(simulator(third_trace_id="required"), new=True)
    caller.clock.sleep(1)
    body = {"includeNull": False, "data": {"object_data": {"dataObjectApiName": "LeadsObj", "name": "张先生"}}}
    path = "/cgi/crm/v2/data/create?thirdTraceId=8a0e2c6e-9a37-4b9d-8d1e-6b2f7c1f0a11"
    status, headers, answer = caller.simulator.answer("POST", path, caller.headers, json.dumps(body).encode())
    told = json.loads(answer)
    assert (status, told["errorCode"], told["errorMessage"], told["errorDescription"]) == (200, 0, "OK", "success")
    assert len(told["dataId"]) == 24
    assert re.fullmatch(r"E-O\.simulator\.1000-20260302010001-[0-9a-f]{12}", told["traceId"])
    assert headers["Date"] == "Mon, 02 Mar 2026 01:00:01 GMT"
