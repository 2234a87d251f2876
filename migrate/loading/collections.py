"""How often Python looks for cycles while a command is imported, and while chunks are loaded."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

WORTH_COLLECTING = 1_000
"""Records in a chunk from which on its leavings are worth a look."""
LOADED: Final = 300_000
"""Objects made: more than there are once all that a command needs is imported."""


def collect_late() -> None:
    """Look for cycles only when so many objects are there, and from then on as ever. What a command imports stays: to
    go through it again and again was a tenth of what a short command costs."""
    usual = gc.get_threshold()

    def collected(phase: str, _told: dict[str, int]) -> None:
        if phase == "stop" and gc.get_threshold()[0] == LOADED:  # else it is for a while as `few_collections` has it
            gc.callbacks.remove(collected)
            gc.set_threshold(*usual)

    gc.callbacks.append(collected)
    gc.set_threshold(LOADED)


@contextmanager
def few_collections() -> Iterator[None]:
    """A chunk's changes and outcomes are a hundred thousand small objects: looking for cycles every 700 of them took a
    fifth of a run's time. It is done once a chunk instead, among what came since the run began."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(500_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def tidied(records: int) -> None:
    """A chunk of so many records is done with."""
    if records >= WORTH_COLLECTING:
        gc.collect()
