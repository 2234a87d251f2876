"""Files by both ways, and the address book."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from .callers import Caller, simulator

EXAMPLE = Path(__file__).parents[3] / "docs" / "fxiaoke-tenant"
SIGNED = ("acid", "resource", "ak", "sign", "expiry", "filename", "size", "digest")
FORM = "------formed"


def multipart(parts: dict[str, str], file_part: str, name: str, body: bytes) -> tuple[dict[str, str], bytes]:
    """(headers, body)"""
    told = b""
    for key, value in parts.items():
        told += f'--{FORM}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
    told += f'--{FORM}\r\nContent-Disposition: form-data; name="{file_part}"; filename="{name}"\r\n\r\n'.encode()
    told += body + f"\r\n--{FORM}--\r\n".encode()
    return {"Content-Type": f"multipart/form-data; boundary={FORM}"}, told


def test_a_file_goes_up_with_a_token_and_comes_down_again() -> None:
    caller = Caller(simulator(rate_calls=0))
    token = {key: caller.body[key] for key in ("corpAccessToken", "corpId")}
    body = "合同\r\n".encode() + bytes(range(256))
    headers, form = multipart({**token, "type": "document"}, "media", "a.pdf", body)
    _, _, told = caller.simulator.answer("POST", "/media/upload", headers, form)
    media = json.loads(told)["mediaId"]
    query = "&".join(f"{key}={value}" for key, value in token.items())
    headers, form = multipart({}, "media", "a.pdf", body)
    _, _, told = caller.simulator.answer("POST", f"/media/upload?{query}&type=image", headers, form)
    assert json.loads(told)["errorCode"] == 0, "the token may stand in the address too"
    asked = json.dumps({**caller.body, "mediaId": media, "mediaTypeDesc": "DOCUMENT"}).encode()
    status, answered, down = caller.simulator.answer("POST", "/media/download", {}, asked)
    assert (status, answered["Content-Type"], down) == (200, "application/octet-stream", body)
    headers, form = multipart({}, "media", "a.pdf", body)
    _, _, told = caller.simulator.answer("POST", "/media/upload", headers, form)
    assert json.loads(told)["errorCode"] == 20017
    assert "no such file" in caller.refused("/media/download", mediaId="M_0")


@pytest.mark.parametrize("streams", [True, False])
def test_a_signed_upload_is_good_once_and_its_path_for_three_days(tmp_path: Path, streams: bool) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "tenant")
    caller = Caller(simulator(tmp_path / "tenant", rate_calls=0), new=True)
    body = b"\x00\x01paper"

    def signed(**more: Any) -> tuple[dict[str, str], bytes, str]:
        asked = {"expireTime": 600, "resourceType": "TN", "isStreamUpload": streams, "filename": "a.pdf"}
        told = caller.well(
            "/cgi/crm/v2/generatorFileUploadCredential", {**asked, "extension": "pdf", "fileSize": len(body), **more}
        )["data"]
        headers = {key: told[key] for key in SIGNED}
        kind, form = ({}, body) if streams else multipart({}, "facishareFile", "a.pdf", body)
        return headers | kind, form, told["url"].removeprefix("http://localhost")

    def upload(headers: dict[str, str], form: bytes, path: str) -> dict[str, Any]:
        _, _, told = caller.simulator.answer("POST", path, headers, form)
        answer: dict[str, Any] = json.loads(told)
        return answer

    first = signed()
    good = upload(*first)
    assert (good["success"], good["code"], good["data"][:3]) == (True, 200, "TN_")
    assert upload(*first)["code"] == 400, "once"
    assert upload(*signed(fileSize=1))["code"] == 400
    late = signed()
    caller.clock.sleep(601)
    assert upload(*late)["message"] == "签名已过期"
    assert "fileSize" in caller.refused(
        "/cgi/crm/v2/generatorFileUploadCredential",
        {"expireTime": 600, "resourceType": "N", "isStreamUpload": True, "filename": "a", "extension": "a"}
        | {"fileSize": 104_857_601},
    )
    plan = {"name": "FA-1", "papers__c": [{"name": "a.pdf", "path": good["data"], "ext": "pdf", "size": len(body)}]}
    row = caller.get("object_plan__c", caller.create("object_plan__c", plan))
    assert row["papers__c"] == plan["papers__c"]
    other = upload(*signed())["data"]
    caller.clock.sleep(3 * 24 * 3600)
    caller.sign_in()
    assert caller.create("object_plan__c", plan), "a row that uses it keeps it"
    assert "no longer" in caller.not_created("object_plan__c", {"name": "FA-2", "papers__c": [{"path": other}]})
    assert "is no file_attachment" in caller.not_created("object_plan__c", {"name": "FA-2", "papers__c": [other]})
    caller.simulator.close()


def test_the_address_book_is_told_in_its_own_shapes() -> None:
    old, new = Caller(simulator(rate_calls=0)), Caller(simulator(), new=True)
    found = old.well("/cgi/user/getByMobile", mobile="13800000001")["empList"]
    assert [(each["openUserId"], each["name"], each["status"]) for each in found] == [
        (old.open_id("1001"), "周明远", "NORMAL")
    ]
    assert old.well("/cgi/user/getByMobile", mobile="13900000000")["empList"] == []
    asked = {"fetchChild": True, "showDepartmentIdsDetail": True}
    users = new.well("/cgi/user/list", departmentId=999999, **asked)["userList"]
    assert [each["openUserId"] for each in users if each["isStop"]] == ["1005"]
    assert users[2] | {"createTime": 0, "hireDate": ""} == {
        "openUserId": "1002",
        "account": "13800000002",
        "name": "吴佳怡",
        "nickName": "吴佳怡",
        "isStop": False,
        "email": "wu.jiayi@example.cn",
        "mobile": "13800000002",
        "gender": "M",
        "position": "销售",
        "departmentIds": [1001],
        "mainDepartmentId": 1001,
        "attachingDepartmentIds": [],
        "employeeNumber": "E1002",
        "hireDate": "",
        "createTime": 0,
        "leaderId": "1001",
    }
    simple = new.well("/cgi/user/simpleList", departmentId=1002)["userList"]
    assert simple[0] == {"openUserId": "1003", "name": "郑浩然", "nickName": "郑浩然"}
    assert old.refused("/cgi/user/list", departmentId=7).startswith("30007 ")
    assert old.well("/cgi/user/get", openUserId=old.open_id("1004"))["name"] == "冯雨桐"
    page = new.well("/cgi/user/get/batchByUpdTime", pageSize=4, pageNumber=2)
    assert (len(page["employees"]), page["totalCount"], page["pageCount"]) == (2, 6, 2)
    departments = new.well("/cgi/department/list")["departments"]
    assert departments[0] == {"id": 1001, "name": "华东销售部", "parentId": 0, "isStop": False, "order": 1}


def test_an_employee_may_be_made_as_a_row_and_then_own_others() -> None:
    caller = Caller(simulator(), new=True)
    made = caller.well(
        "create", {"object_data": {"dataObjectApiName": "PersonnelObj", "full_name": "新人", "phone": "139"}}
    )
    number = made["extraData"]["user_id"]
    assert number == "1006"
    assert caller.get("AccountObj", caller.create("AccountObj", {"name": "甲", "owner": [number]}))["owner"] == [number]
    assert caller.find("PersonnelObj", ("user_id", "EQ", [number]))[0]["full_name"] == "新人"
    parents = caller.find("DepartmentObj", ("parent_id", "CONTAINS", ["999999"]))
    assert {each["parent_id__r"]["deptName"] for each in parents} == {"全公司"}


def test_both_places_of_a_describes_name_are_read() -> None:
    caller = Caller(simulator(describe_details_key="detailDescribes"), new=True)
    path = "/cgi/crm/v2/object/describe"
    top = caller.well(path, apiName="SalesOrderObj", includeDetail=True)["data"]
    inner = caller.well(path, {"apiName": "SalesOrderObj"}, includeDetail=True)["data"]
    assert top == inner
    assert [each["api_name"] for each in top["detailDescribes"]] == ["SalesOrderProductObj"]
    account = top["describe"]["fields"]["account_id"]
    assert (account["type"], account["target_api_name"], account["define_type"]) == (
        "object_reference",
        "AccountObj",
        "package",
    )
    statuses = top["describe"]["fields"]["life_status"]["options"]
    assert {"value": "ineffective", "label": "未生效"} in statuses
    plain = Caller(simulator()).well(path, apiName="SalesOrderObj", includeDetail=True)["data"]
    assert set(plain) == {"describe"}
    assert "no such object" in caller.refused(path, apiName="NothingObj")
