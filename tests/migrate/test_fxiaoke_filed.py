"""Files into Fxiaoke by the real loader, in this process and on a clock of its own: foretold, once, whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from changeover.connectors.errors import ChangeoverError
from changeover.connectors.fxiaoke.files import CREDENTIAL, SIGNED
from changeover.connectors.fxiaoke.simulator import Fault, FaultKind, Faults, Simulator
from changeover.connectors.fxiaoke.simulator import Settings as SimulatorSettings
from changeover.connectors.port import Connector
from changeover.connectors.secrets import Secrets
from changeover.connectors.testing.hostile import ProcessDied
from changeover.migrate.pace.pacing import Paces
from changeover.migrate.project import Project

from ..connectors.fxiaoke_kit import CONTRACT, OUR_FIELD, InProcess, connected, tenant_folder
from .filed import Contracts

CREATE, UPLOAD = "/cgi/crm/custom/v2/data/create", "/simulated/upload/"


class IntoFxiaoke(Contracts):
    """dies: at the next call to that path the process ends."""

    def __init__(self, folder: Path, *faults: Fault) -> None:
        super().__init__(folder)
        told = SimulatorSettings.of({"key_field": OUR_FIELD, "invalid_rows": "shown"})
        self.simulator = Simulator(self.clock, told, tenant_folder(folder / "tenant"), Faults(list(faults)))
        self.dies_at: str | None = None
        self.way = InProcess(self.simulator, self.clock, self._strike)

    def map(self, said: str) -> None:
        text = f"mapping: contract\nfrom: contract\nto: paper\nfields:\n  id: name\n  files: {{from: papers{said}}}\n"
        (self.folder / "mappings" / "contract.yaml").write_text(text, "utf-8")

    def _strike(self, path: str, act: object) -> object:
        if path == self.dies_at:
            self.dies_at = None
            raise ProcessDied
        return act()  # type: ignore[operator]

    @contextmanager
    def _connectors(
        self, _project: Project, _secrets: Secrets, paces: Paces, _clock: object
    ) -> Iterator[tuple[Connector, Connector]]:
        options = {"at_once": 1, "host": "http://localhost", **CONTRACT}
        yield self.source, connected(self.way, self.clock, pace=paces.target, **options)

    def bodies(self) -> dict[str, list[bytes]]:
        """Name of a contract -> bodies of its files."""
        store, now = self.simulator.tenant.store, self.simulator.tenant.now()
        told = {}
        for row in self.simulator.rows("paper__c"):
            paths = [each["path"] for each in json.loads(str(row["files__c"] or "[]"))]
            told[str(row["id__c"])] = [found[1] for path in paths if (found := store.file(path, now))]
        return told

    def filled(self) -> dict[str, list[bytes]]:
        self.contract("one", a=b"1", b=b"\r\n" * 700_000)
        self.contract("none")
        self.contract("two", a=b"2")
        return {"one": [b"1", b"\r\n" * 700_000], "none": [], "two": [b"2"]}


def test_files_cost_the_calls_that_the_plan_foretells(tmp_path: Path) -> None:
    world = IntoFxiaoke(tmp_path)
    there = world.filled()
    planned = world.plan()
    report = world.run()
    assert (planned.exit_code, report.exit_code, world.reconcile().exit_code) == (0, 0, 0)
    assert world.bodies() == there
    foretold, made = planned.extra["calls"]["predicted"], report.extra["calls"]["made"]  # type: ignore[index, call-overload]
    assert (foretold[CREDENTIAL], foretold[SIGNED]) == (3, 3)
    assert foretold == made
    world.clock.sleep(30 * 24 * 3600)
    assert world.bodies() == there, "what records use is kept"
    assert (world.run().exit_code, len(world.source.fetched)) == (0, 3)


@pytest.mark.parametrize("path", [CREDENTIAL, UPLOAD, CREATE])
@pytest.mark.parametrize("after", [False, True])
def test_a_lost_answer_doubles_nothing(tmp_path: Path, path: str, after: bool) -> None:
    world = IntoFxiaoke(tmp_path, Fault(path, FaultKind.LOST, frozenset({1, 3}), after=after))
    there = world.filled()
    for _ in range(3):
        try:
            report = world.run()
            break
        except ChangeoverError:
            world.clock.sleep(600)
    assert (report.exit_code, world.bodies(), world.simulator.count("paper__c")) == (0, there, 3)
    assert (len(world.source.fetched), world.reconcile().exit_code, world.kept) == (3, 0, [])


def test_a_path_past_its_three_days_is_uploaded_again(tmp_path: Path) -> None:
    world = IntoFxiaoke(tmp_path)
    there = world.filled()
    world.dies_at = CREATE
    world.dies()
    uploads = len(world.way.bodies(UPLOAD))
    world.clock.sleep(3.5 * 24 * 3600)
    assert world.run().exit_code == 0
    assert (uploads, len(world.way.bodies(UPLOAD)), world.bodies()) == (3, 6, there)
