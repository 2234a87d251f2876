"""The simulator behind its socket: connections that are kept, many callers at once, and connections that break."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from changeover.connectors.clock import SystemClock
from changeover.connectors.errors import InputError
from changeover.connectors.fxiaoke.simulator import Fault, FaultKind, Faults, Server, Settings, Simulator

CREATE = "/cgi/crm/v2/data/create"


@pytest.fixture
def server() -> Iterator[Server]:
    faults = Faults(
        [
            Fault(CREATE, FaultKind.LOST, frozenset({3}), after=True),
            Fault(CREATE, FaultKind.GATEWAY, frozenset({4})),
        ]
    )
    server = Server(Simulator(SystemClock(), Settings(rate_calls=60), faults=faults))
    yield server
    server.close()


class Client:
    def __init__(self, server: Server) -> None:
        self.url = server.url
        self.session = requests.Session()
        self.session.trust_env = False
        told = server.credentials
        asked = {**{key: told[key] for key in ("appId", "appSecret", "permanentCode")}, "grantType": "app_secret"}
        token = self.session.post(f"{self.url}/oauth2.0/token", json=asked, timeout=30).json()["accessToken"]
        names = ("x-fs-ea", "x-fs-userid")
        self.session.headers.update({"authorization": f"Bearer {token}", **{key: told[key] for key in names}})

    def create(self, name: str) -> requests.Response:
        data = {"object_data": {"dataObjectApiName": "AccountObj", "name": name}}
        return self.session.post(self.url + CREATE, json={"data": data}, timeout=30)


def test_calls_of_one_connection_come_off_or_break_and_another_may_take_the_port_only_later(server: Server) -> None:
    client = Client(server)
    port = int(client.url.rpartition(":")[2])
    assert client.create("甲").json()["errorCode"] == 0
    assert client.create("乙").headers["Content-Type"].startswith("application/json")
    with pytest.raises(requests.ConnectionError):
        client.create("丙")
    page = client.create("丁")
    assert (page.status_code, "<html>" in page.text) == (502, True)
    assert client.session.get(client.url + "/cgi/nothing", timeout=30).json()["errorCode"] == 10006
    assert server.simulator.count("AccountObj") == 3
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(server.simulator, "answer", lambda *_: 1 / 0)
        broken = client.create("戊")
    assert (broken.status_code, "ZeroDivisionError" in broken.text) == (500, True)
    with pytest.raises(InputError) as error:
        Server(Simulator(SystemClock()), port)
    assert error.value.code == "simulator.port"


def test_many_callers_at_once_lose_and_double_nothing_and_are_held_to_the_limit_together(server: Server) -> None:
    server.simulator.faults.strike(CREATE)
    for _ in range(4):
        server.simulator.faults.strike(CREATE)
    client = Client(server)

    def make(number: int) -> Any:
        caller = requests.Session()
        caller.trust_env = False
        caller.headers.update(client.session.headers)
        data = {"object_data": {"dataObjectApiName": "AccountObj", "name": str(number)}}
        return [caller.post(client.url + CREATE, json={"data": data}, timeout=30).json() for _ in range(10)]

    with ThreadPoolExecutor(8) as pool:
        told = [each for some in pool.map(make, range(8)) for each in some]
    made = [each["dataId"] for each in told if each["errorCode"] == 0]
    assert (len(made), len(set(made)), server.simulator.count("AccountObj")) == (60, 60, 60)
    assert {each["errorCode"] for each in told} == {0, 30004}
