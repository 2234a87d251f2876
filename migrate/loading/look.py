"""For how long what was seen of the target's records is good, where it does not itself compare before it writes: what
somebody saves between our look and our write would be written over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

from ..session import Session

T = TypeVar("T")
SHARE: Final = 1_000
"""Records that are looked at, and then written, at a time: a chunk's may take an hour, this many a few minutes."""
SECONDS: Final = 300.0
"""What was seen longer ago, for a run stood still, is looked at again."""


def shares(session: Session, rows: Sequence[T], most: int | None = None) -> Iterator[Sequence[T]]:
    """These, as many at a time as may be looked at together; most: at most so many in any case."""
    size = at_a_time(session, most or max(1, len(rows)))
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def at_a_time(session: Session, most: int) -> int:
    """Records that may be looked at together, at most so many."""
    return most if session.target.capabilities.compare_and_set else min(most, SHARE)


class Look:
    """A look at records of the target, taken now."""

    def __init__(self, session: Session) -> None:
        self._clock = session.clock
        self._until = None if session.target.capabilities.compare_and_set else self._clock.monotonic() + SECONDS

    @property
    def over(self) -> bool:
        """Whether nothing more may be written by it."""
        return self._until is not None and self._clock.monotonic() > self._until
