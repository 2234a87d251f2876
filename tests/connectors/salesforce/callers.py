"""Callers of the simulator, within the process and on a clock that tests move."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from changeover.connectors.clock import VirtualClock
from changeover.connectors.salesforce.simulator import Faults, Settings, Simulator

START = dt.datetime(2026, 3, 2, 1, 0, tzinfo=dt.UTC)
CLIENT = {"grant_type": "client_credentials", "client_id": "simulator", "client_secret": "secret"}


def simulator(data: Path | None = None, faults: Faults | None = None, **settings: Any) -> Simulator:
    return Simulator(
        VirtualClock(START), Settings.of({name: str(each) for name, each in settings.items()}), data, faults
    )


class Caller:
    """Signed in by client credentials, or as a user of that name by password."""

    def __init__(self, simulator: Simulator, *, username: str | None = None, version: int = 67) -> None:
        self.simulator = simulator
        self.version = version
        self.username = username
        self.headers: dict[str, str] = {}
        self.last: Mapping[str, str] = {}
        self.sign_in()

    @property
    def clock(self) -> VirtualClock:
        clock = self.simulator.org.clock
        assert isinstance(clock, VirtualClock)
        return clock

    def sign_in(self) -> dict[str, Any]:
        form = dict(CLIENT)
        if self.username is not None:
            form |= {"grant_type": "password", "username": self.username, "password": "password"}
        told = self.form(form)
        self.headers = {"Authorization": f"Bearer {told['access_token']}"}
        return told

    def form(self, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        body = urlencode(form).encode()
        _, _, told = self.simulator.answer("POST", "/services/oauth2/token", headers or {}, body)
        document: dict[str, Any] = json.loads(told)
        return document

    def raw(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, Mapping[str, str], bytes]:
        """headers: with _ for each -. path: from the root, or behind the version."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        path = path if path.startswith("/") else f"/services/data/v{self.version}.0/{path}"
        return self.simulator.answer(method, path, {**self.headers, **named}, body)

    def call(self, method: str, path: str, document: Any = None, **headers: str) -> tuple[int, Any]:
        """(status, what is said)."""
        body = b"" if document is None else json.dumps(document).encode()
        status, self.last, told = self.raw(method, path, body, **headers)
        return status, json.loads(told) if told else None

    def refused(self, method: str, path: str, document: Any = None, **headers: str) -> str:
        """Status, code, and the fields that it is about."""
        status, told = self.call(method, path, document, **headers)
        assert status >= 400, told
        return " ".join([str(status), told[0]["errorCode"], *told[0].get("fields", [])])

    def create(self, object_name: str, **values: Any) -> str:
        status, told = self.call("POST", f"sobjects/{object_name}", values)
        assert (status, told["success"], told["errors"]) == (201, True, []), told
        return str(told["id"])

    def query(self, soql: str, *, everything: bool = False, **headers: str) -> dict[str, Any]:
        path = "queryAll" if everything else "query"
        status, told = self.call("GET", f"{path}?q={quote(soql)}", **headers)
        assert status == 200, told
        return dict(told)

    def find(self, soql: str, *, everything: bool = False) -> list[dict[str, Any]]:
        """Records without their attributes."""
        return [plain(each) for each in self.query(soql, everything=everything)["records"]]

    def cells(self, soql: str, *, everything: bool = False) -> list[Any]:
        """Of the one column that is asked for."""
        return [next(iter(each.values())) for each in self.find(soql, everything=everything)]

    def not_found(self, soql: str) -> str:
        return self.refused("GET", f"query?q={quote(soql)}")


def plain(told: Any) -> Any:
    if isinstance(told, dict):
        return {name: plain(each) for name, each in told.items() if name != "attributes"}
    return [plain(each) for each in told] if isinstance(told, list) else told
