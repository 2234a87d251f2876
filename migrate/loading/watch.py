"""For whoever looks on while records are loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...mappings.compile import CompiledMapping

FILTERED = "filtered"

Watch = Callable[[CompiledMapping, Mapping[str, str]], None]
"""Told, before it is kept, which records are not moved: our key -> how they are parked, FILTERED for those left out."""


def unwatched(_mapping: CompiledMapping, _states: Mapping[str, str]) -> None:
    """Nobody looks on."""
