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
    GATEWAY = "gateway"
    """502 and a page of HTML."""
    REDIRECT = "redirect"
    """302 to a page of HTML."""
    BUSY = "busy"
    """errorCode -1."""
    BURST = "burst"
    """As if there had been too many calls; nothing is done."""
    TOKEN = "token"  # noqa: S105 - the name of a fault
    """Every token given out is good no longer; the call is told so."""
    SLOW = "slow"
    """The call lies there for so many seconds first."""
    LATE = "late"
    """The connection breaks at once, and the call is carried out so many seconds later."""


def read_faults(file: Path) -> Faults[FaultKind]:
    """Raises InputError `simulator.file` or `simulator.fault`."""
    return faults.read_faults(file, FaultKind)
