"""The connector to Salesforce over a real socket."""

from __future__ import annotations

import pytest
from changeover.connectors.clock import SystemClock
from changeover.connectors.errors import UnavailableError
from changeover.connectors.pace import Pace
from changeover.connectors.port import Connector, Settings
from changeover.connectors.salesforce import connect
from changeover.connectors.salesforce.simulator import Fault, FaultKind, Faults, Server, Simulator
from changeover.connectors.salesforce.simulator import Settings as SimulatorSettings
from changeover.connectors.secrets import Secrets

MORE = "/services/data/v67.0/query/*"


def reached(host: str, **options: object) -> Connector:
    told = {"host": host, "client_id": "simulator", "client_secret": "${SF_SECRET}", "timeout": 20.0, **options}
    clock = SystemClock()
    return connect(Settings("sf", "salesforce", told), Secrets({"SF_SECRET": "secret"}.get), Pace(clock), clock)


def test_a_read_over_a_line_that_breaks_in_the_middle_of_an_answer() -> None:
    faults = Faults([Fault(MORE, FaultKind.CUT, frozenset({1}))])
    server = Server(Simulator(SystemClock(), SimulatorSettings.of({"records": "1500"}), None, faults))
    try:
        connector = reached(server.url, page=200, objects=["Contact"])
        chunks = list(connector.read("Contact", ["LastName", "Email"], size=150))
        keys = [key for chunk in chunks for key in chunk.keys]
        assert len(keys) == len(set(keys)) == connector.count("Contact") > 200
        assert keys == [str(row["Id"]) for row in server.simulator.rows("Contact")]
        assert faults.struck == 1
        assert connector.record_url("Contact", keys[0]) == f"{server.url}/{keys[0]}".replace("http:", "https:")
        connector.close()
    finally:
        server.close()
    with pytest.raises(UnavailableError) as raised:
        reached(server.url).identity()
    assert raised.value.code == "salesforce.unreachable"
