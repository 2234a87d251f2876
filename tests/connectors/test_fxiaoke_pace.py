"""The limit of an interface in real time, over a real socket, twenty times as fast as the vendor's: it is used, and
never passed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from changeover.connectors.change import Batch, Change, ChangeKind, OutcomeState
from changeover.connectors.clock import SystemClock
from changeover.connectors.fxiaoke import connect
from changeover.connectors.fxiaoke.simulator import Server, Simulator
from changeover.connectors.fxiaoke.simulator import Settings as SimulatorSettings
from changeover.connectors.pace import Pace, Rate
from changeover.connectors.port import Connector, Settings
from changeover.connectors.secrets import Secrets

from .fxiaoke_kit import APP, OUR_FIELD, SECRETS

CREATE = "/cgi/crm/v2/data/create"
SHORT, LONG = Rate(100, 1.0), Rate(200, 2.0)
"""100 calls in 20 seconds are the vendor's."""
AT_ONCE = 4


@contextmanager
def limited(rate: Rate) -> Iterator[tuple[Simulator, Connector]]:
    told = {"key_field": OUR_FIELD, "rate_calls": str(rate.calls), "rate_seconds": str(rate.seconds), "packs": "9"}
    simulator = Simulator(SystemClock(), SimulatorSettings.of(told))
    server = Server(simulator)
    options = {**APP, "host": server.url, "sign_in": "bearer", "objects": ["AccountObj"], "at_once": AT_ONCE}
    paced = {"calls": rate.calls, "seconds": rate.seconds}
    settings = Settings("fx", "fxiaoke", {**options, **paced})
    connector = connect(settings, Secrets(SECRETS.get), Pace(SystemClock()), SystemClock())
    try:
        yield simulator, connector
    finally:
        connector.close()
        server.close()


def times(connector: Connector, calls: int) -> list[float]:
    """When each batch of so many creates, by several threads, was done."""
    connector.describe()
    size = connector.capabilities.batch_size

    def write(start: int) -> float:
        made = (Change(ChangeKind.CREATE, f"k{one}", values={"name": str(one)}) for one in range(start, start + size))
        assert {each.state for each in connector.write(Batch("AccountObj", tuple(made)))} == {OutcomeState.ACKED}
        return time.monotonic()

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return sorted(threads.map(write, range(0, calls, size)))


def test_the_limit_is_never_passed() -> None:
    """Where it were, the simulator would refuse the call."""
    with limited(SHORT) as (simulator, connector):
        times(connector, 260)
        assert simulator.calls[CREATE] == simulator.count("AccountObj") == 260
        assert not simulator.limits.refused


@pytest.mark.torture
def test_the_limit_is_used(record_property: Callable[[str, object], None]) -> None:
    """From the end of the first burst to that of the last."""
    calls = 20 * LONG.calls
    with limited(LONG) as (simulator, connector):
        done = times(connector, calls)
        first = done[LONG.calls // connector.capabilities.batch_size - 1]
        assert not simulator.limits.refused
    used = (calls - LONG.calls) / LONG.per_second / (done[-1] - first)
    record_property("told", f"Fxiaoke's pace: {used:.1%} of the limit, {LONG.per_second:.0f} calls a second")
    assert used >= 0.95
