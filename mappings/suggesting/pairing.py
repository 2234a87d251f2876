"""The best pairs of all, one target field a source field, and what is left open because it is not sure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ...connectors.schema import Field, ObjectSchema
from ..profiling.profile import ObjectProfile
from .likeness import Comparison, Likeness, Reason

SURE: Final = 0.68
"""A pair below this is no suggestion."""
AHEAD: Final = 0.08
"""And none that is not so far ahead of the next best of either field."""
OPEN: Final = 0.45
"""From here on a pair is named as a possibility."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A source field that likely becomes that target field. confidence: 0 to 1."""

    source: Field
    target: Field
    confidence: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Unsure:
    """A target field without a suggestion, and the source fields it might be, the likeliest first."""

    target: Field
    candidates: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Pairing:
    """pairs: in the target's order. unsure: the other writable target fields. left: source fields that no pair uses."""

    pairs: tuple[Pair, ...]
    unsure: tuple[Unsure, ...]
    left: tuple[Field, ...]


def pairing(source: ObjectSchema, target: ObjectSchema, profile: ObjectProfile | None = None) -> Pairing:
    """Fields of the source that are measured and never filled are left out; so are key fields of the target that it
    makes by itself, and all others that cannot be written."""
    from scipy.optimize import linear_sum_assignment

    mine = [each for each in source.fields if not _is_empty(each, profile)]
    theirs = [each for each in target.fields if each.writable and not _is_own_key(each, target)]
    if not mine or not theirs:
        return Pairing((), tuple(Unsure(each, ()) for each in theirs), source.fields)
    comparison = Comparison(source, target, profile)
    likenesses = [[comparison.likeness(each, other) for other in theirs] for each in mine]
    scores = np.array([[each.score for each in row] for row in likenesses])
    rows, columns = linear_sum_assignment(-scores)
    chosen = {
        int(column): _pair(mine[row], theirs[column], likenesses[row][column])
        for row, column in zip(rows, columns, strict=True)
        if _is_sure(scores, row, column)
    }
    pairs = tuple(chosen[at] for at in sorted(chosen))
    used = {each.source.name for each in pairs}
    return Pairing(
        pairs,
        tuple(Unsure(each, _candidates(scores, mine, at)) for at, each in enumerate(theirs) if at not in chosen),
        tuple(each for each in source.fields if each.name not in used),
    )


def _is_own_key(field: Field, target: ObjectSchema) -> bool:
    """A key that is called `id` and nothing more is the target's own affair."""
    return target.key == (field.name,) and field.name.casefold() in ("id", "uid", "uuid", "guid")


def _is_empty(field: Field, profile: ObjectProfile | None) -> bool:
    measured = profile.field(field.name) if profile and profile.records else None
    return measured is not None and not measured.filled


def _is_sure(scores: np.ndarray, row: int, column: int) -> bool:
    score = scores[row, column]
    others = np.concatenate((np.delete(scores[row], column), np.delete(scores[:, column], row)))
    return bool(score >= SURE and (not len(others) or score - others.max() >= AHEAD))


def _pair(source: Field, target: Field, likeness: Likeness) -> Pair:
    return Pair(source, target, round(likeness.score, 2), likeness.reasons)


def _candidates(scores: np.ndarray, mine: list[Field], column: int) -> tuple[tuple[str, float], ...]:
    best = sorted(range(len(mine)), key=lambda row: -scores[row, column])[:3]
    return tuple((mine[row].name, round(float(scores[row, column]), 2)) for row in best if scores[row, column] >= OPEN)
