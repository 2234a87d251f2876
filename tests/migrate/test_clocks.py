"""Two processes whose clocks are an hour apart, over a ledger in a file and on a server: what the first left on its way
is asked for when it is over, neither before nor an hour later."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import sqlalchemy as sa
from changeover.connectors.clock import Clock
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.secrets import Secrets
from changeover.connectors.testing.hostile import Fault, FaultKind, Operation
from changeover.migrate import run as running
from changeover.runs.ledger.postgresql import PostgreSQL
from changeover.runs.report.model import Report

from ..servers import new_server
from .firms import CIRCLE, Keyless
from .laws import Move, first, prepared
from .moving import LAG, SERVER_MAXIMUM

HOUR = dt.timedelta(hours=1)
DEADLINE = dt.timedelta(seconds=120)
LATE_CALL = 3
"""Of the second object, so that the first is there already."""


class Shifted:
    """The same clock, put forward or back."""

    def __init__(self, clock: Clock, by: dt.timedelta) -> None:
        self._clock, self._by = clock, by

    def now(self) -> dt.datetime:
        return self._clock.now() + self._by

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds)


@pytest.fixture(scope="module")
def keyless(postgres: sa.URL, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Move]:
    """A target that finds our key and takes it twice: there, asking too early doubles a record."""

    def made(kind: str) -> Move:
        url = new_server(postgres).url.replace(":@", "@") if kind == "server" else None
        return prepared(tmp_path_factory.mktemp(kind), CIRCLE, Keyless, first, url)

    return cache(made)


def let_clocks_differ(
    move: Move, patch: pytest.MonkeyPatch, clocks: tuple[dt.timedelta, ...], server: dt.timedelta = dt.timedelta()
) -> list[dt.datetime]:
    """clocks: how far each life's clock is ahead; server: that of the ledger's server. Returns when each life began,
    as it is filled."""
    world, began = move.world, []

    def run() -> Report:
        began.append(world.clock.now())
        clock = Shifted(world._target_line.clock, clocks[world.life])
        return running.run(world.project, running.Order(), Secrets(), clock, lambda _tick: None)

    patch.setattr(world, "run", run)
    patch.setattr(PostgreSQL, "now", lambda _self: world.clock.now() + server)
    return began


@pytest.mark.parametrize("kind", ["file", "server"])
@pytest.mark.parametrize("ahead", [HOUR, -HOUR, dt.timedelta(0)])
def test_a_call_that_is_still_on_its_way_is_waited_for(
    kind: str, ahead: dt.timedelta, keyless: Callable[[str], Move]
) -> None:
    move = keyless(kind)
    with move.world.in_process() as patch:
        death = effect_of(move, LATE_CALL)
        began = let_clocks_differ(move, patch, (dt.timedelta(0), ahead, ahead))
        asked: list[dt.datetime] = []
        patch.setattr(
            move.world,
            "listen",
            lambda call: asked.append(move.world.clock.now()) if call.operation is Operation.FIND else None,
        )
        assert move.trial(Fault(LATE_CALL, FaultKind.LATE), deaths=(death,)) == {}
        assert len(began) == 2
        waited = next(each for each in asked if each > began[1]) - began[1]
    assert SERVER_MAXIMUM <= waited <= DEADLINE + SERVER_MAXIMUM + LAG + dt.timedelta(seconds=1)


def effect_of(move: Move, call: int) -> int:
    """The number of the effect in which the answer to that call comes."""
    move.world.back_to(move.start)
    answers = [each.number for each in move.world.moments(lambda effect: effect == "answer")]
    return answers[call - 1]


@pytest.mark.parametrize("ahead", [HOUR, -HOUR])
def test_a_host_whose_clock_is_wrong_waits_no_longer_for_its_own_calls(
    ahead: dt.timedelta, keyless: Callable[[str], Move]
) -> None:
    move = keyless("server")
    with move.world.in_process() as patch:
        let_clocks_differ(move, patch, (ahead,))
        assert move.trial(Fault(LATE_CALL, FaultKind.LATE)) == {}
        spent = move.world.clock.now()
        move.world.back_to(move.start)
        let_clocks_differ(move, patch, (dt.timedelta(0),))
        move.trial(Fault(LATE_CALL, FaultKind.LATE))
        assert move.world.clock.now() == spent


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize("ahead", [HOUR, -HOUR])
def test_the_clocks_of_the_systems_may_be_an_hour_off(side: str, ahead: dt.timedelta, tmp_path: Path) -> None:
    move = prepared(tmp_path, CIRCLE, Keyless, first)
    with move.world.in_process() as patch:
        kind = Keyless if side == "target" else MemoryConnector
        patch.setattr(kind, "now", lambda self: self._clock.now() + ahead)
        assert move.trial(Fault(LATE_CALL, FaultKind.LATE), deaths=(effect_of(move, LATE_CALL),)) == {}
