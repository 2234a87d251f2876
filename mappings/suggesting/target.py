"""Which target object a source object is most like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ...connectors.schema import ObjectSchema, Schema
from .pairing import pairing
from .words import words_of

SURE: Final = 0.5
AHEAD: Final = 0.15
LOOKED_AT: Final = 12
_NAMES: Final = 0.6


@dataclass(frozen=True, slots=True)
class LikelyTargets:
    """names: the likeliest first, three at most. sure: whether the first of them may be taken unasked."""

    names: tuple[str, ...]
    sure: bool


def likely_targets(source: ObjectSchema, target: Schema) -> LikelyTargets:
    """By the objects' names, and by how many of their fields pair. Only the objects whose names are most alike are
    looked at more closely."""
    by_name = sorted(target.objects.values(), key=lambda each: (-_named_alike(source, each), each.name))
    scores = sorted(
        (
            (_NAMES * _named_alike(source, each) + (1 - _NAMES) * _fields_alike(source, each), each.name)
            for each in by_name[:LOOKED_AT]
        ),
        key=lambda each: (-each[0], each[1]),
    )
    sure = bool(scores) and scores[0][0] >= SURE and (len(scores) == 1 or scores[0][0] - scores[1][0] >= AHEAD)
    return LikelyTargets(tuple(name for score, name in scores[:3] if score > 0), sure)


def _named_alike(source: ObjectSchema, target: ObjectSchema) -> float:
    mine = {meaning for word in (*words_of(source.name), *words_of(source.label)) for meaning in word.meanings}
    theirs = {meaning for word in (*words_of(target.name), *words_of(target.label)) for meaning in word.meanings}
    if source.name.casefold() == target.name.casefold():
        return 1.0
    return 2 * len(mine & theirs) / (len(mine) + len(theirs)) if mine and theirs else 0.0


def _fields_alike(source: ObjectSchema, target: ObjectSchema) -> float:
    writable = sum(each.writable for each in target.fields)
    few = min(len(source.fields), writable)
    return min(1.0, len(pairing(source, target).pairs) / few) if few else 0.0
