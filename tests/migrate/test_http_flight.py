"""The real run against the real server on loopback, several calls under way: the limit is used and kept, and siblings
do not fight."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from changeover.connectors.clock import VirtualClock
from changeover.connectors.pace import Pace
from changeover.connectors.testing.http_crm.server import Gate, HttpCrm
from changeover.migrate.sending import send
from changeover.migrate.sending.siblings import nothing_touched

from ..connectors.arrivals import most_in_any, used
from ..connectors.http_kit import installed
from ..hasty import hasty
from .company import Company
from .http_company import ENVIRONMENT, empty_crm, make_company_on_http, point_at

CUSTOMERS, ORDERS = 4, 60
NOW = dt.datetime(2024, 2, 29, tzinfo=dt.UTC)


@pytest.fixture(scope="module", autouse=True)
def found_in_the_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with installed(tmp_path_factory.mktemp("path") / "site"), pytest.MonkeyPatch.context() as patch, hasty():
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        yield


def company_for(crm: HttpCrm, folder: Path, customers: int) -> Company:
    company = make_company_on_http(folder / "move")
    point_at(company, crm)
    rows = [(f"C{number}", f"客户{number}", f"T{number}", "ok") for number in range(customers)]
    company.old("insert into t_customer (khbh, khmc, sh, zt) values (?, ?, ?, ?)", rows)  # type: ignore[arg-type]
    return company


def locked_rows(folder: Path, batch_size: int) -> int:
    """How many changes were refused because another call had their parent locked."""
    gate = Gate(threads=6, takes=0.005)
    with HttpCrm(empty_crm(), batch_size=batch_size, gate=gate, locks={"orders": "customer_id"}) as crm:
        company = company_for(crm, folder, CUSTOMERS)
        for number in range(ORDERS):
            company.order(number, f"C{number % CUSTOMERS}")
        told = company.run(clock=VirtualClock(NOW))
        assert told.counts("order") == {"read": ORDERS, "created": ORDERS}
        assert sorted(crm.acked("create")) == sorted(set(crm.acked("create")))
        return crm.locks.refused


@pytest.mark.parametrize("batch_size", [1, 10])
def test_siblings_do_not_fight_for_their_parent(tmp_path: Path, batch_size: int) -> None:
    assert locked_rows(tmp_path, batch_size) == 0


def test_siblings_would_fight_for_their_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send, "touches", lambda _mapping: nothing_touched)
    assert locked_rows(tmp_path, 1) > 0


# The limit


@dataclass
class Machine:
    """What this machine takes for itself. holds: seconds from each call's departure to the latest moment at which it
    may have been counted. late: seconds by which a thread that slept was woken too late."""

    holds: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)

    def possible(self, gate: Gate) -> float:
        """The share of the limit that anybody could use here."""
        return gate.seconds / (1.001 * gate.seconds + 0.002 + fmean(self.holds) + fmean(self.late))


@contextmanager
def measured() -> Iterator[Machine]:
    machine, here, over = Machine(), threading.local(), threading.Event()
    take, answered = Pace.take, Pace.answered

    def taken(self: Pace, interface: str, calls: int = 1) -> None:
        take(self, interface, calls)
        here.departed = time.monotonic()

    def settled(self: Pace, *told: Any) -> None:
        machine.holds.append(time.monotonic() - here.departed - told[-1])
        answered(self, *told)

    def sleeper() -> None:
        while not over.is_set():
            before = time.monotonic()
            time.sleep(0.01)
            machine.late.append(time.monotonic() - before - 0.01)

    thread = threading.Thread(target=sleeper)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Pace, "take", taken)
        patch.setattr(Pace, "answered", settled)
        thread.start()
        try:
            yield machine
        finally:
            over.set()
            thread.join()


def run_at_the_limit(folder: Path, gate: Gate, windows: int) -> float:
    """How much of the limit the writes of a run used, of what was possible here. Not one call is too many."""
    calls = 1 + windows * gate.calls
    with HttpCrm(empty_crm(), batch_size=1, gate=gate) as crm, measured() as machine:
        assert company_for(crm, folder, calls).run().counts("customer") == {"read": calls, "created": calls}
        assert len(crm.acked("create")) == len(set(crm.acked("create"))) == calls
    assert gate.turned_away == 0
    assert most_in_any([at for at, _ in gate.arrivals], gate.seconds) <= gate.calls
    share = used([at for at, write in gate.arrivals if write], gate.calls, gate.seconds)
    possible = machine.possible(gate)
    print(
        f"{share:.1%} of {gate.calls} in {gate.seconds:g} s used over {windows} windows, {possible:.1%} possible here"
    )
    return share / min(possible, 1)


def test_a_run_never_oversteps_its_limit_and_uses_it(tmp_path: Path) -> None:
    """100 calls in any second, which is 100 in any 20 s at a twentieth of the time, and answers that take 50 ms. How
    much of it is used: test_flight.py, and below. On a machine that is busy with other tests it is less; one call after
    the other would use a fifth."""
    shares = (run_at_the_limit(tmp_path / str(n), Gate(100, 1.0, threads=16, takes=0.05), 8) for n in range(2))
    assert any(share >= 0.6 for share in shares)


@pytest.mark.torture
@pytest.mark.parametrize(("seconds", "takes", "windows"), [(1.0, 0.05, 25), (20.0, 0.5, 3)])
def test_a_run_uses_its_limit_for_a_minute(tmp_path: Path, seconds: float, takes: float, windows: int) -> None:
    assert run_at_the_limit(tmp_path, Gate(100, seconds, threads=16, takes=takes), windows) >= 0.95
