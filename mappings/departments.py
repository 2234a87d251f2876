"""Which department of the new system is which of the old one: by a list, by code, by name.

No department is guessed. One that two departments of the target could be, as those that are called alike in two
regions, is none, and so is one that is not found, or no longer there.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import pandas as pd

from ..connectors.cell import text_of
from ..connectors.finding import Finding, Severity
from .people_config import DepartmentsConfig, DepartmentSide
from .people_list import PersonRow

DepartmentOf: TypeAlias = Callable[[str], str | None]
"""A source cell that names a department -> the target's key; None where no department there is this one."""


def alike(text: str | None) -> str | None:
    """What of a name or number is compared; None where nothing is left."""
    return " ".join(unicodedata.normalize("NFKC", text or "").split()).casefold() or None


class DepartmentsOfSide:
    """The departments of one system, a row each. frame: with the columns of `side.fields`; keys: the records' own."""

    def __init__(self, side: DepartmentSide, frame: pd.DataFrame, keys: Sequence[str]) -> None:
        texts: dict[str, list[str | None]] = {name: text_of(frame[name]).to_pylist() for name in side.fields}
        self.keys: list[str | None] = list(keys) if side.key is None else texts[side.key]
        self.active = side.active.holds(texts[side.active.field]) if side.active else [True] * len(self.keys)
        places = {match: side.match_field(match) for match in ("code", "name")}
        self.told = {match: [alike(cell) for cell in texts[place]] for match, place in places.items() if place}
        self._by_key = {key: row for row, key in enumerate(self.keys) if key is not None}
        self._rows: dict[tuple[str, str], list[int]] = {}
        for match, cells in self.told.items():
            for row, cell in enumerate(cells):
                if cell is not None and self.keys[row] is not None:
                    self._rows.setdefault((match, cell), []).append(row)

    def by(self, match: str, told: str | None) -> list[int]:
        """The rows of a code or name; of those who are there, where any is."""
        rows = self._rows.get((match, told or ""), [])
        return [row for row in rows if self.active[row]] or rows

    def named(self, name: str, matches: Sequence[str]) -> list[int]:
        """The rows of a key, else of the first of the matches that has it."""
        if name in self._by_key:
            return [self._by_key[name]]
        return next((rows for match in matches if (rows := self.by(match, alike(name)))), [])


@dataclass(frozen=True, slots=True)
class Departments:
    """Which are which. by_row, by_text: those of the list, by row of the source, or by what its records hold -> row of
    the target."""

    matches: Sequence[str]
    source: DepartmentsOfSide | None
    target: DepartmentsOfSide
    by_row: dict[int, int]
    by_text: dict[str, int]

    def find(self, cell: str) -> str | None:
        """The target's key of a department by key, code or name; None where none there is this one and no other."""
        rows = self.source.named(cell.strip(), self.matches) if self.source is not None else []
        if len(rows) > 1:
            return None
        found = self._of_row(rows[0]) if rows else self._of_text(cell)
        return self.target.keys[found[0]] if len(found) == 1 and self.target.active[found[0]] else None

    def _of_row(self, row: int) -> list[int]:
        if row in self.by_row:
            return [self.by_row[row]]
        told = self.source.told if self.source is not None else {}
        ways = (self.target.by(match, told[match][row]) for match in self.matches if match in told)
        return next((found for found in ways if found), [])

    def _of_text(self, cell: str) -> list[int]:
        listed = self.by_text.get(alike(cell) or "")
        if listed is not None:
            return [listed]
        return next((found for match in self.matches if (found := self.target.by(match, alike(cell)))), [])


def build_departments(
    config: DepartmentsConfig, source: DepartmentsOfSide | None, target: DepartmentsOfSide, rows: Iterable[PersonRow]
) -> tuple[Departments, list[Finding]]:
    """rows: of the list of departments. source: None where the old system only has their names in its records.
    Findings: BLOCKS `people.department_unlisted` of a line that names none of the target, or several; WARNS
    `people.department_nowhere` of one that names none of the source."""
    found = Departments(config.match, source, target, {}, {})
    told: list[Finding] = []
    for each in rows:
        there = target.named(each.target, config.match)
        here = source.named(each.source, config.match) if source is not None else []
        if len(there) != 1:
            wrong = Finding("people.department_unlisted", Severity.BLOCKS, file=config.csv, line=each.line)
            told.append(replace(wrong, sample=each.target))
        elif len(here) == 1:
            found.by_row[here[0]] = there[0]
        elif source is not None:
            wrong = Finding("people.department_nowhere", Severity.WARNS, file=config.csv, line=each.line)
            told.append(replace(wrong, sample=each.source))
        else:
            found.by_text[alike(each.source) or ""] = there[0]
    return found, told
