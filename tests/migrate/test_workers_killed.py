"""Two processes share a run and one of them dies, or stands still for too long: it comes to the same as one process
alone, nothing is doubled, nothing is left open."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from changeover.connectors.change import Batch
from changeover.connectors.testing.http_crm.server import Gate
from changeover.migrate.session import LISTENS

from ..connectors.arrivals import most_in_any
from ..servers import fresh_database
from .company import Company
from .kill_at import Launcher
from .sharing import BATCH, JOIN, LEAD, NOBODY, PATIENCE, STANDING, Left, Shared, begun, make_template
from .test_kill import RUN
from .test_server_ledger import PASSWORD

pytestmark = pytest.mark.long
KILLS = int(os.environ.get("CHANGEOVER_TEST_KILLS", "50"))
SEED = int(os.environ.get("CHANGEOVER_TEST_SEED", "20240229"))


@pytest.fixture(scope="module")
def url(postgres: sa.URL) -> Iterator[str]:
    with fresh_database(postgres) as text, pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEDGER_PASSWORD", PASSWORD)
        made = sa.make_url(text).set(drivername="postgresql", password="LEDGER")  # noqa: S106
        yield made.render_as_string(hide_password=False).replace(":LEDGER@", ":${LEDGER_PASSWORD}@")


@pytest.fixture(scope="module")
def commands(url: str, http_launcher: Launcher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Launcher]]:
    """Two, each of which runs one command at a time and finds the secret of `url`."""
    assert url
    with closing(Launcher(tmp_path_factory.mktemp("commands"))) as other:
        yield [http_launcher, other]


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
    """A coordinator that waits at the door with its first call, and whoever has joined it meanwhile. met: at the n-th
    call of the other one it was given the signal."""

    def __init__(self, world: Shared, commands: list[Launcher], lead: Sequence[str] = LEAD) -> None:
        self.world, self._lead = world, lead
        self.lead, self.join = commands
        self.folder = world.company.folder
        self.joined = self.coordinator = 0
        self.met = threading.Event()

    def start(self, moment: str, number: int, act: signal.Signals = signal.SIGCONT, *, joins: bool = True) -> None:
        """act: what the joined process is sent at that call of its own, or whoever makes it where nobody joins."""
        seen = 0

        def other(now: str, _number: int, _batch: Batch) -> None:
            nonlocal seen
            seen += self.world.waits_at > 0 and now == moment
            if seen == number and not self.met.is_set():
                os.kill(self.joined or self.world.process_beside(self.coordinator), act)
                self.met.set()

        self.world.other = other
        self.world.let_wait()
        self.coordinator = self.lead.start(self.folder, self._lead, NOBODY)
        assert self.world.arrived.wait(PATIENCE)
        if joins:
            self.joined = self.join.start(self.folder, JOIN, NOBODY)
        assert self.met.wait(PATIENCE), "the other one does not work"

    def end(self) -> Left:
        """Of the coordinator."""
        self.world.released.set()
        return self.world.left(self.lead.end())

    def joiner(self) -> tuple[int, dict[str, Any]]:
        """Exit code and report of the joined process."""
        code, said = self.join.end()
        told: dict[str, Any] = json.loads(said[said.index("{\n") :])
        return code, told


def test_two_processes_come_to_the_same_as_one(world: Shared, commands: list[Launcher], alone: Left) -> None:
    pair = Pair(world, commands)
    pair.start("done", 3)
    assert world.broken(pair.end(), alone) == {}
    code, told = pair.joiner()
    assert (code, told["lost"]) == (0, 0)
    assert told["changes"] >= 3 * BATCH
    assert set(told) - STANDING == {"runs", "partitions", "changes", "recovered", "lost", "seconds", "report"}


@pytest.mark.parametrize(("moment", "number"), [("arrived", 1), ("done", 2)])
def test_a_joined_process_is_killed(
    moment: str, number: int, world: Shared, commands: list[Launcher], alone: Left
) -> None:
    pair = Pair(world, commands)
    pair.start(moment, number, signal.SIGKILL)
    assert pair.join.end()[0] == -signal.SIGKILL
    assert world.open() >= BATCH
    world.expire(pair.joined)
    assert world.broken(pair.end(), alone) == {}


def test_the_coordinator_is_killed_and_the_other_goes_on_with_the_next(
    world: Shared, commands: list[Launcher], alone: Left
) -> None:
    pair = Pair(world, commands)
    pair.start("arrived", 2)
    os.kill(pair.coordinator, signal.SIGKILL)
    world.released.set()
    assert pair.lead.end()[0] == -signal.SIGKILL
    left = world.left(pair.lead.run(pair.folder, *LEAD))
    assert world.broken(left, alone) == {}
    assert pair.joiner()[0] == 0
    assert world.number("select count(distinct epoch) from worker where role = 'worker'") == 2


def test_a_process_that_stood_still_for_too_long_is_refused(
    world: Shared, commands: list[Launcher], alone: Left
) -> None:
    pair = Pair(world, commands)
    pair.start("arrived", 2, signal.SIGSTOP)
    world.expire(pair.joined)
    left = pair.end()
    os.kill(pair.joined, signal.SIGCONT)
    code, told = pair.joiner()
    assert (code, told["lost"]) == (0, 1)
    assert world.broken(left, alone) == {}


def test_a_joined_process_is_interrupted(world: Shared, commands: list[Launcher], alone: Left) -> None:
    pair = Pair(world, commands)
    pair.start("arrived", 2, signal.SIGINT)
    code, told = pair.joiner()
    assert (code, told["changes"]) == (130, 2 * BATCH)
    assert world.number("select count(*) from partition where state = 'leased'") == 1
    assert world.broken(pair.end(), alone) == {}


def test_the_coordinator_is_interrupted(world: Shared, commands: list[Launcher], alone: Left) -> None:
    pair = Pair(world, commands)
    pair.start("arrived", 2)
    os.kill(pair.coordinator, signal.SIGINT)
    world.released.set()
    code, said = pair.lead.end()
    told = json.loads(said[said.index("{\n") :])
    assert (code, told["unknown"], world.open()) == (130, 0, 0)
    assert told["next"][0] == "changeover run --execute --workers 1"
    assert pair.joiner()[0] == 0
    assert world.broken(world.left(pair.lead.run(pair.folder, *LEAD)), alone) == {}


def test_a_started_process_is_killed_and_another_is_started(
    world: Shared, commands: list[Launcher], alone: Left
) -> None:
    pair = Pair(world, commands, ("run", "--execute", "--workers", "2", "--json"))
    pair.start("arrived", 2, signal.SIGKILL, joins=False)
    world.released.set()
    code, said = pair.lead.end()
    assert world.broken(world.left((code, said)), alone) == {}
    told = json.loads(said[said.index("{\n") :])
    assert [each["count"] for each in told["findings"] if each["code"] == "worker.killed"] == [1]
    assert world.beside(pair.coordinator) == []


def test_two_processes_keep_to_one_limit(
    template: Company, url: str, commands: list[Launcher], alone: Left, tmp_path: Path
) -> None:
    gate = Gate(30, 1.0, threads=4)
    with begun(template, tmp_path, url, gate) as world:
        pair = Pair(world, commands)
        world.let_wait()
        pair.lead.start(pair.folder, LEAD, NOBODY)
        assert world.arrived.wait(PATIENCE)
        pair.join.start(pair.folder, JOIN, NOBODY)
        until = time.monotonic() + PATIENCE
        while world.number("select count(*) from worker where role = 'worker'") == 0 and time.monotonic() < until:
            time.sleep(0.05)
        assert world.broken(pair.end(), alone) == {}
        code, told = pair.joiner()
    assert (code, told["changes"] > 0) == (0, True)
    assert gate.turned_away == 0
    assert most_in_any([at for at, _ in gate.arrivals], gate.seconds) <= gate.calls
    assert len(gate.arrivals) > 4 * gate.calls


def test_what_another_terminal_asks_is_asked_of_both(
    template: Company, url: str, commands: list[Launcher], alone: Left, tmp_path: Path
) -> None:
    """A twentieth of the rate for both together; then both stand still after what they have under way, and go on."""
    gate, calls, full, held = Gate(40, 2.0, threads=4), count(1), threading.Event(), threading.Event()

    def waits(moment: str, _number: int, _batch: Batch) -> None:
        if moment == "arrived" and next(calls) > 8:
            full.set()
            assert held.wait(PATIENCE)

    with begun(template, tmp_path, url, gate) as world:
        pair = Pair(world, commands)
        pair.start("arrived", 10)
        assert world.company.say("pace", "5%").code == 0
        time.sleep(2 * LISTENS + gate.seconds)  # both have looked, and what went before is forgotten
        world.other, before = waits, len(gate.arrivals)
        world.released.set()
        assert full.wait(PATIENCE)
        slow = [at for at, _ in gate.arrivals[before:]]
        assert world.company.say("pause").code == 0
        time.sleep(2 * LISTENS)  # whoever is not held at the door has looked by now
        held.set()
        until = time.monotonic() + PATIENCE
        while world.open() and time.monotonic() < until:
            time.sleep(0.05)
        before = len(gate.arrivals)
        time.sleep(LISTENS)
        assert (world.open(), len(gate.arrivals)) == (0, before)
        assert world.number("select count(*) from partition where state <> 'done'") > 0
        assert [world.company.say(*words).code for words in (("pace", "off"), ("continue",))] == [0, 0]
        assert world.broken(pair.end(), alone) == {}
        code, told = pair.joiner()
    assert (code, told["changes"] > 0) == (0, True)
    assert gate.turned_away == 0
    assert len(slow) > 8
    assert most_in_any(slow, gate.seconds) <= gate.calls / 20


@pytest.mark.torture
@pytest.mark.parametrize("number", range(KILLS))
def test_either_or_both_are_killed_anywhere(number: int, world: Shared, commands: list[Launcher], alone: Left) -> None:
    some = random.Random(SEED + number)
    dies = some.choice(("joined", "coordinator", "both"))
    pair = Pair(world, commands)
    act = signal.SIGCONT if dies == "coordinator" else signal.SIGKILL
    pair.start(some.choice(("arrived", "done")), some.randint(1, 4), act)
    if dies != "joined":
        os.kill(pair.coordinator, signal.SIGKILL)
        world.released.set()
        assert pair.lead.end()[0] == -signal.SIGKILL
        left = world.left(pair.lead.run(pair.folder, *LEAD))
    else:
        world.expire(pair.joined)
        left = pair.end()
    assert pair.join.end()[0] == (0 if dies == "coordinator" else -signal.SIGKILL)
    assert world.broken(left, alone) == {}
