"""The tests of small moves, inherited with the kinds of target that they move into. Each kind is a file's own, so that
several processes share the kinds."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import ClassVar

import pytest

from .small_trials import Trials

TRIALS = int(os.environ.get("CHANGEOVER_TEST_TRIALS", "500"))
"""For each kind of target; there are as many pairs everywhere."""
PIECES = 5
SEED = int(os.environ.get("CHANGEOVER_TEST_SEED", "20240229"))


def _piece(number: int, of: list[object]) -> slice:
    return slice(number * len(of) // PIECES, (number + 1) * len(of) // PIECES)


@pytest.mark.long
class SmallMoves:
    """kinds: by their names in small_target.py."""

    kinds: ClassVar[tuple[str, ...]]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        metafunc.parametrize("kind", self.kinds)
        if "piece" in metafunc.fixturenames:
            metafunc.parametrize("piece", range(PIECES))

    @pytest.fixture(scope="class")
    @classmethod
    def made(cls, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Trials]:
        return cache(lambda kind: Trials(tmp_path_factory.mktemp(kind), kind))

    def test_one_disturbance(self, made: Callable[[str], Trials], kind: str) -> None:
        trials = made(kind)
        assert trials.judged(trials.singles) == {}

    def test_two_disturbances(self, made: Callable[[str], Trials], kind: str, piece: int) -> None:
        trials = made(kind)
        some = trials.some(TRIALS, SEED)
        assert trials.judged(some[_piece(piece, some)]) == {}

    def test_so_many_were_tried(
        self, made: Callable[[str], Trials], kind: str, record_property: Callable[[str, object], None]
    ) -> None:
        """After all the others."""
        trials = made(kind)
        record_property("told", f"small moves into a target that is {kind}: {trials.tried:,} of them disturbed")
        assert trials.tried == TRIALS

    @pytest.mark.torture
    def test_every_two_disturbances(self, made: Callable[[str], Trials], kind: str, piece: int) -> None:
        trials = made(kind)
        assert trials.judged(trials.pairs[_piece(piece, trials.pairs)]) == {}
