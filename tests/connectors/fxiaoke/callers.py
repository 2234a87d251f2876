"""Callers of the simulator, within the process and on a clock that tests move."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from changeover.connectors.clock import VirtualClock
from changeover.connectors.fxiaoke.simulator import Faults, Settings, Simulator

START = dt.datetime(2026, 3, 2, 1, 0, tzinfo=dt.UTC)
START_MS = int(START.timestamp() * 1000)
LOCATION = "/cgi/crm/v2/data/"
CREDENTIALS = {"appId": "FSAID_simulator", "appSecret": "secret", "permanentCode": "code"}
QUIET = {"triggerWorkFlow": False, "triggerApprovalFlow": False}


def simulator(data: Path | None = None, faults: Faults | None = None, **settings: Any) -> Simulator:
    return Simulator(
        VirtualClock(START), Settings.of({name: str(each) for name, each in settings.items()}), data, faults
    )


class Caller:
    """In the old way by default: token in the body, people by FSUID. employee: who acts."""

    def __init__(self, simulator: Simulator, *, new: bool = False, employee: str = "1000") -> None:
        self.simulator = simulator
        self.new = new
        self.employee = employee
        self.headers: dict[str, str] = {}
        self.body: dict[str, Any] = {}
        self.sign_in()

    @property
    def clock(self) -> VirtualClock:
        clock = self.simulator.tenant.clock
        assert isinstance(clock, VirtualClock)
        return clock

    def sign_in(self) -> dict[str, Any]:
        if self.new:
            told = self.raw("/oauth2.0/token", {**CREDENTIALS, "grantType": "app_secret"})
            self.headers = {"Authorization": f"Bearer {told['accessToken']}", "x-fs-ea": told["ea"]}
            self.headers["x-fs-userid"] = self.employee
        else:
            told = self.raw("/cgi/corpAccessToken/get/V2", CREDENTIALS)
            self.body = {key: told[key] for key in ("corpAccessToken", "corpId")}
            self.body["currentOpenUserId"] = self.open_id(self.employee)
        return told

    def open_id(self, employee: str) -> str:
        return self.simulator.tenant.people.by_id[employee].open_id

    def raw(self, path: str, document: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        status, _, body = self.simulator.answer("POST", path, headers or {}, json.dumps(document).encode())
        assert status == 200
        told: dict[str, Any] = json.loads(body)
        assert told["traceId"].startswith("E-O.simulator.")
        return told

    def post(self, path: str, data: Any = None, **top: Any) -> dict[str, Any]:
        """What is answered, well or not. A path without a slash is a verb of preset objects."""
        body = {**self.body, **top} | ({} if data is None else {"data": data})
        return self.raw(path if "/" in path else LOCATION + path, body, self.headers)

    def well(self, path: str, data: Any = None, **top: Any) -> dict[str, Any]:
        told = self.post(path, data, **top)
        assert told["errorCode"] == 0, told
        return told

    def refused(self, path: str, data: Any = None, **top: Any) -> str:
        """The words of a refusal, after its code."""
        told = self.post(path, data, **top)
        assert told["errorCode"] != 0, told
        return f"{told['errorCode']} {told['errorMessage']}"

    def create(self, object_name: str, row: Mapping[str, Any], **top: Any) -> str:
        data = {"object_data": {"dataObjectApiName": object_name, **row}}
        told = self.well(self.path(object_name, "create"), data, **{**QUIET, **top})
        return str(told["dataId"])

    def not_created(self, object_name: str, row: Mapping[str, Any], **top: Any) -> str:
        data = {"object_data": {"dataObjectApiName": object_name, **row}}
        return self.refused(self.path(object_name, "create"), data, **{**QUIET, **top})

    def path(self, object_name: str, verb: str) -> str:
        return f"/cgi/crm/custom/v2/data/{verb}" if object_name.endswith("__c") else LOCATION + verb

    def get(self, object_name: str, row_id: str, **top: Any) -> dict[str, Any]:
        data = {"dataObjectApiName": object_name, "objectDataId": row_id}
        row: dict[str, Any] = self.well(self.path(object_name, "get"), data, **top)["data"]
        return row

    def find(self, object_name: str, *filters: tuple[str, str, list[Any]], **more: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.page(object_name, *filters, **more)["dataList"]
        return rows

    def page(self, object_name: str, *filters: tuple[str, str, list[Any]], **more: Any) -> dict[str, Any]:
        """more: `total` for find_explicit_total_num, and what stands in search_query_info."""
        data: dict[str, Any] = {"dataObjectApiName": object_name}
        if "total" in more:
            data["find_explicit_total_num"] = more.pop("total")
        told = [{"field_name": name, "operator": sign, "field_values": values} for name, sign, values in filters]
        data["search_query_info"] = {"limit": 100, "offset": 0, "filters": told, "orders": [], **more}
        page: dict[str, Any] = self.well(self.path(object_name, "query"), data)["data"]
        return page
