"""The connector to Fxiaoke against the simulator: how records are written, and which ones are read."""

from __future__ import annotations

import datetime as dt
from typing import cast

import pytest
from changeover.connectors.cell import Cell
from changeover.connectors.change import Change, ChangeKind, Details, Outcome, OutcomeState
from changeover.connectors.errors import InputError, UnavailableError
from changeover.connectors.finding import Severity
from changeover.connectors.fxiaoke.transport import NoAnswerError, NotSentError
from changeover.connectors.port import KEY, OUR_KEY, Ordeal

from .fxiaoke_kit import OUR_FIELD, Body, connected
from .fxiaoke_tenant import OBJECTS, QUERY, Tenant, account, at, page

U, N = OutcomeState.UNKNOWN, OutcomeState.NOT_SENT


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
    assert (left.state, left.code, left.field) == (OutcomeState.REJECTED, "target.no_pool", "owner")


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


def test_what_is_in_the_bin_is_in_no_list_and_found_by_its_keys() -> None:
    tenant = Tenant({"invalid_rows": "shown"})
    made = tenant.accounts(1, 2)
    connector, key = tenant.connector, made[0].target_key or ""
    assert connector.put_through(Ordeal.SOFT_DELETE, "AccountObj", "k1", key).state is OutcomeState.ACKED
    assert connector.count("AccountObj") == 1
    assert [chunk.keys for chunk in connector.read("AccountObj", [])] == [[made[1].target_key]]
    assert connector.find("AccountObj", ("name",), [("客户1",), ("客户2",)], []).keys == [made[1].target_key]
    assert connector.find("AccountObj", (OUR_KEY,), [("k1",)], []).keys == [key]
    assert connector.find("AccountObj", (KEY,), [(key,)], []).keys == [key]
    assert [pair for some in connector.our_keys("AccountObj") for pair in some] == [("k2", made[1].target_key)]
    everything = connected(tenant.way, tenant.clock, objects=OBJECTS, invalid="read")
    assert everything.count("AccountObj") == 2


def test_a_server_that_is_less_exact_is_not_trusted() -> None:
    alike = page({"_id": "1", "name": "ACME", OUR_FIELD: "K1"}, {"_id": "2", "name": "Acme", OUR_FIELD: "k1"})
    tenant = Tenant(strike=at(QUERY, alike, alike))
    assert tenant.connector.find("AccountObj", ("name",), [("Acme",)], []).keys == ["2"]
    assert tenant.connector.find("AccountObj", (OUR_KEY,), [("k1",)], []).keys == ["2"]


def test_a_short_page_is_not_the_last_where_more_is_said_to_be_there() -> None:
    tenant = Tenant(strike=at(QUERY, page({"_id": "1"}, total=3), page({"_id": "3"}, total=1)))
    assert [chunk.keys for chunk in tenant.connector.read("AccountObj", [])] == [["1", "3"]]
    standing = Tenant(strike=at(QUERY, *[page({"_id": "1"}, total=3)] * 2))
    with pytest.raises(UnavailableError) as caught:
        list(standing.connector.read("AccountObj", []))
    assert caught.value.code == "fxiaoke.no_order", "pages that do not go on"
