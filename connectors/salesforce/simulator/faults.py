"""What can go wrong on the way."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from ...simulating import faults
from ...simulating.faults import Fault, Faults

__all__ = ["Fault", "FaultKind", "Faults", "read_faults"]


class FaultKind(Enum):
    LOST = "lost"
    """The connection breaks."""
    CUT = "cut"
    """The connection breaks in the middle of the answer."""
    UNAVAILABLE = "unavailable"
    """503 and SERVER_UNAVAILABLE."""
    EDGE = "edge"
    """420 and nothing."""
    HTML = "html"
    """200 and a page of HTML."""
    EXPIRED = "expired"
    """Every session is over; the call is told so."""
    CONCURRENT = "concurrent"
    """403: too many long calls at once."""
    DAILY = "daily"
    """403: the calls of this day are spent."""
    SLOW = "slow"
    """The call lies there for so many seconds first."""
    LATE = "late"
    """The connection breaks at once, and what the call writes is seen so many seconds later, with the stamps of now."""
    LOCKED = "locked"
    """UNABLE_TO_LOCK_ROW for each n-th row of the call; without `rows`, for one with a parent of the row before it."""
    FAILED = "failed"
    """The job that the call asks for has failed half-way; the rest of its rows is unprocessed."""
    BARE = "bare"
    """The answer comes without its Sforce-* headers."""


def read_faults(file: Path) -> Faults[FaultKind]:
    """Raises InputError `simulator.file` or `simulator.fault`."""
    return faults.read_faults(file, FaultKind)
