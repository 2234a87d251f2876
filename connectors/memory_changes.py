"""What has changed in memory since a moment, as `find` would see it."""

from __future__ import annotations

import datetime as dt
import json
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from zoneinfo import ZoneInfo

from .changes import reading_at
from .chunk import Chunk
from .clock import Clock
from .errors import InputError
from .memory_table import Record, Table, sort_key_from
from .port import AuditFields


class TellingChanges(ABC):
    """The method of `TellsChanges` of a system in memory."""

    _clock: Clock
    _zone: ZoneInfo

    @abstractmethod
    def _table(self, object_name: str, fields: Sequence[str] = ()) -> Table: ...

    @abstractmethod
    def audit_fields(self, object_name: str) -> AuditFields: ...

    @abstractmethod
    def _chunk(self, table: Table, records: Mapping[str, Record], fields: Sequence[str], cursor: str) -> Chunk: ...

    def changed(
        self,
        object_name: str,
        fields: Sequence[str],
        since: dt.datetime,
        *,
        after: str | None = None,
        size: int = 20_000,
    ) -> Iterator[Chunk]:
        table, at = self._table(object_name, fields), self.audit_fields(object_name).modified_at
        if at is None:
            raise InputError("changes.no_time", object=object_name)
        behind = None if after is None else sort_key_from(after, object_name, len(table.schema.key))
        return self._changed(table, fields, at, since, behind, size)

    def _changed(
        self,
        table: Table,
        fields: Sequence[str],
        at: str,
        since: dt.datetime,
        behind: tuple[tuple[int, str], ...] | None,
        size: int,
    ) -> Iterator[Chunk]:
        wall = reading_at(since, self._zone)
        while True:
            view = table.visible(self._clock.now())
            order = [each for each in table.in_order() if each[1] in view and _since(view[each[1]], at, since, wall)]
            start = 0 if behind is None else bisect_right(order, behind, key=lambda each: each[0])
            page = order[start : start + size]
            if not page:
                return
            behind = page[-1][0]
            yield self._chunk(table, {key: view[key] for _, key in page}, fields, json.dumps(behind))


def _since(record: Record, at: str, since: dt.datetime, wall: dt.datetime) -> bool:
    cell = record.values[at]
    return isinstance(cell, dt.datetime) and cell >= (wall if cell.tzinfo is None else since)
