"""Calls of changes, told before they are made: fields, stage, team and owner each have an interface of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from ..cell import Cell
from ..change import Change, ChangeKind
from .bulk import MOST, Bulk
from .owners import OWNER
from .paths import FUNCTION, Paths, data_path
from .stages import PATH as STAGE_PATH
from .stages import Stages
from .teams import ADD, DELETE, Teams, people_of
from .tenant import TenantObject


class Costs:
    """As `Writer` makes them where all goes well. rows: that our function takes in a call."""

    def __init__(self, bulk: Bulk, stages: Stages, teams: Teams, paths: Paths, rows: int) -> None:
        self._bulk, self._stages, self._teams, self._paths, self._rows = bulk, stages, teams, paths, rows

    def of(self, there: TenantObject, changes: Iterable[Change], again: bool) -> Counter[str]:
        """By path. again: creations of what is there already: each is refused, and who has its key is looked for. What
        our function does not take goes by calls of its own, and is counted as if it did."""
        calls, rows = Counter[str](), Counter[str]()
        query = self._paths.of(there, "query")
        for change in changes:
            apart = self._stages.apart if change.kind is ChangeKind.CREATE else self._stages.apart | {OWNER}
            action = self._bulk.takes(there, change, apart)
            if change.kind is ChangeKind.DELETE:
                calls.update((self._paths.of(there, "invalid"), self._paths.of(there, "delete")))
            elif action is not None:
                rows[action] += 1
            elif again:
                calls.update((self._paths.of(there, "create"), query))
            else:
                calls.update(self._of(there, change))
        for action, number in rows.items():
            calls[FUNCTION] += -(-number // min(MOST[action], self._rows))
            calls[query] += int(again)
        return Counter({path: number for path, number in calls.items() if number})

    def _of(self, there: TenantObject, change: Change) -> Counter[str]:
        stage, team = self._stages.of(there, change), self._teams.of(there, change)
        creates = change.kind is ChangeKind.CREATE
        owner = next((name for name in change.values if there.api_of(name) == OWNER), None)
        calls = self._of_team(there, change, team) if team else Counter[str]()
        if stage is not None and change.values[stage] is not None:
            calls[STAGE_PATH] += 1
        if creates:
            calls[self._paths.of(there, "create")] += 1
            return calls
        if change.kind is ChangeKind.ADOPT:
            calls[self._paths.of(there, "query")] += 2
        if change.values.keys() - {owner, stage, *team} or change.kind is not ChangeKind.UPDATE:
            calls[self._paths.of(there, "update")] += 1
        if owner is not None:
            given = self._paths.of(there, "changeOwner") if change.values[owner] else data_path("return", custom=False)
            calls[given] += 1
        return calls

    def _of_team(self, there: TenantObject, change: Change, names: Iterable[str]) -> Counter[str]:
        """Who is in it already is told by what the field is expected to hold."""
        owners = {str(cell) for name, cell in change.values.items() if there.api_of(name) == OWNER}
        calls: Counter[str] = Counter()
        known: Mapping[str, Cell] = change.expect or {}
        wanted = {name: people_of(change.values, name) - owners for name in names}
        present = {name: people_of(known, name) if name in known else set[str]() for name in wanted}
        calls[ADD] = sum(bool(wanted[name] - present[name]) for name in wanted)
        if change.kind is not ChangeKind.CREATE:
            calls[self._paths.of(there, "get")] += 1
        if set[str]().union(*present.values()) - set[str]().union(*wanted.values()):
            calls[DELETE] += 1
        return calls
