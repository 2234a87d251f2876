"""The demo's legacy CRM into the simulated one, over real HTTP: the process is killed by `kill -9` five times, at drawn
calls, and what arrives is what was planted. 103,000 records of it: `make torture`."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path

import pytest
from changeover.connectors.clock import SystemClock
from changeover.connectors.fxiaoke.simulator import Server
from changeover.mappings.compile import load_mapping_files
from changeover.migrate.demo.facts import DemoFacts
from changeover.migrate.demo.generate import generate
from changeover.migrate.demo.into import answering

from .kill_at import FORGOTTEN, At, Launcher
from .kills import OPEN

pytestmark = pytest.mark.long
SEED = int(os.environ.get("CHANGEOVER_TEST_SEED", "20240229"))
MANY = int(os.environ.get("CHANGEOVER_TEST_RECORDS", "103000"))
"""Under `make torture`."""
KILLS = 5
OUR_FIELD = "legacy_key__c"
RUN, RECONCILE = ("run", "--execute", "--json"), ("reconcile", "--json")
NOBODY = At("ledger", "after", FORGOTTEN)
Answer = Callable[[str, str, Mapping[str, str], bytes], object]


class Line:
    """The simulator's end of the line. At a call of a life that was drawn the caller is killed: before the call is
    carried out, or when it is but nobody has been told."""

    def __init__(self, server: Server) -> None:
        self._simulator = server.simulator
        self._answer: Answer = server.simulator.answer
        self._lock = threading.Lock()
        self._strike: tuple[int, str] | None = None
        self._process: Future[int] = Future()
        self.calls = 0
        """Of this life."""
        server.simulator.answer = self._answered  # type: ignore[method-assign, assignment]

    def life(self, launcher: Launcher, folder: Path, number: int, when: str) -> tuple[int, str]:
        """Run the command; number: the call at which it is killed, 0 for none."""
        self.calls, self._strike, self._process = 0, (number, when), Future()
        self._process.set_result(launcher.start(folder, RUN, NOBODY))
        return launcher.end()

    def _answered(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> object:
        with self._lock:
            self.calls += 1
            here = self.calls
        if self._strike == (here, "before"):
            self._kill()
        told = self._answer(method, path, headers, body)
        if self._strike == (here, "after"):
            self._kill()
        return told

    def _kill(self) -> None:
        os.kill(self._process.result(30), signal.SIGKILL)


@pytest.fixture
def ready(tmp_path: Path) -> Iterator[Launcher]:
    """Starts the command where it finds the simulator's made-up secret."""
    started = Launcher(tmp_path, {"APP_SECRET": "secret"})
    yield started
    started.close()


@pytest.mark.parametrize("records", [3_000, pytest.param(MANY, marks=pytest.mark.torture)])
def test_the_whole_move_killed_five_times_comes_as_planted(
    records: int, ready: Launcher, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    folder = tmp_path / "move"
    facts = generate(folder, records, target="fxiaoke")
    project = folder / "changeover.yaml"
    project.write_text(project.read_text("utf-8").replace("deadline: 10", "deadline: 1"), "utf-8")
    some = random.Random(f"{SEED} {records}")
    left_open, struck = 0, []
    with answering("fxiaoke", folder, SystemClock()) as server:
        assert isinstance(server, Server)
        line = Line(server)
        for _ in range(KILLS):
            kill = (some.randint(1, records // 6), some.choice(("before", "after")))
            assert line.life(ready, folder, *kill)[0] == -signal.SIGKILL, kill
            struck.append(kill)
            left_open += opened(folder)
        code, said = line.life(ready, folder, 0, "")
        run = json.loads(said[said.index("{\n") :])
        assert (code, {name: planted(each) for name, each in run["mappings"].items()}) == (
            1,  # what was rejected and held waits for somebody
            {name: expected(facts, name) for name in facts.expected},
        )
        assert opened(folder) == 0
        code, said = ready.run(folder, *RECONCILE)
        compared = json.loads(said[said.index("{\n") :])
        assert (code, compared["differences"], compared["totals_equal"]) == (0, 0, True), compared["verdict"]
        there = arrived(folder, server)
    wanted = {name: count + arriving(facts, name) for name, count in theirs(facts, folder).items()}
    assert {name: len(keys) for name, keys in there.items()} == wanted
    assert [key for keys in there.values() for key, times in Counter(filter(None, keys)).items() if times > 1] == []
    assert left_open > 0, "no kill struck between an intent and its outcome"
    record_property("told", f"{records} records, killed at {struck}, {left_open} left open, {line.calls} calls last")


def planted(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count and name != "balanced"}


def expected(facts: DemoFacts, mapping: str) -> dict[str, int]:
    told = facts.expected[mapping]
    return planted({"read": told.read, **told.buckets, "adopted": told.adopted})


def arriving(facts: DemoFacts, mapping: str) -> int:
    """Records that are there afterwards and are ours."""
    return sum(facts.expected[mapping].buckets.get(name, 0) for name in ("created", "updated", "unchanged"))


def objects(folder: Path) -> dict[str, str]:
    return {each.name: each.model.to for each in load_mapping_files(folder / "mappings")}


def theirs(facts: DemoFacts, folder: Path) -> dict[str, int]:
    """Records of users that are nobody's, by the mapping that makes their like."""
    return {name: facts.target_only.get(object_name, 0) for name, object_name in objects(folder).items()}


def arrived(folder: Path, server: Server) -> dict[str, list[object]]:
    """Mapping -> our key of each record that is there, None of users'."""
    rows = server.simulator.rows
    return {name: [row[OUR_FIELD] for row in rows(object_name)] for name, object_name in objects(folder).items()}


def opened(folder: Path) -> int:
    """Operations without an outcome."""
    path = folder / "runs" / "mock" / "ledger.db"
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path)) as ledger:
        return int(ledger.execute(OPEN).fetchone()[0])
