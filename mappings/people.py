"""Who of the new system stands for whom of the old one: by a list, by e-mail, by phone, else the successor.

Nobody is guessed. A person whom two people of the target could be stays unknown, and so does one who is not found, or
no longer active, where no successor is named. Of two with the same address of whom one is active, it is that one.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

import pandas as pd

from ..connectors.cell import text_of
from ..connectors.errors import InputError
from ..connectors.finding import Finding, Severity
from ..connectors.nearest import nearest
from .departments import DepartmentOf, alike
from .people_config import PeopleConfig, PersonSide
from .people_list import PersonRow
from .reporting_line import ReportingLine, ends, managers_of

_SHORTEST_PHONE: Final = 7


class Fate(StrEnum):
    """What came of looking for a person."""

    FOUND = "found"
    SUBSTITUTED = "substituted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Person:
    """target: the target's key of who stands for a person, None where nobody does. department: for which a successor
    was chosen; steps: how far up the reporting line the successor was found. Neither, where it is everybody's."""

    target: str | None
    fate: Fate
    department: str = ""
    steps: int = 0


@dataclass(frozen=True, slots=True)
class Directory:
    """Both systems' own lists of people. source_emails: e-mail -> keys in the source. target_keys: everybody in the
    target. target_emails: e-mail -> keys there."""

    source_emails: Mapping[str, frozenset[str]] = field(default_factory=dict)
    target_keys: frozenset[str] = frozenset()
    target_emails: Mapping[str, frozenset[str]] = field(default_factory=dict)


class People:
    """Answers, for a source cell that names a person by key or by e-mail, who that is in the target. departments: of
    a cell that names one the same in the target; None where the project does not say."""

    def __init__(
        self,
        by_key: Mapping[str, Person],
        by_email: Mapping[str, Person],
        stranger: Person,
        directory: Directory | None = None,
    ) -> None:
        self._by_key = by_key
        self._by_email = by_email
        self._stranger = stranger
        self._directory = directory or Directory()
        self.departments: DepartmentOf | None = None

    def find(self, cell: str) -> Person:
        """The person of that key or e-mail; for somebody whom nobody knows the successor, where there is one."""
        name = cell.strip()
        by_key = self._by_key.get(cell) or self._by_key.get(name)
        return by_key or self._by_email.get(comparable("email", name) or "") or self._stranger

    def sources_of(self, cell: str) -> frozenset[str]:
        """The source's keys of whom a cell names; of one it does not know, the cell itself."""
        for name in (cell, cell.strip()):
            if name in self._by_key:
                return frozenset([name])
        return self._directory.source_emails.get(comparable("email", cell) or "", frozenset([cell.strip()]))

    @property
    def merged(self) -> int:
        """How many people of the source cannot be told from the target's key alone: those who have none there, or one
        that stands for others too."""
        targets = Counter(each.target for each in self._by_key.values() if each.fate is Fate.FOUND)
        return sum(each.fate is not Fate.FOUND or targets[each.target] > 1 for each in self._by_key.values())

    def known_as(self, cell: str) -> str:
        """By which key of the source a report may name whom a cell names: an address is nobody's key, and a
        cell that is no key of the source may say anything."""
        (name, *others) = self.sources_of(cell)
        if not others and name in self._by_key and "@" not in name:
            return name
        return cell.strip()[:1] + ("…@…" if "@" in cell else "…")

    def owner(self, name: str) -> Owner:
        """Whom an engineer means by a key or an e-mail of either system. Raises InputError `owner.unknown`, or
        `owner.several` where a key is one person's in the source and another's in the target."""
        email, known = comparable("email", name) or "", self._directory
        sources = {name} if name in self._by_key else known.source_emails.get(email, frozenset())
        targets = {name} if name in known.target_keys else known.target_emails.get(email, frozenset())
        if not sources and not targets:
            raise InputError("owner.unknown", who=name)
        successors = {self._by_key[each].target for each in sources}
        if sources and targets and name in self._by_key and not successors <= targets:
            raise InputError("owner.several", who=name)
        return Owner(self, frozenset(sources), frozenset(targets))


@dataclass(frozen=True, slots=True)
class Owner:
    """A person by whom records are chosen. sources: keys in the source; targets: keys in the target."""

    people: People
    sources: frozenset[str]
    targets: frozenset[str]

    def owns(self, cell: str | None) -> bool:
        """Whether this source cell names that person: themselves in the source, or who takes over in the target."""
        if cell is None or not cell.strip():
            return False
        named = self.people.sources_of(cell)
        return bool(named & self.sources) or self.people.find(cell).target in self.targets


def comparable(match: str, value: str | None) -> str | None:
    """What of an e-mail address, phone number, name or number is compared; None where nothing is left."""
    text = unicodedata.normalize("NFKC", value or "").strip()
    if match == "phone":
        digits = re.sub(r"\D", "", text)
        digits = re.sub(r"^(?:0086|86)(?=1\d{10}$)", "", digits)
        return digits if len(digits) >= _SHORTEST_PHONE else None
    if match == "email":
        text = "".join(text.split()).casefold()
        return text if "@" in text else None
    return alike(text)


def build_people(
    config: PeopleConfig,
    source_frame: pd.DataFrame,
    source_keys: Sequence[str],
    target_frame: pd.DataFrame,
    target_keys: Sequence[str],
    rows: Iterable[PersonRow] = (),
) -> tuple[People, list[Finding]]:
    """Find everybody once.

    source_frame, target_frame: one row a person with the columns of `config.source.fields` and `config.target.fields`;
    source_keys, target_keys: the records' own keys, a row each. rows: the people list. Findings: BLOCKS
    `people.successor_unknown`, `people.list_unknown`, `people.list_ambiguous` (with file and line), WARNS
    `people.ambiguous` and `people.list_no_source`.
    """
    source = _Side(config.source, source_frame, source_keys)
    target = _Side(config.target, target_frame, target_keys)
    return _Search(config, source, target).run(rows)


class _Side:
    """One system's people as plain lists, and the index of each match."""

    def __init__(self, side: PersonSide, frame: pd.DataFrame, keys: Sequence[str]) -> None:
        self.texts: dict[str, list[str | None]] = {name: text_of(frame[name]).to_pylist() for name in side.fields}
        self.keys: list[str | None] = list(keys) if side.key is None else self.texts[side.key]
        self.side = side
        self.active = side.active.holds(self.texts[side.active.field]) if side.active else [True] * len(self.keys)

    def values(self, match: str) -> list[str | None]:
        name = self.side.match_field(match)
        cells = self.texts[name] if name else [None] * len(self.keys)
        return [comparable(match, cell) for cell in cells]

    def index(self, match: str) -> dict[str, list[int]]:
        """Value -> rows of those who are active, or of those who are not where nobody active has it."""
        found: dict[str, list[int]] = {}
        for row, value in enumerate(self.values(match)):
            if value is not None and self.keys[row] is not None:
                found.setdefault(value, []).append(row)
        return {value: [row for row in rows if self.active[row]] or rows for value, rows in found.items()}


class _Search:
    def __init__(self, config: PeopleConfig, source: _Side, target: _Side) -> None:
        self.config, self.source, self.target = config, source, target
        self.findings: list[Finding] = []
        self._target_rows = {key: row for row, key in enumerate(target.keys) if key is not None}
        self._target_emails = target.index("email")
        self._by_key = {key: row for row, key in enumerate(source.keys) if key is not None}
        self._source_emails = source.index("email")
        self._stranger = self._successor(config.of_all)
        self._successors = {each: self._successor(who, each) for each, who in config.successors.items()}
        place = config.source.department
        self._departments = [None] * len(source.keys) if place is None else source.texts[place]

    def run(self, rows: Iterable[PersonRow]) -> tuple[People, list[Finding]]:
        rows = list(rows)
        listed = self._listed(rows)
        matches = [(match, self.source.values(match), self.target.index(match)) for match in self.config.match]
        keyed = [(row, key) for row, key in enumerate(self.source.keys) if key is not None]
        themselves = {row: listed[row] if row in listed else self._match(row, matches) for row, _ in keyed}
        by_line = self._by_line(themselves, rows) if self.config.by_manager else {}
        by_key = {key: themselves[row] or by_line.get(row) or self._heir(row) for row, key in keyed}
        self.findings += self._nobodys_departments()
        return People(by_key, self._emails(by_key), self._stranger, self._directory()), self.findings

    def _directory(self) -> Directory:
        source, target = (
            {email: frozenset(key for row in rows if (key := side.keys[row])) for email, rows in index.items()}
            for side, index in ((self.source, self._source_emails), (self.target, self._target_emails))
        )
        return Directory(source, frozenset(self._target_rows), target)

    def _emails(self, by_key: Mapping[str, Person]) -> dict[str, Person]:
        """Everybody by e-mail: whom only the target knows by it, then whom the source does."""
        emails = {
            email: self._person(rows[0]) or self._stranger
            for email, rows in self._target_emails.items()
            if len(rows) == 1
        }
        for email, rows in self._source_emails.items():
            people = {by_key[self.source.keys[row] or ""] for row in rows}
            emails[email] = people.pop() if len(people) == 1 else Person(None, Fate.UNKNOWN)
        return emails

    def _named(self, name: str) -> list[int]:
        """The target rows of a key or an e-mail."""
        if name in self._target_rows:
            return [self._target_rows[name]]
        return self._target_emails.get(comparable("email", name) or "", [])

    def _successor(self, who: str | None, department: str = "") -> Person:
        if who is None:
            return Person(None, Fate.UNKNOWN)
        found = [row for row in self._named(who) if self.target.active[row]]
        if len(found) == 1:
            return Person(self.target.keys[found[0]], Fate.SUBSTITUTED, department)
        told: dict[str, str | int] = {
            "successor": who,
            "target": self.config.target.object,
            "count": len(found),
        }
        self.findings.append(Finding("people.successor_unknown", Severity.BLOCKS, told))
        return Person(None, Fate.UNKNOWN)

    def _nobodys_departments(self) -> Iterator[Finding]:
        known = {(each or "").strip() for each in self._departments}
        for name in self._successors:
            if name not in known:
                told: dict[str, str | int] = {"name": name, "nearest": nearest(name, sorted(known - {""}))}
                yield Finding("people.department_unseen", Severity.WARNS, told)

    def _heir(self, row: int) -> Person:
        """Who takes over from the person in this row of the source."""
        return self._successors.get((self._departments[row] or "").strip(), self._stranger)

    def _by_line(self, themselves: Mapping[int, Person | None], rows: Sequence[PersonRow]) -> dict[int, Person]:
        """Source row -> the first one up the line who is still there, of those who are not."""
        above, noticed = managers_of(self.config, self.source.keys, self.source.texts, self._source_rows, rows)
        line = ReportingLine(above)
        self.findings += noticed
        self.findings += line.circles(self.config.source.object, self.source.keys)
        heirs: dict[int, Person] = {}
        for row in (row for row, person in themselves.items() if person is None):
            for steps, superior in enumerate(line.up(row), 1):
                person = themselves.get(superior)
                if person is not None and person.fate is Fate.FOUND:
                    heirs[row] = replace(person, fate=Fate.SUBSTITUTED, steps=steps)
                    break
            else:
                self.findings.append(ends(self.config.source.object, self.source.keys[row]))
        return heirs

    def _person(self, row: int) -> Person | None:
        """The person in this row of the target; None who left."""
        return Person(self.target.keys[row], Fate.FOUND) if self.target.active[row] else None

    def _match(self, row: int, matches: Sequence[tuple[str, list[str | None], dict[str, list[int]]]]) -> Person | None:
        """Who is found in the target; None who is not there, or left."""
        for match, values, index in matches:
            found = index.get(values[row] or "", [])
            if len(found) > 1:
                who = self.source.keys[row]
                told: dict[str, str | int] = {"match": match, "count": len(found)}
                place = self.config.source.object
                self.findings.append(Finding("people.ambiguous", Severity.WARNS, told, object=place, key=who))
                return Person(None, Fate.UNKNOWN)
            if found:
                return self._person(found[0])
        return None

    def _source_rows(self, name: str) -> list[int]:
        """The source rows of a key or an e-mail."""
        if name in self._by_key:
            return [self._by_key[name]]
        return self._source_emails.get(comparable("email", name) or "", [])

    def _listed(self, rows: Iterable[PersonRow]) -> dict[int, Person | None]:
        """Source row -> person, for everybody in the list; None who left."""
        listed: dict[int, Person | None] = {}
        for each in rows:
            owners = self._source_rows(each.source)
            found = self._named(each.target)
            if len(owners) != 1:
                self._say(Finding("people.list_no_source", Severity.WARNS, line=each.line, sample=each.source))
            elif not each.target:
                continue
            elif not found:
                self._say(Finding("people.list_unknown", Severity.BLOCKS, line=each.line, sample=each.target))
            elif len(found) > 1:
                self._say(Finding("people.list_ambiguous", Severity.BLOCKS, line=each.line, sample=each.target))
            else:
                listed[owners[0]] = self._person(found[0])
        return listed

    def _say(self, finding: Finding) -> None:
        self.findings.append(replace(finding, file=self.config.csv))
