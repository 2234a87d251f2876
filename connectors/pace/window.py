"""A sliding window over calls of which only their departure and their answer are known, not their arrival."""

from __future__ import annotations

from bisect import insort
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from itertools import accumulate

from .limits import Rate

MARGIN_SHARE, MARGIN_SECONDS = 0.001, 0.002
"""The window is kept this much longer than the target says: a share for clocks that do not tick alike (NTP slews up to
500 ppm, on either side), and a little for a target that counts in whole milliseconds."""


GRAINS = 1000
"""What is kept of a window in a shared book is rounded up to so many parts of the rate's seconds."""
MICROSECONDS = 1_000_000


class Window:
    """Calls of one rate.

    A call arrives at some moment between its departure and its answer; where the target says how long before the answer
    it counted the call, by then at the latest. It is counted from its departure until the rate's seconds, and the
    margin, have passed *since that latest moment*. So no `seconds` ever hold more arrivals than `calls`: suppose that
    some did, and take the one of these calls that departed last. Each other one arrived at most `seconds` before it
    did, hence was not yet answered, or had its latest moment at most `seconds` before that departure; all of them were
    counted then, and it would not have been let go. Which departure an answer belongs to does not matter to the count.

    The price: a call holds its place for `seconds` and the time until its latest moment, so with x from its departure
    to that, the share seconds / (seconds + x) of the rate is used. x is the time that an answer takes; where the target
    says how long it was at work, only the way there and back.
    """

    def __init__(self, rate: Rate, under_way: int = 0, kept: Sequence[int] = ()) -> None:
        """kept: see `kept`."""
        self.rate = rate
        self._under_way = under_way
        self._answers: deque[float] = deque()
        grain = _grain(rate)
        for at, calls in zip(accumulate(kept[::2]), kept[1::2], strict=True):
            self._answers.extend([at * grain / MICROSECONDS] * calls)

    def begin(self, made: int, under_way: int, now: float) -> None:
        """Take over calls made while nobody counted for this rate: as if just answered."""
        self._under_way = under_way
        self._answers.extend([now] * min(made - under_way, self.rate.calls))

    def earlier(self, answers: Iterable[tuple[float, int]]) -> None:
        """Take over calls of processes before this one: (the latest moment of their arrival, how many)."""
        for at, calls in answers:
            for _ in range(min(calls, self.rate.calls)):
                insort(self._answers, at)

    def wait(self, calls: int, share: float, now: float) -> float | None:
        """Seconds until so many calls may depart together (0: now), at this share of the rate. None where that depends
        on answers still to come or on a higher share. Raises ValueError for more calls than the rate allows at all."""
        if calls > self.rate.calls:
            raise ValueError(f"{calls} calls at once do not fit into {self.rate}")
        narrowed = self.rate.shared(share)
        if narrowed is None:
            return None
        span = counts_for(narrowed)
        free = max(narrowed.calls, calls) - calls - self._under_way
        if free < 0:
            return None
        self._forget(now)
        if free >= len(self._answers):
            return 0.0
        return max(0.0, self._answers[-free - 1] + span - now)

    def depart(self, calls: int) -> None:
        self._under_way += calls

    def answer(self, calls: int, now: float, late: float = 0.0) -> None:
        """late: seconds for which these calls, whose answer was given up on, may still arrive; less than 0 where they
        had arrived so long before it."""
        self._under_way -= calls
        at = now + late
        if not self._answers or self._answers[-1] <= at:
            self._answers.extend([at] * calls)
            return
        for _ in range(calls):
            insort(self._answers, at)

    def kept(self, now: float) -> list[int]:
        """The answers that still count at the whole rate: when, in grains since the answer before, and of how many
        calls. Rounded up, so that they count for rather too long."""
        span, grain = counts_for(self.rate), _grain(self.rate)
        counted = Counter(-(-round(at * MICROSECONDS) // grain) for at in self._answers if at + span > now)
        told, before = [], 0
        for at, calls in sorted(counted.items()):
            told += [at - before, calls]
            before = at
        return told

    @property
    def under_way(self) -> int:
        return self._under_way

    def _forget(self, now: float) -> None:
        """What has left the window; the latest `calls` answers stay, for a share may make the window longer."""
        span = counts_for(self.rate)
        while len(self._answers) > self.rate.calls and self._answers[0] + span < now:
            self._answers.popleft()


def counts_for(rate: Rate) -> float:
    """Seconds for which an answered call counts."""
    return rate.seconds * (1 + MARGIN_SHARE) + MARGIN_SECONDS


def _grain(rate: Rate) -> int:
    """In microseconds."""
    return max(1, round(rate.seconds * MICROSECONDS / GRAINS))
