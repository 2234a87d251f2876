"""The reporting line: who is above whom in the source, by its list of people and the project's CSV.

A line that runs in a circle, or whose next person is nobody, ends there; both are told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ..connectors.finding import Finding, Severity
from .people_config import PeopleConfig
from .people_list import PersonRow

Found = Callable[[str], list[int]]
"""A key or an e-mail -> rows of people of the source."""


@dataclass(frozen=True, slots=True)
class ReportingLine:
    """above: of each person's row the row of their manager; None where there is nobody above."""

    above: Sequence[int | None]

    def up(self, row: int) -> Iterator[int]:
        """Those above a person, the nearest first, each once."""
        seen = {row}
        at = self.above[row]
        while at is not None and at not in seen:
            seen.add(at)
            yield at
            at = self.above[at]

    def circles(self, place: str, keys: Sequence[str | None]) -> Iterator[Finding]:
        """WARNS of each circle, by the key of one of its people. place: the object of people."""
        ended: set[int] = set()
        for row in range(len(self.above)):
            way: dict[int, None] = {}
            at: int | None = row
            while at is not None and at not in ended and at not in way:
                way[at] = None
                at = self.above[at]
            if at in way:
                told = {"count": len(way) - list(way).index(at)}
                yield Finding("people.manager_circle", Severity.WARNS, told, object=place, key=keys[at])
            ended.update(way)


def ends(place: str, key: str | None) -> Finding:
    """Of a person who left and has nobody above who is still there."""
    return Finding("people.line_ends", Severity.WARNS, object=place, key=key)


def managers_of(
    config: PeopleConfig,
    keys: Sequence[str | None],
    texts: Mapping[str, Sequence[str | None]],
    found: Found,
    listed: Sequence[PersonRow],
) -> tuple[list[int | None], list[Finding]]:
    """Of each person's row the row of their manager, and what cannot be told. keys, texts: the source's people, texts
    by field. listed: the people list, whose managers win over the field's. Findings: BLOCKS `people.no_manager`
    where neither names any, `people.list_no_manager` with file and line; WARNS `people.manager_unknown`."""
    above: list[int | None] = [None] * len(keys)
    told: list[Finding] = []
    named = [each for each in listed if each.manager]
    if config.source.manager is None and not named:
        return above, [Finding("people.no_manager", Severity.BLOCKS, file=config.csv)]
    for place, cell in enumerate(texts[config.source.manager] if config.source.manager else ()):
        if name := (cell or "").strip():
            above[place] = _one(found(name))
            if above[place] is None:
                unknown = Finding("people.manager_unknown", Severity.WARNS, object=config.source.object)
                told.append(replace(unknown, key=keys[place]))
    for each in named:
        row, manager = _one(found(each.source)), _one(found(each.manager))
        if row is not None:
            above[row] = manager
        if manager is None:
            wrong = Finding("people.list_no_manager", Severity.BLOCKS, file=config.csv, line=each.line)
            told.append(replace(wrong, sample=each.manager))
    return above, told


def _one(rows: Sequence[int]) -> int | None:
    return rows[0] if len(rows) == 1 else None
