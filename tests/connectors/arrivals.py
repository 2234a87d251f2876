"""A target that counts calls where they arrive, by counting and nothing else, and workers that call it."""

from __future__ import annotations

import datetime as dt
import heapq
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from changeover.connectors.pace import Pace

START = dt.datetime(2026, 11, 21, 1, tzinfo=dt.UTC)


def most_in_any(arrivals: Sequence[float], seconds: float) -> int:
    """The most arrivals that any `seconds` hold, both ends included."""
    ordered = sorted(arrivals)
    most = first = 0
    for last, at in enumerate(ordered):
        while at - ordered[first] > seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


def used(arrivals: Sequence[float], calls: int, seconds: float) -> float:
    """How much of what a rate allows was used: nobody can have `k * calls` arrivals between one and another of them in
    less than `k * seconds`."""
    ordered = sorted(arrivals)
    windows = (len(ordered) - 1) // calls
    return windows * seconds / (ordered[windows * calls] - ordered[0])


@dataclass
class World:
    """A clock on which answers come while somebody sleeps: many workers' calls under way, and one thread."""

    passed: float = 0.0
    start: dt.datetime = START
    due: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    slept: int = 0
    number: int = 0

    def now(self) -> dt.datetime:
        return self.start + dt.timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return self.passed

    def sleep(self, seconds: float) -> None:
        self.slept += 1
        assert self.slept < 1_000_000, "nobody will ever wake it"
        end = self.passed + max(0.0, seconds)
        while self.due and self.due[0][0] <= end:
            at, _, happens = heapq.heappop(self.due)
            self.passed = max(self.passed, at)
            happens()
        self.passed = max(self.passed, end)

    def later(self, seconds: float, happens: Callable[[], None]) -> None:
        self.number += 1
        heapq.heappush(self.due, (self.passed + seconds, self.number, happens))

    def rest(self) -> None:
        while self.due:
            self.sleep(self.due[0][0] - self.passed)


@dataclass
class Caller:
    """Calls a target; each call arrives somewhere between its departure and its answer."""

    world: World
    pace: Pace
    chance: random.Random
    latency: tuple[float, float] = (0.05, 0.8)
    arrivals: dict[str, list[float]] = field(default_factory=dict)

    def call(self, interface: str, calls: int = 1) -> None:
        self.pace.take(interface, calls)
        whole = self.chance.uniform(*self.latency)
        arrives = self.chance.choice((0.0, whole, self.chance.uniform(0, whole)))
        self.arrivals.setdefault(interface, []).extend([self.world.passed + arrives] * calls)
        self.world.later(whole, lambda: self.pace.answered(interface, calls=calls))
