"""What a mapping's creations carry inside them; of most, nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, Protocol, TypeAlias

from ...mappings.mapped import MappedChunk
from ..sending.answer import Carried, Ended
from .loaded import Loaded

Aboard: TypeAlias = Mapping[int, Sequence[Carried]]
"""Row of a master -> what goes inside its change."""


class Carriage(Protocol):
    """What is created inside the records of one mapping."""

    def shares(
        self, mapped: MappedChunk, rows: Sequence[int], adopted: Collection[int], result: Loaded
    ) -> Iterator[tuple[Sequence[int], Aboard]]:
        """The rows that are to be created, in shares, each with what goes inside. A share is sent before the next one
        is asked for. adopted: rows that are in the target already."""

    def landed(self, ended: Sequence[Ended], result: Loaded) -> None:
        """Read back what was created so."""


class NoDetails:
    """Nothing is."""

    def shares(
        self, mapped: MappedChunk, rows: Sequence[int], adopted: Collection[int], result: Loaded
    ) -> Iterator[tuple[Sequence[int], Aboard]]:
        yield rows, {}

    def landed(self, ended: Sequence[Ended], result: Loaded) -> None:
        """Nothing was carried."""


NO_DETAILS: Final = NoDetails()
