"""`kill -9` of the real command while it writes over HTTP to a server that goes on with what it has heard: nothing is
lost, nothing doubled, nothing settled sent again, no operation left open. Many more of them: `make torture`."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from changeover.connectors.cell import Cell
from changeover.connectors.change import Batch
from changeover.connectors.testing.http_crm.server import HttpCrm

from ..connectors.http_kit import installed
from .company import Company
from .http_company import ENVIRONMENT, TARGET, empty_crm, make_company_on_http, point_at
from .kill_at import FORGOTTEN, At, Launcher
from .moving import Record
from .test_kill import BATCH, CHUNK, RUN, fill

KILLS = int(os.environ.get("CHANGEOVER_TEST_KILLS", "50"))
"""Runs that are killed, some of them twice, under `make torture`."""
SEED = int(os.environ.get("CHANGEOVER_TEST_SEED", "20240229"))
SERVER_MAXIMUM = 0.1
NOBODY = At("ledger", "after", FORGOTTEN)
Content = dict[tuple[str, str], dict[str, Cell]]


@dataclass(frozen=True)
class Kill:
    """side: whose n-th call or commit of that life. when: of the target `arrived` or `done`, of the ledger `before` or
    `after`. number: from 1; below 1 so far through an undisturbed run."""

    side: str
    when: str
    number: float

    def at(self, undisturbed: Mapping[str, int]) -> int:
        return max(1, round(self.number * undisturbed[self.side])) if self.number < 1 else int(self.number)


@dataclass(frozen=True)
class Left:
    """What a finished run leaves."""

    code: int
    counts: dict[str, object]
    content: Content


@dataclass
class World:
    """A company, the server it moves to, and the witness at the server's door. open_when_killed: how many operations
    had no outcome at each kill."""

    company: Company
    crm: HttpCrm
    launcher: Launcher
    record: Record = field(default_factory=Record)
    open_when_killed: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._pid: Future[int] = Future()
        self._strike: tuple[str, int] | None = None
        self.crm.watch = self._seen

    @property
    def ledger(self) -> Path:
        return self.company.folder / "runs" / "mock" / "ledger.db"

    def _seen(self, moment: str, number: int, batch: Batch) -> None:
        if moment == "arrived":
            self.record.leaving(self._ask, batch)
        if self._strike == (moment, number):
            os.kill(self._pid.result(30), signal.SIGKILL)

    def live(self, kill: Kill, undisturbed: Mapping[str, int]) -> Left | None:
        """Run the command and kill it there. What it leaves where it came to its end before, None where it was
        killed."""
        number = kill.at(undisturbed)
        self._pid = Future()
        self._strike = (kill.when, self.crm.writes + number) if kill.side == "target" else None
        at = At("ledger", kill.when, number) if kill.side == "ledger" else NOBODY
        self._pid.set_result(self.launcher.start(self.company.folder, RUN, at))
        code, said = self.launcher.end()
        self._strike = None
        if code != -signal.SIGKILL:
            return self._left(code, said)
        self.open_when_killed.append(self.count("state in ('planned', 'intent', 'unknown')"))
        return None

    def _ask(self, question: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.ledger)) as ledger:
            return ledger.execute(question).fetchall()

    def count(self, where: str) -> int:
        return int(self._ask(f"select count(*) from operation where {where}")[0][0])

    def finish(self) -> Left:
        return self._left(*self.launcher.run(self.company.folder, *RUN))

    def _left(self, code: int, said: str) -> Left:
        document = json.loads(said[said.index("{\n") :])
        return Left(code, document["mappings"], self.content())

    def content(self) -> Content:
        """(object, our key) -> cells, references to our records as our keys."""
        tables = self.crm.crm._tables
        ours = {name: {key: each.our_key for key, each in table.records.items()} for name, table in tables.items()}
        told: Content = {}
        for name, table in tables.items():
            for each in table.records.values():
                if each.our_key is None:
                    continue
                cells = dict(each.values)
                for one in TARGET.objects[name].fields:
                    if one.references and cells[one.name] is not None:
                        cells[one.name] = ours[one.references[0]][str(cells[one.name])]
                told[name, each.our_key] = {field: cell for field, cell in cells.items() if field != "id"}
        return told

    def broken(self, left: Left, wanted: Left) -> dict[str, object]:
        """The laws that were broken, each with what broke it."""
        made = Counter(self.crm.acked("create"))
        found = {
            "it ends as it should": [
                each for each in (left.code, left.counts) if each not in (wanted.code, wanted.counts)
            ],
            "nothing lost": sorted(wanted.content.keys() - left.content.keys()),
            "nothing doubled": [key for key, number in made.items() if number > 1],
            "nothing too much": sorted(left.content.keys() - wanted.content.keys()),
            "right values": [key for key, cells in wanted.content.items() if left.content.get(key) != cells],
            "intent first": self.record.unwritten,
            "settled stays settled": self.record.again,
            "no operation open": self.count("state in ('planned', 'intent', 'unknown')"),
        }
        return {law: why for law, why in found.items() if why}


@pytest.fixture(scope="module")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    with installed(tmp_path_factory.mktemp("path") / "site") as site, pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        path = os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH"))))
        started = Launcher(tmp_path_factory.mktemp("launcher"), {"PYTHONPATH": path})
        yield started
        started.close()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Company:
    folder = tmp_path_factory.mktemp("template") / "move"
    company = make_company_on_http(folder, chunk=CHUNK, batch=BATCH, limits=", deadline: 1")
    fill(company)
    return company


@pytest.fixture
def begun(template: Company, launcher: Launcher, tmp_path: Path) -> Iterator[World]:
    with _begun(template, launcher, tmp_path) as world:
        yield world


@contextmanager
def _begun(template: Company, launcher: Launcher, folder: Path) -> Iterator[World]:
    shutil.copytree(template.folder, folder / "move")
    with HttpCrm(empty_crm(), server_maximum=SERVER_MAXIMUM) as crm:
        company = Company(folder / "move")
        point_at(company, crm)
        yield World(company, crm, launcher)


@dataclass(frozen=True)
class Undisturbed:
    """A run that nobody killed. steps: how many calls and commits it made, by side."""

    left: Left
    steps: dict[str, int]


@pytest.fixture(scope="module")
def undisturbed(template: Company, launcher: Launcher, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    with _begun(template, launcher, tmp_path_factory.mktemp("whole")) as world:
        left = world.finish()
        assert world.broken(left, left) == {}
        assert len(left.content) > 800
        return Undisturbed(left, {"ledger": launcher.commits(), "target": world.crm.writes})


def go_through(world: World, kills: Sequence[Kill], undisturbed: Undisturbed) -> int:
    """Kill life after life until one comes to its end, and judge; how many were killed."""
    lives = (world.live(each, undisturbed.steps) for each in kills)
    left = next((each for each in lives if each is not None), None) or world.finish()
    assert world.broken(left, undisturbed.left) == {}, kills
    return len(world.open_when_killed)


LIVES = {
    "with the first call on its way": [Kill("target", "arrived", 1)],
    "with the first call done": [Kill("target", "done", 1)],
    "with a late call done, twice": [Kill("target", "done", 0.6), Kill("target", "done", 1)],
    "with a late call on its way": [Kill("target", "arrived", 0.8)],
    "before an intent is on the disk": [Kill("ledger", "before", 0.5)],
    "after an outcome is": [Kill("ledger", "after", 0.7), Kill("target", "arrived", 2)],
}


@pytest.mark.parametrize("kills", LIVES.values(), ids=LIVES.keys())
def test_a_run_killed_while_it_writes_over_http_goes_on(
    kills: list[Kill], begun: World, undisturbed: Undisturbed
) -> None:
    assert go_through(begun, kills, undisturbed) == len(kills)
    if kills[0].side == "target":
        assert begun.open_when_killed[0] > 0
    told = begun.company.reconcile()
    assert (told.code, told.document["differences"]) == (0, 0)


def drawn(number: int) -> list[Kill]:
    """Of run `number`: where it is killed, somewhere; where one in three is killed again, near its beginning."""
    some = random.Random(SEED + number)
    places = [("target", "arrived"), ("target", "done"), ("ledger", "before"), ("ledger", "after")]
    kills = [Kill(*some.choices(places, (3, 3, 2, 2))[0], some.uniform(0.01, 0.99))]
    if number % 3 == 0:
        kills.append(Kill(*some.choice(places), some.randint(1, 6)))
    return kills


@pytest.mark.torture
@pytest.mark.parametrize("number", range(KILLS))
def test_a_run_killed_anywhere_goes_on(number: int, begun: World, undisturbed: Undisturbed) -> None:
    killed = go_through(begun, drawn(number), undisturbed)
    print(f"{drawn(number)}: {killed} killed, open then {begun.open_when_killed}")
    assert killed >= 1
