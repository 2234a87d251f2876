"""Several calls under way at a time: each change is done once, whoever is answered first, and whatever ends it."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from changeover.connectors.change import Batch, Outcome
from changeover.connectors.pace import Action, Allowance, Interface, Need, Pace, Rate
from changeover.connectors.port import OurKeyPlace
from changeover.connectors.testing.hostile import Fault, FaultKind
from changeover.migrate.sending.caller import Answer, Threads, Write
from changeover.runs.ledger import operations

from ..connectors.arrivals import World, most_in_any, used
from .flying import NUMBERS, all_done, nothing_open
from .held import Held, last
from .sending import Open, sending


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    with ExitStack() as stack:
        yield lambda *faults, **how: stack.enter_context(sending(tmp_path / "move", *faults, **how))


# How many


@pytest.mark.parametrize("at_once", [2, 5, 50])
def test_as_many_are_under_way_as_the_connector_takes(opened: Open, at_once: int) -> None:
    held = Held()
    rig = opened(size=1, at_once=at_once, caller=held)
    all_done(rig, rig.send(NUMBERS))
    assert held.most == min(at_once, len(NUMBERS))
    assert rig.sizes() == [1] * len(NUMBERS)


def test_one_after_the_other_where_it_takes_no_more(opened: Open) -> None:
    held = Held()
    rig = opened(size=1, caller=held)
    all_done(rig, rig.send(NUMBERS))
    assert held.most == 1


def test_they_really_are_under_way_at_the_same_time(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the product's own threads: each call waits until three others are there."""
    rig = opened(size=1, at_once=4)
    assert isinstance(rig.session.caller, Threads)
    write, all_there = rig.line.inner.write, threading.Barrier(4, timeout=60)

    def together(batch: Batch) -> list[Outcome]:
        all_there.wait()
        return write(batch)

    monkeypatch.setattr(rig.session.target, "write", together)
    all_done(rig, rig.send(NUMBERS))


def test_no_more_than_the_pace_finds_good(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pace begins with one call, and takes one more with each good answer."""
    held = Held()
    rig = opened(size=1, at_once=9, caller=held)
    pace, write = rig.session.paces.target, rig.line.write
    allowance = Allowance(others=Interface(threads=3), needs={Action.WRITE: (Need("write"),)})
    rig.line.capabilities = replace(rig.line.capabilities, allowance=allowance)
    pace.obey(allowance)

    def paced(batch: Batch) -> list[Outcome]:
        with pace.call("write"):
            return write(batch)

    monkeypatch.setattr(rig.line, "write", paced)
    all_done(rig, rig.send(NUMBERS))
    assert held.most == 3


class OnWorld:
    """Calls that a target counts somewhere between departure and answer, on a clock on which answers come while
    somebody waits."""

    def __init__(self, world: World, latency: tuple[float, float]) -> None:
        self.arrivals: list[float] = []
        self.pace: Pace
        self._world, self._latency = world, latency
        self._chance = random.Random(20240229)

    def call(self, write: Write) -> Answer:
        answer: Answer = Future()
        self.pace.take("write")
        takes = self._chance.uniform(*self._latency)
        self.arrivals.append(self._world.passed + self._chance.choice((0.0, takes, self._chance.uniform(0, takes))))
        outcomes = write()

        def answered() -> None:
            self.pace.answered("write")
            answer.set_result(outcomes)

        self._world.later(takes, answered)
        return answer

    def first(self, answers: Sequence[Answer], seconds: float) -> Sequence[Answer]:
        until = self._world.passed + seconds
        while self._world.passed < until and not any(each.done() for each in answers):
            self._world.sleep(min(until, self._world.due[0][0]) - self._world.passed)
        return [each for each in answers if each.done()]

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize("latency", [(0.05, 0.8), (0.5, 0.5)])
def test_a_limit_is_used_to_95_percent_and_never_overstepped(opened: Open, latency: tuple[float, float]) -> None:
    """One record a call, 100 calls in any 20 s: over 10 windows. One call after the other would use 40 % of it."""
    world = World()
    calls = OnWorld(world, latency)
    rig = opened(size=1, at_once=12, caller=calls, clock=world)
    allowance = Allowance(others=Interface((Rate(100, 20),), threads=12), needs={Action.WRITE: (Need("write"),)})
    rig.line.capabilities = replace(rig.line.capabilities, allowance=allowance)
    calls.pace = Pace(world)
    calls.pace.obey(allowance)
    rig.session.paces = replace(rig.session.paces, target=calls.pace)
    all_done(rig, rig.send(range(1001)), 1001)
    assert most_in_any(calls.arrivals, 20) <= 100
    assert used(calls.arrivals, 100, 20) >= 0.95


@pytest.mark.parametrize("why", ["no key", "degraded", "rehearsal"])
def test_one_at_a_time_where_nothing_keeps_a_record_from_doubling(opened: Open, why: str) -> None:
    held = Held()
    rig = opened(size=1, at_once=5, caller=held)
    if why == "no key":
        rig.line.capabilities = replace(rig.line.capabilities, our_key=OurKeyPlace.NONE)
    elif why == "degraded":
        rig.session.degraded.add("sample")
    else:
        rig.session.rehearsal = True
    rig.send(NUMBERS)
    assert held.most == 1


# Whoever is answered first


@pytest.mark.parametrize("seed", range(8))
def test_in_whatever_order_they_are_answered(opened: Open, seed: int) -> None:
    some = random.Random(seed)
    struck = [Fault(call, some.choice(list(ENDLESS))) for call in some.sample(range(1, 12), 4)]
    held = Held(some.randrange, arrive_late=bool(seed % 2))
    rig = opened(*struck, size=2, at_once=4, caller=held)
    all_done(rig, rig.send(NUMBERS))


ENDLESS = {
    FaultKind.LOST_AFTER,
    FaultKind.LOST_BEFORE,
    FaultKind.LATE,
    FaultKind.HALF_DONE,
    FaultKind.HALF_ANSWERED,
    FaultKind.TWICE,
    FaultKind.REORDERED,
    FaultKind.THROTTLED,
    FaultKind.UNREACHABLE,
    FaultKind.SERVER_ERROR,
}


@pytest.mark.parametrize("bad", [[0], [17, 18, 40], [63]])
def test_a_bad_record_is_found_among_several_batches(opened: Open, bad: list[int]) -> None:
    rig = opened(whole=True, names=False, size=16, at_once=3, caller=Held(last))
    ended = rig.send(range(64), bad)
    assert {each.our_key for each in ended if each.state == "rejected"} == {f"ours:{number}" for number in bad}
    assert rig.line.inner.count("sample") == 64 - len(bad)
    nothing_open(rig)


def test_an_intent_is_on_the_disk_before_any_of_them_leaves(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = opened(size=2, at_once=4, caller=Held(last))
    write, known = rig.line.write, []

    def looked_at(batch: Batch) -> list[Outcome]:
        open_now = {each.our_key for each in operations.open_operations(rig.session.ledger)}
        known.append({each.our_key for each in batch.changes} <= open_now)
        return write(batch)

    monkeypatch.setattr(rig.line, "write", looked_at)
    all_done(rig, rig.send(NUMBERS))
    assert all(known)
