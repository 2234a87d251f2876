"""What the simulator's folder says besides describes: settings, and the rows that a tenant has from its beginning."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from changeover.connectors.clock import SystemClock
from changeover.connectors.errors import InputError
from changeover.connectors.fxiaoke.simulator import Server
from changeover.connectors.simulators import Wanted
from changeover.connectors.simulators import simulator as named

from .callers import START_MS, Caller, simulator

TENANT = """
departments: [{id: 7, name: 客户部}]
employees: [{id: 1000, name: 何文静, department: 7}]
fields:
  AccountObj:
    tax__c: {type: text, label: 税号, unique: true}
    staff__c: {type: number, label: 人数, decimals: 0}
    parent__c: {type: object_reference, label: 上级, target: AccountObj}
    files__c: {type: file_attachment, label: 附件}
settings: {key_field: legacy_key__c, refused_calls_count: no, rate_calls: 7}
"""
PERSON = {
    "_id": "2001",
    "user_id": "2001",
    "name": "于海",
    "full_name": "于海",
    "status": "1",
    "main_department": ["7"],
}
ACCOUNT = {
    "_id": "b" * 24,
    "name": "安康医院",
    "tax__c": "91",
    "staff__c": 12,
    "parent__c": "a" * 24,
    "parent__c__r": "华兴",
    "files__c": [{"path": "TN_1", "ext": "pdf"}],
    "owner": ["2001"],
    "owner__r": {"id": "2001", "name": "于海"},
    "created_by": ["-10000"],
    "create_time": 1_700_000_000_000,
    "remark": None,
    "extend_obj_data_id": "17",
}
PARENT = {"_id": "a" * 24, "name": "华兴", "owner": ["1000"]}


def folder(where: Path, **rows: list[dict[str, Any]]) -> Path:
    (where / "rows").mkdir(parents=True)
    (where / "tenant.yaml").write_text(TENANT, "utf-8")
    for name, told in rows.items():
        text = "\n".join(json.dumps(each, ensure_ascii=False) for each in told)
        (where / "rows" / f"{name}.jsonl").write_text(text + "\n\n", "utf-8")
    return where


def test_rows_of_a_query_are_what_a_query_then_answers(tmp_path: Path) -> None:
    """Whoever they name comes first, whatever the files are called; what beside a field tells of it is told anew."""
    caller = Caller(simulator(folder(tmp_path, AccountObj=[ACCOUNT, PARENT], PersonnelObj=[PERSON])), new=True)
    told = caller.get("AccountObj", "b" * 24)
    kept = ("_id", "name", "tax__c", "parent__c", "files__c", "owner", "created_by", "create_time")
    assert {name: told[name] for name in kept} == {name: ACCOUNT[name] for name in kept}
    assert (told["staff__c"], told["parent__c__r"], told["owner_department"]) == ("12", "华兴", "客户部")
    assert (told["life_status"], told["last_modified_time"], "remark" in told) == ("normal", START_MS, False)
    assert [row["_id"] for row in caller.find("AccountObj", ("tax__c", "IN", ["91"]))] == ["b" * 24]
    assert "unique" in caller.not_created("AccountObj", {"name": "丙", "tax__c": "91"})


def test_an_open_id_names_the_same_person(tmp_path: Path) -> None:
    open_id = simulator().tenant.people.by_id["1000"].open_id
    caller = Caller(simulator(folder(tmp_path, AccountObj=[{**PARENT, "owner": [open_id]}])), new=True)
    assert caller.get("AccountObj", "a" * 24)["owner"] == ["1000"]


def test_they_are_read_once_and_the_tenant_stays_the_same(tmp_path: Path) -> None:
    """What was made of them since stays, also where nothing is left of them."""
    data = folder(tmp_path, AccountObj=[PARENT])
    first = simulator(data)
    caller = Caller(first, new=True)
    corp_id = caller.sign_in()["openUserId"]
    caller.well("invalid", {"dataObjectApiName": "AccountObj", "object_data_id": "a" * 24})
    caller.well("delete", {"dataObjectApiName": "AccountObj", "idList": ["a" * 24]})
    first.close()
    with closing(simulator(data, random_seed=1)) as again:
        assert again.count("AccountObj") == 0
        assert Caller(again, new=True).sign_in()["openUserId"] == corp_id


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"name": "甲"}, "_id"),
        ({**PARENT, "_id": "c" * 24}, "_id"),
        ({**PARENT, "size__c": "3"}, "size__c"),
        ({**PARENT, "staff__c": "many"}, "[人数] staff__c is no number"),
        ({**PARENT, "create_time": "2024-01-01"}, "[创建时间] create_time is no date_time"),
        ({**PARENT, "owner": "1000"}, "owner"),
        ({**PARENT, "owner": ["9"]}, "no such employee: 9"),
        ({**PARENT, "parent__c": [1]}, "parent__c"),
    ],
)
def test_a_row_that_cannot_be_kept_is_named_and_nothing_is_kept(tmp_path: Path, row: dict[str, Any], told: str) -> None:
    data = folder(tmp_path, AccountObj=[{**PARENT, "_id": "c" * 24}, row])
    for _ in range(2):  # not taken for read the second time
        with pytest.raises(InputError) as error:
            simulator(data)
        path = str(data / "rows" / "AccountObj.jsonl")
        assert (error.value.code, error.value.params) == ("simulator.row", {"path": path, "line": 2, "what": told})


@pytest.mark.parametrize("name", ["AccountObj", "NoObj"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    data = folder(tmp_path)
    (data / "rows" / f"{name}.jsonl").write_text('{"_id": "a"', "utf-8")
    with pytest.raises(InputError, match=r"simulator\.file"):
        simulator(data)


def test_settings_of_the_folder_hold_and_the_command_outranks_them(tmp_path: Path) -> None:
    data = folder(tmp_path)
    server = named("fxiaoke").start(Wanted(0, data, {"rate_calls": "9"}), SystemClock())
    assert isinstance(server, Server)
    with closing(server):
        settings = server.simulator.settings
    assert (settings.key_field, settings.refused_calls_count, settings.rate_calls) == ("legacy_key__c", "no", 9)
    (data / "tenant.yaml").write_text("settings: [rate_calls]", "utf-8")
    with pytest.raises(InputError, match=r"simulator\.file"):
        named("fxiaoke").start(Wanted(0, data), SystemClock())
