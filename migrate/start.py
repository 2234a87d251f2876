"""How often Python looks for cycles while what a command needs is imported."""

from __future__ import annotations

import gc
from typing import Final

LOADED: Final = 300_000
"""Objects made: more than there are once all that a command needs is imported."""


def collect_late() -> None:
    """Look for cycles only when so many objects are there, and from then on as ever. What a command imports stays: to
    go through it again and again was a tenth of what a short command costs."""
    usual = gc.get_threshold()

    def collected(phase: str, _told: dict[str, int]) -> None:
        if phase == "stop" and gc.get_threshold()[0] == LOADED:  # else it is for a while as the loader has it
            gc.callbacks.remove(collected)
            gc.set_threshold(*usual)

    gc.callbacks.append(collected)
    gc.set_threshold(LOADED)
