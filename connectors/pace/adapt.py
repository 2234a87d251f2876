"""How many requests at a time do a target good: more while it answers well, half when it throttles."""

from __future__ import annotations

import math

SLOW = 3.0
"""Answers that take so many times the quickest of late are taken for a target that has too much to do."""
SLOWER = 0.8
SMOOTH = 0.2
FORGETS = 1.01
"""The quickest answer counts that much longer with each answer, so that a target that has become slower is not
taken for an overloaded one for ever."""


class Adaptive:
    """Additive increase, multiplicative decrease. One more after as many good answers as may be under way (one more
    after each, until the target first complains); half of it when the target throttles, four fifths when it becomes
    slow, at most once for all that had departed before that."""

    def __init__(self, most: int) -> None:
        self.most = max(1, most)
        self._window = 1.0
        self._calm_since = -math.inf
        self._quickest = math.inf
        self._usual = 0.0

    @property
    def number(self) -> int:
        return min(self.most, max(1, int(self._window)))

    def answered(self, departed: float, now: float, throttled: bool) -> None:
        latency = max(0.0, now - departed)
        if throttled:
            self._fewer(departed, now, 0.5)
            return
        self._quickest = min(self._quickest * FORGETS, latency)
        self._usual = latency if not self._usual else (1 - SMOOTH) * self._usual + SMOOTH * latency
        if self._usual > SLOW * self._quickest and self._quickest > 0:
            self._fewer(departed, now, SLOWER)
        else:
            self._window = min(float(self.most), self._window + (1 if self._calm_since < 0 else 1 / self._window))

    def _fewer(self, departed: float, now: float, factor: float) -> None:
        if departed < self._calm_since:
            return
        self._window = max(1.0, self._window * factor)
        self._calm_since = now
