"""Calls that writing takes beyond what is told of every change: those of fields that have an interface of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from .change import Batch


class TellsFurtherCalls(Protocol):
    """What a connector has besides whose capabilities say `tells_further_calls`."""

    def further_calls(self, batch: Batch) -> Mapping[str, int]:
        """By interface, how many calls these changes take, where all goes well, beyond what `Allowance.needs_of` tells
        of a WRITE; less than none where they go through another one. No call is made for it."""
