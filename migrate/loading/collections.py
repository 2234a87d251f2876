"""How often Python looks for cycles while chunks are loaded."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

WORTH_COLLECTING = 1_000
"""Records in a chunk from which on its leavings are worth a look."""


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
