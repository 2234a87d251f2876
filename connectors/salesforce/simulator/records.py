"""One record a call."""

from __future__ import annotations

import datetime as dt
from email.utils import parsedate_to_datetime

from .answers import CallError, Reply, RowError, done, not_found, said
from .ids import whole
from .org import Org
from .removing import delete
from .request import Request
from .shapes import FieldShape, ObjectShape
from .soql.statement import built
from .soql.tree import Comparison, Item, Literal, Path, Query
from .values import kept_instant
from .writing import by_external, external_key, found, insert, update, upsert


def create(org: Org, request: Request) -> Reply:
    shape, record = org.shape(request.path[1]), request.document()
    with org.store.whole():
        row_id = insert(org, request.acting, shape, record)
    told = {"id": row_id, "success": True, "errors": []}
    return said(told, 201, {"Location": f"{request.acting.base}/sobjects/{shape.name}/{row_id}"})


def _named(org: Org, request: Request) -> tuple[ObjectShape, str]:
    """(object, id) of a path. Raises CallError."""
    shape = org.shape(request.path[1])
    row_id = whole(request.path[2])
    if row_id is None or not row_id.startswith(shape.prefix):
        raise not_found("Provided external ID field does not exist or is not accessible: " + request.path[2])
    return shape, row_id


def get(org: Org, request: Request) -> Reply:
    return _one(org, request, *_named(org, request))


def change(org: Org, request: Request) -> Reply:
    shape, row_id = _named(org, request)
    record = request.document()
    if any(each.lower() == "id" for each in record):
        said_ = "The Id field should not be specified in the sobject data."
        raise CallError(400, "INVALID_FIELD", said_)
    _there(org, request, shape, row_id)
    _check_unmodified(org, request, shape, row_id)
    with org.store.whole():
        update(org, request.acting, shape, row_id, record)
    return done()


def remove(org: Org, request: Request) -> Reply:
    shape, row_id = _named(org, request)
    _there(org, request, shape, row_id)
    with org.store.whole():
        delete(org, request.acting, shape, row_id)
    return done()


def _there(org: Org, request: Request, shape: ObjectShape, row_id: str) -> None:
    try:
        found(org, request.acting, shape, row_id)
    except RowError as error:
        if error.code == "INVALID_CROSS_REFERENCE_KEY":
            raise not_found() from error
        raise


def _check_unmodified(org: Org, request: Request, shape: ObjectShape, row_id: str) -> None:
    since = request.headers.get("if-unmodified-since")
    if since is None or not shape.has("LastModifiedDate"):
        return
    try:
        allowed = kept_instant(parsedate_to_datetime(since).astimezone(dt.UTC))
    except ValueError:
        return
    (changed,) = org.store.column(shape.name, "LastModifiedDate", '"Id" = ?', [row_id])
    if changed > allowed:
        raise CallError(412, "PRECONDITION_FAILED", "One or more conditions provided in request failed")


# By an external id


def _external(org: Org, request: Request) -> tuple[ObjectShape, FieldShape, str]:
    shape = org.shape(request.path[1])
    return shape, external_key(shape, request.path[2]), request.path[3]


def _several(request: Request, shape: ObjectShape, ids: list[str]) -> Reply:
    return said([f"{request.acting.base}/sobjects/{shape.name}/{each}" for each in ids], 300)


def get_by(org: Org, request: Request) -> Reply:
    shape, key, value = _external(org, request)
    ids = by_external(org, shape, key, value)
    if not ids:
        raise not_found()
    return _one(org, request, shape, ids[0]) if len(ids) == 1 else _several(request, shape, ids)


def put_by(org: Org, request: Request) -> Reply:
    """Made or changed."""
    shape, key, value = _external(org, request)
    record = request.document()
    if any(each.lower() == key.name.lower() for each in record):
        said_ = f"The {key.name} field should not be specified in the sobject data."
        raise CallError(400, "INVALID_FIELD", said_)
    ids = by_external(org, shape, key, value)
    if len(ids) > 1:
        return _several(request, shape, ids)
    update_only = request.asked.get("updateOnly", "").lower() == "true"
    with org.store.whole():
        row_id, created = upsert(org, request.acting, shape, key, value, record, update_only)
    told = {"id": row_id, "success": True, "errors": [], "created": created}
    return said(told, 201 if created else 200)


def remove_by(org: Org, request: Request) -> Reply:
    shape, key, value = _external(org, request)
    ids = by_external(org, shape, key, value)
    if not ids:
        raise not_found()
    if len(ids) > 1:
        return _several(request, shape, ids)
    with org.store.whole():
        delete(org, request.acting, shape, ids[0])
    return done()


def _one(org: Org, request: Request, shape: ObjectShape, row_id: str) -> Reply:
    """The record, with the fields that are asked for or all."""
    wanted = [each.strip() for each in request.asked.get("fields", "").split(",") if each.strip()] or list(shape.fields)
    items = tuple(Item(Path(tuple(each.split(".")))) for each in dict.fromkeys(wanted))
    where = Comparison(Path(("Id",)), "=", (Literal("string", row_id),))
    statement = built(org, request.acting, Query("", items, shape.name, 0, where=where))
    told = statement.told(statement.ids())
    if not told:
        row = org.store.get(shape.name, row_id)
        if row is not None and row.get("IsDeleted"):
            raise RowError("ENTITY_IS_DELETED", "entity is deleted", (), 404)
        raise not_found()
    return Reply(told[0].encode())
