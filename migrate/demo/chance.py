"""Chance that depends on nothing but the seed, a name and a row: any row can be made by itself."""

from __future__ import annotations

import zlib
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Rows: TypeAlias = NDArray[np.int64]
"""Row numbers from 0, or a number drawn for each of them."""

Flags: TypeAlias = NDArray[np.bool_]

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


class Chance:
    """Draws by SplitMix64 over (seed, name, row): the same on every machine and in every version of numpy."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def below(self, name: str, rows: Rows, bound: int) -> Rows:
        """A number from 0 to bound - 1 for each row. Two names draw independently."""
        drawn: Rows = (self._mixed(name, rows) % np.uint64(bound)).astype(np.int64)
        return drawn

    def within(self, name: str, rows: Rows, low: int, high: int) -> Rows:
        """A number from low to high, both possible, for each row."""
        return self.below(name, rows, high - low + 1) + low

    def shuffled(self, name: str, rows: Rows) -> Rows:
        """The same rows in another order."""
        return rows[np.argsort(self._mixed(name, rows), kind="stable")]

    def _mixed(self, name: str, rows: Rows) -> NDArray[np.uint64]:
        stream = np.uint64(
            (zlib.crc32(name.encode()) << 32 | zlib.crc32(str(self._seed).encode())) & 0xFFFFFFFFFFFFFFFF
        )
        with np.errstate(over="ignore"):
            mixed = (rows.astype(np.uint64) + np.uint64(1)) * _STEP + stream
            mixed = (mixed ^ (mixed >> np.uint64(30))) * _FIRST
            mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
            return mixed ^ (mixed >> np.uint64(31))
