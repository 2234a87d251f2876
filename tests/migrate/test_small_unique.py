"""Small moves into a target that takes our key once: disturbed once and twice."""

from __future__ import annotations

from .small_suite import SmallMoves


class TestUnique(SmallMoves):
    kinds = ("unique", "slow")
