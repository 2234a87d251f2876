"""Which side counts where a field has been changed in both systems since they last agreed."""

from __future__ import annotations

from enum import StrEnum


class Wins(StrEnum):
    """old: the system being left. new: the target. newest: the side whose record was changed last. ask: nobody; the
    record is conflicted until somebody decides."""

    OLD = "old"
    NEW = "new"
    NEWEST = "newest"
    ASK = "ask"
