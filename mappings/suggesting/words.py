"""A field's name and label as words, each with what it may mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from .lexicon import CHINESE_STOP, LONGEST_PHRASE, PINYIN_STOP, STOP, chinese, phrases, pinyin

_NAMESPACE: Final = re.compile(r"^[A-Za-z0-9]+__(?=[A-Za-z0-9]+_*[A-Za-z0-9_]*__c$)")
_SUFFIX: Final = re.compile(r"__?c$")
_PIECE: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[㐀-鿿]+")
_LONGEST_PINYIN: Final = 16


@dataclass(frozen=True, slots=True)
class Word:
    """text: as it stands, folded. meanings: what it may mean; itself where the lexicon does not know it (`known`)."""

    text: str
    meanings: frozenset[str]
    known: bool = True


@cache
def words_of(text: str) -> tuple[Word, ...]:
    """`npe03__Last_Payment_Date__c`, `lastPaymentDate`, `最后付款日期` and `khmc` as words. Words that say nothing
    (`id`, `is`) are left out, unless there is no other."""
    bare = _SUFFIX.sub("", _NAMESPACE.sub("", text))
    pieces = [piece.lower() for piece in _PIECE.findall(bare)]
    telling = [piece for piece in pieces if piece not in STOP]
    return tuple(_words(telling or pieces))


def _words(pieces: list[str]) -> Iterator[Word]:
    at = 0
    while at < len(pieces):
        for length in range(min(LONGEST_PHRASE, len(pieces) - at), 0, -1):
            phrase = tuple(map(_singular, pieces[at : at + length]))
            meanings = phrases().get(phrase) or phrases().get(tuple(pieces[at : at + length]))
            if meanings:
                yield Word(" ".join(pieces[at : at + length]), meanings)
                at += length
                break
        else:
            yield from _unknown(pieces[at])
            at += 1


def _singular(word: str) -> str:
    if len(word) > 3 and word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _unknown(piece: str) -> Iterator[Word]:
    """A word that no English phrase is: Chinese, pinyin, or itself."""
    if not piece.isascii():
        yield from _chinese(piece)
        return
    parts = _segmented(piece) if piece.isalpha() and len(piece) <= _LONGEST_PINYIN else None
    if parts is None or (parts[0] in PINYIN_STOP and len(parts) == 1):
        yield Word(piece, frozenset((_singular(piece),)), known=False)
        return
    for part in parts:
        if part not in PINYIN_STOP:
            yield Word(part, (pinyin().get(part) or frozenset()) | phrases().get((part,), frozenset()))


def _chinese(text: str) -> Iterator[Word]:
    for word in CHINESE_STOP:
        text = text.replace(word, "") or text
    at = 0
    while at < len(text):
        length = next((each for each in range(len(text) - at, 0, -1) if text[at : at + each] in chinese()), 0)
        if length:
            yield Word(text[at : at + length], chinese()[text[at : at + length]])
        else:
            length = next(
                (each for each in range(1, len(text) - at) if any(map(text[at + each :].startswith, chinese()))),
                len(text) - at,
            )
            yield Word(text[at : at + length], frozenset((text[at : at + length],)), known=False)
        at += length


def _segmented(piece: str) -> tuple[str, ...] | None:
    """The piece as abbreviations of pinyin without a rest, the fewest; None where it is none."""
    known = pinyin().keys() | PINYIN_STOP
    best: list[tuple[str, ...] | None] = [()]
    for end in range(1, len(piece) + 1):
        found = [
            (*before, piece[start:end])
            for start in range(end)
            if (before := best[start]) is not None and piece[start:end] in known
        ]
        best.append(min(found, key=len) if found else None)
    return best[-1]
