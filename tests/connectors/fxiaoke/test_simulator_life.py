"""What becomes of rows: changed, locked, given away, invalid, deleted, in a pool, with a team; and a tenant of one's
own with custom objects."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from changeover.connectors.errors import InputError

from .callers import QUIET, Caller, simulator

EXAMPLE = Path(__file__).parents[3] / "docs" / "fxiaoke-tenant"
POOL = "64a000000000000000000001"


@pytest.fixture
def caller() -> Caller:
    return Caller(simulator(rate_calls=0), new=True)


def change(object_name: str, row_id: str, /, **values: Any) -> dict[str, Any]:
    return {"object_data": {"dataObjectApiName": object_name, "_id": row_id, **values}}


def test_an_update_changes_what_it_names_but_never_the_owner(caller: Caller) -> None:
    row_id = caller.create("AccountObj", {"name": "甲", "tel": "1", "fax": "2", "owner": ["1001"]})
    caller.clock.sleep(10)
    told = change("AccountObj", row_id, tel=None, email="a@example.cn", owner=["1002"], create_time=1)
    caller.well("update", told, **QUIET)
    row = caller.get("AccountObj", row_id)
    assert ("tel" in row, row["fax"], row["email"], row["owner"], row["version"]) == (
        False,
        "2",
        "a@example.cn",
        ["1001"],
        "2",
    )
    assert row["last_modified_time"] - row["create_time"] == 10_000
    assert "is required" in caller.refused("update", change("AccountObj", row_id, name=None))
    assert "no such data" in caller.refused("update", change("AccountObj", "0" * 24, tel="1"))
    over = Caller(simulator(update="overwrite"))
    row_id = over.create("AccountObj", {"name": "甲", "tel": "1", "owner": [over.open_id("1001")]})
    over.well("update", change("AccountObj", row_id, name="乙"))
    row = over.get("AccountObj", row_id)
    assert ("tel" in row, row["name"], row["owner"]) == (False, "乙", [over.open_id("1001")])


@pytest.mark.parametrize("told", [{"data": {"name": "x"}}, {"objectDataId": "1", "data": {}}, {"objectData": {}}, {}])
def test_another_envelope_is_answered_as_the_real_one_does(caller: Caller, told: dict[str, Any]) -> None:
    for verb in ("create", "update"):
        assert caller.post(verb, told)["errorMessage"] == "java.lang.NullPointerException"


@pytest.mark.parametrize(
    "path",
    [
        "/cgi/crm/v2/data/add",
        "/cgi/crm/v2/data/batchCreate",
        "/cgi/crm/v2/data/batchUpdate",
        "/cgi/media/upload",
        "/cgi/crm/custom/v2/object/describe",
        "/cgi/crm/v2/data/addTeamMember",
    ],
)
def test_paths_that_are_only_said_to_exist_do_not(caller: Caller, path: str) -> None:
    assert caller.refused(path, {}) == f"10006 the request uri=[{path}], apiName=[null] is not exists"


def test_other_wrong_shapes_are_refused(caller: Caller) -> None:
    for body in (
        {"objectApiName": "AccountObj", "search_query_info": {"limit": 1, "offset": 0}},
        {"dataObjectApiName": "AccountObj", "searchQuery": {"limit": 1, "offset": 0}},
        {"dataObjectApiName": "AccountObj", "limit": 1, "offset": 0},
        {"dataObjectApiName": "LeadObj", "search_query_info": {"limit": 1, "offset": 0}},
        {"dataObjectApiName": "UserObj", "search_query_info": {"limit": 1, "offset": 0}},
    ):
        assert caller.refused("query", body)


def test_an_update_replaces_the_details_that_it_lists(caller: Caller) -> None:
    order = {"object_data": {"dataObjectApiName": "SalesOrderObj", "name": "SO"}}
    lines = {"SalesOrderProductObj": [{"quantity": "1"}, {"quantity": "2"}]}
    order_id = caller.well("create", {**order, "details": lines}, **QUIET)["dataId"]
    first, _ = caller.find("SalesOrderProductObj")
    details = {"SalesOrderProductObj": [{"_id": first["_id"], "quantity": "5"}, {"quantity": "7"}]}
    caller.well("update", {**change("SalesOrderObj", order_id), "details": details})
    assert [each["quantity"] for each in caller.find("SalesOrderProductObj")] == ["5", "7"]
    caller.well("update", {**change("SalesOrderObj", order_id), "details": {"SalesOrderProductObj": None}})
    assert len(caller.find("SalesOrderProductObj")) == 2
    kept = Caller(simulator(update_details="kept"))
    order_id = kept.well("create", {**order, "details": lines}, **QUIET)["dataId"]
    kept.well("update", {**change("SalesOrderObj", order_id), "details": {"SalesOrderProductObj": []}})
    assert len(kept.find("SalesOrderProductObj")) == 2


def test_a_row_is_deleted_in_two_steps_and_comes_back_after_the_first(caller: Caller) -> None:
    order = {"object_data": {"dataObjectApiName": "SalesOrderObj", "name": "SO"}}
    lines = {"SalesOrderProductObj": [{"quantity": "1"}]}
    order_id = caller.well("create", {**order, "details": lines}, **QUIET)["dataId"]
    many = {"dataObjectApiName": "SalesOrderObj", "idList": [order_id]}
    one = {"dataObjectApiName": "SalesOrderObj", "object_data_id": order_id}
    assert "not invalid" in caller.refused("delete", many)
    caller.well("invalid", one)
    assert "invalid already" in caller.refused("invalid", one)
    assert caller.find("SalesOrderObj") + caller.find("SalesOrderProductObj") == []
    row = caller.get("SalesOrderObj", order_id)
    assert (row["life_status"], row["life_status_before_invalid"]) == ("invalid", "normal")
    assert "is invalid" in caller.refused("update", change("SalesOrderObj", order_id, remark="x"))
    assert "关联关系不存在" in caller.not_created("SalesOrderProductObj", {"order_id": order_id})
    caller.well("recover", many)
    assert len(caller.find("SalesOrderObj") + caller.find("SalesOrderProductObj")) == 2
    caller.well("invalid", one)
    caller.well("delete", many)
    assert (caller.simulator.count("SalesOrderObj"), caller.simulator.count("SalesOrderProductObj")) == (0, 0)
    shown = Caller(
        simulator(invalid_rows="shown", key_field="k__c", details_follow="no", reference_to_invalid="accepted")
    )
    row_id = shown.create("AccountObj", {"name": "甲", "k__c": "1"})
    shown.well("invalid", {"dataObjectApiName": "AccountObj", "object_data_id": row_id})
    assert [each["_id"] for each in shown.find("AccountObj")] == [row_id]
    assert shown.create("ContactObj", {"name": "乙", "account_id": row_id})
    assert "unique" in shown.not_created("AccountObj", {"name": "丙", "k__c": "1"})
    free = Caller(simulator(invalid_holds_unique="no", key_field="k__c"))
    row_id = free.create("AccountObj", {"name": "甲", "k__c": "1"})
    free.well("invalid", {"dataObjectApiName": "AccountObj", "object_data_id": row_id})
    assert free.create("AccountObj", {"name": "丙", "k__c": "1"})


def test_a_locked_row_takes_no_changes_until_it_is_unlocked(caller: Caller) -> None:
    row_id = caller.create("AccountObj", {"name": "甲"})
    told = {"dataObjectApiName": "AccountObj", "dataIds": [row_id]}
    caller.well("/cgi/crm/v2/object/lock", told)
    row = caller.get("AccountObj", row_id)
    assert (row["lock_status"], row["lock_status__r"], row["lock_user"]) == ("1", "锁定", ["1000"])
    assert "locked" in caller.refused("update", change("AccountObj", row_id, tel="1"))
    assert "locked" in caller.refused("invalid", {"dataObjectApiName": "AccountObj", "object_data_id": row_id})
    owner = {"dataObjectApiName": "AccountObj", "Data": [{"objectDataId": row_id, "ownerId": ["1001"]}]}
    assert "locked" in caller.refused("changeOwner", owner)
    caller.well("/cgi/crm/v2/object/unlock", told)
    caller.well("update", change("AccountObj", row_id, tel="1"))
    loose = Caller(simulator(locked_update="accepted"))
    row_id = loose.create("AccountObj", {"name": "甲"})
    loose.well("/cgi/crm/v2/object/lock", {**told, "dataIds": [row_id]})
    loose.well("update", change("AccountObj", row_id, tel="1"))


def test_the_owner_is_changed_by_a_call_of_its_own(caller: Caller) -> None:
    row_id = caller.create("AccountObj", {"name": "甲", "owner": ["1001"]})
    caller.well(
        "changeOwner", {"dataObjectApiName": "AccountObj", "Data": [{"objectDataId": row_id, "ownerId": ["1003"]}]}
    )
    row = caller.get("AccountObj", row_id)
    assert (row["owner"], row["owner_department"], row["relevant_team__r"]) == (["1003"], "华南销售部", "郑浩然")
    for wrong in ({"data": []}, {"Data": [{"objectDataId": row_id, "ownerId": "[1003]"}]}):
        assert "10006" in caller.refused("changeOwner", {"dataObjectApiName": "AccountObj", **wrong})


def test_what_lies_in_a_pool_is_chosen_given_back_and_taken_out(caller: Caller) -> None:
    row_id = caller.create("AccountObj", {"name": "甲", "high_seas_id": POOL})
    owner = {"dataObjectApiName": "AccountObj", "Data": [{"objectDataId": row_id, "ownerId": ["1001"]}]}
    assert caller.refused("changeOwner", owner) == "32000 无此操作的数据权限"
    ids = {"apiName": "AccountObj", "objectIds": [row_id]}
    Caller(caller.simulator, new=True, employee="1002").well("choose", ids)
    assert caller.get("AccountObj", row_id)["owner"] == ["1002"]
    assert "in no pool" in caller.refused("choose", ids)
    caller.well("return", {**ids, "objectPoolId": POOL, "backReason": "1"})
    row = caller.get("AccountObj", row_id)
    assert ("owner" in row, row["high_seas_id__r"], row["back_reason"]) == (False, "华东公海", "1")
    out = {"apiName": "AccountObj", "objectIDs": [row_id], "objectPoolId": POOL, "isKeepOwner": False, "owner": "1003"}
    caller.well("remove", out)
    row = caller.get("AccountObj", row_id)
    assert (row["owner"], "high_seas_id" in row) == (["1003"], False)
    assert caller.refused("choose", {"apiName": "ContactObj", "objectIds": [row_id]})
    assert "objectPoolId" in caller.refused("return", {**ids, "objectPoolId": "none", "backReason": "1"})
    assert "backReason" in caller.refused("return", {**ids, "objectPoolId": POOL, "backReason": "7"})


def test_a_team_is_added_to_edited_told_and_cut(caller: Caller) -> None:
    row_id = caller.create("AccountObj", {"name": "甲", "owner": ["1001"]})
    joint = {"teamMemberRole": "2", "teamMemberPermissionType": "2"}
    add = {"dataIDs": [row_id], "teamMemberEmployee": ["1002", "1003"], **joint, "ignoreSendingRemind": True}
    caller.well("/cgi/crm/team/add", add, apiName="AccountObj")
    assert caller.get("AccountObj", row_id)["relevant_team__r"] == "周明远,吴佳怡,郑浩然"
    caller.well("/cgi/crm/team/delete", {"dataIDs": [row_id], "teamMemberEmployee": ["1002"]}, apiName="AccountObj")
    told = caller.well("/cgi/crm/team/get", {"dataID": row_id}, apiName="AccountObj")["data"]["teamMemberInfos"]
    assert [(each["teamMemberEmployee"], each["teamMemberRole"]) for each in told] == [(["1001"], "1"), (["1003"], "2")]
    edit = {"dataID": row_id, "teamMemberInfos": [{"teamMemberEmployee": ["1004"], **joint}]}
    caller.well("/cgi/crm/team/edit", edit, apiName="AccountObj")
    assert caller.get("AccountObj", row_id)["relevant_team__r"] == "周明远,冯雨桐"
    assert "no team" in caller.refused("/cgi/crm/team/get", {"dataID": row_id}, apiName="ContactObj")
    assert "Role" in caller.refused("/cgi/crm/team/add", {**add, "teamMemberRole": "9"}, apiName="AccountObj")
    wide = Caller(simulator(team_on_others="accepted"))
    contact = wide.create("ContactObj", {"name": "乙"})
    assert wide.well("/cgi/crm/team/get", {"dataID": contact}, apiName="ContactObj")["data"]["teamMemberInfos"]


def test_a_stage_goes_by_update_or_by_a_call_of_its_own() -> None:
    caller = Caller(simulator(stage_by_update="refused"), new=True)
    row_id = caller.create("NewOpportunityObj", {"name": "甲", "sales_stage": "1"})
    assert "changeSalesStage" in caller.refused("update", change("NewOpportunityObj", row_id, sales_stage="2"))
    told = {"dataObjectApiName": "NewOpportunityObj", "objectDataId": row_id, "sales_stage": "2"}
    caller.clock.sleep(1)
    caller.well("/cgi/crm/data/changeSalesStage", told)
    row = caller.get("NewOpportunityObj", row_id)
    assert (row["sales_stage"], row["stg_changed_time"]) == ("2", row["last_modified_time"])


def test_a_function_of_ones_own_carries_out_many_rows_each_by_itself() -> None:
    missing = Caller(simulator())
    call = {"api_name": "changeover_bulk__c", "parameters": []}
    assert "no such function" in missing.refused("/cgi/crm/v2/special/function", call)
    caller = Caller(simulator(bulk_function="on", key_field="legacy_key__c"), new=True)
    rows = [{"name": f"客户{number}", "legacy_key__c": str(number % 2)} for number in range(3)]
    request = {"object": "AccountObj", "action": "create", "key": "legacy_key__c", "rows": rows, "flags": QUIET}
    call["parameters"] = [{"name": "request", "type": "Map", "value": request}]
    results = caller.well("/cgi/crm/v2/special/function", call)["data"]["functionResult"]["results"]
    assert [(each["key"], each["success"]) for each in results] == [("0", True), ("1", True), ("0", False)]
    assert caller.simulator.count("AccountObj") == 2
    changed = {**request, "action": "update", "key": "_id", "rows": [{"_id": results[0]["id"], "tel": "1"}]}
    call["parameters"] = [{"name": "request", "type": "Map", "value": changed}]
    assert caller.well("/cgi/crm/v2/special/function", call)["data"]["functionResult"]["results"][0]["success"]
    assert caller.get("AccountObj", results[0]["id"])["tel"] == "1"
    call["parameters"] = [{"name": "request", "type": "Map", "value": {**request, "rows": rows * 200}}]
    assert "more than 500" in caller.refused("/cgi/crm/v2/special/function", call)


def test_a_tenant_of_ones_own_has_its_objects_fields_and_people_and_keeps_its_rows(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "tenant")
    caller = Caller(simulator(tmp_path / "tenant"), new=True)
    account = caller.create("AccountObj", {"name": "甲", "credit__c": "5", "legacy_key__c": "A1", "owner": ["1001"]})
    statement = {"name": "DZ-1", "account__c": account, "year__c": "2025", "due__c": "100.10", "state__c": "d3E4f"}
    row_id = caller.create("object_stmt__c", statement)
    row = caller.get("object_stmt__c", row_id)
    assert (row["state__c__r"], row["account__c__r"], row["due__c"]) == ("已对账", "甲", "100.10")
    assert "no such option" in caller.not_created("object_stmt__c", {**statement, "state__c": "已对账"})
    plan = {"name": "FA-1", "topics__c": ["p1", "p3"], "designers__c": ["1001", "1002"]}
    row = caller.get("object_plan__c", caller.create("object_plan__c", plan))
    assert (row["topics__c"], [each["name"] for each in row["designers__c__l"]]) == (["p1", "p3"], ["罗一鸣", "宋雅文"])
    assert caller.find("object_plan__c", ("topics__c", "HASANYOF", ["p3"]))
    assert "has no place" in caller.refused("query", {"dataObjectApiName": "object_stmt__c", "search_query_info": {}})
    caller.well("/cgi/crm/custom/data/invalid", {"dataObjectApiName": "object_stmt__c", "idList": [row_id]})
    skip = {**change("object_stmt__c", row_id, due__c="1"), "skipDataStatusValidate": True}
    assert "is invalid" in caller.refused("/cgi/crm/custom/v2/data/update", skip)
    listed = caller.well("/cgi/crm/v2/object/list")["data"]["objects"]
    names = {each["describeApiName"]: (each["describeDisplayName"], each["defineType"]) for each in listed}
    assert (names["object_stmt__c"], names["AccountObj"]) == (("对账单", "custom"), ("客户", "package"))
    with pytest.raises(InputError, match="database"):
        simulator(tmp_path / "tenant")
    caller.simulator.close()
    again = Caller(simulator(tmp_path / "tenant"), new=True)
    assert [each["credit__c"] for each in again.find("AccountObj")] == ["5.00"]
    assert again.find("PersonnelObj", ("full_name", "EQ", ["罗一鸣"]))[0]["user_id"] == "1001"
    again.simulator.close()


@pytest.mark.parametrize(
    ("file", "text", "code"),
    [
        ("describe/a.json", "{", "simulator.file"),
        ("describe/a.json", "[]", "simulator.describe"),
        ("describe/a.json", '{"api_name": "a__c", "fields": {"x": {"type": 1}}}', "simulator.describe"),
        ("tenant.yaml", "nothing: 1", "simulator.file"),
        ("tenant.yaml", "fields: {NothingObj: {a__c: {type: text}}}", "simulator.describe"),
        ("simulator.db", "torn" * 100, "simulator.database"),
    ],
)
def test_a_folder_that_makes_no_sense_is_refused(tmp_path: Path, file: str, text: str, code: str) -> None:
    (tmp_path / "describe").mkdir()
    (tmp_path / file).write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as error:
        simulator(tmp_path)
    assert error.value.code == code
