"""Calls of writing, told before they are made, where they depend on what is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from .change import Batch


class TellsCalls(Protocol):
    """What a connector has besides whose capabilities say `tells_calls`."""

    def calls_of(self, batch: Batch, *, again: bool = False) -> Mapping[str, int]:
        """By interface, how many calls `write` makes for this batch where all goes well. again: its changes are
        creations under keys of ours that are there already, and are refused. No call is made for it."""
