"""Calls that would be made to a target, added up where none is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import cast

from ...connectors.change import Batch, ChangeKind
from ...connectors.pace import Action
from ...connectors.port import Connector
from ...connectors.schema import Field, FieldType
from ...connectors.telling_calls import TellsCalls


class Foretold:
    """By interface, where all goes well."""

    def __init__(self, target: Connector) -> None:
        self._target = target
        self._calls = Counter[str]()

    def write(self, batch: Batch, *, again: bool = False) -> None:
        """again: as in `TellsCalls`."""
        if self._target.capabilities.tells_calls:
            self._calls.update(cast(TellsCalls, self._target).calls_of(batch, again=again))
            return
        deletes = sum(each.kind is ChangeKind.DELETE for each in batch.changes)
        self.do(Action.DELETE, batch.object, deletes)
        self.do(Action.WRITE, batch.object, len(batch.changes) - deletes)

    def do(self, action: Action, object_name: str, records: int = 1) -> None:
        """records: to so many at a time."""
        for need in self._target.capabilities.allowance.needs_of(object_name, action):
            self._calls[need.interface] += need.calls_for(records)

    def find(self, object_name: str, fields: Iterable[Field] = (), records: int = 1) -> None:
        """fields: those that are asked for."""
        self.do(Action.FIND, object_name, records)
        for each in fields:
            if each.type is FieldType.FILE:
                self.do(Action.FILED, object_name, records)

    def taken(self) -> Counter[str]:
        """Those since the last time."""
        taken, self._calls = self._calls, Counter()
        return +taken
