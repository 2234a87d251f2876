"""Calls to Salesforce as a target, foretold by a plan as the run makes them, and by the forecast of an undo."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from changeover.connectors.clock import VirtualClock
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.salesforce.simulator import Settings, Simulator

from ..connectors.salesforce.callers import START
from .salesforce_world import KEY_FIELD, SOURCE, SalesforceWorld, rows
from .test_fxiaoke_calls import moved, undone

RECORDS = 420


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    made = Simulator(VirtualClock(START), Settings.of({"key_field": KEY_FIELD}))
    yield made
    made.close()


def moving(folder: Path, simulator: Simulator, **options: object) -> SalesforceWorld:
    world = SalesforceWorld(folder, simulator, **options)
    names = tuple(world.numbers)
    world.source = MemoryConnector(SOURCE, clock=world.clock, name="old", rows=rows(names, RECORDS))
    return world


def test_collections_and_proofs_are_foretold(tmp_path: Path, simulator: Simulator) -> None:
    acting = str(simulator.sign_in.run_as["Id"])
    other = next(str(each["Id"]) for each in simulator.rows("User") if each["IsActive"] and each["Id"] != acting)
    world = moving(tmp_path, simulator, ordeal_owner=other)
    with world.in_process():
        assert moved(world)["writing"] == 20
        for number in range(1, 250):
            world.source.edit("firm", f"f{number}", {"name": f"other {number}"}, by="old")
        assert moved(world)["writing"] == 2, "of two hundred each"
        assert undone(world, 2)["writing"] == 2
        undone(world, 1)


def test_jobs_are_foretold_and_what_is_too_little_for_one(tmp_path: Path, simulator: Simulator) -> None:
    world = moving(tmp_path, simulator, names=("firm",), write_by="jobs", job_from=50, job_rows=300)
    with world.in_process():
        moved(world)
