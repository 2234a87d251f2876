"""Many records a call: each comes off or not by itself, or all do or none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from .answers import CallError, Document, RowError
from .faults import FaultKind
from .org import Org
from .shapes import ObjectShape

Work: TypeAlias = Callable[[], "tuple[str, bool | None]"]
"""Carries out one record's part: its id and, for an upsert, whether it was made."""
ROLLED_BACK = RowError(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
)


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one record."""

    id: str | None = None
    created: bool | None = None
    error: RowError | None = None

    def document(self) -> Document:
        if self.error is not None:
            told: Document = {"success": False, "errors": [self.error.of_row()]}
            return {**({"id": self.id} if self.id else {}), **told, **self._made()}
        return {"id": self.id, "success": True, "errors": [], **self._made()}

    def _made(self) -> Document:
        return {} if self.created is None else {"created": self.created}


class _TakenBackError(Exception):
    """All of it is to be as it was."""


def carried_out(
    org: Org, works: Sequence[Work], all_or_none: bool = False, parents: Sequence[object] | None = None
) -> list[Done]:
    """In order. parents: of each record, what it hangs on; by that the fault of locked rows knows its neighbours."""
    told: list[Done] = []
    try:
        with org.store.whole():
            for at, work in enumerate(works):
                told.append(_one(org, work, at, parents))
            if all_or_none and any(each.error is not None for each in told):
                raise _TakenBackError
    except _TakenBackError:
        org.live.clear()
        return [each if each.error is not None else Done(error=ROLLED_BACK) for each in told]
    except CallError:
        org.live.clear()
        raise
    return told


def _one(org: Org, work: Work, at: int, parents: Sequence[object] | None) -> Done:
    if locked(org, at, parents):
        said = "unable to obtain exclusive access to this record or 1 records"
        return Done(error=RowError("UNABLE_TO_LOCK_ROW", said))
    try:
        row_id, created = work()
    except RowError as error:
        return Done(error=error)
    return Done(row_id, created)


def locked(org: Org, at: int, parents: Sequence[object] | None) -> bool:
    fault = org.weather.locked
    if fault is None or fault.kind is not FaultKind.LOCKED:
        return False
    if fault.rows:
        return (at + 1) % fault.rows == 0
    return (
        bool(parents) and at > 0 and parents is not None and parents[at] is not None and parents[at] == parents[at - 1]
    )


def parents_of(shape_of: Callable[[Any], ObjectShape | None], records: Iterable[Any]) -> list[object]:
    """What each record hangs on: its first master, else its account."""
    found: list[object] = []
    for record in records:
        shape = shape_of(record) if isinstance(record, dict) else None
        names = [*(each.name for each in shape.masters), "AccountId", "ParentId"] if shape is not None else []
        found.append(next((record[each] for each in names if record.get(each)), None))
    return found


def said_true(value: object) -> bool:
    return value is True or str(value).lower() == "true"
