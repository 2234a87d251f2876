"""What a query's rows look like: which columns are fetched, and how each row is told as JSON or as a line of CSV."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from .. import shown
from ..answers import CallError
from ..org import Acting
from ..shapes import COMPOUND, FieldShape, Kind, ObjectShape
from .operand import value_of
from .scope import Scope, value_sql
from .tree import Item, Operand, Path, TypeOf, query_error

Told: TypeAlias = Callable[[Sequence[Any]], str]
"""From a row of columns to JSON."""


@dataclass(slots=True)
class Cell:
    """A column of CSV."""

    name: str
    column: int
    show: shown.Shown


@dataclass(slots=True)
class Node:
    """A record within a row. entries: (name, JSON of it) in order; a parent's entry is another node's."""

    key: int
    attributes: Told
    entries: dict[str, Told] = field(default_factory=dict)
    parents: dict[str, Node] = field(default_factory=dict)

    def told(self, row: Sequence[Any]) -> str:
        if row[self.key] is None:
            return "null"
        parts = [f'{{"attributes":{self.attributes(row)}']
        for name, tell in self.entries.items():
            parts.append(f'"{name}":{tell(row)}')
        return ",".join(parts) + "}"


@dataclass(slots=True)
class Plan:
    """columns: SQL of each; the first is the record's id."""

    scope: Scope
    acting: Acting
    columns: list[str] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)
    root: Node = field(init=False)
    seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.root = Node(self.column(f'{self.scope.table}."Id"'), self._attributes(self.scope.shape, 0))

    def column(self, sql: str) -> int:
        if sql not in self.columns:
            self.columns.append(sql)
        return self.columns.index(sql)

    def _attributes(self, shape: ObjectShape, key: int) -> Told:
        head = f'{{"type":"{shape.name}","url":"{self.acting.base}/sobjects/{shape.name}/'
        return lambda row: f'{head}{row[key]}"}}'

    def add(self, item: Item) -> None:
        """Raises CallError where a name leads nowhere."""
        operand = item.operand
        if not isinstance(operand, Path):
            value = value_of(self.scope, operand)
            name = item.alias or _plain_name(operand)
            at = self.column(value.sql)
            self._enter(self.root, name, name, at, value.show)
            return
        if item.alias:
            raise query_error("MALFORMED_QUERY", self.scope.text, operand.at, f"unexpected alias: {item.alias}")
        names = self.scope.names(operand)
        if ".".join(names).lower() in self.seen:
            said = f"duplicate field selected: {names[-1]}"
            raise query_error("INVALID_FIELD", self.scope.text, operand.at, said)
        self.seen.add(".".join(names).lower())
        self._path(operand, names)

    def _path(self, path: Path, names: tuple[str, ...]) -> None:
        node, shape, table = self.root, self.scope.shape, self.scope.table
        full: list[str] = []
        for name in names[:-1]:
            reference = self.scope.reference(shape, name, path)
            node = self._parent(node, shape, table, reference)
            full.append(reference.relationship)
            if reference.polymorphic:
                column = self.scope.column(path)
                at = self.column(column.sql)
                name = names[-1] if names[-1] != names[-1].lower() else names[-1].capitalize()
                self._enter(node, name, ".".join([*full, name]), at, shown.as_json(column.field), column.field)
                return
            target = self.scope.org.shapes[reference.targets[0]]
            table = self.scope.join(table, shape, reference, target)
            shape = target
        found = shape.by_name.get(names[-1]) or shape.by_name.get(names[-1].lower())
        if found is None:
            raise self.scope.no_column(names[-1], shape, path)
        self._field(node, shape, table, found, ".".join([*full, found.name]))

    def _field(self, node: Node, shape: ObjectShape, table: str, found: FieldShape, name: str) -> None:
        if found.kind in COMPOUND:
            self._compound(node, shape, table, found, name)
            return
        at = self.column(value_sql(self.scope.org, shape, table, found))
        if found.kind is Kind.BODY:
            node.entries[found.name] = self._link(shape, found, node.key, at)
            self.cells.append(Cell(name, at, self._as_cell(found)))
            return
        self._enter(node, found.name, name, at, shown.as_json(found), found)

    def _enter(
        self, node: Node, name: str, full: str, at: int, show: shown.Shown, found: FieldShape | None = None
    ) -> None:
        node.entries[name] = lambda row: show(row[at])
        as_cell = self._as_cell(found) if found is not None else lambda value: f'"{value}"'
        if node is self.root:
            self.cells.append(Cell(full, at, as_cell))
        else:  # there may be no parent, of which no box is ticked or not
            self.cells.append(Cell(full, at, lambda value: '""' if value is None else as_cell(value)))

    def _link(self, shape: ObjectShape, found: FieldShape, key: int, at: int) -> Told:
        head = f'"{self.acting.base}/sobjects/{shape.name}/'
        return lambda row: "null" if row[at] is None else f'{head}{row[key]}/{found.name}"'

    def _compound(self, node: Node, shape: ObjectShape, table: str, found: FieldShape, full: str) -> None:
        parts = [
            (name, self.column(value_sql(self.scope.org, shape, table, each)), shown.as_json(each))
            for name, each in sorted(found.parts.items())
        ]
        accuracy = ',"geocodeAccuracy":null' if found.kind is Kind.ADDRESS else ""

        def told(row: Sequence[Any]) -> str:
            if all(row[at] is None for _, at, _ in parts):
                return "null"
            inner = ",".join(f'"{name}":{show(row[at])}' for name, at, show in parts)
            return f"{{{inner}{accuracy}}}"

        node.entries[found.name] = told
        self.cells.append(Cell(full, -1, shown.as_json_text))

    def _parent(self, node: Node, shape: ObjectShape, table: str, reference: FieldShape) -> Node:
        if reference.relationship not in node.parents:
            key = self.column(value_sql(self.scope.org, shape, table, reference))
            parent = Node(key, self._attributes_of(reference, key))
            node.parents[reference.relationship] = parent
            node.entries[reference.relationship] = parent.told
        return node.parents[reference.relationship]

    def _attributes_of(self, reference: FieldShape, key: int) -> Told:
        if not reference.polymorphic:
            return self._attributes(self.scope.org.shapes[reference.targets[0]], key)
        base, prefixes = self.acting.base, self.scope.org.by_prefix

        def told(row: Sequence[Any]) -> str:
            return f'{{"type":"Name","url":"{base}/sobjects/{prefixes[row[key][:3]].name}/{row[key]}"}}'

        return told

    def add_type_of(self, item: TypeOf) -> None:
        """For each kind of object that is referred to, fields of its own."""
        name = self.scope.names(item.path)[-1]
        reference = self.scope.reference(self.scope.shape, name, item.path)
        key = self.column(value_sql(self.scope.org, self.scope.shape, self.scope.table, reference))
        nodes: dict[str, Node] = {}
        plain = [each for each in reference.targets if each.lower() not in {one.lower() for one, _ in item.whens}]
        for target, paths in [*item.whens, *((each, item.otherwise) for each in plain)]:
            shape = self.scope.org.by_lower.get(target.lower())
            if shape is None or shape.name not in reference.targets:
                said = f"sObject type '{target}' is not supported."
                raise query_error("INVALID_TYPE", self.scope.text, item.path.at, said)
            node = nodes[shape.prefix] = Node(key, self._attributes(shape, key))
            table = self.scope.join(self.scope.table, self.scope.shape, reference, shape)
            for each in paths:
                found = shape.by_name.get(each.names[0].lower())
                if found is None or len(each.names) > 1:
                    raise self.scope.no_column(str(each), shape, each)
                self._field(node, shape, table, found, found.name)
        self.root.entries[reference.relationship] = lambda row: (
            "null" if row[key] is None or row[key][:3] not in nodes else nodes[row[key][:3]].told(row)
        )

    # As CSV

    def _as_cell(self, found: FieldShape) -> shown.Shown:
        return shown.as_cell(found, exponents=self.scope.org.settings.numbers_in_cells == "exponents")

    def refuse_in_bulk(self) -> None:
        """Raises CallError for what Bulk does not take."""
        for each in self.root.entries:
            found = self.scope.shape.every.get(each)
            if found is not None and found.kind in COMPOUND:
                raise CallError(400, "FUNCTIONALITY_NOT_ENABLED", "Selecting compound data not supported in Bulk Query")
            if found is not None and found.kind is Kind.BODY:
                raise CallError(400, "FEATURENOTENABLED", "FeatureNotEnabled : Binary field not supported")

    def header(self, delimiter: str) -> str:
        return delimiter.join(shown.quoted(each.name) for each in self.cells)

    def line(self, row: Sequence[Any], delimiter: str) -> str:
        return delimiter.join([each.show(row[each.column]) for each in self.cells])


def _plain_name(operand: Operand) -> str:
    while not isinstance(operand, Path):
        if operand.argument is None:
            return "expr0"
        operand = operand.argument
    return operand.names[-1]
