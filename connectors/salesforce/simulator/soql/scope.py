"""Where a query's names lead to: columns of the object it is about and, by joins, of those that it refers to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..answers import Document
from ..currencies import CODE
from ..org import Org
from ..shapes import FieldShape, ObjectShape
from .tree import Path, query_error

NAMES_OF_ALL = (
    "Id",
    "Name",
    "Type",
    "FirstName",
    "LastName",
    "Email",
    "Phone",
    "Title",
    "Username",
    "Alias",
    "IsActive",
)
"""What can be asked of a reference to objects of several kinds."""


@dataclass(slots=True)
class Counter:
    """Gives each table of a statement a name of its own."""

    made: int = 0

    def next(self) -> str:
        self.made += 1
        return f"t{self.made}"


@dataclass(frozen=True, slots=True)
class Column:
    """sql: an expression. field: what it is like."""

    sql: str
    field: FieldShape


@dataclass(slots=True)
class Scope:
    """One query's object. table: its name in the statement. joined: by relationship, the tables that are joined, by
    object."""

    org: Org
    shape: ObjectShape
    text: str
    counter: Counter
    alias: str = ""
    table: str = ""
    joins: list[str] = field(default_factory=list)
    joined: dict[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.table = self.counter.next()

    @property
    def source(self) -> str:
        """What stands behind FROM."""
        return " ".join([f'"{self.shape.name}" {self.table}', *self.joins])

    def names(self, path: Path) -> tuple[str, ...]:
        """Without what only says which object is meant."""
        first = path.names[0].lower()
        own = (self.alias.lower(), self.shape.name.lower())
        return path.names[1:] if len(path.names) > 1 and first in own and first else path.names

    def column(self, path: Path) -> Column:
        """Raises CallError where it leads nowhere."""
        names = self.names(path)
        shape, table = self.shape, self.table
        for at, name in enumerate(names[:-1]):
            reference = self.reference(shape, name, path)
            if reference.polymorphic:
                if at != len(names) - 2:
                    raise self._no_relationship(name, path)
                return self._of_several(shape, table, reference, names[-1], path)
            target = self.org.shapes[reference.targets[0]]
            table = self.join(table, shape, reference, target)
            shape = target
        found = shape.by_name.get(names[-1]) or shape.by_name.get(names[-1].lower())
        if found is None:
            raise self.no_column(names[-1], shape, path)
        return Column(value_sql(self.org, shape, table, found), found)

    def reference(self, shape: ObjectShape, name: str, path: Path) -> FieldShape:
        found = shape.relationships.get(name.lower())
        if found is None or not any(each in self.org.shapes for each in found.targets):
            raise self._no_relationship(name, path)
        return found

    def join(self, table: str, shape: ObjectShape, reference: FieldShape, target: ObjectShape) -> str:
        key = (f"{table}.{reference.name}", target.name)
        if key not in self.joined:
            name = self.joined[key] = self.counter.next()
            sought = value_sql(self.org, shape, table, reference)
            self.joins.append(f'LEFT JOIN "{target.name}" {name} ON {name}."Id" = {sought}')
        return self.joined[key]

    def _of_several(self, shape: ObjectShape, table: str, reference: FieldShape, name: str, path: Path) -> Column:
        """The name of whichever object it is that is referred to."""
        wanted = next((each for each in NAMES_OF_ALL if each.lower() == name.lower()), None)
        key = value_sql(self.org, shape, table, reference)
        if wanted == "Id":
            return Column(key, reference)
        targets = [self.org.shapes[each] for each in reference.targets if each in self.org.shapes]
        if wanted == "Type":
            cases = " ".join(f"WHEN {constant(each.prefix)} THEN {constant(each.name)}" for each in targets)
            return Column(f"CASE substr({key}, 1, 3) {cases} END", self.org.shapes["User"].every["Alias"])
        values = []
        like: FieldShape | None = None
        for each in targets:
            its_name = each.name_field if wanted == "Name" else wanted
            if its_name is not None and wanted is not None and its_name in each.fields:
                like = each.fields[its_name]
                values.append(value_sql(self.org, each, self.join(table, shape, reference, each), like))
        if like is None:
            raise self.no_column(name, "Name", path)
        return Column(values[0] if len(values) == 1 else f"COALESCE({', '.join(values)})", like)

    def no_column(self, name: str, shape: ObjectShape | str, path: Path) -> Exception:
        entity = shape if isinstance(shape, str) else shape.name
        said = (
            f"No such column '{name}' on entity '{entity}'. If you are attempting to use a custom field, be sure to "
            "append the '__c' after the custom field name. Please reference your WSDL or the describe call for the "
            "appropriate names."
        )
        return query_error("INVALID_FIELD", self.text, path.at, said)

    def _no_relationship(self, name: str, path: Path) -> Exception:
        said = (
            f"Didn't understand relationship '{name}' in field path. If you are attempting to use a custom "
            "relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL "
            "or the describe call for the appropriate names."
        )
        return query_error("INVALID_FIELD", self.text, path.at, said)


def constant(text: str) -> str:
    """A text of the org's own (never of a query's) within a statement."""
    return "'" + text.replace("'", "''") + "'"


def value_sql(org: Org, shape: ObjectShape, table: str, field: FieldShape) -> str:
    """A field's value, where it is kept or how it is worked out."""
    if field.kept:
        return f'{table}."{field.name}"'
    told = field.worked_out
    for name, write in WORKED_OUT.items():
        if name in told:
            return write(org, shape, table, field, told)
    return "NULL"


def _joined(org: Org, shape: ObjectShape, table: str, field: FieldShape, told: Document) -> str:
    names: Sequence[str] = told["joined"]
    between = constant(told["by"])
    parts = [f"COALESCE({table}.\"{each}\" || {between}, '')" for each in names[:-1]]
    return "(" + " || ".join([*parts, f"COALESCE({table}.\"{names[-1]}\", '')"]) + ")"


def _among(org: Org, shape: ObjectShape, table: str, field: FieldShape, told: Document) -> str:
    values = ", ".join(constant(str(each)) for each in told["values"])
    return f'({table}."{told["among"]}" IN ({values}))'


def _difference(org: Org, shape: ObjectShape, table: str, field: FieldShape, told: Document) -> str:
    first, second = (f'COALESCE({table}."{each}", 0)' for each in told["difference"])
    return f"({first} - {second})"


def _product(org: Org, shape: ObjectShape, table: str, field: FieldShape, told: Document) -> str:
    factors = [shape.every[each] for each in told["product"]]
    over = 10 ** (sum(each.scale for each in factors) - field.scale)
    product = " * ".join(f'COALESCE({table}."{each.name}", 0)' for each in factors)
    return f"CAST(ROUND({product} / {over}.0) AS INTEGER)" if over > 1 else f"({product})"


def _parent(org: Org, shape: ObjectShape, table: str, field: FieldShape, told: Document) -> str:
    (target,) = shape.every[told["parent"]].targets
    return f'(SELECT p."{told["of"]}" FROM "{target}" p WHERE p."Id" = {table}."{told["parent"]}")'  # noqa: S608


def _rolled_up(org: Org, shape: ObjectShape, table: str, field: FieldShape, told: Document) -> str:
    child = told.get("count") or told["sum"]
    what = "COUNT(*)" if "count" in told else f"COALESCE(SUM({_in_currency_of(org, shape, table, child, told)}), 0)"
    return f'(SELECT {what} FROM "{child}" c WHERE c."{told["by"]}" = {table}."Id" AND c."IsDeleted" = 0)'  # noqa: S608


def worth(org: Org, code: str) -> str:
    """How many of a currency are one of the org's own. code: SQL of its name."""
    cases = " ".join(f"WHEN {constant(each)} THEN {rate}" for each, rate in org.rates.items())
    return f"CASE {code} {cases} ELSE 1 END * 1.0"


def _in_currency_of(org: Org, shape: ObjectShape, table: str, child: str, told: Document) -> str:
    """An amount of a child as one of its parent's currency."""
    amount = f'c."{told["of"]}"'
    several = org.rates and org.shapes[child].every[told["of"]].type == "currency"
    if not several or not (shape.has(CODE) and org.shapes[child].has(CODE)):
        return amount
    ours, theirs = (worth(org, f'{each}."{CODE}"') for each in (table, "c"))
    return f"CAST(ROUND({amount} / ({theirs}) * ({ours})) AS INTEGER)"


WORKED_OUT = {
    "joined": _joined,
    "among": _among,
    "difference": _difference,
    "product": _product,
    "parent": _parent,
    "count": _rolled_up,
    "sum": _rolled_up,
}
"""The few ways in which values are worked out."""
