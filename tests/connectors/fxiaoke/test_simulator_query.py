"""Filters, pages, totals, and which fields come back."""

from __future__ import annotations

from typing import Any

import pytest

from .callers import START_MS, Caller, simulator

ASCENDING = [{"fieldName": "_id", "isAsc": True}]


@pytest.fixture(scope="module")
def caller() -> Caller:
    caller = Caller(simulator(rate_calls=0), new=True)
    products: list[dict[str, Any]] = [
        {"name": "体检甲", "price": "9.50", "product_code": "A-1", "owner": ["1001"]},
        {"name": "体检乙", "price": "10", "product_code": "A-2", "owner": ["1002"]},
        {"name": "疫苗", "price": "100", "owner": ["1003"], "off_shelves_time": START_MS},
    ]
    for each in products:
        caller.clock.sleep(1)
        caller.create("ProductObj", each)
    return caller


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ([("name", "EQ", ["疫苗"])], "3"),
        ([("product_code", "N", ["A-1"])], "23"),
        ([("price", "GT", ["9.5"])], "23"),
        ([("price", "GTE", ["9.5"]), ("price", "LT", ["100"])], "12"),
        ([("price", "LTE", ["10"])], "12"),
        ([("name", "LIKE", ["检"])], "12"),
        ([("name", "NLIKE", ["检"])], "3"),
        ([("product_code", "IS", [])], "3"),
        ([("product_code", "ISN", [])], "12"),
        ([("product_code", "IN", ["A-1", "A-2", "A-3"])], "12"),
        ([("product_code", "NIN", ["A-1"])], "2"),
        ([("create_time", "BETWEEN", [START_MS, START_MS + 2000])], "12"),
        ([("last_modified_time", "BETWEEN", [str(START_MS), str(START_MS + 2000)])], "12"),
        ([("create_time", "NBETWEEN", [START_MS, START_MS + 2000])], "3"),
        ([("name", "STARTWITH", ["体"])], "12"),
        ([("name", "ENDWITH", ["乙"])], "2"),
        ([("owner", "IN", ["1001", "1003"])], "13"),
        ([("owner", "EQ", ["1002"])], "2"),
        ([("owner", "N", ["1002"])], "13"),
        ([("owner", "HASANYOF", ["1002", "1003"])], "23"),
        ([("owner", "NHASANYOF", ["1002", "1003"])], "1"),
        ([("owner", "CONTAINS", ["1003"])], "3"),
        ([], "123"),
    ],
)
def test_filters_must_all_hold(caller: Caller, filters: list[tuple[str, str, list[Any]]], found: str) -> None:
    names = {"体检甲": "1", "体检乙": "2", "疫苗": "3"}
    rows = caller.find("ProductObj", *filters, orders=[{"fieldName": "create_time", "isAsc": True}])
    assert "".join(names[each["name"]] for each in rows) == found


@pytest.mark.parametrize(
    ("info", "told"),
    [
        ({"filters": [{"field_name": "name", "operator": "NE", "field_values": ["x"]}]}, "no such operator: NE"),
        ({"filters": [{"field_name": "name", "operator": "NEQ", "field_values": ["x"]}]}, "no such operator: NEQ"),
        ({"filters": [{"field_name": "nothing", "operator": "EQ", "field_values": ["x"]}]}, "no such field"),
        ({"filters": [{"field_name": "name", "operator": "EQ", "field_values": "x"}]}, "field_values"),
        ({"filters": [{"field_name": "name", "operator": "EQ", "field_values": ["x", "y"]}]}, "1 values wanted"),
        ({"filters": [{"field_name": "price", "operator": "GT", "field_values": ["x"]}]}, "no value of price"),
        ({"filters": {}, "limit": 0}, "limit"),
        ({"limit": 101}, "limit is over 100"),
        ({"offset": 50}, "no multiple"),
        ({"offset": 10100}, "10013 offset out of range 10000"),
        ({"orders": [{"fieldName": "nothing"}]}, "no such field"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused(caller: Caller, info: dict[str, Any], told: str) -> None:
    asked = {"limit": 100, "offset": 0, "filters": [], "orders": [], **info}
    assert told in caller.refused("query", {"dataObjectApiName": "ProductObj", "search_query_info": asked})


def test_the_farthest_page_is_the_one_at_10000(caller: Caller) -> None:
    assert caller.find("ProductObj", offset=10_000) == []
    told = {"dataObjectApiName": "ProductObj", "search_query_info": {"limit": 100, "offset": 10_100, "filters": []}}
    assert caller.post("query", told)["errorDescription"] == "offset 不能超过10000"


def test_a_total_is_told_only_to_who_asks() -> None:
    for settings, default in (({}, 0), ({"total": "always"}, 3)):
        caller = Caller(simulator(**settings))
        for name in "甲乙丙":
            caller.create("AccountObj", {"name": name})
        assert caller.page("AccountObj", total=True, limit=1) | {"dataList": []} == {
            "dataList": [],
            "total": 3,
            "offset": 0,
            "limit": 1,
        }
        assert caller.find("AccountObj", total=True)[0]["total_num"] == 3
        assert caller.page("AccountObj")["total"] == default
        assert caller.page("AccountObj", total=False)["total"] == 0
        assert "total_num" not in caller.find("AccountObj", total=False)[0]


@pytest.mark.parametrize("ids", ["ascending", "shuffled"])
def test_every_row_is_met_once_by_its_id_whatever_the_ids_look_like(ids: str) -> None:
    caller = Caller(simulator(ids=ids, rate_calls=0))
    made = [caller.create("AccountObj", {"name": f"客户{number}"}) for number in range(230)]
    met: list[str] = []
    after: list[tuple[str, str, list[Any]]] = []
    while True:
        page = caller.find("AccountObj", *after, orders=ASCENDING, fieldProjection=["_id"])
        met += [each["_id"] for each in page]
        if len(page) < 100:
            break
        after = [("_id", "GT", [met[-1]])]
    assert met == sorted(made)
    assert (met == made) is (ids == "ascending")
    assert set(page[0]) == {"_id"}


def test_one_row_and_simple_rows_go_by_the_path_of_custom_objects(caller: Caller) -> None:
    filters = [{"field_name": "product_code", "operator": "EQ", "field_values": ["A-2"]}]
    asked = {"dataObjectApiName": "ProductObj", "search_query_info": {"limit": 10, "offset": 0, "filters": filters}}
    one = caller.well("/cgi/crm/custom/v2/data/findOne", {**asked, "field_projection": ["name"]})
    assert one["data"] == {"objectData": {"name": "体检乙"}}
    asked["search_query_info"]["filters"][0]["field_values"] = ["none"]
    assert caller.well("/cgi/crm/custom/v2/data/findOne", asked)["data"] == {}
    simple = caller.well(
        "/cgi/crm/custom/v2/data/findSimple",
        {**asked, "search_query_info": {"limit": 10, "offset": 0}, "field_projection": ["_id", "name"]},
    )
    assert [set(each) for each in simple["data"]["dataList"]] == [{"_id", "name"}] * 3


def test_what_nobody_knows_of_queries_is_as_set() -> None:
    rows = 3
    for settings, asked, found in (
        ({"limit_over_100": "cut"}, {"limit": 200}, 100),
        ({"limit_over_100": "accepted"}, {"limit": 200}, 200),
        ({"odd_offset": "accepted"}, {"limit": 2, "offset": 1}, 2),
    ):
        caller = Caller(simulator(rate_calls=0, **settings))
        for number in range(rows):
            caller.create("AccountObj", {"name": str(number)})
        page = caller.page("AccountObj", **asked)
        assert (page["limit"], len(page["dataList"])) == (found, min(found, rows))


def test_a_new_row_may_be_found_only_later_and_only_by_who_may_see_it() -> None:
    caller = Caller(simulator(index_lag=5, data_scope="own"), new=True)
    row_id = caller.create("AccountObj", {"name": "甲", "owner": ["1002"]})
    other = caller.create("AccountObj", {"name": "乙", "owner": ["1000"]})
    assert caller.find("AccountObj") == []
    caller.clock.sleep(5)
    assert [each["_id"] for each in caller.find("AccountObj")] == [other]
    told = {"dataObjectApiName": "AccountObj", "objectDataId": row_id}
    assert caller.refused("get", told) == "32000 无此操作的数据权限"
    assert Caller(caller.simulator, new=True, employee="1002").get("AccountObj", row_id)["name"] == "甲"


def test_objects_have_their_own_paths() -> None:
    data = {"dataObjectApiName": "AccountObj", "search_query_info": {"limit": 1, "offset": 0}}
    assert Caller(simulator()).well("/cgi/crm/custom/v2/data/query", data)
    strict = Caller(simulator(preset_on_custom_path="refused"))
    assert "no place" in strict.refused("/cgi/crm/custom/v2/data/query", data)
