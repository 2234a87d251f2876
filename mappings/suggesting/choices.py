"""Which source cell of a picklist becomes which choice of the target."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

ALIKE: Final = 88.0
"""Of 100; spellings that differ in a letter or two."""


@dataclass(frozen=True, slots=True)
class ChoicePairs:
    """pairs: source cell -> choice. open: cells for which there is no sure one."""

    pairs: dict[str, str]
    open: tuple[str, ...]

    @property
    def alike(self) -> bool:
        """Whether every cell is a choice as it stands, so that no value map is needed."""
        return not self.open and all(cell == choice for cell, choice in self.pairs.items())


def choice_pairs(cells: Sequence[str], choices: Sequence[str]) -> ChoicePairs:
    """Cells that are a choice, but for capitals, spaces, widths and signs, or nearly so."""
    folded = {_folded(choice): choice for choice in choices}
    pairs: dict[str, str] = {}
    for cell in cells:
        found = cell if cell in choices else folded.get(_folded(cell)) or _nearly(cell, folded)
        if found is not None:
            pairs[cell] = found
    return ChoicePairs(pairs, tuple(cell for cell in cells if cell not in pairs))


def _nearly(cell: str, folded: dict[str, str]) -> str | None:
    from rapidfuzz import fuzz

    scores = sorted(((fuzz.ratio(_folded(cell), each), choice) for each, choice in folded.items()), reverse=True)
    sure = scores and len(_folded(cell)) > 4 and scores[0][0] >= ALIKE
    return scores[0][1] if sure and (len(scores) == 1 or scores[0][0] - scores[1][0] > 5) else None


def _folded(text: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKC", text).casefold() if letter.isalnum())
