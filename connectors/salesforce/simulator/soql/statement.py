"""A query as SQL: what it is about, what must hold, in which order; and its rows."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..answers import CallError
from ..org import Acting, Org
from ..shapes import ObjectShape
from .condition import Sought, Writer
from .operand import Value, is_aggregate, single, value_of
from .plan import Plan
from .scope import Counter, Scope
from .tree import Comparison, Condition, Item, Operand, Path, Query, Several, TypeOf, query_error

FIELDS_LIMIT, FARTHEST, MOST_GROUPS = 200, 2_000, 2_000
MOST_ROWS = 2**31
FILES_BY = {"id", "contentdocumentid", "linkedentityid"}
UNFILTERED = (
    "Implementation restriction: ContentDocumentLink requires a filter by a single Id on ContentDocumentId or "
    "LinkedEntityId using the equals operator or multiple Id's using the IN operator."
)


@dataclass(slots=True)
class Children:
    """A query within SELECT: of each of these records, those that refer to it."""

    name: str
    statement: Statement
    reference: str
    limit: int | None
    texts: dict[str, str] = field(default_factory=dict)

    def fetch(self, ids: str) -> None:
        """ids: of the parents, as a list of JSON."""
        statement, told = self.statement, defaultdict(list)
        for row in statement.run([self.reference, *statement.plan.columns], [f"{self.reference} IN {THESE}"], [ids]):
            told[row[0]].append(statement.plan.root.told(row[1:]))
        self.texts = {key: _page(each[: self.limit]) for key, each in told.items()}


THESE = "(SELECT value FROM json_each(?))"


def _page(rows: Sequence[str]) -> str:
    return f'{{"totalSize":{len(rows)},"done":true,"records":[{",".join(rows)}]}}'


@dataclass(slots=True)
class Statement:
    """where, values, order: SQL of the query, with what stands for each ?. rest: limit and offset."""

    org: Org
    query: Query
    plan: Plan
    where: list[str]
    values: list[Sought]
    order: str
    rest: str
    children: list[Children] = field(default_factory=list)

    def run(self, columns: Sequence[str], more: Sequence[str] = (), values: Sequence[Sought] = ()) -> Iterator[Any]:
        where = " AND ".join([*self.where, *more]) or "1"
        sql = f"SELECT {', '.join(columns)} FROM {self.plan.scope.source} WHERE {where} {self.order}"  # noqa: S608
        return iter(self.org.store.sql.execute(sql, [*self.values, *values]))

    def ids(self) -> list[str]:
        """Of all that it finds, in order."""
        (key, *_) = self.plan.columns
        where = " AND ".join(self.where) or "1"
        sql = f"SELECT {key} FROM {self.plan.scope.source} WHERE {where} {self.order} {self.rest}"  # noqa: S608
        return [row[0] for row in self.org.store.sql.execute(sql, self.values)]

    def rows(self, ids: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        """Of those ids, in their order, as they are now."""
        wanted = json.dumps(ids)
        (key, *_) = self.plan.columns
        sql = f"SELECT {', '.join(self.plan.columns)} FROM {self.plan.scope.source} WHERE {key} IN {THESE}"  # noqa: S608
        found = {row[0]: row for row in self.org.store.sql.execute(sql, [wanted])}
        for each in self.children:
            each.fetch(wanted)
        return (found[each] for each in ids if each in found)

    def told(self, ids: Sequence[str]) -> list[str]:
        """Records as JSON."""
        tell = self.plan.root.told
        return [tell(row) for row in self.rows(ids)]

    def count(self) -> int:
        where = " AND ".join(self.where) or "1"
        sql = f"SELECT 1 FROM {self.plan.scope.source} WHERE {where} {self.rest}"  # noqa: S608
        return int(self.org.store.sql.execute(f"SELECT count(*) FROM ({sql})", self.values).fetchone()[0])  # noqa: S608

    def groups(self) -> list[str]:
        """Rows of a query with aggregates, as JSON."""
        query, scope = self.query, self.plan.scope
        by = [single(scope, each).sql for each in query.group]
        told: list[tuple[str, Value]] = []
        for item in query.items:
            assert isinstance(item, Item)  # noqa: S101 - looked at when it was built
            name = item.alias or (item.operand.names[-1] if isinstance(item.operand, Path) else "")
            name = name or f"expr{sum(each.startswith('expr') for each, _ in told)}"
            told.append((name, value_of(scope, item.operand)))
        where, values = " AND ".join(self.where) or "1", list(self.values)
        having, more = "", list[Sought]()
        if query.having is not None:
            writer = replace(_writer(self.org, self.plan.acting, scope), work_out=value_of)
            having, more = writer.write(query.having)
            having = f"HAVING {having}"
        order = "ORDER BY " + ", ".join(_orders(scope, query)) if query.order else ""
        sql = (
            f"SELECT {', '.join(each.sql for _, each in told)} FROM {scope.source} WHERE {where} "  # noqa: S608
            f"{'GROUP BY ' + ', '.join(by) if by else ''} {having} {order} {self.rest}"
        )
        rows = self.org.store.sql.execute(sql, [*values, *more]).fetchall()
        if len(rows) > MOST_GROUPS:
            said = "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch"
            raise CallError(400, "EXCEEDED_ID_LIMIT", said)
        head = '{"attributes":{"type":"AggregateResult"}'
        return [
            ",".join([head, *(f'"{name}":{value.show(cell)}' for (name, value), cell in zip(told, row, strict=True))])
            + "}"
            for row in rows
        ]


def is_grouped(query: Query) -> bool:
    return bool(query.group) or any(isinstance(each, Item) and is_aggregate(each.operand) for each in query.items)


def built(org: Org, acting: Acting, query: Query, deleted: bool = False) -> Statement:
    """deleted: whether what is in the bin is found too. Raises CallError."""
    shape = org.by_lower.get(query.source.lower())
    if shape is None or not shape.able("queryable"):
        said = (
            f"sObject type '{query.source}' is not supported. If you are attempting to use a custom object, be sure to "
            "append the '__c' after the entity name. Please reference your WSDL or the describe call for the "
            "appropriate names."
        )
        raise query_error("INVALID_TYPE", query.text, query.source_at, said)
    return _built(org, acting, query, Scope(org, shape, query.text, Counter(), query.alias), deleted or query.all_rows)


def _built(org: Org, acting: Acting, query: Query, scope: Scope, deleted: bool) -> Statement:
    if query.fields:
        query = _with_fields(query, scope.shape)
    if query.offset > FARTHEST:
        raise CallError(400, "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000")
    plan, children = Plan(scope, acting), list[Children]()
    if is_grouped(query):
        _check_grouped(query)
    else:
        for item in query.items:
            if isinstance(item, Query):
                children.append(_children(org, acting, item, scope, plan, deleted))
            elif isinstance(item, TypeOf):
                plan.add_type_of(item)
            else:
                plan.add(item)
    where, values = _restrictions(org, acting, query, scope, deleted)
    if query.where is not None:
        sql, more = _writer(org, acting, scope).write(query.where)
        where.append(sql)
        values += more
    orders = [] if is_grouped(query) or query.counts else [*_orders(scope, query), f'{scope.table}."Id"']
    rest = f"LIMIT {-1 if query.limit is None else min(query.limit, MOST_ROWS)} OFFSET {query.offset}"
    order = f"ORDER BY {', '.join(orders)}" if orders else ""
    return Statement(org, query, plan, where, values, order, rest, children)


def _with_fields(query: Query, shape: ObjectShape) -> Query:
    if query.fields not in ("ALL", "STANDARD", "CUSTOM"):
        raise CallError(400, "MALFORMED_QUERY", f"unknown: FIELDS({query.fields})")
    if query.fields != "STANDARD" and (query.limit is None or query.limit > FIELDS_LIMIT):
        raise CallError(400, "MALFORMED_QUERY", "The SOQL FIELDS function must have a LIMIT of at most 200")
    wanted = {"ALL": (True, False), "STANDARD": (False,), "CUSTOM": (True,)}[query.fields]
    customs = {name: name.endswith(("__c", "__s")) for name in shape.fields}
    named = {str(each.operand).lower() for each in query.items if isinstance(each, Item)}
    names = [name for name, custom in customs.items() if custom in wanted and name.lower() not in named]
    return replace(query, items=(*query.items, *(Item(Path((name,))) for name in names)))


def _check_grouped(query: Query) -> None:
    by = {str(each).lower() for each in query.group}
    for item in query.items:
        operand: Operand | None = item.operand if isinstance(item, Item) else None
        if operand is None:
            raise CallError(400, "MALFORMED_QUERY", "Grouped query cannot use child relationships in the SELECT list")
        if isinstance(operand, Path) and str(operand).lower() not in by:
            said = f"Field must be grouped or aggregated: {operand.names[-1]}"
            raise query_error("MALFORMED_QUERY", query.text, operand.at, said)


def _children(org: Org, acting: Acting, query: Query, scope: Scope, plan: Plan, deleted: bool) -> Children:
    found = scope.shape.children.get(query.source.rpartition(".")[2].lower())
    if found is None:
        said = (
            f"Didn't understand relationship '{query.source}' in FROM part of query call. If you are attempting to use "
            "a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference "
            "your WSDL or the describe call for the appropriate names."
        )
        raise query_error("INVALID_TYPE", query.text, query.source_at, said)
    shape, reference = found
    if is_grouped(query) or query.counts:
        raise query_error("MALFORMED_QUERY", query.text, query.source_at, "aggregates have no place in a child query")
    inner = Scope(org, shape, query.text, Counter(scope.counter.made + 100), query.alias)
    statement = _built(org, acting, query, inner, deleted)
    name = next(str(each["childName"]) for each in shape.document["fields"] if each["name"] == reference.name)
    children = Children(name, statement, f'{inner.table}."{reference.name}"', query.limit)
    plan.root.entries[name] = lambda row: children.texts.get(row[0], "null")
    return children


def _writer(org: Org, acting: Acting, scope: Scope) -> Writer:
    def inner(query: Query) -> tuple[str, list[Sought]]:
        shape = org.by_lower.get(query.source.lower())
        (item, *more) = query.items or (None,)
        if shape is None or more or not isinstance(item, Item) or not isinstance(item.operand, Path):
            raise query_error(
                "MALFORMED_QUERY", query.text, query.source_at, "a semi-join selects one field of an object"
            )
        below = Scope(org, shape, query.text, scope.counter, query.alias)
        column = below.column(item.operand).sql
        where, values = _restrictions(org, acting, query, below, False)
        if query.where is not None:
            sql, told = _writer(org, acting, below).write(query.where)
            where.append(sql)
            values += told
        where.append(f"{column} IS NOT NULL")
        return f"SELECT {column} FROM {below.source} WHERE {' AND '.join(where)}", values  # noqa: S608

    return Writer(scope, org.clock.now().date(), inner)


def _orders(scope: Scope, query: Query) -> list[str]:
    told = []
    for each in query.order:
        value = (value_of if is_grouped(query) else single)(scope, each.operand)
        if value.field is not None and not value.field.sortable:
            said = f"field '{value.field.name}' can not be sorted in a query call"
            raise query_error("INVALID_FIELD", query.text, each.operand.at, said)
        nulls = "LAST" if each.nulls_last else "FIRST"
        told.append(f"{value.sql} {'DESC' if each.descending else 'ASC'} NULLS {nulls}")
    return told


def _restrictions(
    org: Org, acting: Acting, query: Query, scope: Scope, deleted: bool
) -> tuple[list[str], list[Sought]]:
    """What holds besides the query: bin, archive, and what the user may see."""
    shape, table = scope.shape, scope.table
    where: list[str] = []
    values: list[Sought] = []
    if not deleted:
        where += [f'{table}."{each}" = 0' for each in ("IsDeleted", "IsArchived") if shape.has(each)]
    if org.settings.view_all_data == "no" and shape.has("OwnerId") and shape.name not in org.seen_whole:
        where.append(f'{table}."OwnerId" = ?')
        values.append(acting.user)
    elif org.settings.query_all_files == "no" and not _filtered_by(query.where, FILES_BY):
        if shape.name in ("ContentVersion", "ContentDocument"):
            where.append(f'{table}."OwnerId" = ?')
            values.append(acting.user)
        if shape.name == "ContentDocumentLink":
            raise query_error("MALFORMED_QUERY", query.text, query.source_at, UNFILTERED)
    return where, values


def _filtered_by(condition: Condition | None, names: set[str]) -> bool:
    if isinstance(condition, Several) and condition.word == "and":
        return any(_filtered_by(each, names) for each in condition.parts)
    return (
        isinstance(condition, Comparison)
        and condition.sign in ("=", "in")
        and isinstance(condition.operand, Path)
        and condition.operand.names[-1].lower() in names
    )
