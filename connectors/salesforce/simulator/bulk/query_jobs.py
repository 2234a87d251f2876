"""Jobs that query: results by pages, which can be had again as long as the job is there."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..answers import CSV, CallError, Document, Reply, said
from ..limits import Limits
from ..org import Org
from ..request import Request
from ..soql.parse import parsed
from ..soql.statement import Statement, built, is_grouped
from ..soql.tree import Item, Query
from .job import Job, Jobs, invalid_state, supported

PAGES_AT_ONCE, PAGES_SINCE = 5, 58


@dataclass(slots=True)
class QueryJobs:
    jobs: Jobs
    limits: Limits
    statements: dict[str, Statement] = field(default_factory=dict)

    def create(self, org: Org, request: Request) -> Reply:
        told = request.document()
        text, operation = str(told.get("query") or ""), told.get("operation", "query")
        if operation not in ("query", "queryAll"):
            raise CallError(400, "INVALIDREQUEST", f"operation {operation} is not known")
        query = parsed(text)
        statement = self._built(org, request, query, operation == "queryAll")
        self.limits.spend("bulk_query_jobs")
        own: Document = {
            "operation": operation,
            "object": statement.plan.scope.shape.name,
            "query": text,
            "columnDelimiter": told.get("columnDelimiter"),
            "lineEnding": told.get("lineEnding"),
            "contentType": told.get("contentType", "CSV"),
        }
        job = self.jobs.new(request, own, "UploadComplete")
        job.rows = statement.ids()
        job.processed = len(job.rows)
        if org.weather.failed:
            job.ends_as, job.error = "Failed", "InternalServerError : an unexpected error"
        self.statements[job.id] = statement
        return said(job.document())

    def _built(self, org: Org, request: Request, query: Query, deleted: bool) -> Statement:
        if is_grouped(query) or query.counts or query.offset or not all(isinstance(each, Item) for each in query.items):
            what = "aggregates, GROUP BY, OFFSET, TYPEOF and queries within SELECT"
            raise CallError(400, "FUNCTIONALITY_NOT_ENABLED", f"Bulk query does not support {what}")
        statement = built(org, request.acting, query, deleted)
        supported(statement.plan.scope.shape.name)
        statement.plan.refuse_in_bulk()
        return statement

    def change(self, org: Org, request: Request) -> Reply:
        job = self.jobs.of(request)
        if request.document().get("state") != "Aborted":
            raise CallError(400, "INVALIDREQUEST", "state: Aborted")
        return self.jobs.abort(job)

    def _ready(self, request: Request) -> Job:
        job = self.jobs.of(request)
        if job.version != request.acting.version:
            said_ = f"the job was made with version {job.version}.0"
            raise CallError(409, "API_VERSION_MISMATCH", said_)
        if job.state != "JobComplete":
            raise invalid_state(f"results are not there yet: the job is {job.state}")
        return job

    def results(self, org: Org, request: Request) -> Reply:
        job = self._ready(request)
        start = _offset(request.asked.get("locator", ""))
        most = request.asked.get("maxRecords", "")
        count = int(most) if most.isdigit() and int(most) > 0 else org.settings.bulk_page_rows
        if start > len(job.rows):
            raise CallError(400, "INVALID_QUERY_LOCATOR", "invalid locator")
        end = start + count
        statement = self.statements[job.id]
        rows = list(statement.rows(job.rows[start:end]))
        lines = [statement.plan.header(job.delimiter), *(statement.plan.line(row, job.delimiter) for row in rows)]
        headers = {
            "Sforce-NumberOfRecords": str(len(rows)),
            "Sforce-Locator": _locator(end) if end < len(job.rows) else "null",
        }
        return Reply(job.ending.join([*lines, ""]).encode(), type=CSV, headers=headers)

    def pages(self, org: Org, request: Request) -> Reply:
        """Where the next few pages are, to be fetched side by side."""
        job = self._ready(request)
        if request.acting.version < PAGES_SINCE:
            raise CallError(404, "NOT_FOUND", "The requested resource does not exist")
        start, step = _offset(request.asked.get("locator", "")), org.settings.bulk_page_rows
        starts: Sequence[int] = range(start, max(len(job.rows), 1), step)
        own = f"{request.acting.base}/jobs/query/{job.id}"
        pages = [{"resultUrl": f"{own}/results?locator={_locator(each)}"} for each in starts[:PAGES_AT_ONCE]]
        rest = starts[PAGES_AT_ONCE:]
        more = f"{own}/resultPages?locator={_locator(rest[0])}" if rest else None
        return said({"resultPages": pages, "nextRecordsUrl": more, "done": more is None})


def _locator(start: int) -> str:
    return base64.urlsafe_b64encode(str(start).encode()).decode().rstrip("=")


def _offset(locator: str) -> int:
    if locator in ("", "null"):
        return 0
    try:
        return int(base64.urlsafe_b64decode(locator + "=" * (-len(locator) % 4)))
    except (binascii.Error, ValueError) as error:
        raise CallError(400, "INVALID_QUERY_LOCATOR", "invalid locator") from error
