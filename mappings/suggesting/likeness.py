"""How much two fields are alike, and why: by their words, types, references, choices, and what was measured in them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from ...connectors.schema import Field, FieldType, ObjectSchema
from ..profiling.profile import FieldProfile, Kind, ObjectProfile
from .words import Word, words_of

_T = FieldType
_NUMBERS: Final = frozenset((_T.INTEGER, _T.DECIMAL, _T.FLOAT))
_TIMES: Final = frozenset((_T.DATE, _T.INSTANT, _T.LOCAL_TIME))
_TEXTS: Final = frozenset((_T.TEXT, _T.CHOICE))
OWN_OBJECT: Final = 0.25
"""What a word weighs that only repeats the object's own name."""
_WORDS, _BOTH = 0.75, 0.25
_GENERAL: Final = frozenset(("name", "number", "moment"))
"""Words that stand beside what a field is about: `stage name`, `order number`, `closed on`."""
_GENERAL_WEIGHT: Final = 0.5
_AMBIGUOUS: Final = 0.85
"""What letters are worth that may mean several things."""
_NEAR: Final = {
    frozenset(("name", "subject")): 0.85,
    frozenset(("name", "full_name")): 0.85,
    frozenset(("payment", "received")): 0.85,
    frozenset(("people", "owner")): 0.85,
    frozenset(("type", "level")): 0.5,
}
"""Meanings that often stand for each other."""
_SAYS: Final[Mapping[Kind | None, frozenset[str]]] = {
    Kind.EMAIL: frozenset(("email",)),
    Kind.PHONE: frozenset(("phone", "mobile", "fax")),
    Kind.URL: frozenset(("website",)),
}
"""What cells of a kind are likely called."""
_QUALIFYING: Final = frozenset(
    ("expected", "actual", "created", "modified", "parent", "lost", "due", "overdue", "received", "deleted", "deadline")
)
"""Words that make another field of one: of two that are alike but for such a word, one is not the other."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A code of the catalogue and what fills it."""

    code: str
    params: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Likeness:
    """score: 0 to 1. reasons: the weightiest first."""

    score: float
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class _Named:
    """A field with the words of its name and of its label."""

    field: Field
    name: tuple[Word, ...]
    label: tuple[Word, ...]


class Comparison:
    """Two objects under comparison. profile: of the source object, where it was measured."""

    def __init__(self, source: ObjectSchema, target: ObjectSchema, profile: ObjectProfile | None = None) -> None:
        self._profile = profile
        self._sources = {each.name: _named(each) for each in source.fields}
        self._targets = {each.name: _named(each) for each in target.fields}
        self._own = _meanings((*words_of(source.name), *words_of(target.name), *words_of(target.label)))
        self._weights = _weights([*self._sources.values(), *self._targets.values()])

    def likeness(self, source: Field, target: Field) -> Likeness:
        """Of one source and one target field."""
        fit = type_fit(source, target, self._profile.field(source.name) if self._profile else None)
        if not fit:
            return Likeness(0.0)
        words, reason = self._words(self._sources[source.name], self._targets[target.name])
        score, reasons = words * fit, [reason]
        if fit < 1.0:
            reasons.append(
                Reason(
                    "suggest.why_type", {"source": f"@field_type.{source.type}", "target": f"@field_type.{target.type}"}
                )
            )
        qualified = self._qualifiers(source.name, self._sources) ^ self._qualifiers(target.name, self._targets)
        if qualified:
            score *= 0.65
            reasons.append(Reason("suggest.why_qualified", {"word": ", ".join(sorted(qualified))}))
        for bonus, why in _evidence(source, target, self._profile.field(source.name) if self._profile else None):
            score += bonus * (1 - score) if bonus > 0 else bonus * score
            reasons.append(why)
        return Likeness(min(score, 0.99), tuple(reasons))

    def _qualifiers(self, name: str, fields: Mapping[str, _Named]) -> frozenset[str]:
        sure = (word for word in (*fields[name].name, *fields[name].label) if len(word.meanings) == 1)
        return _meanings(sure) & _QUALIFYING

    def _words(self, source: _Named, target: _Named) -> tuple[float, Reason]:
        plain = _without_number if target.field.type is _T.REFERENCE else tuple
        pairs = [
            (self._alike(plain(mine), plain(theirs)), mine_text, theirs_text, same)
            for mine, mine_text, mine_kind in (
                (source.name, source.field.name, 0),
                (source.label, source.field.label, 1),
            )
            for theirs, theirs_text, same in (
                (target.name, target.field.name, mine_kind == 0),
                (target.label, target.field.label, mine_kind == 1),
            )
            if mine and theirs
        ]
        best = max(pairs, key=lambda each: each[0], default=(0.0, "", "", True))
        alike = [score for score, _, _, same in pairs if same]
        score = _WORDS * best[0] + _BOTH * (sum(alike) / len(alike) if alike else best[0])
        code = "suggest.why_same" if best[0] > 0.99 else "suggest.why_words"
        return score, Reason(code, {"source": best[1], "target": best[2]})

    def _alike(self, mine: Sequence[Word], theirs: Sequence[Word]) -> float:
        """The weight of the words that both have, of the weight of all."""
        left = list(theirs)
        common = 0.0
        for word in mine:
            found = max(left, key=lambda other: _same(word, other), default=None)
            if found is None or (likeness := _same(word, found)) < 0.75:
                continue
            left.remove(found)
            common += likeness * (self._weight(word) + self._weight(found))
        whole = sum(self._weight(word) for word in (*mine, *theirs))
        return common / whole if whole else 0.0

    def _weight(self, word: Word) -> float:
        weight = min((self._weights.get(meaning, 1.0) for meaning in word.meanings), default=1.0)
        weight = min(weight, _GENERAL_WEIGHT) if word.meanings & _GENERAL else weight
        return weight * (OWN_OBJECT if word.meanings & self._own else 1.0)


def type_fit(source: Field, target: Field, profile: FieldProfile | None = None) -> float:
    """1 where every cell may fit, 0 where none ever does, in between where something has to be done."""
    kind = profile.kind if profile else None
    if kind is Kind.BOOLEAN and target.type not in (_T.BOOLEAN, _T.CHOICE):
        return 0.6
    if source.type is target.type or (source.type in _TEXTS and target.type in _TEXTS):
        return 1.0
    if source.type in _NUMBERS and target.type in _NUMBERS:
        return 0.97
    if source.type in _TIMES and target.type in _TIMES:
        return 0.95
    if _T.BINARY in (source.type, target.type):
        return 0.0
    if target.type in _TEXTS:
        return {_T.REFERENCE: 0.85, _T.BOOLEAN: 0.6, _T.INTEGER: 0.85}.get(source.type, 0.7)
    if source.type in _TEXTS or source.type in _NUMBERS:
        return _untyped_fit(source, target, kind)
    return 0.0


def _untyped_fit(source: Field, target: Field, kind: Kind | None) -> float:
    """Of texts, which may hold anything, and numbers; better known where they were measured."""
    wanted = {
        _T.BOOLEAN: Kind.BOOLEAN,
        _T.DATE: Kind.DATE,
        _T.INSTANT: Kind.DATE,
        _T.LOCAL_TIME: Kind.DATE,
        _T.INTEGER: Kind.NUMBER,
        _T.DECIMAL: Kind.NUMBER,
        _T.FLOAT: Kind.NUMBER,
    }.get(target.type)
    if source.type in _NUMBERS:
        if target.type in _TIMES:
            return 0.0
        return 0.95 if target.type is _T.REFERENCE or kind is Kind.BOOLEAN else 0.7
    if target.type is _T.REFERENCE:
        return 0.95
    return 0.97 if kind is wanted else 0.9 if kind is None else 0.75


def _evidence(source: Field, target: Field, profile: FieldProfile | None) -> Iterable[tuple[float, Reason]]:
    """What speaks for or against besides words and types: a share of what is still missing, or of what there is."""
    if source.references and target.references:
        mine, theirs = _meanings_of(source.references), _meanings_of(target.references)
        if mine & theirs:
            yield 0.3, Reason("suggest.why_references", {"objects": ", ".join(target.references)})
        else:
            yield -0.25, Reason("suggest.why_not_references", {"objects": ", ".join(target.references)})
    if source.choices and target.choices:
        shared = len({_folded(each) for each in source.choices} & {_folded(each) for each in target.choices})
        share = shared / min(len(source.choices), len(target.choices))
        if share >= 0.5:
            yield 0.5 * share, Reason("suggest.why_choices", {"count": shared})
        elif not shared and not _are_codes(source.choices) and not _are_codes(target.choices):
            yield -0.35, Reason("suggest.why_other_choices")
    kind = profile.kind if profile else None
    if kind in _SAYS and _meanings((*words_of(target.name), *words_of(target.label))) & _SAYS[kind]:
        yield 0.25, Reason("suggest.why_kind", {"kind": f"@kind.{kind}"})


def _named(each: Field) -> _Named:
    return _Named(each, words_of(each.name), words_of(each.label) if each.label else ())


def _without_number(words: Sequence[Word]) -> Sequence[Word]:
    """The words of a field that points to a record: that it does so by a number goes without saying."""
    return tuple(word for word in words if "number" not in word.meanings) or words


def _meanings(words: Iterable[Word]) -> frozenset[str]:
    return frozenset(meaning for word in words for meaning in word.meanings)


def _meanings_of(names: Iterable[str]) -> frozenset[str]:
    return _meanings(word for name in names for word in words_of(name))


def _weights(fields: Sequence[_Named]) -> dict[str, float]:
    """Rare words say more than those that stand in every other name: 0.4 to 1."""
    counts = Counter(meaning for each in fields for meaning in _meanings((*each.name, *each.label)))
    most = math.log(1 + len(fields))
    return {meaning: max(0.4, math.log((1 + len(fields)) / count) / most) for meaning, count in counts.items()}


def _same(word: Word, other: Word) -> float:
    """1 where they mean the same; less where they may, where one is a piece of the other, or differs in a letter."""
    if word.text == other.text:
        return 1.0
    if word.meanings & other.meanings:
        return _AMBIGUOUS if len(word.meanings) > 2 or len(other.meanings) > 2 else 1.0
    if word.known and other.known:
        near = (_NEAR.get(frozenset((mine, theirs)), 0.0) for mine in word.meanings for theirs in other.meanings)
        return max(near, default=0.0)
    if word.known or other.known or min(len(word.text), len(other.text)) < 3:
        return 0.0
    if word.text.startswith(other.text) or other.text.startswith(word.text):
        return 0.85
    from rapidfuzz import fuzz

    return fuzz.ratio(word.text, other.text) / 100 if len(word.text) > 4 else 0.0


def _are_codes(choices: Sequence[str]) -> bool:
    return all(len(each) <= 2 or each.isdigit() for each in choices)


def _folded(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())
