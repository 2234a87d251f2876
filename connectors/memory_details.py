"""Records created in memory inside the change of their master: all of them with it, or nothing."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace

from .change import CONTAGION, Change, Details, Outcome, OutcomeState
from .memory_table import Table
from .port import Capabilities


class CarryingDetails(ABC):
    """How a system in memory does a change with its details."""

    capabilities: Capabilities

    @abstractmethod
    def _table(self, object_name: str, fields: Sequence[str] = ()) -> Table: ...

    @abstractmethod
    def _seen_from(self) -> dt.datetime | None: ...

    @abstractmethod
    def _apply(self, table: Table, change: Change) -> Outcome: ...

    def _check(self, object_name: str, changes: Sequence[Change]) -> None:
        """Raises InputError for a field that is not there, ValueError for more details than a change may carry."""
        for change in changes:
            self._table(object_name, [*change.values, *(change.expect or ())])
            number = sum(len(each.changes) for each in change.details)
            if number > self.capabilities.details:
                raise ValueError(f"{object_name}: {number} details, {self.capabilities.details} at most")
            for each in change.details:
                self._check(
                    each.object, [replace(detail, values={**detail.values, each.by: None}) for detail in each.changes]
                )

    def _apply_whole(self, table: Table, change: Change) -> list[Outcome]:
        """The outcome of a change and those of its details, as far as they are told."""
        outcome = self._apply(table, change)
        if outcome.state is not OutcomeState.ACKED or outcome.target_key is None:
            return [outcome, *_fallen(change.details)]
        made, told = [(table, outcome.target_key)], list[Outcome]()
        for name, detail in _each(change.details, outcome.target_key):
            own = self._table(name)
            end = self._apply(own, detail)
            if end.state is not OutcomeState.ACKED or end.target_key is None:
                for place, key in reversed(made):
                    place.put(key, None, self._seen_from())
                refused = replace(end, object=name, state=OutcomeState.REJECTED, target_key=None)
                rest = [
                    each for each in _fallen(change.details) if (each.object, each.our_key) != (name, detail.our_key)
                ]
                return [Outcome(change.our_key, OutcomeState.REJECTED, code=end.code), refused, *rest]
            made.append((own, end.target_key))
            told.append(replace(end, object=name))
        return [outcome, *told] if self.capabilities.answers_details else [outcome]


def _each(details: Sequence[Details], master: str) -> Iterator[tuple[str, Change]]:
    """The object of each detail, and its change with the reference to its master."""
    for each in details:
        for change in each.changes:
            yield each.object, replace(change, values={**change.values, each.by: master})


def _fallen(details: Sequence[Details]) -> list[Outcome]:
    return [
        Outcome(change.our_key, OutcomeState.NOT_SENT, code=CONTAGION, object=each.object)
        for each in details
        for change in each.changes
    ]
