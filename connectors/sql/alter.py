"""Changing, deleting, adopting and releasing records that are there: each is locked and looked at before it is touched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ..cell import Cell, canonical_text, canonical_value
from ..change import Change, ChangeKind, Outcome, OutcomeState
from ..chunk import split_key
from .dialect import Dialect, compared
from .faults import LeftOutError
from .keys import OurKeys
from .search import search_keys
from .tables import PLAIN, Table


class Alteration:
    def __init__(self, connection: Connection, dialect: Dialect, table: Table, ours: OurKeys) -> None:
        self.connection = connection
        self.dialect = dialect
        self.table = table
        self.ours = ours

    def judge(self, changes: Sequence[Change]) -> tuple[list[Outcome], list[Change]]:
        """Outcomes of those whose record is gone, taken by another key of ours or not as expected, and the others. Their
        records stay locked."""
        keys = [change.target_key for change in changes if change.target_key is not None]
        expected = list(dict.fromkeys(name for change in changes for name in change.expect or ()))
        rows = search_keys(self.connection, self.dialect, self.table, keys, expected, lock=True)
        place = {key: number for number, key in enumerate(rows.keys())}
        texts = {
            name: canonical_text(rows.array(name), self.table.columns[name].field).to_pylist() for name in expected
        }
        taken = self._taken([change for change in changes if change.kind is ChangeKind.ADOPT])
        refused, ready = [], []
        for change in changes:
            row = place.get(change.target_key or "")
            if row is None:
                refused.append(_refusal(change, OutcomeState.REJECTED, "target.gone"))
            elif change.our_key in taken:
                refused.append(_refusal(change, OutcomeState.REJECTED, "target.taken"))
            elif moved := self._key_written(change):
                refused.append(_refusal(change, OutcomeState.REJECTED, "target.refused", moved))
            elif stale := self._stale(change, {name: told[row] for name, told in texts.items()}):
                refused.append(_refusal(change, OutcomeState.STALE, "target.stale", stale))
            else:
                ready.append(change)
        return refused, ready

    def _taken(self, adopting: Sequence[Change]) -> set[str]:
        """Our keys of adoptions whose record has another key of ours, or whose key of ours another record has."""
        if not adopting:
            return set()
        holders = self.ours.holders(self.connection, [change.target_key or "" for change in adopting])
        held = self.ours.of(self.connection, [change.our_key for change in adopting])
        elsewhere = [
            held[change.our_key]
            for change in adopting
            if held.get(change.our_key, change.target_key) != change.target_key
        ]
        there = set(search_keys(self.connection, self.dialect, self.table, elsewhere, ()).keys())
        self.ours.remove(self.connection, [ours for ours, key in held.items() if key in elsewhere and key not in there])
        return {
            change.our_key
            for change in adopting
            if holders.get(change.target_key or "", change.our_key) != change.our_key
            or held.get(change.our_key) in there
        }

    def _key_written(self, change: Change) -> str | None:
        """The key field that a change would give another value."""
        parts = split_key(change.target_key or "", len(self.table.key))
        for name, part in zip(self.table.key, parts, strict=True):
            field = self.table.columns[name].field
            if name in change.values and canonical_value(change.values[name], field) != canonical_value(part, field):
                return name
        return None

    def _stale(self, change: Change, now: dict[str, str | None]) -> str | None:
        """The first field that is not as expected."""
        for name, cell in (change.expect or {}).items():
            if canonical_value(cell, self.table.columns[name].field) != now[name]:
                return name
        return None

    def apply(self, changes: Sequence[Change]) -> list[Outcome]:
        """Do what the changes, all of one kind, say. Raises what the driver raises, UnfitError and LeftOutError."""
        kind = changes[0].kind
        if kind is ChangeKind.DELETE:
            self._delete(changes)
        else:
            self._update(changes)
        if kind in (ChangeKind.DELETE, ChangeKind.RELEASE):
            self.ours.remove(self.connection, [change.our_key for change in changes])
        if kind is ChangeKind.ADOPT:
            pairs = [(change.our_key, change.target_key or "") for change in changes]
            known = self.ours.of(self.connection, [our_key for our_key, _ in pairs])
            self.ours.add(self.connection, [pair for pair in pairs if pair[0] not in known])
        return [Outcome(change.our_key, OutcomeState.ACKED, change.target_key) for change in changes]

    def _update(self, changes: Sequence[Change]) -> None:
        for names, alike in self._groups(changes):
            if not names:
                continue
            parameters = [
                {f"v{place}": cell for place, cell in enumerate(cells)} | self._key_parameters(key)
                for key, cells in alike
            ]
            values = {name: sa.bindparam(f"v{place}", type_=PLAIN) for place, name in enumerate(names)}
            self._execute(sa.update(self.table.clause).where(*self._is_key()).values(values), parameters)

    def _groups(self, changes: Sequence[Change]) -> Iterator[tuple[tuple[str, ...], list[tuple[str, list[object]]]]]:
        """Fields -> (key, encoded cells) of the changes that write just these."""
        groups: dict[tuple[str, ...], list[tuple[str, list[object]]]] = {}
        encoders = {}
        for change in changes:
            values: dict[str, Cell] = {**change.values, **self.ours.values(change.kind, change.our_key)}
            names = tuple(name for name in values if name not in self.table.key)
            for name in names:
                if name not in encoders:
                    encoders[name] = self.dialect.written(self.table.columns[name])
            cells: list[object] = []
            for name in names:
                encode = encoders[name]
                cells.append(values[name] if encode is None else encode(values[name]))
            groups.setdefault(names, []).append((change.target_key or "", cells))
        yield from groups.items()

    def _delete(self, changes: Sequence[Change]) -> None:
        parameters = [self._key_parameters(change.target_key or "") for change in changes]
        self._execute(sa.delete(self.table.clause).where(*self._is_key()), parameters)

    def _execute(self, statement: Any, parameters: Sequence[dict[str, object]]) -> None:
        """Raises LeftOutError where another number of records was touched than was meant."""
        touched = self.connection.execute(statement, parameters).rowcount
        if touched not in (-1, len(parameters)):
            raise LeftOutError

    def _is_key(self) -> list[sa.ColumnElement[bool]]:
        return [
            compared(column) == sa.bindparam(f"k{place}", type_=PLAIN)
            for place, column in enumerate(self.table.key_columns)
        ]

    def _key_parameters(self, key: str) -> dict[str, object]:
        parts = split_key(key, len(self.table.key))
        return {
            f"k{place}": self.dialect.sought(column)(part)
            for place, (column, part) in enumerate(zip(self.table.key_columns, parts, strict=True))
        }


def _refusal(change: Change, state: OutcomeState, code: str, field: str | None = None) -> Outcome:
    return Outcome(change.our_key, state, change.target_key, code, field=field)
