"""Changes under one parent, which many systems lock while one of its children is written: they go in one batch where
they fit, and never in two at the same time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from ...mappings.compile import CompiledMapping
from .answer import Planned

Touches: TypeAlias = Callable[[Planned], tuple[str, ...]]
"""The target's keys of the records that a change may lock; its parent first."""


def nothing_touched(_planned: Planned) -> tuple[str, ...]:
    return ()


def parent_field(mapping: CompiledMapping) -> str | None:
    """The first required reference, else the first one; None where there is none."""
    required = {each.name for each in mapping.target_fields if each.required}
    ordered = sorted(mapping.references, key=lambda name: name not in required)
    return ordered[0] if ordered else None


def touches(mapping: CompiledMapping | None) -> Touches:
    """The parent that a change's record has, had or gets; of an object that is its own parent also the record."""
    name = parent_field(mapping) if mapping is not None else None
    if mapping is None or name is None:
        return nothing_touched
    field = mapping.target.field(name)
    own = field is not None and mapping.target.name in field.references

    def touched(planned: Planned) -> tuple[str, ...]:
        change = planned.change
        keys = [planned.parent, change.values.get(name), (change.expect or {}).get(name)]
        keys += [change.target_key] if own else []
        return tuple(str(key) for key in keys if key is not None)

    return touched


def together(planned: Sequence[Planned], size: int, touched: Touches) -> list[list[Planned]]:
    """Batches of at most `size`, in the order in which the families appear. A family that is larger fills batches of
    its own; its rest, and every smaller one, goes whole into the first batch with room for it."""
    families: dict[str | int, list[Planned]] = {}
    for place, each in enumerate(planned):
        families.setdefault(next(iter(touched(each)), place), []).append(each)
    batches: list[list[Planned]] = []
    with_room: list[list[Planned]] = []
    for family in families.values():
        for start in range(0, len(family), size):
            piece = family[start : start + size]
            room = next((each for each in with_room if len(each) + len(piece) <= size), None)
            if room is None:
                room = []
                batches.append(room)
                with_room.append(room)
            room += piece
            if len(room) == size:
                with_room = [each for each in with_room if each is not room]
    return batches
