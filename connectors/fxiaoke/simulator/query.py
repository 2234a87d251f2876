"""What callers ask for: filters that must all hold, orders, pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...simulating.tables import Stored
from .answers import OUT_OF_RANGE, Document, RefusedError, as_map, bad_parameter, missing, well
from .rows import Shown
from .shape import LISTS, FieldShape, Kind, ObjectShape
from .store import VISIBLE
from .tenant import Call, Tenant

PAGE, FARTHEST = 100, 10_000
Part = tuple[str, list[Stored]]


def query(tenant: Tenant, call: Call) -> Document:
    """A page of rows; `total` only where it is asked for."""
    data = call.data
    shape, info = _asked(tenant, call)
    limit, offset = _page(tenant, info)
    where, values = condition(tenant, call, shape, info.get("filters"))
    total = tenant.store.count(shape.name, where, values) if _total_wanted(tenant, data) else None
    rows = tenant.store.rows(shape.name, where, [*values, limit, offset], f"{_order(shape, info)} LIMIT ? OFFSET ?")
    projection = info.get("fieldProjection") or data.get("field_projection") or ()
    shown = Shown(tenant, call, shape, projection, total).all(rows)
    return well(data={"dataList": shown, "total": total or 0, "offset": offset, "limit": limit})


def find_one(tenant: Tenant, call: Call) -> Document:
    """The first row that fits; without one `data` is empty."""
    shape, info = _asked(tenant, call)
    where, values = condition(tenant, call, shape, info.get("filters"))
    rows = tenant.store.rows(shape.name, where, values, f"{_order(shape, info)} LIMIT 1")
    projection = call.data.get("field_projection") or info.get("fieldProjection") or ()
    found = Shown(tenant, call, shape, projection).all(rows)
    return well(data={"objectData": found[0]} if found else {})


def get(tenant: Tenant, call: Call) -> Document:
    shape = tenant.shape(call.data.get("dataObjectApiName"), call)
    row = tenant.row(shape, call.data.get("objectDataId"), call)
    return well(data=Shown(tenant, call, shape).all([row])[0])


def _asked(tenant: Tenant, call: Call) -> tuple[ObjectShape, Document]:
    info = as_map(call.data.get("search_query_info"))
    if info is None:
        raise missing("search_query_info")
    return tenant.shape(call.data.get("dataObjectApiName"), call), info


def _total_wanted(tenant: Tenant, data: Document) -> bool:
    told = data.get("find_explicit_total_num")
    return tenant.settings.total == "always" if told is None else told is True


def _page(tenant: Tenant, info: Document) -> tuple[int, int]:
    limit, offset = info.get("limit"), info.get("offset", 0)
    if type(limit) is not int or limit < 1:
        raise missing("limit")
    if type(offset) is not int or offset < 0:
        raise missing("offset")
    if offset > FARTHEST:
        raise RefusedError(OUT_OF_RANGE, "offset out of range 10000", "offset 不能超过10000")
    if limit > PAGE and tenant.settings.limit_over_100 == "refused":
        raise bad_parameter(f"limit is over {PAGE}")
    if limit > PAGE and tenant.settings.limit_over_100 == "cut":
        limit = PAGE
    if offset % limit and tenant.settings.odd_offset == "refused":
        raise bad_parameter("offset is no multiple of limit")
    return limit, offset


def _order(shape: ObjectShape, info: Document) -> str:
    told = []
    for each in info.get("orders") or ():
        field = _field(shape, each.get("fieldName") if isinstance(each, dict) else None)
        told.append(f"{_column(field)} {'ASC' if each.get('isAsc') is True else 'DESC'}")
    return "ORDER BY " + ", ".join([*told, '"_id" ASC'])


def _field(shape: ObjectShape, name: object) -> FieldShape:
    field = shape.fields.get(name) if isinstance(name, str) else None
    if field is None:
        raise bad_parameter(f"no such field: {name}")
    return field


def _column(field: FieldShape) -> str:
    return f'CAST("{field.name}" AS REAL)' if field.kind is Kind.NUMBER else f'"{field.name}"'


# Filters


def condition(tenant: Tenant, call: Call, shape: ObjectShape, filters: object) -> tuple[str, list[Stored]]:
    """SQL and its values. Raises RefusedError for a filter that makes no sense."""
    parts: list[Part] = []
    if tenant.settings.index_lag:
        parts.append((f'"{VISIBLE}" <= ?', [tenant.now()]))
    if tenant.settings.invalid_rows == "hidden":
        parts.append(("\"life_status\" <> 'invalid'", []))
    if tenant.settings.data_scope == "own":
        told = f'%"{call.who.id}"%'
        parts.append(('("owner" LIKE ? OR "relevant_team" LIKE ?)', [told, told]))
    if not isinstance(filters or [], list):
        raise missing("filters")
    parts += [_filter(tenant, call, shape, each) for each in filters or ()]  # type: ignore[attr-defined]
    return " AND ".join([sql for sql, _ in parts] or ["1"]), [value for _, values in parts for value in values]


def _filter(tenant: Tenant, call: Call, shape: ObjectShape, told: object) -> Part:
    if not isinstance(told, dict) or not isinstance(told.get("field_values", []), list):
        raise missing("field_values")
    field = _field(shape, told.get("field_name"))
    write = OPERATORS.get(str(told.get("operator")))
    if write is None:
        raise bad_parameter(f"no such operator: {told.get('operator')}")
    values = [_sought(tenant, call, field, each) for each in told.get("field_values", ())]
    return write(field, _column(field), values)


def _sought(tenant: Tenant, call: Call, field: FieldShape, value: Any) -> Stored:
    """A filter's value in the form that rows keep."""
    try:
        match field.kind:
            case Kind.TIME:
                return int(value)
            case Kind.NUMBER:
                return float(value)  # type: ignore[return-value]  # beside a column read as a number
            case Kind.BOOLEAN:
                return {"true": 1, "false": 0}[str(value).lower()]
            case Kind.PEOPLE | Kind.PERSON:
                return tenant.person(value, call.open_ids).id
    except (ValueError, TypeError, KeyError) as error:
        raise bad_parameter(f"no value of {field.name}") from error
    if not isinstance(value, str | int | float):
        raise bad_parameter(f"no value of {field.name}")
    return str(value)


def _single(sign: str, nulls: bool = False) -> Callable[[FieldShape, str, list[Stored]], Part]:
    def write(field: FieldShape, column: str, values: list[Stored]) -> Part:
        _wanted(field, values, 1)
        if field.kind in LISTS:
            sql = f"{'' if sign == '=' else 'NOT '}{_among(field, values)}"
            if sign not in ("=", "<>"):
                raise bad_parameter(f"{field.name} is a list")
        else:
            sql = f"{column} {sign} ?"
        return (f"({sql} OR {column} IS NULL)" if nulls else sql), values

    return write


def _wanted(field: FieldShape, values: Sequence[Stored], count: int) -> None:
    if len(values) != count:
        raise bad_parameter(f"{field.name}: {count} values wanted")


def _among(field: FieldShape, values: Sequence[Stored]) -> str:
    marks = ", ".join("?" * len(values))
    if field.kind in LISTS:
        return f'EXISTS (SELECT 1 FROM json_each("{field.name}") WHERE value IN ({marks}))'  # noqa: S608
    return f"{_column(field)} IN ({marks})"


def _in(inverted: bool) -> Callable[[FieldShape, str, list[Stored]], Part]:
    def write(field: FieldShape, column: str, values: list[Stored]) -> Part:
        if not values:
            raise missing("field_values")
        sql = _among(field, values)
        return (f"({column} IS NOT NULL AND NOT {sql})" if inverted else sql), values

    return write


def _contains(field: FieldShape, column: str, values: list[Stored]) -> Part:
    _wanted(field, values, 1)
    if field.kind not in LISTS:
        raise bad_parameter(f"{field.name} is no list")
    return _among(field, values), values


def _between(inverted: bool) -> Callable[[FieldShape, str, list[Stored]], Part]:
    def write(field: FieldShape, column: str, values: list[Stored]) -> Part:
        _wanted(field, values, 2)
        return f"{column} {'NOT ' if inverted else ''}BETWEEN ? AND ?", values

    return write


def _like(pattern: str) -> Callable[[FieldShape, str, list[Stored]], Part]:
    def write(field: FieldShape, column: str, values: list[Stored]) -> Part:
        _wanted(field, values, 1)
        return pattern.format(column=f'"{field.name}"'), values * pattern.count("?")

    return write


def _empty(told: str) -> Callable[[FieldShape, str, list[Stored]], Part]:
    return lambda field, column, values: (f'"{field.name}" {told}', [])


OPERATORS: Mapping[str, Callable[[FieldShape, str, list[Stored]], Part]] = {
    "EQ": _single("="),
    "N": _single("<>", nulls=True),
    "GT": _single(">"),
    "GTE": _single(">="),
    "LT": _single("<"),
    "LTE": _single("<="),
    "LIKE": _like("instr({column}, ?) > 0"),
    "NLIKE": _like("instr({column}, ?) = 0"),
    "IS": _empty("IS NULL"),
    "ISN": _empty("IS NOT NULL"),
    "IN": _in(inverted=False),
    "NIN": _in(inverted=True),
    "BETWEEN": _between(inverted=False),
    "NBETWEEN": _between(inverted=True),
    "STARTWITH": _like("substr({column}, 1, length(?)) = ?"),
    "ENDWITH": _like("substr({column}, -length(?)) = ?"),
    "CONTAINS": _contains,
    "HASANYOF": _in(inverted=False),
    "NHASANYOF": _in(inverted=True),
}
