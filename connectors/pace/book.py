"""A book in which several processes count the calls to one system together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from .limits import Allowance, Quota


@dataclass(frozen=True, slots=True)
class Asked:
    """What a process asks before a request departs.

    calls: that it counts as. share: of every rate, above 0 and up to 1. quota: where somebody limits the day; then
    `ours` is how many of its calls we may spend by now, and `spent` how many are known to be spent of the day that is
    called `day`. earlier: what commands before this one have called that the book did not count, told once: interface
    -> (seconds since the latest moment at which calls can have arrived, less than 0 where it is still to come; how
    many).
    """

    interface: str
    calls: int
    allowance: Allowance
    share: float = 1.0
    quota: Quota | None = None
    ours: int = 0
    day: str = ""
    spent: int = 0
    earlier: Mapping[str, Sequence[tuple[float, int]]] = field(default_factory=dict)


class Taken(NamedTuple):
    """taken: the request may depart after `wait` seconds, and counts from now on; else it is worth to ask again after
    so many. day, spent: what is known of the day's calls, of all processes."""

    taken: bool
    wait: float
    day: str = ""
    spent: int = 0


class Book(Protocol):
    """One system's: the rates, the requests under way at a time, the day's calls, and until when a target that
    throttled is left alone. Every call that was taken is given back or answered, once, whatever happens."""

    def take(self, asked: Asked) -> Taken:
        """Raises a ChangeoverError where the book cannot be had; then nothing was taken."""

    def give_back(self, interface: str, calls: int) -> None:
        """It was taken, and will not depart. Never raises."""

    def answered(self, interface: str, calls: int, late: float = 0.0, holds: float = 0.0) -> None:
        """late: seconds for which the calls, whose answer was given up on, may still arrive; less than 0 where they had
        arrived so long before it. holds: seconds for which nobody shall call this interface. Never raises: the call is
        over, and what came of it must not be lost."""
