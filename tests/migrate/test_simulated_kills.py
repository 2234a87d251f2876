"""The demo's legacy CRM into the simulated one, over real HTTP: the process is killed by `kill -9` five times, at drawn
calls, and what arrives is what was planted. 103,000 records of it: `make torture`."""

from __future__ import annotations

import json
import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from changeover.connectors.clock import SystemClock
from changeover.connectors.fxiaoke.simulator import Server
from changeover.mappings.compile import load_mapping_files
from changeover.migrate.demo.facts import DemoFacts
from changeover.migrate.demo.generate import generate
from changeover.migrate.demo.into import answering

from .kill_at import Launcher
from .striking import KILLS, RECONCILE, Line, opened

pytestmark = pytest.mark.long
SEED = int(os.environ.get("CHANGEOVER_TEST_SEED", "20240229"))
MANY = int(os.environ.get("CHANGEOVER_TEST_RECORDS", "103000"))
"""Under `make torture`."""
OUR_FIELD = "legacy_key__c"


@pytest.fixture
def ready(launcher: Launcher, monkeypatch: pytest.MonkeyPatch) -> Launcher:
    """Its commands find the simulator's made-up secret."""
    monkeypatch.setenv("APP_SECRET", "secret")
    return launcher


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
        line = Line(server.simulator)  # type: ignore[arg-type]
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
