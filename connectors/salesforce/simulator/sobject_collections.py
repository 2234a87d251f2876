"""Up to 200 records a call, of one object or several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any

from .answers import CallError, Document, Reply, RowError, attributes_of, not_found, said
from .batch import Work, carried_out, parents_of, said_true
from .ids import whole
from .org import Org
from .removing import delete
from .request import Request
from .shapes import ObjectShape
from .soql.statement import built
from .soql.tree import Comparison, Item, Literal, Path, Query
from .writing import external_key, insert, update, upsert

MOST, MOST_RETRIEVED, RUNS = 200, 2000, 10


def _records(request: Request) -> tuple[list[Document], bool]:
    """(records, all or none). Raises CallError."""
    told = request.document()
    records = told.get("records")
    if not isinstance(records, list) or not all(isinstance(each, dict) for each in records):
        raise CallError(400, "INVALID_ARGUMENT", "records: a list of objects is wanted")
    _check_count(len(records))
    return records, said_true(told.get("allOrNone"))


def _check_count(count: int) -> None:
    if count > MOST:
        said_ = f"The maximum number of records allowed is {MOST}, but {count} were sent"
        raise CallError(400, "LIMIT_EXCEEDED", said_)


def _shape_of(org: Org, record: Mapping[str, Any]) -> ObjectShape | None:
    kind = attributes_of(record).get("type")
    return org.by_lower.get(str(kind).lower())


def _told(request: Request, org: Org, records: Sequence[Document], works: Sequence[Work], all_or_none: bool) -> Reply:
    kinds = [str(attributes_of(each).get("type")) for each in records]
    if sum(1 for _ in groupby(kinds)) > RUNS:
        raise CallError(400, "LIMIT_EXCEEDED", f"records of different types come in more than {RUNS} runs")
    parents = parents_of(partial(_shape_of, org), records) if org.weather.locked is not None else None
    return said([each.document() for each in carried_out(org, works, all_or_none, parents)])


def _typed(org: Org, record: Mapping[str, Any]) -> ObjectShape:
    shape = _shape_of(org, record)
    if shape is None:
        kind = attributes_of(record).get("type")
        raise RowError("INVALID_TYPE", f"sObject type '{kind}' is not supported.")
    return shape


def create(org: Org, request: Request) -> Reply:
    records, all_or_none = _records(request)

    def work(record: Document) -> tuple[str, None]:
        return insert(org, request.acting, _typed(org, record), record), None

    return _told(request, org, records, [partial(work, each) for each in records], all_or_none)


def change(org: Org, request: Request) -> Reply:
    records, all_or_none = _records(request)
    ids = [str(each.get("id") or each.get("Id") or "") for each in records]
    _check_twice(ids)

    def work(record: Document, told: str) -> tuple[str, None]:
        shape = _typed(org, record)
        row_id = _id(shape, told)
        values = {name: value for name, value in record.items() if name.lower() != "id"}
        update(org, request.acting, shape, row_id, values)
        return row_id, None

    works = [partial(work, record, told) for record, told in zip(records, ids, strict=True)]
    return _told(request, org, records, works, all_or_none)


def _id(shape: ObjectShape, told: str) -> str:
    if not told:
        raise RowError("MISSING_ARGUMENT", "Id not specified in an update call")
    row_id = whole(told)
    if row_id is None or not row_id.startswith(shape.prefix):
        raise RowError("MALFORMED_ID", f"{shape.document['label']} ID: id value of incorrect type: {told}", ["Id"])
    return row_id


def _check_twice(ids: Sequence[str]) -> None:
    wholes = [whole(each) or each for each in ids if each]
    if len(set(wholes)) < len(wholes):
        raise CallError(400, "DUPLICATE_VALUE", "Duplicate id specified")


def put(org: Org, request: Request) -> Reply:
    """By an external id."""
    shape = org.shape(request.path[2])
    key = external_key(shape, request.path[3])
    records, all_or_none = _records(request)
    sought = [_key_of(each, key.name) for each in records]
    told = Counter(str(each) if key.exact else str(each).lower() for each in sought if each is not None)
    twice = {each for each, times in told.items() if times > 1}

    def work(record: Document, value: object) -> tuple[str, bool]:
        if value is None and key.name != "Id":
            raise RowError("MISSING_ARGUMENT", f"{key.name} not specified", [key.name])
        if (str(value) if key.exact else str(value).lower()) in twice:
            raise RowError("DUPLICATE_VALUE", f"Duplicate external id specified: {value}", [key.name])
        values = {name: each for name, each in record.items() if name.lower() != key.name.lower()}
        return upsert(org, request.acting, shape, key, value, values)

    works = [partial(work, record, value) for record, value in zip(records, sought, strict=True)]
    return _told(request, org, records, works, all_or_none)


def _key_of(record: Mapping[str, Any], name: str) -> Any:
    return record.get(name, next((each for key, each in record.items() if key.lower() == name.lower()), None))


def remove(org: Org, request: Request) -> Reply:
    ids = [each.strip() for each in request.asked.get("ids", "").split(",") if each.strip()]
    _check_count(len(ids))
    _check_twice(ids)

    def work(told: str) -> tuple[str, None]:
        shape = org.by_prefix.get(told[:3])
        if shape is None:
            raise RowError("MALFORMED_ID", f"malformed id {told}")
        row_id = _id(shape, told)
        delete(org, request.acting, shape, row_id)
        return row_id, None

    done = carried_out(org, [partial(work, each) for each in ids], said_true(request.asked.get("allOrNone")))
    return said([each.document() for each in done])


def retrieve(org: Org, request: Request) -> Reply:
    """Records by ids, each in its place, null where there is none."""
    shape = org.shape(request.path[2])
    if request.method == "POST":
        told = request.document()
        ids, fields = told.get("ids"), told.get("fields")
    else:
        ids, fields = (request.asked.get(each, "").split(",") for each in ("ids", "fields"))
    if not isinstance(ids, list) or not isinstance(fields, list) or not ids or not all(fields):
        raise CallError(400, "MISSING_ARGUMENT", "ids and fields are wanted")
    if len(ids) > MOST_RETRIEVED:
        raise CallError(400, "LIMIT_EXCEEDED", f"more than {MOST_RETRIEVED} ids")
    wanted = [whole(str(each)) or str(each) for each in ids]
    items = tuple(Item(Path(tuple(each.strip().split(".")))) for each in dict.fromkeys(map(str, fields)))
    known = [each for each in dict.fromkeys(wanted) if whole(each) and each.startswith(shape.prefix)]
    if not known:
        raise not_found()
    where = Comparison(Path(("Id",)), "in", tuple(Literal("string", each) for each in known))
    statement = built(org, request.acting, Query("", items, shape.name, 0, where=where))
    there = statement.ids()
    found = dict(zip(there, statement.told(there), strict=True))
    return Reply(f"[{','.join(found.get(each, 'null') for each in wanted)}]".encode())
