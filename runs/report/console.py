"""A console for any stream, also one that cannot print Chinese."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterable
from typing import Final, TextIO

from rich.cells import cell_len
from rich.console import Console

from ..catalogue import Language

_ERRORS: Final = "changeover.as_wide"
_STAND_INS = {"…": ".", "·": ".", "—": "-", "–": "-", "×": "x", "→": ">", "≠": "!", "“": '"', "”": '"', "’": "'"}


def make_console(stream: TextIO, *, width: int | None = None) -> Console:
    """A console on the stream that never fails over a character: one that the stream's encoding lacks is replaced by as
    many cells as it takes, so that columns stay in line, and frames are drawn in ASCII where it is not UTF-8.

    Output that is not a terminal has no colour; its width is COLUMNS or 80.
    """
    codecs.register_error(_ERRORS, _replaced)
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors=_ERRORS)
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False)


def can_print(stream: TextIO, language: Language) -> bool:
    """Whether the stream's encoding has the language's characters. Where nobody chose a language, one that can be read
    is the better choice."""
    try:
        ("对账挂起拒收" if language == "zh" else "a").encode(stream.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def write_data(stream: TextIO, pieces: Iterable[str]) -> None:
    """Data for programs, as it is; a character that the stream's encoding lacks is written as \\uXXXX, so that no two
    keys become one."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    for piece in pieces:
        stream.write(piece)


def _replaced(problem: UnicodeError) -> tuple[str, int]:
    if not isinstance(problem, UnicodeEncodeError):
        raise problem
    lacking = problem.object[problem.start : problem.end]
    return "".join(_STAND_INS.get(letter) or "?" * cell_len(letter) for letter in lacking), problem.end
