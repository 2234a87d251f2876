"""What users do to a record in memory, and how it is taken back."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace

from .change import Outcome, OutcomeState
from .memory_table import Row, Table
from .port import Ordeal


class Undergoing(ABC):
    """The methods of `UndergoesOrdeals` of a system in memory."""

    _owner: str

    @abstractmethod
    def _table(self, object_name: str, fields: Sequence[str] = ()) -> Table: ...

    @abstractmethod
    def _seen_from(self) -> dt.datetime | None: ...

    def put_through(self, ordeal: Ordeal, object_name: str, our_key: str, key: str) -> Outcome:
        return undergo(self._table(object_name), ordeal, our_key, key, {self._owner: None}, self._seen_from())

    def take_back(self, ordeal: Ordeal, object_name: str, our_key: str, key: str, before: Row) -> Outcome:
        owner = {self._owner: before[self._owner]} if self._owner in before else {}
        return undergo(self._table(object_name), ordeal, our_key, key, owner, self._seen_from(), back=True)


def undergo(
    table: Table,
    ordeal: Ordeal,
    our_key: str,
    key: str,
    owner: Row,
    seen_from: dt.datetime | None,
    *,
    back: bool = False,
) -> Outcome:
    """Put a record through an ordeal, or take that back. owner: the field that says whose it is, with the cell that it
    gets; an object without such a field has no owner to change. A record in the bin is out of every list, and found by
    its own key and by ours."""
    if key not in table.records:
        return Outcome(our_key, OutcomeState.REJECTED, key, "target.gone")
    record = table.records[key]
    match ordeal:
        case Ordeal.OWNER:
            known = {name: cell for name, cell in owner.items() if table.schema.field(name) is not None}
            record = replace(record, values={**record.values, **known})
        case Ordeal.LOCK:
            record = replace(record, locked=not back)
        case Ordeal.SOFT_DELETE:
            record = replace(record, binned=not back)
    table.put(key, record, seen_from)
    return Outcome(our_key, OutcomeState.ACKED, key)
