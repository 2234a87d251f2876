"""Batches of records that refer to each other, for targets that give the keys themselves."""

from __future__ import annotations

from collections.abc import Callable

from changeover.connectors.change import Batch, Outcome


def parents_first(batch: Batch, send: Callable[[Batch], list[Outcome]]) -> list[Outcome]:
    """What refers to a record of the same batch goes after it, when that has its key."""
    left, outcomes = list(batch.changes), list[Outcome]()
    while left:
        made = {str(each.values.get("id")) for each in left if each.target_key is None}
        first = [each for each in left if each.values.get("parent") not in made] or left
        outcomes += send(Batch(batch.object, tuple(first)))
        left = [each for each in left if each not in first]
    return outcomes
