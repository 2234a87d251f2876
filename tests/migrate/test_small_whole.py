"""Small moves into targets that take a batch whole or not at all: disturbed once and twice."""

from __future__ import annotations

from .small_suite import SmallMoves


class TestWhole(SmallMoves):
    kinds = ("whole", "mute")
