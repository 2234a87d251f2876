"""Two processes share a run and one of them dies, or stands still for too long: it comes to the same as one process
alone, nothing is doubled, nothing is left open."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from changeover.connectors.change import Batch

from ..servers import fresh_database
from .company import Company
from .kill_at import Launcher
from .sharing import BATCH, JOIN, LEAD, NOBODY, PATIENCE, Left, Shared, begun, kill, launchers, make_template
from .test_kill import RUN
from .test_server_ledger import PASSWORD


@pytest.fixture(scope="module")
def url(postgres: sa.URL) -> Iterator[str]:
    with fresh_database(postgres) as text, pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEDGER_PASSWORD", PASSWORD)
        made = sa.make_url(text).set(drivername="postgresql", password="LEDGER")  # noqa: S106
        yield made.render_as_string(hide_password=False).replace(":LEDGER@", ":${LEDGER_PASSWORD}@")


@pytest.fixture(scope="module")
def commands(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Launcher]]:
    assert url
    with launchers(tmp_path_factory.mktemp("commands"), 2) as started:
        yield started


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Company:
    return make_template(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="module")
def alone(template: Company, url: str, commands: list[Launcher], tmp_path_factory: pytest.TempPathFactory) -> Left:
    """What one process leaves that shares with nobody."""
    with begun(template, tmp_path_factory.mktemp("alone"), url) as world:
        left = world.left(commands[0].run(world.company.folder, *RUN))
        assert world.broken(left, left) == {}
        assert len(left.content) > 100
        assert left.findings
        return left


@pytest.fixture
def world(template: Company, url: str, tmp_path: Path) -> Iterator[Shared]:
    with begun(template, tmp_path, url) as made:
        yield made


class Pair:
    """A coordinator that waits at the door with its first call, and whoever has joined it meanwhile."""

    def __init__(self, world: Shared, commands: list[Launcher]) -> None:
        self.world = world
        self.lead, self.join = commands
        self.folder = world.company.folder
        self.joined = 0
        self.coordinator = 0

    def start(self) -> None:
        self.world.let_wait()
        self.coordinator = self.lead.start(self.folder, LEAD, NOBODY)
        assert self.world.arrived.wait(PATIENCE)
        self.joined = self.join.start(self.folder, JOIN, NOBODY)


class AtCall:
    """Does something to a process at its n-th call. reached: it has been done."""

    def __init__(self, moment: str, number: int, act: signal.Signals) -> None:
        self.reached = threading.Event()
        self.pair: Pair | None = None
        self._moment, self._number, self._act = moment, number, act
        self._seen = 0

    def __call__(self, moment: str, _number: int, _batch: Batch) -> None:
        if moment != self._moment or self.reached.is_set():
            return
        self._seen += 1
        if self._seen == self._number and self.pair is not None:
            os.kill(self.pair.joined, self._act)
            self.reached.set()


def test_two_processes_come_to_the_same_as_one(world: Shared, commands: list[Launcher], alone: Left) -> None:
    pair = Pair(world, commands)
    met = AtCall("done", 3, signal.SIGCONT)
    met.pair, world.other = pair, met
    pair.start()
    assert met.reached.wait(PATIENCE), "the joiner does not work"
    world.released.set()
    left = world.left(pair.lead.end())
    code, said = pair.join.end()
    told = json.loads(said[said.index("{\n") :])
    assert world.broken(left, alone) == {}
    assert (code, told["lost"]) == (0, 0)
    assert told["changes"] >= 3 * BATCH


@pytest.mark.parametrize(("moment", "number"), [("arrived", 1), ("done", 2)])
def test_a_joined_process_is_killed(
    moment: str, number: int, world: Shared, commands: list[Launcher], alone: Left
) -> None:
    pair = Pair(world, commands)
    struck = AtCall(moment, number, signal.SIGKILL)
    struck.pair, world.other = pair, struck
    pair.start()
    assert struck.reached.wait(PATIENCE)
    assert pair.join.end()[0] == -signal.SIGKILL
    assert world.open() >= BATCH
    world.expire(pair.joined)
    world.released.set()
    assert world.broken(world.left(pair.lead.end()), alone) == {}


def test_the_coordinator_is_killed_and_the_other_goes_on_with_the_next(
    world: Shared, commands: list[Launcher], alone: Left
) -> None:
    pair = Pair(world, commands)
    met = AtCall("arrived", 2, signal.SIGCONT)
    met.pair, world.other = pair, met
    pair.start()
    assert met.reached.wait(PATIENCE)
    kill(pair.coordinator)
    world.released.set()
    assert pair.lead.end()[0] == -signal.SIGKILL
    left = world.left(pair.lead.run(pair.folder, *LEAD))
    code, said = pair.join.end()
    told = json.loads(said[said.index("{\n") :])
    assert world.broken(left, alone) == {}
    assert code == 0
    assert world.number("select count(distinct epoch) from worker where role = 'worker'") == 2, told


def test_a_process_that_stood_still_for_too_long_is_refused(
    world: Shared, commands: list[Launcher], alone: Left
) -> None:
    pair = Pair(world, commands)
    stopped = AtCall("arrived", 2, signal.SIGSTOP)
    stopped.pair, world.other = pair, stopped
    pair.start()
    assert stopped.reached.wait(PATIENCE)
    world.expire(pair.joined)
    world.released.set()
    left = world.left(pair.lead.end())
    os.kill(pair.joined, signal.SIGCONT)
    code, said = pair.join.end()
    told = json.loads(said[said.index("{\n") :])
    assert (code, told["lost"]) == (0, 1)
    assert world.broken(left, alone) == {}
