"""What one process has called still counts when the next one begins: a run after a plan, or after a killed one."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass, field

import pytest
from changeover.connectors.pace import Allowance, Interface, Pace, Rate

from .arrivals import Caller, World, most_in_any

SECONDS = 20.0
RATE = Rate(100, SECONDS)
OWN = Allowance(interfaces={"create": Interface((RATE,), threads=16), "query": Interface((RATE,), threads=16)})
SHARED = Allowance(shared=(RATE,))


@dataclass
class Note:
    text: str = ""
    lengths: list[int] = field(default_factory=list)
    book: dict[str, list[tuple[float, int]]] = field(default_factory=dict)

    def counted(self) -> dict[str, list[tuple[float, int]]]:
        return self.book

    def load(self) -> str:
        return self.text

    def save(self, note: str) -> None:
        self.text = note
        self.lengths.append(len(note))


def process(world: World, note: Note, allowance: Allowance = OWN) -> Pace:
    pace = Pace(world, lately=note)
    pace.obey(allowance)
    return pace


def call(pace: Pace, times: int) -> None:
    for _ in range(times):
        pace.take("create")
        pace.answered("create")


@pytest.mark.parametrize("allowance", [OWN, SHARED])
@pytest.mark.parametrize("killed", [False, True])
def test_commands_one_after_another_keep_to_one_rate(allowance: Allowance, killed: bool) -> None:
    world, note, chance = World(), Note(), random.Random(7)
    arrived: dict[str, list[float]] = {}
    for number in range(6):
        if number == 4:
            world.start -= dt.timedelta(hours=1)  # the clock on the wall is put back
        pace = process(world, note, allowance)
        caller = Caller(world, pace, chance, arrivals=arrived)
        for which in range(130):
            caller.call("create" if which % 3 else "query")
        if not killed:
            world.rest()
            pace.keep()
        world.due.clear()  # what is under way arrives all the same
        world.sleep(3)
    counted = [[at for each in arrived.values() for at in each]] if allowance is SHARED else list(arrived.values())
    assert max(most_in_any(each, SECONDS) for each in counted) == 100
    assert max(note.lengths) < 4_000, "it is written at every call"


def test_what_counts_no_more_costs_the_next_command_nothing() -> None:
    world, note = World(), Note()
    pace = process(world, note)
    call(pace, 100)
    pace.keep()
    world.sleep(SECONDS + 1)
    pace, before = process(world, note), world.passed
    call(pace, 100)
    assert world.passed == before
    world.sleep(SECONDS + 1)
    pace.keep()
    assert '"calls":{}' in note.text


def test_calls_made_before_the_limits_are_known_count_for_the_next_command_too() -> None:
    world, note = World(), Note()
    call(Pace(world, lately=note), 40)  # to sign in and ask for the limits, say; then it is killed
    pace, before = process(world, note), world.passed
    call(pace, 60)
    assert world.passed == before
    call(pace, 1)
    assert world.passed > before + SECONDS


def test_what_a_book_has_counted_counts_for_one_that_does_not_use_it() -> None:
    world, note = World(), Note(book={"create": [(15.0, 1_000)], "query": [(1.0, 99)]})
    pace = process(world, note)
    call(pace, 1)
    assert 5 < world.passed < 6


def test_a_system_without_limits_has_nothing_noted() -> None:
    world, note = World(), Note()
    pace = process(world, note, Allowance())
    call(pace, 10)
    pace.keep()
    assert note.lengths == []


def test_nothing_departs_that_cannot_be_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    world, note = World(), Note()
    pace = process(world, note)

    def full(_note: str) -> None:
        raise OSError("full")

    with monkeypatch.context() as patch:
        patch.setattr(note, "save", full)
        with pytest.raises(OSError, match="full"):
            pace.take("create")
    assert pace.made() == {}
    call(pace, 1)
    assert pace.made() == {"create": 1}


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"at":1}', '{"at":"x","late":0,"calls":{}}', '{"at":1,"late":0,"calls":[1]}']
)
def test_what_cannot_be_read_counts_as_nothing(text: str) -> None:
    world = World()
    pace = process(world, Note(text))
    call(pace, 100)
    assert world.passed == 0
