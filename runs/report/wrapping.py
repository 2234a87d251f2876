"""Prose that breaks where its script breaks: between words, and between any two Chinese characters."""

from __future__ import annotations

import re

from rich.cells import cell_len
from rich.console import Console, JustifyMethod, OverflowMethod
from rich.containers import Lines
from rich.text import Text

_WIDE = "[\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60\U00020000-\U0003ffff]"
_CLOSING = "[，。；：！？、）》」』】〉”’…]"
_OPENING = "[（《「『【〈“‘]"
_MARKS = "_/:.-"
_PIECE = re.compile(rf"{_OPENING}*(?:{_WIDE}|(?:(?!{_WIDE})\S)+){_CLOSING}*\s*|\s+|.", re.DOTALL)


class Prose(Text):
    """Rich text wrapped by `break_places`; rich itself takes a Chinese sentence for one long word."""

    def wrap(
        self,
        console: Console,
        width: int,
        *,
        justify: JustifyMethod | None = None,
        overflow: OverflowMethod | None = None,
        tab_size: int = 8,
        no_wrap: bool | None = None,
    ) -> Lines:
        lines = Lines()
        for line in self.split(allow_blank=True):
            lines.extend(line.divide(break_places(line.plain, width)))
        for line in lines:
            line.rstrip()
            line.truncate(width, pad=justify == "full")
        return lines


def widest(text: str) -> int:
    """The cells of the widest part of a text that is not to be broken."""
    return max((cell_len(piece.group().rstrip()) for piece in _PIECE.finditer(text)), default=0)


def break_places(text: str, width: int) -> list[int]:
    """Where to break a line so that no part is wider than `width` cells, trailing space apart. A closing mark stays
    with what it closes; a single word wider than the line is cut, behind a mark such as `_` where one comes in time."""
    places: list[int] = []
    column = 0
    for piece in _PIECE.finditer(text):
        word = piece.group().rstrip()
        if column and column + cell_len(word) > width:
            places.append(piece.start())
            column = 0
        if cell_len(word) <= width:
            column += cell_len(piece.group())
            continue
        start = 0
        while cell_len(word[start:]) > width:
            start += _cut(word[start:], width)
            places.append(piece.start() + start)
        column = cell_len(word[start:]) + len(piece.group()) - len(word)
    return places


def _cut(word: str, width: int) -> int:
    """How many letters of a word that is too wide go onto the line; one at least."""
    fitting = 1
    while cell_len(word[: fitting + 1]) <= width:
        fitting += 1
    marks = [place for place in range(1, fitting + 1) if word[place - 1] in _MARKS]
    return max(marks, default=fitting)
