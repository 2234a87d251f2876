"""Jobs that write: one upload, then each row by itself, and three lists of what became of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ....simulating.form import parts_of
from ..answers import CSV, CallError, Document, Reply, RowError, said, unreadable
from ..batch import Done, carried_out, parents_of
from ..limits import Limits
from ..org import Org
from ..request import Request
from ..shapes import ObjectShape
from ..shown import quoted
from ..writing import external_key
from .content import Content, ContentError, columns, read_content, record_of
from .job import Job, Jobs, invalid_state, supported
from .row_verb import guarded, verb_of

BATCH, BIGGEST = 10_000, 100_000_000
OPERATIONS = {"insert": "createable", "update": "updateable", "upsert": "createable", "delete": "deletable"}
OPERATIONS["hardDelete"] = "deletable"


@dataclass(slots=True)
class Results:
    """What became of each row, in the order in which it is told."""

    header: list[str]
    good: list[tuple[list[str], Done]] = field(default_factory=list)
    bad: list[tuple[list[str], Done]] = field(default_factory=list)
    rest: list[list[str]] = field(default_factory=list)


@dataclass(slots=True)
class IngestJobs:
    jobs: Jobs
    limits: Limits
    bodies: dict[str, bytes] = field(default_factory=dict)
    results: dict[str, Results] = field(default_factory=dict)

    def create(self, org: Org, request: Request) -> Reply:
        """By a document, or by a form that holds the content too."""
        body: bytes | None = None
        if request.headers.get("content-type", "").startswith("multipart/form-data"):
            told, body = _form(request)
        else:
            told = request.document()
        job = self._new(org, request, told)
        if body is not None:
            self.bodies[job.id] = body
            self._close(org, request, job)
        return said(job.document())

    def _new(self, org: Org, request: Request, told: Document) -> Job:
        operation, name = str(told.get("operation")), str(told.get("object"))
        shape = org.by_lower.get(name.lower())
        if operation not in OPERATIONS:
            raise CallError(400, "INVALIDREQUEST", f"operation {operation} is not known")
        if shape is None:
            raise CallError(400, "INVALIDENTITY", f"Entity '{name}' is not known")
        supported(shape.name)
        if operation == "hardDelete" and org.settings.hard_delete == "no":
            said_ = "hardDelete operation requires special user profile permission"
            raise CallError(400, "FEATURENOTENABLED", said_)
        if operation == "upsert":
            external_key(shape, str(told.get("externalIdFieldName") or ""))
        try:
            org.writable(shape, OPERATIONS[operation])
        except RowError as error:
            raise CallError(400, "INVALIDENTITY", error.message) from error
        names = ("operation", "externalIdFieldName", "columnDelimiter", "lineEnding", "contentType", "assignmentRuleId")
        own = {each: told[each] for each in names if told.get(each) is not None}
        job = self.jobs.new(request, {"object": shape.name, **own}, "Open")
        job.told["contentUrl"] = f"{request.acting.base.lstrip('/')}/jobs/ingest/{job.id}/batches"
        return job

    def upload(self, org: Org, request: Request) -> Reply:
        job = self.jobs.of(request)
        if job.state != "Open":
            raise invalid_state(f"nothing can be uploaded: the job is {job.state}")
        if job.id in self.bodies:
            said_ = (
                f"Found multiple contents for job: <{job.id}>, please make sure you only do 'PUT' once on a given Job."
            )
            raise CallError(400, "INVALIDREQUEST", said_)
        if len(request.body) > BIGGEST:
            raise CallError(413, "INVALIDREQUEST", "the content is bigger than 100 MB")
        self.bodies[job.id] = request.body
        return Reply(status=201)

    def change(self, org: Org, request: Request) -> Reply:
        job, state = self.jobs.of(request), request.document().get("state")
        if state == "Aborted":
            return self.jobs.abort(job)
        if state != "UploadComplete":
            raise CallError(400, "INVALIDREQUEST", "state: UploadComplete or Aborted")
        if job.state != "Open":
            raise invalid_state(f"the job is {job.state}")
        self._close(org, request, job)
        return said(job.document())

    def _close(self, org: Org, request: Request, job: Job) -> None:
        """From here on rows are written; when it is told that they are, is another matter."""
        job.state = "UploadComplete"
        try:
            content = read_content(self.bodies.pop(job.id, b""), job.delimiter, job.ending)
            self.results[job.id] = self._carry_out(org, request, job, content)
        except ContentError as error:
            job.ends_as, job.error = "Failed", str(error)
            self.results[job.id] = Results([])

    def _carry_out(self, org: Org, request: Request, job: Job, content: Content) -> Results:
        shape, results = org.shapes[job.told["object"]], Results(content.header)
        works = _works(org, request, job, shape, content)
        rows = content.rows
        if org.weather.failed:
            half = len(rows) // 2
            rows, works, results.rest = rows[:half], works[:half], rows[half:]
            job.ends_as, job.error = "Failed", "InternalServerError : an unexpected error"
        self.limits.spend("bulk_batches", -(-len(rows) // BATCH) or 1)
        self.limits.spend("bulk_records", len(rows))
        parents = None
        if org.weather.locked is not None:
            records = [dict(zip(content.header, row, strict=True)) for row in rows]
            parents = parents_of(lambda record: shape, records)
        told = list(zip(rows, carried_out(org, works, parents=parents), strict=True))
        if org.settings.bulk_order == "shuffled":
            random.Random(f"{org.settings.random_seed}.{job.id}").shuffle(told)  # noqa: S311 - no secret
        results.good = [each for each in told if each[1].error is None]
        results.bad = [each for each in told if each[1].error is not None]
        job.processed, job.failed = len(told), len(results.bad)
        return results

    # What became of them

    def _results(self, request: Request) -> tuple[Job, Results]:
        job = self.jobs.of(request)
        if job.state not in ("JobComplete", "Failed", "Aborted"):
            raise invalid_state(f"results are not there yet: the job is {job.state}")
        return job, self.results.get(job.id, Results([]))

    def successful(self, org: Org, request: Request) -> Reply:
        job, results = self._results(request)
        rows = ([each.id or "", "true" if each.created else "false", *row] for row, each in results.good)
        return _csv(job, ["sf__Id", "sf__Created", *results.header], rows)

    def failed(self, org: Org, request: Request) -> Reply:
        job, results = self._results(request)
        rows = ([each.id or "", each.error.of_cell() if each.error else "", *row] for row, each in results.bad)
        return _csv(job, ["sf__Id", "sf__Error", *results.header], rows)

    def unprocessed(self, org: Org, request: Request) -> Reply:
        job, results = self._results(request)
        return _csv(job, results.header, results.rest)


def _csv(job: Job, header: Sequence[str], rows: Any) -> Reply:
    lines = [job.delimiter.join(quoted(each) for each in row) for row in (header, *rows)]
    return Reply("\n".join([*lines, ""]).encode(), type=CSV)


def _form(request: Request) -> tuple[Document, bytes]:
    parts = {each.name: each.body for each in parts_of(request.headers, request.body)}
    if not {"job", "content"} <= parts.keys():
        raise unreadable("a form of job and content is wanted")
    return Request(request.method, request.path, {}, {}, parts["job"], request.acting).document(), parts["content"]


def _works(
    org: Org, request: Request, job: Job, shape: ObjectShape, content: Content
) -> list[Callable[[], tuple[str, bool | None]]]:
    puts, verb = columns(org, shape, content.header), guarded(verb_of(org, request.acting, job.told, shape))

    def work(row: Sequence[str]) -> tuple[str, bool | None]:
        return verb(record_of(puts, row))

    return [partial(work, each) for each in content.rows]
