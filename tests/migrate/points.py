"""Where a move can be disturbed, by rule: the points of its protocol, and the trials that strike each of them.

A point is a call or an effect that the verb comes to by a way of its own through the code. What it comes to a second
time by the same way is the same point, and so is what two moves come to; it is tried on the smaller one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest
from changeover.connectors.change import ChangeKind
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.testing.hostile import Call, Fault, FaultKind, Operation
from changeover.migrate.session import Interrupted, Interruption

from .firms import BATCHES, CIRCLE, FAMILY, ONE, PAIR, PLAIN, Keyless, NoRoom, Rows, Tried, Untold
from .laws import Move, first, prepared
from .moving import Way, World, way

DEATHS = (FaultKind.DIES_BEFORE, FaultKind.DIES_AFTER)
"""Two of the effects before which a process may die: those are enumerated as effects."""
EACH = 8
"""In the suite a kind of disturbance is tried at each so-manieth of the points where it may be, and at one at least."""
HEARD = 3
"""Of the points where an interruption is heard, and of the moments of a death, each so-manieth."""
FURTHER = 12
"""The same of the points that only a disturbance leads to."""
OF_SEVERAL = (FaultKind.HALF_DONE, FaultKind.HALF_ANSWERED, FaultKind.REORDERED, FaultKind.SHORT)
"""Of one change alone they are LOST_BEFORE, LOST_AFTER and no fault at all."""
IN_TARGET = ("send", "half", "answer")
"""Effects that depend on what the target makes of our key; the others are the process's own."""
DEATH = "death"
DEGRADED = (Keyless, NoRoom)
"""Targets on which a call that is delivered twice may make two records."""
CHUNKS = 2
"""Before which of a read's chunks it breaks off, counted from the first."""


@dataclass(frozen=True)
class Point:
    """what: an operation, or an effect before which the process may die. kinds: of the changes that a write carries.
    several: more than one of them. unique: the target refuses our key twice; told apart where it is given one."""

    what: str
    way: Way
    kinds: tuple[str, ...] = ()
    several: bool = False
    unique: bool = True


@dataclass(frozen=True)
class Trial:
    """A move and what disturbs it. deaths: as in `World.until_it_ends`. Written as `levels lost_after@2 death@17`,
    which tests/migrate/trial.py makes again."""

    move: str
    faults: tuple[Fault, ...] = ()
    deaths: tuple[int, ...] = ()

    def __str__(self) -> str:
        words = [f"{each.kind}@{each.call}" + (f"+{each.chunks}" if each.chunks else "") for each in self.faults]
        return " ".join([self.move, *words, *(f"{DEATH}@{number}" for number in self.deaths)])

    @classmethod
    def read(cls, words: Sequence[str]) -> Trial:
        trial = cls(words[0])
        for word in words[1:]:
            kind, _, place = word.partition("@")
            if kind == DEATH:
                trial = replace(trial, deaths=(*trial.deaths, int(place)))
            else:
                call, _, chunks = place.partition("+")
                trial = replace(trial, faults=(*trial.faults, Fault(int(call), FaultKind(kind), int(chunks or 0))))
        return trial

    @property
    def last(self) -> str:
        """The kind of what happens last."""
        return DEATH if self.deaths else str(self.faults[-1].kind)

    def struck(self, fault: Fault) -> Trial:
        return replace(self, faults=(*self.faults, fault))

    def dying(self, life: int, number: int) -> Trial:
        return replace(self, deaths=(*self.deaths, *[0] * (life - len(self.deaths)), number))


@dataclass(frozen=True)
class Reached:
    """A point where a trial came to it. number: of the call, or of the effect in this life."""

    point: Point
    number: int
    life: int = 0

    def strikes(self, trial: Trial) -> Iterator[Trial]:
        """The same trial with every kind of disturbance at this point."""
        if self.point.what not in set(Operation):
            if self.life >= len(trial.deaths):
                yield trial.dying(self.life, self.number)
            return
        for kind in kinds_at(self.point):
            for chunks in range(CHUNKS if kind is FaultKind.READ_BREAKS else 1):
                yield trial.struck(Fault(self.number, kind, chunks))


def kinds_at(point: Point) -> Iterator[FaultKind]:
    for kind in FaultKind:
        if kind.operation == point.what and kind not in DEATHS:
            if kind in OF_SEVERAL and not point.several:
                continue
            if kind is FaultKind.TWICE and not point.unique:
                continue  # it doubles a record there: DESIGN §5 calls such a target DEGRADED
            yield kind


def later(world: World) -> None:
    """It was all moved once, and people went on working in both systems."""
    world.run()
    for name, key, values in (
        ("firm", "f1", {"city": "天津"}),
        ("firm", "f2", {"parent": "f1"}),
        ("firm", "f3", {"city": "佛山"}),
        ("firm", "f6", {"name": "renamed"}),
        ("person", "p1", {"name": "王芳芳"}),
        ("deal", "d1", {"amount": "11.00"}),
        ("deal", "d3", {"amount": "12.00"}),
    ):
        world.source.edit(name, key, values, by="somebody")
    world.source.seed("firm", [{"id": "f9", "name": "the parent comes", "city": "长沙"}])
    account = key_in_target(world, "account", "old:firm:f3")
    world.target.edit("account", account, {"city": "东莞"}, by="a user")
    world.clock.sleep(3600)


def key_in_target(world: World, name: str, our_key: str) -> str:
    return next(key for key, each in world.target._tables[name].records.items() if each.our_key == our_key)


MOVES: dict[str, tuple[Rows, type[MemoryConnector], Callable[[World], None]]] = {
    "levels": (BATCHES, MemoryConnector, first),
    "circle": (CIRCLE, MemoryConnector, first),
    "update": (BATCHES, MemoryConnector, later),
    "keyless": (PAIR, Keyless, first),
    "tried": (ONE, Tried, first),
    "noroom": (PLAIN, NoRoom, first),
    "details": (FAMILY, Untold, first),
}


def every_move(folder_of: Callable[[str], Path]) -> Callable[[str], Move]:
    """Each move made once, when it is first asked for."""
    return cache(lambda name: prepared(folder_of(name), *MOVES[name]))


@contextmanager
def listening(world: World) -> Iterator[list[Reached]]:
    """The points that the world's process comes to, in their order."""
    reached: list[Reached] = []
    unique = world.kind not in DEGRADED

    def call(made: Call) -> None:
        changes = made.batch.changes if made.batch is not None else ()
        kinds = tuple(sorted({each.kind.value for each in changes}))
        point = Point(made.operation, way(), kinds, len(changes) > 1, unique or ChangeKind.CREATE not in kinds)
        reached.append(Reached(point, made.number))

    def effect(name: str) -> None:
        point = Point(name, way(), unique=unique or name not in IN_TARGET)
        reached.append(Reached(point, len(world.mortality.effects) + 1, world.life))

    world.listen, world.mortality.watch = call, effect
    try:
        yield reached
    finally:
        world.listen, world.mortality.watch = (lambda _call: None), (lambda _effect: None)


def some_of_each_kind(trials: Sequence[Trial], each: int) -> list[Trial]:
    """Each so-manieth of those that end with the same kind of disturbance."""
    by_kind: dict[str, list[Trial]] = {}
    for trial in trials:
        by_kind.setdefault(trial.last, []).append(trial)
    return [trial for alike in by_kind.values() for trial in alike[::each]]


class Points:
    """The points of some moves, as far as trials have come."""

    def __init__(self, moves: Mapping[str, Move]) -> None:
        self._moves = dict(sorted(moves.items(), key=lambda each: each[1].effects))
        self._seen: set[Point] = set()

    def undisturbed(self) -> list[Trial]:
        """What to try where nothing has gone wrong yet: every point, on the smallest move that comes to it."""
        return [strike for name in self._moves for strike in self.tried(Trial(name))[1]]

    def tried(self, trial: Trial) -> tuple[dict[str, str], list[Trial]]:
        """The laws that a trial broke; and what to try at the points that no trial before it came to."""
        move = self._moves[trial.move]
        with move.world.in_process(), listening(move.world) as reached:
            broken = move.trial(*trial.faults, deaths=trial.deaths)
        strikes = []
        for each in reached:
            if each.point not in self._seen:
                self._seen.add(each.point)
                strikes += each.strikes(trial)
        return broken, strikes


def some_ways(ways: list[Way]) -> list[int]:
    """Where a step is come to by a way of its own: each so-manieth, for `interrupted`."""
    return [ways.index(each) for each in dict.fromkeys(ways)][::HEARD]


def interrupted(move: Move, choose: Callable[[list[Way]], Iterable[int]]) -> dict[int, dict[str, str]]:
    """The laws broken by an interruption at each chosen one of the steps where one is heard. choose: from the ways to
    all of them, the numbers of some."""
    ways: list[Way] = []
    at: int | None = None

    def check(_self: Interruption) -> None:
        ways.append(way())
        if len(ways) - 1 == at:
            raise Interrupted

    told = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Interruption, "check", check)
        move.trial()
        for at in choose(list(ways)):
            ways.clear()
            move.world.back_to(move.start)
            assert move.world.run().exit_code == 130
            if broken := move.judged(move.world.until_it_ends()):
                told[at] = broken
    return told
