"""What a process has called of late, for the next one: a target's limit does not know that a new command has begun."""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ..clock import Clock
from .limits import Allowance
from .window import counts_for

GRAINS = 100
"""Answers within so small a part of the time for which they count are noted as one, by the latest of them."""
Earlier = dict[str, list[tuple[float, int]]]
"""Interface -> (the latest moment at which calls can have arrived, by the monotonic clock; how many)."""


class LatelyStore(Protocol):
    """Keeps the note from one process to the next."""

    def load(self) -> str:
        """As it was saved last; empty where nothing is known."""

    def save(self, note: str) -> None: ...

    def counted(self) -> Mapping[str, Sequence[tuple[float, int]]]:
        """What a book has counted that this process does not use: interface -> (seconds since, less than 0 where it may
        still arrive; how many)."""


@dataclass(slots=True)
class _Answers:
    """Calls that are noted as one. first, latest: moments by the monotonic clock."""

    first: float
    latest: float
    calls: int


@dataclass(slots=True)
class _Line:
    """One interface. under_way: calls that were not answered yet."""

    under_way: int = 0
    answers: deque[_Answers] = field(default_factory=deque)


class Lately:
    """It is noted before each call departs, so that a killed process has noted all that it called. What was under way
    by its last note may, for all we know, arrive until the next process begins, or as late as a call may.

    earlier: what processes before this one have called. Between processes only the clock on the wall goes on; where it
    was put back since, their calls count from now on, so for rather too long.
    """

    def __init__(self, store: LatelyStore, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._allowance: Allowance | None = None
        self._noted, now = store.load(), clock.monotonic()
        self.earlier = _read(self._noted, clock)
        for interface, answers in store.counted().items():
            both = [*self.earlier.get(interface, ()), *((now - ago, calls) for ago, calls in answers)]
            self.earlier[interface] = sorted(both)
        self._lines = {
            interface: _Line(answers=deque(_Answers(at, at, calls) for at, calls in answers))
            for interface, answers in self.earlier.items()
        }

    def obey(self, allowance: Allowance) -> None:
        self._allowance = allowance

    def handed_over(self) -> Earlier:
        """`earlier`, each with the seconds that have passed since, for a book that did not count it; once."""
        now = self._clock.monotonic()
        told = {interface: [(now - at, calls) for at, calls in answers] for interface, answers in self.earlier.items()}
        self.earlier = {}
        return told

    def departs(self, interface: str, calls: int) -> None:
        """It departs once this is noted. Raises what the store raises; then nothing departs."""
        line = self._lines.setdefault(interface, _Line())
        line.under_way += calls
        if not self._counts(interface):
            return
        try:
            self.note()
        except BaseException:
            line.under_way -= calls
            raise

    def given_back(self, interface: str, calls: int) -> None:
        self._lines[interface].under_way -= calls

    def answered(self, interface: str, calls: int, at: float) -> None:
        """at: the latest moment at which they can have arrived."""
        line, counts = self._lines[interface], self._counts(interface)
        line.under_way -= calls
        if line.answers and at - line.answers[-1].first <= counts / GRAINS:
            last = line.answers[-1]
            last.latest, last.calls = max(last.latest, at), last.calls + calls
        elif counts:
            line.answers.append(_Answers(at, at, calls))

    def note(self) -> None:
        """Where nothing counts any more, that is noted once."""
        now, told = self._clock.monotonic(), {}
        for interface, line in self._lines.items():
            counts = self._counts(interface)
            while line.answers and line.answers[0].latest + counts < now:
                line.answers.popleft()
            if counts and (line.under_way or line.answers):
                answers = ([round(now - each.latest, 3), each.calls] for each in line.answers)
                told[interface] = [line.under_way, *answers]
        if told or self._noted:
            late = self._allowance.late if self._allowance else 0.0
            document = {"at": self._clock.now().timestamp(), "late": late, "calls": told}
            self._store.save(json.dumps(document, separators=(",", ":")))
            self._noted = "noted" if told else ""

    def _counts(self, interface: str) -> float:
        """Seconds for which a call counts; without end as long as the limits are not known."""
        if self._allowance is None:
            return math.inf
        rates = (*self._allowance.of(interface).rates, *self._allowance.shared)
        return max(map(counts_for, rates), default=0.0)


def _read(note: str, clock: Clock) -> Earlier:
    """Each interface's calls, the oldest first. What cannot be read counts as nothing known."""
    try:
        told = json.loads(note)
        now = clock.monotonic()
        since = max(0.0, clock.now().timestamp() - told["at"])
        return {
            interface: sorted(
                [
                    *((now - since - ago, int(calls)) for ago, calls in answers),
                    *([(now + float(told["late"]), int(under_way))] if under_way else []),
                ]
            )
            for interface, [under_way, *answers] in told["calls"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
