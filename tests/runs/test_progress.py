"""Progress where no bar can be shown: a line at an end, one now and then in between, and no hole in any of them."""

from __future__ import annotations

import io
import re
from typing import NamedTuple

import pytest
from changeover.runs.catalogue import LANGUAGES, Catalogue, Language
from changeover.runs.report.progress import _Lines, show_progress


class Sign(NamedTuple):
    activity: str
    mapping: str
    done: int
    total: int | None


def told(language: Language, *signs: tuple[float, Sign]) -> list[str]:
    """What is said of signs of life at these seconds."""
    stream, seconds = io.StringIO(), iter([0.0, *(second for second, _ in signs)])
    lines = _Lines(stream, Catalogue(language), lambda: next(seconds))
    for _, sign in signs:
        lines.tick(sign)
    return stream.getvalue().splitlines()


def test_a_rate_needs_two_signs_of_life() -> None:
    assert told("en", (1, Sign("undo", "a", 400, 400))) == ["undo a: 400"]
    assert told("en", (1, Sign("load", "a", 0, 400)), (3, Sign("load", "a", 400, 400))) == ["load a: 400, 200/s"]
    some = (1, Sign("load", "a", 0, 900)), (21, Sign("load", "a", 400, 900))
    assert told("en", *some) == ["load a: 400 of 900, 20/s, 25 s left"]


def test_what_comes_a_second_time_begins_anew() -> None:
    once = Sign("totals", "a", 1, 1)
    assert told("en", (1, once), (9, once)) == ["totals a: 1", "totals a: 1"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("total", [None, 400, 900])
@pytest.mark.parametrize("begun", [True, False])
def test_no_line_has_a_hole(language: Language, total: int | None, begun: bool) -> None:
    first = [(1.0, Sign("plan", "a", 0, total))] if begun else []
    (line,) = told(language, *first, (30.0, Sign("plan", "a", 400, total)))
    assert "{" not in line
    assert "400" in line


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_bars_group_their_numbers_and_give_no_rate_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    stream = Terminal()
    with show_progress(stream, Catalogue("en")) as tick:
        tick(Sign("load", "many", 12_345, 23_456))
        tick(Sign("totals", "one", 1, 1))
    shown = [line for line in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", stream.getvalue()).splitlines() if line.strip()]
    many = next(line for line in reversed(shown) if "load many" in line)
    one = next(line for line in reversed(shown) if "totals one" in line)
    assert "12,345/23,456" in many
    assert "/s" in many
    assert " 1/1 " in one
    assert "/s" not in one
