"""Words of CRM systems that mean the same, in English, in Chinese, and as Chinese is abbreviated in field names."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

LONGEST_PHRASE: Final = 3
LEXICON: Final = "lexicon.txt"
STOP: Final = frozenset(
    ("id", "ids", "is", "has", "the", "of", "a", "an", "to", "for", "and", "in", "this", "are", "was", "fk", "ref")
)
CHINESE_STOP: Final = ("是否", "的", "所属", "归属", "（", "）", "(", ")")
PINYIN_STOP: Final = frozenset(("sf", "id"))
"""是否 before a yes or no, and what follows the name of an object."""


@cache
def phrases() -> Mapping[tuple[str, ...], frozenset[str]]:
    """English words, in sequence -> what they may mean."""
    return _collected(0)


@cache
def chinese() -> Mapping[str, frozenset[str]]:
    return {"".join(words): meanings for words, meanings in _collected(1).items()}


@cache
def pinyin() -> Mapping[str, frozenset[str]]:
    """Pinyin and its first letters -> what they may mean."""
    return {"".join(words): meanings for words, meanings in _collected(2).items()}


def _collected(part: int) -> dict[tuple[str, ...], frozenset[str]]:
    found: dict[tuple[str, ...], set[str]] = {}
    lines = (files(__package__) / LEXICON).read_text("utf-8").splitlines()
    for line in lines[1:]:
        meaning, _, words = line.partition(": ")
        for phrase in _listed(words.split(" | ")[part]):
            if phrase != ("-",):
                found.setdefault(phrase, set()).add(meaning)
    return {phrase: frozenset(meanings) for phrase, meanings in found.items()}


def _listed(words: str) -> list[tuple[str, ...]]:
    """`a b; c d, e f`: words that stand for themselves, then phrases."""
    singles, _, several = words.partition(";")
    return [*((word,) for word in singles.split()), *(tuple(each.split()) for each in several.split(",") if each)]
