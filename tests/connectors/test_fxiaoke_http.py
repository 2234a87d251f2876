"""The connector to Fxiaoke over a real socket, several calls at a time."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from changeover.connectors.change import Batch, Change, ChangeKind, Outcome, OutcomeState
from changeover.connectors.clock import SystemClock
from changeover.connectors.fxiaoke import connect
from changeover.connectors.fxiaoke.simulator import Fault, FaultKind, Faults, Server, Simulator
from changeover.connectors.fxiaoke.simulator import Settings as SimulatorSettings
from changeover.connectors.pace import Pace
from changeover.connectors.port import OUR_KEY, Connector, Settings
from changeover.connectors.secrets import Secrets

from .fxiaoke_kit import APP, OUR_FIELD, SECRETS

CREATE, GATE = "/cgi/crm/v2/data/create", {"calls": 2000, "seconds": 20.0}
FAULTS = (
    Fault(CREATE, FaultKind.LOST, frozenset({4}), after=True),
    Fault(CREATE, FaultKind.GATEWAY, frozenset({9}), after=True),
    Fault(CREATE, FaultKind.REDIRECT, frozenset({14})),
    Fault(CREATE, FaultKind.TOKEN, frozenset({20})),
)


@pytest.fixture
def served() -> Iterator[tuple[Server, Connector]]:
    told = SimulatorSettings.of({"key_field": OUR_FIELD, "rate_calls": "2000"})
    server = Server(Simulator(SystemClock(), told, None, Faults(list(FAULTS))))
    options = {**APP, **GATE, "host": server.url, "sign_in": "bearer", "objects": ["AccountObj"], "timeout": 20.0}
    connector = connect(Settings("fx", "fxiaoke", options), Secrets(SECRETS.get), Pace(SystemClock()), SystemClock())
    yield server, connector
    connector.close()
    server.close()


def test_every_silence_of_a_real_line_is_told_by_its_key(served: tuple[Server, Connector]) -> None:
    _, connector = served

    def send(numbers: range) -> list[Outcome]:
        made = (Change(ChangeKind.CREATE, f"k{number}", values={"name": f"客户{number}"}) for number in numbers)
        return connector.write(Batch("AccountObj", tuple(made)))

    with ThreadPoolExecutor(4) as threads:
        told = [each for some in threads.map(send, (range(at, at + 10) for at in range(0, 40, 10))) for each in some]
    assert {each.our_key for each in told} == {f"k{number}" for number in range(40)}
    states = [each.state for each in told]
    assert states.count(OutcomeState.UNKNOWN) == 3
    done = states.count(OutcomeState.ACKED)
    assert states.count(OutcomeState.NOT_SENT) == 37 - done, "behind two silences in a row; else a new token was had"
    assert done >= 17
    found = connector.find("AccountObj", (OUR_KEY,), [(f"k{number}",) for number in range(40)], [])
    there = dict(zip(found.our_keys, found.keys, strict=True))
    assert len(there) == done + 2, "two that were lost were done, the one sent elsewhere was not"
    assert {each.our_key: each.target_key for each in told if each.target_key}.items() <= there.items()
    assert connector.count("AccountObj") == done + 2
