"""A whole move with two objects under way together: disturbed like any other, ended like any other."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from changeover.connectors.change import Batch, ChangeKind, Outcome
from changeover.connectors.errors import UnavailableError
from changeover.connectors.pace import Interface
from changeover.connectors.port import Ordeal
from changeover.connectors.secrets import Secrets
from changeover.connectors.testing.hostile import Call, Fault, FaultKind, Operation
from changeover.migrate import run as running
from changeover.migrate import turns
from changeover.migrate.project import Limits
from changeover.migrate.session import Session, Tick
from changeover.runs.ledger import control
from changeover.runs.ledger.store import Ledger

from .acting import ActedTurns
from .lanes import ALLOWANCE, AT_ONCE, ROWS, LanesWorld, TwoWays, turns_of
from .laws import Move, broken_laws, first, prepared
from .moving import World
from .points import DEATHS
from .test_flight_faults import SILENT, Trials


@pytest.fixture(scope="module")
def move(tmp_path_factory: pytest.TempPathFactory) -> Move:
    return prepared(tmp_path_factory.mktemp("lanes"), ROWS, TwoWays, first, kind=LanesWorld)


def broken(move: Move, trials: Trials) -> dict[str, object]:
    """The laws that these trials break, each under an order of its own."""
    told: dict[str, object] = {}
    world = move.world
    assert isinstance(world, LanesWorld)
    for seed, (faults, deaths) in enumerate(trials):
        with world.in_process():
            world.chance = random.Random(seed)
            if laws := move.trial(*faults, deaths=deaths):
                told[f"{seed} {faults} {deaths}"] = laws
    return told


def test_undisturbed_it_comes_to_the_same_whoever_has_his_turn(move: Move) -> None:
    assert broken(move, [((), ())] * 3) == {}
    assert isinstance(move.world, LanesWorld)
    written = move.world.written()
    assert turns_of(written) >= 4, "people and deals really are under way together"
    assert 1 < move.world._acts.most <= AT_ONCE
    assert "account" not in written[written.count("account") :], "never beside the parent"


def every_fault(move: Move) -> Trials:
    kinds = [each for each in FaultKind if each.operation == "write" and each not in DEATHS]
    return [((fault,), ()) for fault in move.faults(*kinds)]


def every_death(move: Move) -> Trials:
    return [((), (effect,)) for effect in range(1, move.effects + 1)]


def every_silence(move: Move) -> Trials:
    some = random.Random(20240229)
    return [((fault,), (some.randint(1, move.effects),)) for fault in move.faults(*SILENT)]


def test_faults_with_two_objects_under_way(move: Move) -> None:
    assert broken(move, every_fault(move)[::60]) == {}


def test_deaths_with_two_objects_under_way(move: Move) -> None:
    assert broken(move, [*every_death(move)[::36], *every_silence(move)[::60]]) == {}


@pytest.mark.torture
def test_everything_with_two_objects_under_way(move: Move) -> None:
    assert broken(move, every_fault(move) + every_death(move) + every_silence(move) * 3) == {}


# What ends it


@pytest.fixture
def world(tmp_path: Path, move: Move) -> LanesWorld:
    return LanesWorld(tmp_path / "move", ROWS, TwoWays)


def at_deal(world: LanesWorld, number: int, happens: object) -> None:
    """Something happens when the n-th deal is about to be written."""
    left = number

    def listen(call: Call) -> None:
        nonlocal left
        left -= call.operation is Operation.WRITE and call.object == "deal"
        if left == 0:
            left = -1
            happens()  # type: ignore[operator]

    world.listen = listen


def open_now(world: LanesWorld) -> list[tuple[object, ...]]:
    return world.ask("select our_key from operation where state in ('planned', 'intent', 'unknown')")


def goes_on(world: LanesWorld, move: Move) -> None:
    """The next run comes to what an undisturbed one does."""
    told = broken_laws(world, world.until_it_ends(), move.wanted)
    assert told.keys() <= {"counts told", "findings told"}, told


def test_what_ends_one_of_them_ends_the_other_once_its_calls_are_settled(world: LanesWorld, move: Move) -> None:
    with world.in_process():
        number = move.calls[Operation.WRITE]
        undisturbed = LanesWorld(world.folder.parent / "other", ROWS, TwoWays)
        with undisturbed.in_process():
            undisturbed.run()
        deals = [place for place, name in enumerate(undisturbed.written(), 1) if name == "deal"]
        world.faults(Fault(deals[1], FaultKind.FULL))
        with pytest.raises(UnavailableError) as stopped:
            world.run()
        assert stopped.value.code == "target.disk_full", "not that it was interrupted"
        assert open_now(world) == []
        assert world.calls(Operation.WRITE)[deals[1] - 1].object == "deal"
        assert len(world.written()) <= deals[1] + AT_ONCE < number, "what was under way, and no more"
        assert world.ask("select state from run") == [("paused",)]
        world.faults()
        goes_on(world, move)


def test_ctrl_c_finishes_what_both_have_under_way(
    world: LanesWorld, move: Move, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Session] = []
    begins = Session.__post_init__
    monkeypatch.setattr(Session, "__post_init__", lambda self: (begins(self), opened.append(self))[0])
    at_deal(world, 2, lambda: setattr(opened[0].interruption, "asked", True))
    with world.in_process():
        report = world.run()
        assert report.exit_code == 130
        assert open_now(world) == []
        assert len(world.written()) < move.calls[Operation.WRITE]
        goes_on(world, move)


def test_a_lane_that_cannot_begin_ends_the_run(world: LanesWorld, move: Move, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a mapping would be left out, and nobody would be told."""
    begins, opened = Session.__post_init__, list[Session]()

    def no_room(self: Session) -> None:
        begins(self)
        opened.append(self)
        if len(opened) == 3:  # of the second lane
            raise MemoryError

    with world.in_process():
        with monkeypatch.context() as patch:
            patch.setattr(Session, "__post_init__", no_room)
            with pytest.raises(UnavailableError) as stopped:
                world.run()
        assert (stopped.value.code, open_now(world)) == ("machine.memory", [])
        goes_on(world, move)


def test_a_pause_is_told_once_and_both_stand_still(world: LanesWorld, move: Move) -> None:
    ticks: list[str] = []
    written: list[int] = []

    def pause() -> None:
        with Ledger(world.place) as ledger:
            control.pause(ledger, world.clock.now())
        world._acts.begin(look)

    def look() -> None:
        for _ in range(5):
            world.clock.sleep(10)
            written.append(len(world.written()))
        with Ledger(world.place) as ledger:
            control.go_on(ledger, world.clock.now())

    def tick(told: Tick) -> None:
        ticks.append(told.activity)

    at_deal(world, 2, pause)
    with world.in_process():
        world.clock.sleep(100)  # else it was looked at just now
        running.run(world.project, running.Order(), Secrets(), world._target_line.clock, tick)
    assert (ticks.count("paused"), ticks.count("continued")) == (1, 1)
    assert len(set(written)) == 1, written
    assert written[0] < len(world.written())


class Down(TwoWays):
    """Nothing gets through to deals but the first, and each person takes ten seconds."""

    def write(self, batch: Batch) -> list[Outcome]:
        if batch.object == "deal" and self.count("deal") > 2:
            raise UnavailableError("target.unreachable")
        if batch.object == "contact":
            self._clock.sleep(10)
        return super().write(batch)


def test_an_interface_that_is_down_is_not_blamed_on_its_records(tmp_path: Path) -> None:
    """Though the target answers the calls of the other lane: each has a breaker of its own."""
    people = [{"id": f"q{one}", "name": f"person {one}", "firm": "f1"} for one in range(40)]
    world = LanesWorld(tmp_path / "move", {**ROWS, "person": people}, Down)
    with world.in_process():
        with pytest.raises(UnavailableError) as stopped:
            world.run()
        assert stopped.value.code == "target.paused"
        assert open_now(world) == []
        assert world.target.count("contact") < 40
    assert world.ask("select our_key from record where code = 'target.undone'") == []


# Proofs, and what stops one mapping


class Ordeals(TwoWays):
    """Its first records are put through every ordeal, and the first deal takes longer than all that is done to the
    first person."""

    def __init__(self, *given: object, **named: object) -> None:
        super().__init__(*given, **named, ordeals=tuple(Ordeal), owner="city")

    def write(self, batch: Batch) -> list[Outcome]:
        if batch.object == "deal" and self.count("deal") == 1:
            self._clock.sleep(1_000)
        return super().write(batch)


def test_two_first_records_are_proven_side_by_side(tmp_path: Path) -> None:
    """Each with its own cells, whoever is done with them first."""
    world = LanesWorld(tmp_path / "move", ROWS, Ordeals)
    with world.in_process():
        assert world.run().exit_code == 1, "records stay behind, as they should"
        told = world.ask("select object, told from proof where what = 'twice' order by object")
        assert [(name, json.loads(said)["code"]) for name, said in told] == [
            (name, "target.exists") for name in ("account", "contact", "deal")
        ]
    created = [change for change, _ in world.record.arrived if change.kind is ChangeKind.CREATE]
    assert all(change.values for change in created), "what is kept of the one is not thrown away by the other"


def test_a_mapping_that_stops_lets_the_other_one_end(tmp_path: Path) -> None:
    world = LanesWorld(tmp_path / "move", ROWS, TwoWays)
    limits = Limits(chunk=3, batch=2, stop_after_alike=1, stop_share=Decimal("0.01"))
    spec = world.project.spec.model_copy(update={"limits": limits})
    world.project = replace(world.project, spec=spec)
    with world.in_process():
        report = world.run()
    counts = {each.mapping: each for each in report.counts}
    assert report.verdict.code == "run.stopped"
    assert (counts["deal"].read, counts["contact"].read) == (1, 6), "the one is not read on, the other is"
    assert counts["contact"].buckets["created"] == 5
    assert world.ask("select state from run") == [("stopped",)]
    assert list(counts) == ["account", "contact", "deal"], "told in the order of the references"


# Real threads, and when there are none


def test_they_really_are_under_way_at_the_same_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the product's own threads and turns: the first call of each waits until the other's is there."""
    world = World(tmp_path / "move", ROWS, TwoWays)
    world.mapping_files = LanesWorld(tmp_path / "other", ROWS, TwoWays).mapping_files
    together, met = threading.Barrier(2, timeout=60), set[str]()

    def listen(call: Call) -> None:
        if call.operation is Operation.WRITE and call.object != "account" and call.object not in met:
            met.add(call.object)
            together.wait()

    world.listen = listen
    with world.in_process():
        report = world.run()
    assert met == {"contact", "deal"}
    assert {each.mapping: each.buckets["created"] for each in report.counts} == {"account": 3, "contact": 5, "deal": 2}
    assert world.ask("select count(*) from operation where state in ('intent', 'unknown', 'acked')") == [(0,)]


def test_a_killed_run_has_no_turn_left_for_its_lanes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second Ctrl-C: the ledger is the main thread's again, for good."""
    world = World(tmp_path / "move", ROWS, TwoWays)
    world.mapping_files = LanesWorld(tmp_path / "other", ROWS, TwoWays).mapping_files
    opened: list[Session] = []
    begins = Session.__post_init__
    monkeypatch.setattr(Session, "__post_init__", lambda self: (begins(self), opened.append(self))[0])

    def killed(under_way: Sequence[Future[None]], _seconds: float, _when: str) -> None:
        wait(under_way, 0.01, FIRST_COMPLETED)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(turns, "wait", killed)
        with world.in_process(), pytest.raises(KeyboardInterrupt):
            world.run()
    assert opened[0].turns.mine
    assert world.ask("select state from run") == [("failed",)]
    world.faults()
    with world.in_process():
        assert {each.mapping: each.buckets["created"] for each in world.run().counts}["contact"] == 5


@pytest.mark.parametrize("why", ["rehearsal", "one call at a time", "no rates"])
def test_where_it_may_not_be_no_lane_begins(tmp_path: Path, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ActedTurns, "start", lambda *_: pytest.fail("a lane began"))
    world = LanesWorld(tmp_path / "move", ROWS, TwoWays)
    able = world.target.capabilities
    if why == "one call at a time":
        world.target.capabilities = replace(able, at_once=1)
    elif why == "no rates":
        world.target.capabilities = replace(able, allowance=replace(ALLOWANCE, others=Interface()))
    world.faults()
    with world.in_process():
        if why == "rehearsal":
            running.plan(world.project, running.Order(), Secrets(), world.clock, lambda _tick: None)
        else:
            world.run()
