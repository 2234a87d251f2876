"""What a report may show of a value: its shape."""

from __future__ import annotations

import unicodedata

SHOWN = 24
_FORMULA = "=+-@＝＋－＠"
_COMMANDS = "\t\r\0"
"""What a spreadsheet may skip before it looks for a formula."""
LONGEST_CELL = 32_000
_MARKUP = "<>&\"'`"


def mask(text: str) -> str:
    """The value's shape: its first letter or digit, then `#` for digits, `x` for Latin letters and `*` for others.

    `张三丰` becomes `张**`, `2023-02-30` `2###-##-##`, `li@example.cn` `lx@xxxxxxx.xx`; a single character shows
    nothing. Of a long text the first 24 characters are shown and its length, roundly. What a spreadsheet would take
    for a formula gets a `'` before it, and no character is left that a page or a terminal would obey.
    """
    shape = [_class_of(letter) for letter in text[:SHOWN]]
    if len(text) > 1 and text[0].isalnum():
        shape[0] = text[0]
    masked = "".join(shape)
    if len(text) > SHOWN:
        masked += f"… ({_round_down(len(text))}+)"
    return f"'{masked}" if masked.startswith(tuple(_FORMULA)) else masked


def plain(text: str) -> str:
    """The text on one line, without what a terminal would obey or what turns the direction of reading."""
    return "".join("�" if _is_control(letter) else letter for letter in " ".join(text.split("\n")))


def cell_for_people(text: str) -> str:
    """The text for a cell of a spreadsheet that people open: on one line, not longer than such a cell may be, and with
    a `'` before it where it would pass for a formula."""
    told = plain(text)[:LONGEST_CELL]
    return f"'{told}" if text.startswith((*_FORMULA, *_COMMANDS)) else told


def cell_of_lines(text: str) -> str:
    """The same for a cell that may have several lines, which stay."""
    told = "\n".join(map(plain, text.replace("\r\n", "\n").split("\n")))[:LONGEST_CELL]
    return f"'{told}" if text.startswith((*_FORMULA, *_COMMANDS)) else told


def without_quote(cell: str) -> str:
    """What somebody meant by such a cell: the text without the `'` before what would pass for a formula."""
    return cell[1:] if cell.startswith(tuple(f"'{sign}" for sign in _FORMULA)) else cell


def _class_of(letter: str) -> str:
    if _is_control(letter):
        return "?"
    if letter in _MARKUP:
        return "*"
    if letter.isdigit():
        return "#"
    if letter.isalpha():
        return "x" if "LATIN" in unicodedata.name(letter, "") else "*"
    return letter if unicodedata.category(letter)[0] in "PZ" or letter in "+=＋＝" else "*"


def _is_control(letter: str) -> bool:
    return unicodedata.category(letter) in ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp")


def _round_down(length: int) -> int:
    """How long, not how long exactly."""
    return max(edge for edge in (SHOWN, 50, 100, 1_000, 10_000, 100_000) if edge <= length)
