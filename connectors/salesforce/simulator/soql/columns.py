"""What a query's columns are like, without its rows: of records that are referred to and of children, columns within
columns. Clients that draw tables ask for it."""

from __future__ import annotations

from ..answers import Document
from ..org import Org
from ..shapes import FieldShape, ObjectShape
from .statement import Statement, is_grouped
from .tree import Call, Item, Operand, Path, Query, TypeOf

NUMBERS = frozenset({"int", "long", "double", "currency", "percent"})
TEXTS = frozenset({"string", "textarea", "picklist", "multipicklist", "email", "phone", "url", "combobox"})


def columns_of(statement: Statement) -> Document:
    shape, query = statement.plan.scope.shape, statement.query
    names = [statement.plan.scope.names(each.operand) for each in _items(query) if isinstance(each.operand, Path)]
    return {
        "columnMetadata": _columns(statement.org, statement, query),
        "entityName": shape.name,
        "groupBy": bool(query.group),
        "idSelected": any(len(each) == 1 and each[0].lower() == "id" for each in names),
        "keyPrefix": shape.prefix,
    }


def _items(query: Query) -> list[Item]:
    return [each for each in query.items if isinstance(each, Item)]


def _columns(org: Org, statement: Statement, query: Query) -> list[Document]:
    told: list[Document] = []
    children = iter(statement.children)
    worked_out = 0
    for item in query.items:
        if isinstance(item, Query):
            child = next(children)
            told.append(_column(child.name, within=_columns(org, child.statement, child.statement.query), several=True))
        elif isinstance(item, TypeOf):
            told.append(_column(item.path.names[-1]))
        elif isinstance(item.operand, Call):
            name = item.alias or (f"expr{worked_out}" if is_grouped(query) else item.operand.name)
            worked_out += not item.alias
            told.append(_column(name, shown=_written(item.operand), several=True))
        else:
            _put_in(org, told, statement.plan.scope.shape, statement.plan.scope.names(item.operand), item.alias)
    return told


def _written(operand: Operand) -> str:
    if isinstance(operand, Path):
        return str(operand)
    return f"{operand.name}({'' if operand.argument is None else _written(operand.argument)})"


def _put_in(org: Org, told: list[Document], shape: ObjectShape | None, names: tuple[str, ...], alias: str = "") -> None:
    """A field; one of a record that is referred to goes into that one's column, of which there is but one."""
    first, rest = names[0], names[1:]
    if not rest:
        found = shape.by_name.get(first.lower()) if shape is not None else None
        told.append(_column(alias or (found.name if found is not None else first), found))
        return
    reference = shape.relationships.get(first.lower()) if shape is not None else None
    name = reference.relationship if reference is not None else first
    column = next((each for each in told if each["columnName"] == name and not each["aggregate"]), None)
    if column is None:
        column = _column(name, within=[], key=reference.name if reference is not None else None)
        told.append(column)
    one = reference is not None and not reference.polymorphic
    target = org.shapes.get(reference.targets[0]) if reference is not None and one else None
    _put_in(org, column["joinColumns"], target, rest)


def _column(
    name: str,
    found: FieldShape | None = None,
    *,
    within: list[Document] | None = None,
    several: bool = False,
    shown: str = "",
    key: str | None = None,
) -> Document:
    """several: of children, or worked out of several records."""
    kind = found.type if found is not None else None
    return {
        "aggregate": several,
        "apexType": None if kind is None else kind.capitalize(),
        "booleanType": kind == "boolean",
        "columnName": name,
        "custom": name.endswith(("__c", "__r")),
        "displayName": shown or name,
        "foreignKeyName": key,
        "insertable": found is not None and found.createable,
        "joinColumns": [] if within is None else within,
        "numberType": kind in NUMBERS,
        "textType": kind in TEXTS,
        "updatable": found is not None and found.updateable,
    }
