"""Changing, deleting, adopting and releasing records: each is locked and looked at before it is touched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ..cell import Cell, canonical_text
from ..change import Change, ChangeKind, Outcome, OutcomeState
from ..chunk import split_key
from .cells import column_array, key_texts
from .dialect import Dialect, compared
from .faults import LeftOutError
from .keys import OurKeys
from .rows import Rows
from .search import search_keys
from .tables import PLAIN, Table

Values = Mapping[str, Cell]


class Alteration:
    def __init__(self, connection: Connection, dialect: Dialect, table: Table, ours: OurKeys) -> None:
        self.connection = connection
        self.dialect = dialect
        self.table = table
        self.ours = ours

    def judge(self, changes: Sequence[Change]) -> tuple[list[Outcome], list[Change]]:
        """Outcomes of those whose record is gone, taken by another key of ours or not as expected, and the others.
        Their records stay locked."""
        keys = [change.target_key for change in changes if change.target_key is not None]
        expected = list(dict.fromkeys(name for change in changes for name in change.expect or ()))
        rows = search_keys(self.connection, self.dialect, self.table, keys, expected, lock=True)
        there = dict(zip(rows.keys(), range(len(rows)), strict=True))
        taken = self._taken([change for change in changes if change.kind is ChangeKind.ADOPT])
        stale = self._stale([change for change in changes if change.target_key in there], expected, rows, there)
        refused, ready = [], []
        for change in changes:
            if change.target_key not in there:
                refused.append(_refusal(change, OutcomeState.REJECTED, "target.gone"))
            elif change.our_key in taken:
                refused.append(_refusal(change, OutcomeState.REJECTED, "target.taken"))
            elif moved := self._key_written(change):
                refused.append(_refusal(change, OutcomeState.REJECTED, "target.refused", moved))
            elif change.our_key in stale:
                refused.append(_refusal(change, OutcomeState.STALE, "target.stale", stale[change.our_key]))
            else:
                ready.append(change)
        return refused, ready

    def _taken(self, adopting: Sequence[Change]) -> set[str]:
        """Our keys of adoptions whose record has another key of ours, or whose key of ours another record has."""
        if not adopting:
            return set()
        holders = self.ours.holders(self.connection, [change.target_key or "" for change in adopting])
        held = self.ours.of(self.connection, [change.our_key for change in adopting])
        elsewhere = {
            change.our_key: held[change.our_key]
            for change in adopting
            if held.get(change.our_key, change.target_key) != change.target_key
        }
        there = search_keys(self.connection, self.dialect, self.table, list(elsewhere.values()), ()).keys()
        self.ours.remove(self.connection, [our_key for our_key, key in elsewhere.items() if key not in there])
        taken = {our_key for our_key, key in elsewhere.items() if key in there}
        for change in adopting:
            if holders.setdefault(change.target_key or "", change.our_key) != change.our_key:
                taken.add(change.our_key)
        return taken

    def _key_written(self, change: Change) -> str | None:
        """The key field that a change would give another value."""
        for name in self.table.key:
            if name in change.values:
                parts = split_key(change.target_key or "", len(self.table.key))
                column = self.table.columns[name]
                if key_texts([change.values[name]], column) != [parts[self.table.key.index(name)]]:
                    return name
        return None

    def _stale(
        self, changes: Sequence[Change], names: Sequence[str], rows: Rows, there: Mapping[str, int]
    ) -> dict[str, str]:
        """Our key -> the first field that is not as expected."""
        stale: dict[str, str] = {}
        for name in names:
            column = self.table.columns[name]
            now = canonical_text(rows.array(name), column.field).to_pylist()
            concerned = [change for change in changes if name in (change.expect or ())]
            cells = column_array([(change.expect or {})[name] for change in concerned], column)
            expected = canonical_text(cells, column.field).to_pylist()
            for change, text in zip(concerned, expected, strict=True):
                if now[there[change.target_key or ""]] != text:
                    stale.setdefault(change.our_key, name)
        return stale

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
            columns = [
                self.dialect.encoded(self.table.columns[name], [values[name] for _, values in alike]) for name in names
            ]
            parameters = [self._key_parameters(change.target_key or "") for change, _ in alike]
            for place, cells in enumerate(columns):
                for row, cell in zip(parameters, cells, strict=True):
                    row[f"v{place}"] = cell
            values = {name: sa.bindparam(f"v{place}", type_=PLAIN) for place, name in enumerate(names)}
            self._execute(sa.update(self.table.clause).where(*self._is_key()).values(values), parameters)

    def _groups(self, changes: Sequence[Change]) -> Iterator[tuple[tuple[str, ...], list[tuple[Change, Values]]]]:
        """Changes that write the same fields; none of those that write nothing."""
        groups: dict[tuple[str, ...], list[tuple[Change, Values]]] = {}
        for change in changes:
            values = {**change.values, **self.ours.values(change.kind, change.our_key)}
            names = tuple(name for name in values if name not in self.table.key)
            if names:
                groups.setdefault(names, []).append((change, values))
        yield from groups.items()

    def _delete(self, changes: Sequence[Change]) -> None:
        parameters = [self._key_parameters(change.target_key or "") for change in changes]
        if len(self.table.key) > 1:
            self._execute(sa.delete(self.table.clause).where(*self._is_key()), parameters)
            return
        (column,) = self.table.key_columns
        among = self.dialect.any_of(column, [row["k0"] for row in parameters])
        if self.connection.execute(sa.delete(self.table.clause).where(among)).rowcount not in (-1, len(parameters)):
            raise LeftOutError

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
