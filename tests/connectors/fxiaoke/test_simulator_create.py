"""Rows made: flags, what is checked, details with their master, and what a row looks like then."""

from __future__ import annotations

from typing import Any

import pytest

from .callers import QUIET, START_MS, Caller, simulator

ORDER_LINES = {"SalesOrderProductObj": [{"quantity": "2", "sales_price": "9.50"}, {"quantity": "1"}]}


@pytest.fixture
def caller() -> Caller:
    return Caller(simulator(key_field="legacy_key__c", rate_calls=0), new=True)


def test_a_row_comes_back_in_the_shape_of_the_real_ones(caller: Caller) -> None:
    account = caller.create("AccountObj", {"name": "江南医疗", "owner": ["1002"]})
    row_id = caller.create(
        "NewOpportunityObj",
        {"name": "年度体检", "account_id": account, "amount": "21739535", "probability": "80", "owner": ["1002"]},
    )
    row = caller.get("NewOpportunityObj", row_id)
    assert {key: row.pop(key) for key in sorted(row) if not key.startswith(("owner", "data_own", "created_by__"))} == {
        "_id": row_id,
        "account_id": account,
        "account_id__r": "江南医疗",
        "account_id__relation_ids": account,
        "amount": "21739535.00",
        "create_time": START_MS,
        "created_by": ["1000"],
        "is_deleted": False,
        "last_modified_by": ["1000"],
        "last_modified_by__l": row["created_by__l"],
        "last_modified_by__r": row["created_by__r"],
        "last_modified_time": START_MS,
        "life_status": "normal",
        "life_status__r": "正常",
        "lock_status": "0",
        "lock_status__r": "未锁定",
        "name": "年度体检",
        "object_describe_api_name": "NewOpportunityObj",
        "package": "CRM",
        "probability": 80,
        "record_type": "default__c",
        "relevant_team": [
            {
                "teamMemberEmployee": ["1002"],
                "teamMemberType": "0",
                "teamMemberRole": "1",
                "teamMemberPermissionType": "2",
                "teamMemberDeptCascade": "0",
            }
        ],
        "relevant_team__r": "吴佳怡",
        "tenant_id": "700001",
        "version": "1",
    }
    assert (row["owner"], row["owner_department"], row["owner_department_id"]) == (["1002"], "华东销售部", "1001")
    assert row["owner__r"] == row["owner__l"][0]
    assert (row["owner__r"]["name"], row["owner__r"]["dept"]) == ("吴佳怡", "华东销售部")
    assert row["data_own_department__r"]["deptName"] == "华东销售部"
    assert len(row_id) == 24
    assert "close_date" not in row
    assert caller.get("NewOpportunityObj", row_id, includeNull=True)["close_date"] is None


def test_who_made_it_and_when_is_taken_from_the_row_only_where_the_flags_say_so(caller: Caller) -> None:
    told = {"name": "甲", "create_time": 1_500_000_000_000, "created_by": ["1003"], "last_modified_time": 1}
    plain = caller.get("AccountObj", caller.create("AccountObj", told))
    assert (plain["create_time"], plain["created_by"]) == (START_MS, ["1000"])
    flags = {"hasSpecifyTime": True, "hasSpecifyCreatedBy": True}
    kept = caller.get("AccountObj", caller.create("AccountObj", told, **flags))
    assert (kept["create_time"], kept["created_by"], kept["last_modified_time"]) == (
        told["create_time"],
        ["1003"],
        START_MS,
    )
    inside = {"object_data": {"dataObjectApiName": "AccountObj", **told}, **flags}
    row_id = caller.well("create", inside, **QUIET)["dataId"]
    assert caller.get("AccountObj", row_id)["create_time"] == START_MS, "flags count at the top only"
    gone = {**told, "created_by": ["1005"]}
    assert caller.not_created("AccountObj", gone, hasSpecifyCreatedBy=True).startswith("20012 ")
    lenient = Caller(simulator(disabled_creator="accepted"), new=True)
    assert lenient.create("AccountObj", gone, hasSpecifyCreatedBy=True)


@pytest.mark.parametrize(
    ("name", "row", "told"),
    [
        ("AccountObj", {"tel": "1"}, "[客户名称] name is required"),
        ("AccountObj", {"name": ""}, "name is required"),
        ("AccountObj", {"name": "x" * 256}, "longer than 255"),
        ("AccountObj", {"name": 7}, "is no text"),
        ("AccountObj", {"name": "甲", "nothing": "1"}, "no such field: nothing"),
        ("AccountObj", {"name": "甲", "record_type": "other__c"}, "no such option"),
        ("AccountObj", {"name": "甲", "owner": "1001"}, "is no employee"),
        ("AccountObj", {"name": "甲", "owner": ["1001", "1002"]}, "takes one"),
        ("AccountObj", {"name": "甲", "owner": ["4711"]}, "no such employee"),
        ("ProductObj", {"name": "甲", "price": 9.5}, "is no currency"),
        ("ProductObj", {"name": "甲", "price": "9,5"}, "is no currency"),
        ("ProductObj", {"name": "甲", "price": "9.555"}, "more than 2 decimal places"),
        ("NewOpportunityObj", {"name": "甲", "close_date": "2026-01-01"}, "is no date"),
        ("NewOpportunityObj", {"name": "甲", "close_date": 1 << 63}, "is no date"),
        ("NewOpportunityObj", {"name": "甲", "cost_time": "1"}, "is read-only"),
        ("PersonnelObj", {"name": "甲", "main_department": ["7"]}, "names no department"),
        ("NothingObj", {"name": "甲"}, "no such object"),
        ("object_x__c", {"name": "甲"}, "no such object"),
    ],
)
def test_what_the_describe_does_not_allow_is_refused(caller: Caller, name: str, row: dict[str, Any], told: str) -> None:
    before = caller.simulator.count("AccountObj")
    said = caller.not_created(name, row)
    assert told in said
    assert caller.simulator.count("AccountObj") == before


def test_a_reference_to_what_is_not_there_is_refused_in_the_real_words(caller: Caller) -> None:
    said = caller.not_created("ContactObj", {"name": "乙", "account_id": "0" * 24})
    assert said == f"201112011 数据[{'0' * 24}]的字段[客户名称]关联关系不存在-201112011"


def test_no_two_rows_have_the_same_value_in_a_unique_field(caller: Caller) -> None:
    first = caller.create("AccountObj", {"name": "甲", "legacy_key__c": "K-1"})
    assert "unique" in caller.not_created("AccountObj", {"name": "乙", "legacy_key__c": "K-1"})
    second = caller.create("AccountObj", {"name": "乙", "legacy_key__c": "K-2"})
    told = {"object_data": {"dataObjectApiName": "AccountObj", "_id": second, "legacy_key__c": "K-1"}}
    assert "unique" in caller.refused("update", told)
    assert [each["_id"] for each in caller.find("AccountObj", ("legacy_key__c", "EQ", ["K-1"]))] == [first]
    describe = caller.well("/cgi/crm/v2/object/describe", apiName="AccountObj")["data"]["describe"]
    assert describe["fields"]["legacy_key__c"]["is_unique"] is True


def test_a_master_comes_with_its_details_or_not_at_all(caller: Caller) -> None:
    order = {"object_data": {"dataObjectApiName": "SalesOrderObj", "name": "SO-1", "owner": ["1003"]}}
    wrong = [{"quantity": "2"}, {"quantity": "many"}]
    said = caller.refused("create", {**order, "details": {"SalesOrderProductObj": wrong}}, **QUIET)
    assert "is no number" in said
    assert (caller.simulator.count("SalesOrderObj"), caller.simulator.count("SalesOrderProductObj")) == (0, 0)
    told = caller.well("create", {**order, "details": ORDER_LINES}, includeDetailIds=True, **QUIET)
    lines = caller.find("SalesOrderProductObj", ("order_id", "EQ", [told["dataId"]]), orders=[])
    assert [(each["quantity"], each["order_id__r"], each["owner"]) for each in lines] == [
        ("2", "SO-1", ["1003"]),
        ("1", "SO-1", ["1003"]),
    ]
    assert set(told) == {"errorCode", "errorMessage", "errorDescription", "dataId", "traceId"}
    assert "no detail of" in caller.refused("create", {**order, "details": {"OrderPaymentObj": []}}, **QUIET)
    many = {"SalesOrderProductObj": [{"quantity": "1"}] * 101}
    assert "more than 100" in caller.refused("create", {**order, "details": many}, **QUIET)
    alone = caller.not_created("SalesOrderProductObj", {"quantity": "1"})
    assert "order_id is required" in alone
    named = Caller(simulator(detail_ids_key="detailIds"), new=True)
    ids = named.well("create", {**order, "details": ORDER_LINES}, includeDetailIds=True, **QUIET)["detailIds"]
    assert [len(each) for each in ids.values()] == [2]


def test_approval_and_workflow_fire_unless_they_are_told_not_to() -> None:
    caller = Caller(simulator(approval="SalesOrderObj,AccountObj", workflow="AccountObj.remark=审核前"), new=True)
    told = {"object_data": {"dataObjectApiName": "AccountObj", "name": "甲", "remark": "我方"}}
    fired = caller.well("create", told)["dataId"]
    row = caller.get("AccountObj", fired)
    assert (row["life_status"], row["life_status__r"], row["remark"]) == ("ineffective", "未生效", "审核前")
    quiet = caller.well("create", told, **QUIET)["dataId"]
    row = caller.get("AccountObj", quiet)
    assert (row["life_status"], row["remark"]) == ("normal", "我方")
    change = {"object_data": {"dataObjectApiName": "AccountObj", "_id": fired, "tel": "1"}}
    assert "under review" in caller.refused("update", change, **QUIET)
    loose = Caller(simulator(approval="AccountObj", approval_leaves="under_review", under_review_update="accepted"))
    row_id = loose.well("create", told)["dataId"]
    loose.well("update", {"object_data": {"dataObjectApiName": "AccountObj", "_id": row_id, "tel": "1"}})
    assert loose.get("AccountObj", row_id)["life_status"] == "under_review"


def test_a_row_without_owner_is_the_acting_employees_unless_it_lies_in_a_pool(caller: Caller) -> None:
    assert caller.get("AccountObj", caller.create("AccountObj", {"name": "甲"}))["owner"] == ["1000"]
    pool = "64a000000000000000000002"
    lead = caller.get("LeadsObj", caller.create("LeadsObj", {"name": "丙", "leads_pool_id": pool}))
    assert ("owner" in lead, lead["leads_pool_id__r"]) == (False, "线索池")
    strict = Caller(simulator(no_owner="refused"))
    assert "owner is required" in strict.not_created("AccountObj", {"name": "甲"})
    assert "owner" not in (none := Caller(simulator(no_owner="none"))).get(
        "AccountObj", none.create("AccountObj", {"name": "甲"})
    )


def test_duplicates_are_searched_for_where_a_rule_and_the_caller_say_so() -> None:
    caller = Caller(simulator(duplicate_rules="AccountObj.name", duplicate_answer="error_with_rows"))
    first = caller.create("AccountObj", {"name": "甲"})
    assert caller.create("AccountObj", {"name": "甲"}), "there is no idempotency, and names may be the same"
    told = {"object_data": {"dataObjectApiName": "AccountObj", "name": "甲"}, "optionInfo": {"isDuplicateSearch": True}}
    answer = caller.post("create", told, **QUIET)
    assert "duplicate" in answer["errorMessage"]
    assert answer["data"]["dataList"][0] == {"_id": first}
    assert caller.post("create", told, **QUIET)["errorCode"] == 32000
    assert caller.simulator.count("AccountObj") == 2


@pytest.mark.parametrize(
    ("settings", "name", "row", "kept"),
    [
        ({"json_numbers": "accepted"}, "ProductObj", {"name": "甲", "price": 9.5}, {"price": "9.50"}),
        ({"more_decimals": "rounded"}, "ProductObj", {"name": "甲", "price": "9.126"}, {"price": "9.13"}),
        ({"unknown_fields": "ignored"}, "AccountObj", {"name": "甲", "nothing": "1"}, {}),
        ({"read_only_fields": "ignored"}, "NewOpportunityObj", {"name": "甲", "cost_time": "1"}, {}),
        ({"empty_text": "text"}, "AccountObj", {"name": "甲", "tel": ""}, {"tel": ""}),
        ({}, "AccountObj", {"name": "甲", "tel": ""}, {}),
    ],
)
def test_what_nobody_knows_of_values_is_as_set(
    settings: dict[str, str], name: str, row: dict[str, Any], kept: dict[str, str]
) -> None:
    caller = Caller(simulator(**settings))
    found = caller.get(name, caller.create(name, row))
    assert {each: found[each] for each in ("price", "nothing", "cost_time", "tel") if each in found} == kept


def test_codes_that_nobody_knows_are_as_set() -> None:
    caller = Caller(simulator(wrong_type="system_error", validation_code=500, lookup_code=501, wrong_envelope_code=502))
    answers = [
        caller.not_created("AccountObj", {"name": 7}),
        caller.not_created("AccountObj", {}),
        caller.not_created("ContactObj", {"name": "乙", "account_id": "x"}),
        caller.refused("update", {"data": {}}),
    ]
    assert [each.split()[0] for each in answers] == ["-2", "500", "501", "502"]
    told = caller.post("create", {"object_data": {"dataObjectApiName": "AccountObj"}})
    assert told["errorDescription"] == "simulated: the real answer is not known"
