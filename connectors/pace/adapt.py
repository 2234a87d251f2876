"""How many requests at a time do a target good: more while it answers well, half when it throttles."""

from __future__ import annotations

import math

SLOW = 2.0
"""Answers that of late take so many times what they take usually are a sign of a target that has too much to do."""
SLOWER = 0.8
LATE, USUAL = 0.1, 0.01
"""How much one answer counts in the average of late and in the usual one. A target that stays slow becomes usual."""


class Adaptive:
    """Additive increase, multiplicative decrease. One more after as many good answers as may be under way (one more
    after each, until the target first complains); half of it when the target throttles, four fifths when it becomes
    slow, at most once for all that had departed before that."""

    def __init__(self, most: int) -> None:
        self.most = max(1, most)
        self._window = 1.0
        self._calm_since = -math.inf
        self._late = self._usual = 0.0

    @property
    def number(self) -> int:
        return int(self._window)

    def answered(self, departed: float, now: float, throttled: bool) -> None:
        latency = max(0.0, now - departed)
        if throttled:
            self._fewer(departed, now, 0.5)
            return
        self._late += (LATE if self._late else 1.0) * (latency - self._late)
        self._usual += (USUAL if self._usual else 1.0) * (latency - self._usual)
        if self._late > SLOW * self._usual:
            self._fewer(departed, now, SLOWER)
        else:
            self._window = min(float(self.most), self._window + (1 if self._calm_since < 0 else 1 / self._window))

    def _fewer(self, departed: float, now: float, factor: float) -> None:
        if departed <= self._calm_since:
            return
        self._window = max(1.0, self._window * factor)
        self._calm_since = now
