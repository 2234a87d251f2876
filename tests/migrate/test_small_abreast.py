"""Small moves with two calls under way: disturbed once and twice."""

from __future__ import annotations

from .small_suite import SmallMoves


class TestAbreast(SmallMoves):
    kinds = ("abreast", "crossed")
