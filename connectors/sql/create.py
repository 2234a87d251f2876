"""Creating records: rows with keys known beforehand wherever they can be, and our keys beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ..cell import Cell
from ..change import Change, ChangeKind, Outcome, OutcomeState
from ..chunk import join_key
from .cells import all_typed, key_texts
from .dialect import Dialect
from .faults import LeftOutError, RowError
from .keys import OurKeys
from .search import search_keys
from .tables import PLAIN, Column, Table

Values = Mapping[str, Cell]


class Creation:
    def __init__(self, connection: Connection, dialect: Dialect, table: Table, ours: OurKeys) -> None:
        self.connection = connection
        self.dialect = dialect
        self.table = table
        self.ours = ours

    def judge(self, changes: Sequence[Change]) -> tuple[list[Outcome], list[Change]]:
        """Outcomes of those whose key of ours some record has, and the others, with what stood in their way cleared."""
        held = self.ours.of(self.connection, [change.our_key for change in changes])
        if not held:
            return [], list(changes)
        there = set(search_keys(self.connection, self.dialect, self.table, list(held.values()), ()).keys())
        self.ours.remove(self.connection, [ours for ours, key in held.items() if key not in there])
        held = {ours: key for ours, key in held.items() if key in there}
        existing = [
            Outcome(change.our_key, OutcomeState.EXISTS, held[change.our_key], "target.exists")
            for change in changes
            if change.our_key in held
        ]
        return existing, [change for change in changes if change.our_key not in held]

    def apply(self, changes: Sequence[Change]) -> list[Outcome]:
        """Insert all of them with their keys of ours. Raises what the driver raises, RowError (of a place among the
        changes), UnfitError and LeftOutError."""
        outcomes = []
        for names, alike in self._groups(changes):
            try:
                keys = self._insert(names, alike, single=len(changes) == 1)
                pairs = [(change.our_key, key) for (change, _), key in zip(alike, keys, strict=True)]
                if len(changes) == 1:  # a record that was just made can only have been another's before that one went
                    self.ours.clear(self.connection, keys)
                self.ours.add(self.connection, pairs)
            except RowError as error:
                raise RowError(changes.index(alike[error.row][0])) from error.__cause__
            outcomes += [Outcome(our_key, OutcomeState.ACKED, key) for our_key, key in pairs]
        return outcomes

    def _groups(self, changes: Sequence[Change]) -> Iterator[tuple[tuple[str, ...], list[tuple[Change, Values]]]]:
        """Changes that write the same fields; a null for a key field means that the database shall give it."""
        groups: dict[tuple[str, ...], list[tuple[Change, Values]]] = {}
        for change in changes:
            values = change.values
            if our_key := self.ours.values(ChangeKind.CREATE, change.our_key):
                values = {**values, **our_key}
            for name in self.table.key:
                if name in values and values[name] is None:
                    values = {each: cell for each, cell in values.items() if each != name}
            groups.setdefault(tuple(values), []).append((change, values))
        yield from groups.items()

    def _insert(self, names: tuple[str, ...], alike: Sequence[tuple[Change, Values]], single: bool) -> list[str]:
        """Insert records that write the same fields. Returns their keys."""
        columns = [
            self.dialect.encoded(self.table.columns[name], [values[name] for _, values in alike]) for name in names
        ]
        missing = [name for name in self.table.key if name not in names]
        if single and self.table.rewriting:
            return self._insert_returning(names, list(zip(*columns, strict=True)), len(alike))
        if not missing:
            keys = self._given_keys(alike)
        elif len(self.table.key) == 1 and (reserved := self.dialect.reserve(self.connection, self.table, len(alike))):
            names, columns = (*names, *missing), [*columns, reserved]
            keys = key_texts(reserved, self.table.columns[missing[0]])
        else:
            return self._insert_returning(names, list(zip(*columns, strict=True)), len(alike))
        count = self.dialect.insert(self.connection, self.table, names, zip(*columns, strict=True))
        if count not in (-1, len(alike)) or (self.table.rewriting and not self._all_there(keys)):
            raise LeftOutError
        return keys

    def _given_keys(self, alike: Sequence[tuple[Change, Values]]) -> list[str]:
        parts = []
        for column in self.table.key_columns:
            parts.append(key_texts(all_typed(column, [values[column.name] for _, values in alike]), column))
        return parts[0] if len(parts) == 1 else [join_key(key) for key in zip(*parts, strict=True)]

    def _all_there(self, keys: Sequence[str]) -> bool:
        """Whether a trigger neither left a record out nor gave it another key."""
        return len(search_keys(self.connection, self.dialect, self.table, keys, ())) == len(keys)

    def _insert_returning(self, names: Sequence[str], rows: Sequence[Sequence[object]], count: int) -> list[str]:
        """Insert and ask what keys the database gave: for all at once where it answers in order, else one by one."""
        rows = rows or [()] * count
        key = self.table.key
        columns = [_returned(self.table.columns[name], name in key) for name in dict.fromkeys([*key, *names])]
        target = sa.Table(self.table.name, sa.MetaData(), *columns, schema=self.table.schema)
        parameters = [dict(zip(names, row, strict=True)) for row in rows]
        insert = sa.insert(target)
        found: list[Sequence[Any]] = []
        returned = [target.c[name] for name in key]
        if (
            self.dialect.returns_in_order
            and self.connection.dialect.insert_executemany_returning_sort_by_parameter_order
        ):
            found += self.connection.execute(
                insert.returning(*returned, sort_by_parameter_order=True), parameters
            ).all()
        elif self.connection.dialect.insert_returning:
            for each in parameters:
                found += self.connection.execute(insert.values(each).returning(*returned)).all()
        else:
            found += [self.connection.execute(insert.values(each)).inserted_primary_key or () for each in parameters]
        if len(found) != len(rows):
            raise LeftOutError
        parts = [
            key_texts([row[place] for row in found], column) for place, column in enumerate(self.table.key_columns)
        ]
        return [join_key(each) for each in zip(*parts, strict=True)]


def _returned(column: Column, in_key: bool) -> sa.Column[Any]:
    """The column as SQLAlchemy must know it to return keys in the order of the rows."""
    if column.numbered:
        return sa.Column(column.name, sa.BigInteger, primary_key=in_key)
    filled = [sa.FetchedValue()] if in_key else []
    return sa.Column(column.name, PLAIN, *filled, primary_key=in_key)
