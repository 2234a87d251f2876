"""A move into Salesforce by the real loader doubles nothing, whichever call goes wrong and however."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from changeover.connectors.salesforce.simulator import Fault, FaultKind, Faults, Simulator

from ...migrate.salesforce_world import SalesforceWorld
from .callers import simulator
from .target_kit import KEY_FIELD

WRITES = "*/composite/sobjects"


@pytest.fixture(scope="module")
def org() -> Iterator[Simulator]:
    made = simulator(None, key_field=KEY_FIELD)
    yield made
    made.close()


def arrives_whole(folder: Path, org: Simulator, fault: Fault[FaultKind], told: str) -> bool:
    """Whether the fault struck."""
    org.faults = Faults([fault])
    world = SalesforceWorld(folder, org)
    with world.in_process():
        report = world.until_it_ends(8)
        assert report is not None, told
        assert (report.exit_code, world.doubled(), world.there()) == (0, [], world.numbers), told
        struck = org.faults.struck > 0
        org.faults = Faults([])
        assert world.reconcile().verdict.code == "reconcile.equal", told
    return struck


def every_call(folder: Path, org: Simulator, fault: Callable[[int], Fault[FaultKind]]) -> int:
    """How many calls there were."""
    number = 0
    while arrives_whole(folder / str(number), org, fault(number + 1), f"{fault(number + 1)}"):
        number += 1
    return number


def test_what_nobody_answered_for_is_done_once(tmp_path: Path, org: Simulator) -> None:
    """Whichever call it was, those of the proof too."""
    calls = every_call(tmp_path, org, lambda at: Fault(WRITES, FaultKind.LOST, frozenset({at}), after=True))
    assert calls == 7, "two alone, the same again, the firms by levels, the people"


def test_an_owner_is_given_back(tmp_path: Path, org: Simulator) -> None:
    """Of the first record, which another user has for a moment; every other call of it is lost."""
    other = next(str(each["Id"]) for each in org.rows("User")[1:] if each["IsActive"])
    org.faults = Faults([Fault(WRITES, FaultKind.LOST, frozenset({4, 6}), after=True)])
    world = SalesforceWorld(tmp_path, org, names=["firm"], ordeal_owner=other)
    with world.in_process():
        report = world.until_it_ends()
        assert report is not None
        assert (report.exit_code, world.there(), org.faults.struck) == (0, world.numbers, 2)
    assert {row["OwnerId"] for row in org.rows("Account")} == {org.sign_in.run_as["Id"]}
    given = [each for each in world.way.sent if '"OwnerId":' in str(each.body)]
    assert len(given) >= 2


def test_calls_are_foretold(tmp_path: Path, org: Simulator) -> None:
    org.faults = Faults([])
    world = SalesforceWorld(tmp_path, org)
    with world.in_process():
        foretold, made = (each().extra["calls"] for each in (world.plan, world.run))
    assert isinstance(foretold, dict)
    assert isinstance(made, dict)
    assert foretold["predicted"]["writing"] == pytest.approx(made["made"]["writing"], abs=1), "levels of firms"


FAULTS = {
    "lost": FaultKind.LOST,
    "unavailable": FaultKind.UNAVAILABLE,
    "edge": FaultKind.EDGE,
    "html": FaultKind.HTML,
    "cut": FaultKind.CUT,
    "expired": FaultKind.EXPIRED,
    "concurrent": FaultKind.CONCURRENT,
    "daily": FaultKind.DAILY,
    "late": FaultKind.LATE,
    "locked": FaultKind.LOCKED,
}


@pytest.mark.torture
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("kind", list(FAULTS))
def test_every_fault_at_every_call(tmp_path: Path, org: Simulator, kind: str, after: bool) -> None:
    more = {"rows": 2} if kind == "locked" else {"seconds": 300.0} if kind == "late" else {}
    assert (
        every_call(
            tmp_path,
            org,
            lambda at: Fault(WRITES, FAULTS[kind], frozenset({at}), after=after, **more),  # type: ignore[arg-type]
        )
        >= 7
    )
