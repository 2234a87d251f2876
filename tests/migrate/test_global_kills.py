"""The pack from Salesforce to Fxiaoke over real HTTP on both sides: the process is killed by `kill -9` five times, at
drawn calls of either, and all of it comes, once. 103,000 records of it: `make torture`."""

from __future__ import annotations

import json
import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from .global_move import FOLDED, SECRETS, laid, moving
from .kill_at import Launcher
from .striking import KILLS, RECONCILE, Line, opened

pytestmark = pytest.mark.long
SEED = int(os.environ.get("CHANGEOVER_TEST_SEED", "20240229"))
MANY = int(os.environ.get("CHANGEOVER_TEST_RECORDS", "103000"))
"""Under `make torture`."""


@pytest.fixture
def ready(launcher: Launcher, monkeypatch: pytest.MonkeyPatch) -> Launcher:
    """Its commands find the simulators' made-up secrets."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    return launcher


@pytest.mark.parametrize("records", [3_000, pytest.param(MANY, marks=pytest.mark.torture)])
def test_the_whole_move_killed_five_times_comes_whole_and_once(
    records: int, ready: Launcher, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    folder = tmp_path / "move"
    laid(folder, records)
    some = random.Random(f"{SEED} {records}")
    left_open, struck = 0, []
    with moving(folder) as move:
        move.rewrite("changeover.yaml", ("deadline: 10", "deadline: 1"))
        line = Line(move.org.simulator, move.tenant.simulator)  # type: ignore[arg-type]
        for _ in range(KILLS):
            kill = (some.randint(1, records // 6), some.choice(("before", "after")))
            code, said = line.life(ready, folder, *kill)
            assert code == -signal.SIGKILL, (kill, said[-2_000:])
            struck.append(kill)
            left_open += opened(folder)
        code, said = line.life(ready, folder, 0, "")
        run = json.loads(said[said.index("{\n") :])
        assert (code, opened(folder)) == (0, 0), run["verdict"]
        came = {name: counts["created"] + counts["unchanged"] for name, counts in run["mappings"].items()}
        assert came == {name: len(move.alive(source)) for name, (source, _) in move.mappings.items()}
        assert sum(came.values()) == records - sum(len(move.alive(each)) for each in FOLDED)
        code, said = ready.run(folder, *RECONCILE)
        compared = json.loads(said[said.index("{\n") :])
        assert (code, compared["differences"], compared["totals_equal"]) == (0, 0, True), compared["verdict"]
        for source, target in move.mappings.values():
            there, wanted = move.there(target), {str(row["Id"]) for row in move.alive(source)}
            assert wanted <= there.keys()
            assert [key for key, rows in there.items() if len(rows) > 1] == []
    assert left_open > 0, "no kill struck between an intent and its outcome"
    record_property("told", f"{records} records, killed at {struck}, {left_open} left open, {line.calls} calls last")
