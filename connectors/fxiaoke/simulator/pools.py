"""公海 and 线索池: rows that nobody owns, taken out of a pool and given back."""

from __future__ import annotations

from collections.abc import Iterator

from ...simulating.tables import Row
from .answers import Document, RefusedError, bad_parameter, missing, texts_of, well
from .life import give
from .records import POOLS
from .shape import ObjectShape
from .tenant import Call, Tenant

REASONS = ("0", "1", "2", "other")


def choose(tenant: Tenant, call: Call) -> Document:
    """Rows of a pool that become the acting employee's."""
    with tenant.store.whole():
        for shape, row in _rows(tenant, call, "objectIds"):
            if row["owner"] is not None or row[POOLS[shape.name]] is None:
                raise RefusedError(tenant.settings.validation_code, "the data is in no pool")
            give(tenant, call, shape, row, call.who.id)
    return well()


def give_back(tenant: Tenant, call: Call) -> Document:
    """Rows that go into a pool and lose their owner."""
    reason = call.data.get("backReason")
    if reason not in REASONS:
        raise missing("backReason")
    with tenant.store.whole():
        for shape, row in _rows(tenant, call, "objectIds"):
            pool = _pool(tenant, call, shape)
            give(tenant, call, shape, row, None, **{POOLS[shape.name]: pool, "back_reason": reason})
    return well()


def remove(tenant: Tenant, call: Call) -> Document:
    """Rows that leave the pool, with the owner that they have or another one."""
    keeps, owner = call.data.get("isKeepOwner"), call.data.get("owner")
    if not isinstance(keeps, bool):
        raise missing("isKeepOwner")
    with tenant.store.whole():
        for shape, row in _rows(tenant, call, "objectIDs"):
            if row[POOLS[shape.name]] != _pool(tenant, call, shape):
                raise RefusedError(tenant.settings.validation_code, "the data is not in this pool")
            new = None if owner is None else tenant.person(owner, call.open_ids).id
            kept = row["owner"] if keeps else None
            employee = str(kept).strip('[]"') if kept is not None else new
            give(tenant, call, shape, row, employee, **{POOLS[shape.name]: None})
    return well()


def _rows(tenant: Tenant, call: Call, key: str) -> Iterator[tuple[ObjectShape, Row]]:
    name, ids = call.data.get("apiName"), texts_of(call.data.get(key))
    if name not in POOLS:
        raise bad_parameter(f"{name} has no pools")
    if not ids:
        raise missing(key)
    shape = tenant.shapes[name]
    return ((shape, tenant.row(shape, each, call)) for each in ids)


def _pool(tenant: Tenant, call: Call, shape: ObjectShape) -> str:
    pool = call.data.get("objectPoolId")
    target = shape.fields[POOLS[shape.name]].target
    if not isinstance(pool, str) or target is None or tenant.store.get(target, pool) is None:
        raise missing("objectPoolId")
    return pool
