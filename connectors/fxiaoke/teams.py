"""相关团队: who besides the owner works on a record, as a text field for each role that the option `teams` names.

The team is changed by calls of its own, to which the same may be said twice: who is in it already is in it, and who is
not is not. Members of other roles, and the owner, are left alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from ..cell import Cell
from ..change import Change, Outcome, OutcomeState
from .cells import SEPARATOR, members
from .outcome import Calls, outcome_of
from .query import Query
from .steps import Act, in_turn
from .tenant import TEAM, TenantField, TenantObject
from .wire import Document, texts

ADD: Final = "/cgi/crm/team/add"
DELETE: Final = "/cgi/crm/team/delete"
OWNER: Final = "owner"


class Teams:
    def __init__(self, calls: Calls, query: Query) -> None:
        self._calls, self._query = calls, query

    def of(self, there: TenantObject, change: Change) -> list[str]:
        """The fields of a change that are a team's."""
        return [name for name in change.values if there.fields[name].member is not None]

    def give(self, there: TenantObject, change: Change, names: Sequence[str], *, new: bool = False) -> Outcome:
        """new: the record has no team yet, but for its owner. Raises what kept the first call from departing."""
        now: Document | None = None if new else self._query.state(there, change.target_key or "")
        if new:
            now = {OWNER: [str(cell) for name, cell in change.values.items() if there.api_of(name) == OWNER]}
        if now is None:
            return outcome_of(change, OutcomeState.REJECTED, "target.gone")
        told = now.get(OWNER)
        owners = set(map(str, told)) if isinstance(told, list) else set()
        fields = [there.fields[name] for name in names]
        return in_turn(change, self._acts(there, change, fields, now, owners), done=False)

    def _acts(
        self, there: TenantObject, change: Change, fields: Sequence[TenantField], now: Document, owners: set[str]
    ) -> Iterator[Act]:
        """Who leaves goes first; who only changes the role stays, and is added in the new one."""
        wanted = {each.name: people_of(change.values, each.name) - owners for each in fields}
        present = {each.name: set(members(each, now.get(TEAM))) for each in fields}
        staying = set().union(*wanted.values())
        leaving = set().union(*present.values()) - staying
        if leaving:
            yield partial(self._call, there, change, DELETE, leaving, {})
        for each in fields:
            coming = wanted[each.name] - present[each.name]
            if coming and each.member is not None:
                role, permission = each.member
                told: Document = {"teamMemberRole": role, "teamMemberPermissionType": permission}
                yield partial(self._call, there, change, ADD, coming, {**told, "ignoreSendingRemind": True})

    def _call(self, there: TenantObject, change: Change, path: str, people: set[str], besides: Document) -> Outcome:
        inner: Document = {"dataIDs": [change.target_key], "teamMemberEmployee": texts(sorted(people)), **besides}
        return self._calls.at(there, change, path, {"apiName": there.api, "data": inner})


def people_of(values: Mapping[str, Cell], name: str) -> set[str]:
    return {each for each in str(values[name] or "").split(SEPARATOR) if each}
