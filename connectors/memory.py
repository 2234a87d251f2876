"""A system kept in memory: source and target in one, obeying the whole port.

It refuses what a database would refuse, with the same codes, and it can be told to behave as a CRM does: to show
writes late, to stamp who changed what, to change records by itself, to have users who edit.
"""

from __future__ import annotations

import datetime as dt
import json
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa

from .audit import audit_of, read_audit
from .cell import Cell, arrow_type, canonical_value
from .change import Batch, Change, ChangeKind, Outcome, OutcomeState
from .chunk import Chunk
from .clock import Clock, SystemClock
from .errors import InputError
from .memory_changes import TellingChanges
from .memory_details import CarryingDetails
from .memory_file import typed_rows
from .memory_held_files import KeepingFiles, has_files
from .memory_ordeals import Undergoing
from .memory_table import Record, RefusedError, Row, SortKey, Table, searchable, sort_key_from
from .pace import Pace
from .port import KEY, OUR_KEY, AuditFields, Capabilities, Identity, Ordeal, OurKeyPlace, Settings
from .schema import FieldType, Schema, schema_from_json
from .secrets import Secrets

Automation: TypeAlias = Callable[[str, ChangeKind, str, Row], Row | None]
"""What the target does by itself after a write: (object, kind, key, the record's cells) -> cells that it changes."""

_LOCK = threading.RLock()
"""While a batch is written; one for all systems in memory, so that each of them can be copied."""


class MemoryConnector(Undergoing, CarryingDetails, KeepingFiles, TellingChanges):
    """A system in memory.

    rows: records it starts with, by object (see `seed`). zone: of its LOCAL_TIME stamps, UTC where not given.
    batch_size, at_once, find_size, details, answers_details, read_back_lag, server_maximum: as in Capabilities; the lag
    passes by `clock`.
    audit: the fields, by object, that every write and edit stamps with the clock's time and its author, and those that
    a create stamps where it is not given them; the author of a write is
    `acting_user`. automation: called after each create, and after each update or adopt that wrote values; what it
    returns is stored at once, unchecked but for its types. our_key: NONE leaves no room for our key. ordeals: that it
    puts records through; an ordeal takes nothing from anybody's sight here. owner: the field that says whose a record
    is, in every object that has it; the ordeal gives it to nobody. largest_file, files_for: see Capabilities, and
    `KeepingFiles`.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        clock: Clock | None = None,
        name: str = "memory",
        zone: str | None = None,
        production: bool | None = None,
        rows: Mapping[str, Iterable[Row]] | None = None,
        batch_size: int = 1000,
        at_once: int = 1,
        find_size: int = 1000,
        details: int = 0,
        answers_details: bool = True,
        read_back_lag: dt.timedelta = dt.timedelta(0),
        server_maximum: dt.timedelta = dt.timedelta(0),
        audit: Mapping[str, AuditFields] | None = None,
        acting_user: str | None = None,
        automation: Automation | None = None,
        our_key: OurKeyPlace = OurKeyPlace.SIDE_TABLE,
        ordeals: tuple[Ordeal, ...] = (),
        owner: str = "owner",
        largest_file: int | None = None,
        files_for: dt.timedelta | None = None,
    ) -> None:
        self.capabilities = Capabilities(
            batch_size=batch_size,
            at_once=at_once,
            find_size=find_size,
            writes=True,
            our_key=our_key,
            compare_and_set=True,
            details=details,
            answers_details=answers_details,
            deletes=True,
            read_back_lag=read_back_lag,
            server_maximum=server_maximum,
            ordeals=ordeals,
            holds_files=(filed := has_files(schema)),
            takes_files=filed,
            largest_file=largest_file,
            tells_changes=True,
            overlap=read_back_lag,
        )
        self.keep_files(files_for)
        self._owner = owner
        self._room = our_key is not OurKeyPlace.NONE
        self._schema = schema
        self._clock = clock or SystemClock()
        self._identity = Identity(kind="memory", id=name, name=name, production=production)
        self._zone = ZoneInfo(zone or "UTC")
        self._audit = {each.name: audit_of(audit or {}, each) for each in schema.objects.values()}
        self._acting_user = acting_user
        self._automation = automation
        self._tables = {each.name: Table(each) for each in schema.objects.values()}
        for object_name, listed in (rows or {}).items():
            self.seed(object_name, listed)

    # The port

    def identity(self) -> Identity:
        return self._identity

    def describe(self) -> Schema:
        return self._schema

    def audit_fields(self, object_name: str) -> AuditFields:
        self._table(object_name)
        return self._audit[object_name]

    def acting_user(self) -> str | None:
        return self._acting_user

    def read(
        self, object_name: str, fields: Sequence[str], *, after: str | None = None, size: int = 20_000
    ) -> Iterator[Chunk]:
        table = self._table(object_name, fields)
        start = None if after is None else sort_key_from(after, object_name, len(table.schema.key))
        return self._pages(table, fields, start, size)

    def _pages(self, table: Table, fields: Sequence[str], after: SortKey | None, size: int) -> Iterator[Chunk]:
        while True:
            order = table.in_order()
            start = 0 if after is None else bisect_right(order, after, key=lambda each: each[0])
            page = order[start : start + size]
            if not page:
                return
            after = page[-1][0]
            records = {key: table.records[key] for _, key in page}
            yield self._chunk(table, records, fields, json.dumps(after))

    def _chunk(self, table: Table, records: Mapping[str, Record], fields: Sequence[str], cursor: str) -> Chunk:
        return Chunk(table.schema.name, _frame(table, records, fields), list(records), cursor)

    def count(self, object_name: str) -> int:
        return len(self._table(object_name).in_order())

    def find(
        self, object_name: str, by: Sequence[str], values: Sequence[tuple[Cell, ...]], fields: Sequence[str]
    ) -> Chunk:
        named = [] if tuple(by) in ((KEY,), (OUR_KEY,)) else by
        table = self._table(object_name, [*named, *fields])
        if len(values) > self.capabilities.find_size:
            raise ValueError(f"{object_name}: {len(values)} values to find, {self.capabilities.find_size} at most")
        with _LOCK:
            view = table.visible(self._clock.now())
            found = {key: view[key] for key in sorted(_found(table, view, tuple(by), values))}
        our_keys = [record.our_key for record in found.values()]
        return Chunk(object_name, _frame(table, found, fields), list(found), our_keys=our_keys)

    def write(self, batch: Batch) -> list[Outcome]:
        """One bad change is rejected alone; the others of its batch are done."""
        table = self._table(batch.object)
        if len(batch.changes) > self.capabilities.batch_size:
            raise ValueError(f"{batch.object}: {len(batch.changes)} changes, {self.capabilities.batch_size} at most")
        self._check(batch.object, batch.changes)
        with _LOCK:
            return [outcome for change in batch.changes for outcome in self._apply_whole(table, change)]

    def prepare(self) -> None:
        """There is always room for our key here."""

    def our_keys(self, object_name: str) -> Iterator[list[tuple[str, str]]]:
        pairs = sorted(self._table(object_name).our_keys.items())
        return (pairs[start : start + 1000] for start in range(0, len(pairs), 1000))

    def now(self) -> dt.datetime:
        return self._clock.now()

    def record_url(self, object_name: str, key: str) -> str | None:
        """None: there is no page to open."""
        return None

    def close(self) -> None:
        """Nothing is open."""

    # What its users do

    def seed(self, object_name: str, rows: Iterable[Row]) -> list[str]:
        """Put records in without our key and without a stamp, as old data lies there: types are checked and keys are
        given where they may be, but no limit, choice or reference is looked at. Returns the keys, in order.

        Raises ValueError for a cell of another type or a key that is missing or taken.
        """
        table = self._table(object_name)
        keys = []
        for row in rows:
            values: dict[str, Cell] = dict.fromkeys(table.schema.field_names)
            try:
                values |= table.typed(row)
                table.number(values)
            except RefusedError as refused:
                raise ValueError(f"{object_name}: {refused}") from refused
            key = table.key_of(values)
            if key in table.records:
                raise ValueError(f"{object_name}: key {key!r} twice")
            table.put(key, Record(values))
            keys.append(key)
        return keys

    def edit(self, object_name: str, key: str, values: Row, by: str) -> None:
        """A user of the system changes a record. Raises KeyError where there is no such record, ValueError for a cell
        of another type."""
        table = self._table(object_name)
        old = table.records[key]
        try:
            changed = {**old.values, **table.typed(values), **self._stamps(table, by)}
        except RefusedError as refused:
            raise ValueError(f"{object_name}: {refused}") from refused
        table.put(key, replace(old, values=changed), self._seen_from())

    def remove(self, object_name: str, key: str) -> None:
        """A user of the system deletes a record, and our key with it. Raises KeyError where there is no such record."""
        table = self._table(object_name)
        if key not in table.records:
            raise KeyError(key)
        table.put(key, None, self._seen_from())

    def record(self, object_name: str, key: str) -> dict[str, Cell]:
        """The record's cells as they are now, whatever `find` sees. Raises KeyError where there is no such record."""
        return dict(self._table(object_name).records[key].values)

    # One change

    def _apply(self, table: Table, change: Change) -> Outcome:
        try:
            return self._create(table, change) if change.kind is ChangeKind.CREATE else self._change(table, change)
        except RefusedError as refused:
            state = OutcomeState.REJECTED
            return Outcome(change.our_key, state, change.target_key, refused.code, field=refused.field_name)

    def _create(self, table: Table, change: Change) -> Outcome:
        if change.our_key in table.our_keys:
            holder = table.our_keys[change.our_key]
            return Outcome(change.our_key, OutcomeState.EXISTS, holder, "target.exists")
        values: dict[str, Cell] = dict.fromkeys(table.schema.field_names)
        values |= self._stamps(table, self._acting_user, born=True) | self._checked(table, change.values, None)
        values |= self._stamps(table, self._acting_user)
        for each in table.schema.fields:
            if each.required and values[each.name] is None:
                raise RefusedError("target.required", each.name)
        table.number(values)
        key = table.key_of(values)
        if key in table.records:
            raise RefusedError("target.duplicate", table.schema.key[0])
        table.put(key, Record(values, change.our_key if self._room else None), self._seen_from())
        self._automate(table, change.kind, key)
        return Outcome(change.our_key, OutcomeState.ACKED, key)

    def _change(self, table: Table, change: Change) -> Outcome:
        key = change.target_key
        if key is None or key not in table.records:
            raise RefusedError("target.gone")
        old = table.records[key]
        if change.kind is ChangeKind.ADOPT:
            holder = table.our_keys.get(change.our_key)
            if old.our_key not in (None, change.our_key) or holder not in (None, key):
                raise RefusedError("target.taken")
        for name, expected in (change.expect or {}).items():
            described = table.described(name)
            if canonical_value(old.values[name], described) != canonical_value(expected, described):
                return Outcome(change.our_key, OutcomeState.STALE, key, "target.stale", field=name)
        if change.kind is ChangeKind.DELETE:
            self._refuse_while_referenced(table, key)
            table.put(key, None, self._seen_from())
            return Outcome(change.our_key, OutcomeState.ACKED, key)
        our_key = {ChangeKind.ADOPT: change.our_key, ChangeKind.RELEASE: None}.get(change.kind, old.our_key)
        if old.locked and change.values:
            raise RefusedError("target.refused")
        values = {**old.values, **self._checked(table, change.values, key)}
        if change.values:
            values |= self._stamps(table, self._acting_user)
        table.put(key, replace(old, values=values, our_key=our_key if self._room else None), self._seen_from())
        if change.values and change.kind is not ChangeKind.RELEASE:
            self._automate(table, change.kind, key)
        return Outcome(change.our_key, OutcomeState.ACKED, key)

    def _checked(self, table: Table, values: Row, key: str | None) -> dict[str, Cell]:
        checked = self._with_files(table, table.checked(values, key))
        for name, value in checked.items():
            targets = table.described(name).references
            reachable = [self._tables[each].records for each in targets if each in self._tables]
            if targets and value is not None and not any(value in records for records in reachable):
                raise RefusedError("target.reference", name)
        return checked

    def _refuse_while_referenced(self, table: Table, key: str) -> None:
        for other in self._tables.values():
            for each in other.schema.fields:
                if table.schema.name in each.references:
                    holders = other.index[each.name].get(key, set())
                    if holders - ({key} if other is table else set()):
                        raise RefusedError("target.reference", each.name)

    def _automate(self, table: Table, kind: ChangeKind, key: str) -> None:
        if self._automation is None:
            return
        changed = self._automation(table.schema.name, kind, key, dict(table.records[key].values))
        if changed:
            written = table.records[key]
            table.put(key, replace(written, values={**written.values, **table.typed(changed)}), self._seen_from())

    def _stamps(self, table: Table, author: str | None, *, born: bool = False) -> dict[str, Cell]:
        audit = self._audit[table.schema.name]
        at, by = (audit.created_at, audit.created_by) if born else (audit.modified_at, audit.modified_by)
        stamps: dict[str, Cell] = {}
        if at is not None:
            now = self._clock.now()
            local = table.described(at).type is FieldType.LOCAL_TIME
            stamps[at] = now.astimezone(self._zone).replace(tzinfo=None) if local else now
        if by is not None:
            stamps[by] = author
        return stamps

    def _seen_from(self) -> dt.datetime | None:
        lag = self.capabilities.read_back_lag
        return self._clock.now() + lag if lag else None

    def _table(self, object_name: str, fields: Sequence[str] = ()) -> Table:
        table = self._tables.get(object_name)
        if table is None:
            raise InputError("memory.no_object", object=object_name, known=", ".join(sorted(self._tables)))
        for name in fields:
            table.described(name)
        return table


def _found(
    table: Table, view: Mapping[str, Record], by: tuple[str, ...], values: Sequence[tuple[Cell, ...]]
) -> set[str]:
    if by == (KEY,):
        return {value for (value,) in values if isinstance(value, str) and value in view}
    settled = view is table.records
    if by == (OUR_KEY,):
        keys = table.our_keys if settled else {each.our_key: key for key, each in view.items() if each.our_key}
        return {keys[value] for (value,) in values if isinstance(value, str) and value in keys}
    searched = [table.described(name) for name in by]
    wanted = {sought for value in values if (sought := searchable(value, searched)) is not None}
    if settled and len(by) == 1 and by[0] in table.index:
        holders = table.index[by[0]]
        return {key for (cell,) in wanted for key in holders.get(cell, ()) if not view[key].binned}
    listed = (each for each in view.items() if not each[1].binned)
    return {key for key, record in listed if tuple(record.values[name] for name in by) in wanted}


def _frame(table: Table, records: Mapping[str, Record], fields: Sequence[str]) -> pd.DataFrame:
    columns = {
        name: pd.arrays.ArrowExtensionArray(
            pa.array([record.values[name] for record in records.values()], arrow_type(table.described(name)))
        )
        for name in fields
    }
    return pd.DataFrame(columns, index=pd.RangeIndex(len(records)))


def connect(settings: Settings, secrets: Secrets, pace: Pace, clock: Clock) -> MemoryConnector:
    """A system filled from a JSON document `{"objects": Schema.to_json(), "rows": {object: [{field: cell}]}}`, named
    by the option `file`; for the option `audit` see the module of that name. A cell is a text, a number (kept exact),
    true, false or null, and must fit its field as `cell.cast` reads it. What is written to the system is gone with the
    process.

    Raises InputError `memory.option`, `memory.file` or `memory.cell`.
    """
    if set(settings.options) - {"audit"} != {"file"}:
        options = ", ".join(sorted(map(str, settings.options)))
        raise InputError("memory.option", connection=settings.name, options=options)
    path, audit = Path(settings.folder) / str(settings.options["file"]), settings.options.get("audit")
    try:
        text = path.read_text("utf-8")
        schema = schema_from_json(json.loads(text)["objects"])
        rows = dict(json.loads(text, parse_float=str, parse_int=str).get("rows", {}))
        connector = MemoryConnector(
            schema, clock=clock, name=settings.name, zone=settings.zone, audit=read_audit(audit, settings.name)
        )
        for name, listed in rows.items():
            connector.seed(name, typed_rows(schema, name, listed, settings))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError("memory.file", connection=settings.name, file=str(path), reason=str(error)) from error
    return connector
