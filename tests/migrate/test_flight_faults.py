"""A whole move that is disturbed, with several calls under way and with creations that are sent again at once."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.testing.hostile import Fault, FaultKind
from changeover.migrate import session as sessions
from changeover.migrate.session import Session

from .firms import CIRCLE, LEVELS, TARGET, Rows
from .held import Held
from .laws import Move, first, prepared
from .moving import World
from .points import DEATHS

OBJECTS = tuple(TARGET.objects)
Trials = list[tuple[tuple[Fault, ...], tuple[int, ...]]]
SILENT = (FaultKind.LOST_AFTER, FaultKind.LOST_BEFORE, FaultKind.LATE, FaultKind.HALF_DONE, FaultKind.SERVER_ERROR)


class Several(MemoryConnector):
    """A target that takes one change a call, three calls at a time."""

    def __init__(self, *given: object, **named: object) -> None:
        super().__init__(*given, **named)  # type: ignore[arg-type]
        self.capabilities = replace(self.capabilities, batch_size=1, at_once=3)


@contextmanager
def going(world: World, seed: int = 0, *, proven: bool = False) -> Iterator[None]:
    """In this world's process, answers collected in an order drawn from the seed."""
    opened = Session.__post_init__

    def knowing(self: Session) -> None:
        opened(self)
        if proven:
            self.proven.update(OBJECTS)

    with world.in_process() as patch:
        patch.setattr(
            sessions, "caller_for", lambda _most: Held(random.Random(seed).randrange, arrive_late=seed % 2 > 0)
        )
        patch.setattr(Session, "__post_init__", knowing)
        yield


@pytest.fixture(scope="module", params=["levels", "circle"])
def move(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Move:
    rows: Rows = {"levels": LEVELS, "circle": CIRCLE}[request.param]
    return prepared(tmp_path_factory.mktemp(request.param), rows, Several, first)


def broken(move: Move, trials: Trials, **how: bool) -> dict[str, object]:
    """The laws that these trials break, each under an order of its own."""
    told: dict[str, object] = {}
    for seed, (faults, deaths) in enumerate(trials):
        with going(move.world, seed, **how):
            if laws := move.trial(*faults, deaths=deaths):
                told[f"{seed} {faults} {deaths}"] = laws
    return told


def test_undisturbed_it_comes_to_the_same_in_any_order(move: Move) -> None:
    assert broken(move, [((), ())] * 3) == {}


def every_fault(move: Move) -> Trials:
    kinds = [each for each in FaultKind if each.operation == "write" and each not in DEATHS]
    return [((fault,), ()) for fault in move.faults(*kinds)]


def every_death(move: Move) -> Trials:
    return [((), (effect,)) for effect in range(1, move.effects + 1)]


def every_silence(move: Move) -> Trials:
    """Alone, and with a death."""
    some, silences = random.Random(20240229), move.faults(*SILENT)
    alone: Trials = [((fault,), ()) for fault in silences]
    return alone + [((fault,), (some.randint(1, move.effects),)) for fault in silences * 2]


def test_faults_at_calls_of_several_under_way(move: Move) -> None:
    assert broken(move, every_fault(move)[::24]) == {}


def test_deaths_with_several_under_way(move: Move) -> None:
    assert broken(move, every_death(move)[::24]) == {}


def test_creations_sent_again_at_once(move: Move) -> None:
    assert broken(move, every_silence(move)[::24], proven=True) == {}


@pytest.mark.torture
def test_everything_with_several_under_way_and_creations_sent_again(move: Move) -> None:
    for proven in (False, True):
        assert broken(move, every_fault(move) + every_death(move) + every_silence(move), proven=proven) == {}
