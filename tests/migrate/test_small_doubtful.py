"""Small moves into a target that takes our key twice, and into one proven to take it once: disturbed once and twice."""

from __future__ import annotations

from .small_suite import SmallMoves


class TestDoubtful(SmallMoves):
    kinds = ("twofold", "proven")
