"""What was written and what was deleted in a span of time."""

from __future__ import annotations

import datetime as dt

from .answers import CallError, Reply, said
from .org import Org
from .request import Request
from .shapes import ObjectShape
from .values import instant, kept_instant

MOST, UPDATED_DAYS, DELETED_DAYS = 600_000, 30, 15


def _span(org: Org, request: Request, days: int) -> tuple[ObjectShape, str, str]:
    """(object, from when, until when); seconds do not count. Raises CallError."""
    shape = org.shape(request.path[1])
    if not shape.able("replicateable"):
        raise CallError(400, "INVALID_TYPE_FOR_OPERATION", f"entity type {shape.name} cannot be replicated")
    try:
        start, end = (instant(request.asked[each].replace(" ", "+"))[:16] + ":00.000" for each in ("start", "end"))
    except (KeyError, ValueError, OverflowError) as error:
        raise CallError(400, "INVALID_REPLICATION_DATE", "start and end are wanted, with their zones") from error
    if start >= end:
        raise CallError(400, "INVALID_REPLICATION_DATE", "startDate must be at least one minute before endDate")
    if start < org.ago(days=days):
        raise CallError(400, "INVALID_REPLICATION_DATE", f"startDate cannot be more than {days} days ago")
    return shape, start, end


def _covered(org: Org, end: str) -> str:
    """Up to when all is told: not behind what is still under way."""
    behind = kept_instant(org.clock.now() - dt.timedelta(seconds=org.settings.replication_lag))
    return f"{min([end, behind, *org.late])}+0000"


def updated(org: Org, request: Request) -> Reply:
    shape, start, end = _span(org, request, UPDATED_DAYS)
    where = '"SystemModstamp" >= ? AND "SystemModstamp" < ?' + (
        ' AND "IsDeleted" = 0' if shape.has("IsDeleted") else ""
    )
    ids = org.store.column(shape.name, "Id", f'{where} ORDER BY "Id" LIMIT {MOST + 1}', [start, end])
    if len(ids) > MOST:
        raise CallError(400, "EXCEEDED_ID_LIMIT", f"more than {MOST} ids")
    return said({"ids": ids, "latestDateCovered": _covered(org, end)})


def deleted(org: Org, request: Request) -> Reply:
    shape, start, end = _span(org, request, DELETED_DAYS)
    rows = [{"id": row_id, "deletedDate": f"{at}+0000"} for row_id, at in org.store.gone(shape.name, start, end)]
    return said(
        {
            "deletedRecords": rows,
            "earliestDateAvailable": f"{org.ago(days=DELETED_DAYS)}+0000",
            "latestDateCovered": _covered(org, end),
        }
    )
