"""Cells that name people or departments of the source, as columns of the target's keys."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from ..connectors.finding import Severity
from .people import Fate, People
from .people_rule import PeopleRule

PERSON_UNKNOWN, DEPARTMENT_UNKNOWN = "people.unknown", "people.department_unknown"
UNFOUND = frozenset((PERSON_UNKNOWN, DEPARTMENT_UNKNOWN))
"""Codes of cells that name nobody, or no department, of the target."""


@dataclass(frozen=True, slots=True)
class Noticed:
    """A finding about cells of the column, less the place of its rule."""

    code: str
    severity: Severity
    params: dict[str, str | int]
    sample: str | None = None


@dataclass(slots=True, eq=False)
class Named:
    """keys: the target's keys, of several people joined; null where the cell was empty, or nobody is left. misfits:
    code -> a boolean a row."""

    keys: pa.StringArray
    misfits: dict[str, np.ndarray] = field(default_factory=dict)
    noticed: list[Noticed] = field(default_factory=list)


def name_people(text: pa.StringArray, people: People, said: bool | PeopleRule) -> Named:
    """said: what the rule says of people."""
    rule = said if isinstance(said, PeopleRule) else PeopleRule.model_construct()
    team = _Team(people, rule)
    named = _each_distinct(text, team.of, PERSON_UNKNOWN)
    named.noticed = team.noticed()
    return named


def name_departments(text: pa.StringArray, people: People) -> Named:
    """Raises ValueError where the people know no departments."""
    find = people.departments
    if find is None:
        raise ValueError("the mapping names departments, but none are configured")

    def of(cell: str, _count: int) -> tuple[str | None, bool]:
        found = find(cell)
        return found, found is None

    return _each_distinct(text, of, DEPARTMENT_UNKNOWN)


def _each_distinct(text: pa.StringArray, of: Callable[[str, int], tuple[str | None, bool]], unknown: str) -> Named:
    """of: a cell and in how many rows it stands -> the target's key, and whether it is a misfit."""
    coded = text.dictionary_encode()
    places = coded.indices.fill_null(len(coded.dictionary)).to_numpy(zero_copy_only=False)
    counts = np.bincount(places, minlength=len(coded.dictionary) + 1).tolist()
    told = [
        of(cell, count) if cell.strip() else (None, False)
        for cell, count in zip(coded.dictionary.to_pylist(), counts[:-1], strict=True)
    ]
    named = Named(pa.array([key for key, _ in told], pa.string()).take(coded.indices))
    wrong = np.array([each for _, each in told] + [False], dtype=bool)[places]
    if wrong.any():
        named.misfits[unknown] = wrong
    return named


class _Team:
    """The people of each cell, and a count of what became of them."""

    def __init__(self, people: People, rule: PeopleRule) -> None:
        self._people, self._rule = people, rule
        self._parts = re.compile("|".join(re.escape(each) for each in sorted(rule.separators, key=len, reverse=True)))
        self._replaced: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        self._merged = 0

    def of(self, cell: str, count: int) -> tuple[str | None, bool]:
        separator, drops = self._rule.separator, self._rule.gone == "drop"
        parts = [cell] if separator is None else self._parts.split(cell)
        members = [part if separator is None else part.strip() for part in parts if part.strip()]
        people = [self._people.find(each) for each in members]
        stays = [each.target is not None and not (drops and each.fate is Fate.SUBSTITUTED) for each in people]
        if not all(stays) and (separator is None or not drops):
            return None, True
        keys: dict[str | None, None] = {}
        for member, person, here in zip(members, people, stays, strict=True):
            if not here:
                self._dropped[member] += count
                continue
            self._replaced[member] += count if person.fate is Fate.SUBSTITUTED else 0
            self._merged += count if person.target in keys else 0
            keys[person.target] = None
        return (separator or "").join(str(key) for key in keys) or None, False

    def noticed(self) -> list[Noticed]:
        """Who was replaced, who was left out, and how often two of one cell became one."""
        told: list[Noticed] = []
        for cell, count in sorted((+self._replaced).items()):
            heir = self._people.find(cell)
            by: dict[str, str | int] = {
                "successor": heir.target or "",
                "department": heir.department,
                "steps": heir.steps,
            }
            params: dict[str, str | int] = {"count": count, "person": self._people.known_as(cell), **by}
            told.append(Noticed("people.substituted", Severity.WARNS, params, cell))
        for cell, count in sorted(self._dropped.items()):
            params = {"count": count, "person": self._people.known_as(cell)}
            told.append(Noticed("people.dropped", Severity.WARNS, params, cell))
        if self._merged:
            told.append(Noticed("people.merged", Severity.INFO, {"count": self._merged}))
        return told
