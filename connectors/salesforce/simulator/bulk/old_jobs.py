"""Bulk 1.0: a job is open, takes batches, and each of them is a piece of work of its own with results in its order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from ..answers import CSV, CallError, Document, Reply, packed
from ..batch import Done, carried_out
from ..ids import numbered, whole
from ..limits import Limits
from ..org import Org
from ..request import Request
from ..shown import quoted
from ..soql.parse import parsed
from ..soql.statement import Statement, built
from .content import ContentError, columns, read_content, record_of
from .job import supported
from .old_format import JSON_TYPE, read, told, told_list, told_results, wants_json
from .row_verb import guarded, verb_of

MOST = 10_000
QUERIES = ("query", "queryAll")
OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete", *QUERIES)


@dataclass(slots=True)
class Batch:
    """polls: how often it was asked for. results: of each row, or for a query what finds its rows."""

    id: str
    made: str
    body: bytes
    state: str = "Queued"
    message: str = ""
    polls: int = 0
    done: list[Done] = field(default_factory=list)
    statement: Statement | None = None
    ids: Sequence[str] = ()


@dataclass(slots=True)
class OldJob:
    id: str
    told: Document
    made: str
    user: str
    state: str = "Open"
    batches: dict[str, Batch] = field(default_factory=dict)


@dataclass(slots=True)
class OldJobs:
    limits: Limits
    by_id: dict[str, OldJob] = field(default_factory=dict)

    def create(self, org: Org, request: Request) -> Reply:
        asked = read(request)
        shape, operation = org.by_lower.get(str(asked.get("object")).lower()), str(asked.get("operation"))
        kind = asked.get("contentType") or "XML"
        if shape is None or operation not in OPERATIONS or kind not in ("CSV", "JSON"):
            raise CallError(400, "InvalidJob", f"{asked.get('object')}, {operation} or {kind} is not known here")
        supported(shape.name)
        if operation == "hardDelete" and org.settings.hard_delete == "no":
            raise CallError(400, "FeatureNotEnabled", "hardDelete operation requires special user profile permission")
        own = {"operation": operation, "object": shape.name, "contentType": kind}
        own["externalIdFieldName"] = asked.get("externalIdFieldName")
        job_id = numbered("750", "5j", org.store.next_number("@jobs"))
        self.by_id[job_id] = OldJob(job_id, own, org.stamp(), request.acting.user)
        return self._told_job(request, self.by_id[job_id], 201)

    def _of(self, request: Request) -> OldJob:
        job = self.by_id.get(whole(request.path[2]) or "")
        if job is None:
            raise CallError(400, "InvalidJob", f"Unable to find object: {request.path[2]}")
        return job

    def _told_job(self, request: Request, job: OldJob, status: int = 200) -> Reply:
        batches = list(job.batches.values())
        ended = [each for each in batches if each.state in ("Completed", "Failed")]
        document = {
            "id": job.id,
            **job.told,
            "createdById": job.user,
            "createdDate": f"{job.made}Z",
            "systemModstamp": f"{job.made}Z",
            "state": job.state,
            "concurrencyMode": "Parallel",
            "numberBatchesQueued": len(batches) - len(ended),
            "numberBatchesInProgress": 0,
            "numberBatchesCompleted": sum(each.state == "Completed" for each in ended),
            "numberBatchesFailed": sum(each.state == "Failed" for each in ended),
            "numberBatchesTotal": len(batches),
            "numberRecordsProcessed": sum(len(each.done) or len(each.ids) for each in ended),
            "numberRecordsFailed": sum(one.error is not None for each in ended for one in each.done),
            "numberRetries": 0,
            "apiVersion": float(request.acting.version),
        }
        return told("jobInfo", document, wants_json(request.headers, job.told), status)

    def get(self, org: Org, request: Request) -> Reply:
        return self._told_job(request, self._of(request))

    def change(self, org: Org, request: Request) -> Reply:
        job, state = self._of(request), str(read(request).get("state"))
        if state not in ("Closed", "Aborted") or job.state != "Open":
            raise CallError(400, "InvalidJobState", f"the job is {job.state}")
        job.state = state
        return self._told_job(request, job)

    # Batches

    def add(self, org: Org, request: Request) -> Reply:
        job = self._of(request)
        if job.state != "Open":
            raise CallError(400, "InvalidJobState", f"the job is {job.state}")
        self.limits.spend("bulk_batches")
        batch = Batch(numbered("751", "5j", org.store.next_number("@batches")), org.stamp(), request.body)
        job.batches[batch.id] = batch
        try:
            self._carry_out(org, request, job, batch)
        except ContentError as error:
            batch.message = str(error)
        except CallError as error:
            batch.message = f"InvalidBatch : {error.code} : {error.message}"
        return self._told_batch(request, job, batch, 201)

    def _carry_out(self, org: Org, request: Request, job: OldJob, batch: Batch) -> None:
        shape, operation = org.shapes[job.told["object"]], job.told["operation"]
        if operation in QUERIES:
            statement = built(org, request.acting, parsed(batch.body.decode("utf-8")), operation == "queryAll")
            statement.plan.refuse_in_bulk()
            batch.statement, batch.ids = statement, statement.ids()
            return
        if job.told["contentType"] == "JSON":
            records = request.read()
            if not isinstance(records, list) or not all(isinstance(each, dict) for each in records):
                raise ContentError("InvalidBatch : a list of records is wanted")
        else:
            content = read_content(batch.body.replace(b"\r\n", b"\n"), ",", "\n")
            puts = columns(org, shape, content.header)
            records = [record_of(puts, each) for each in content.rows]
        if len(records) > MOST:
            raise ContentError("InvalidBatch : Records not found or more than 10,000")
        self.limits.spend("bulk_records", len(records))
        verb = guarded(verb_of(org, request.acting, job.told, shape))
        batch.done = carried_out(org, [partial(verb, dict(each)) for each in records])

    def _batch(self, request: Request) -> tuple[OldJob, Batch]:
        job = self._of(request)
        batch = job.batches.get(whole(request.path[4]) or "")
        if batch is None:
            raise CallError(400, "InvalidBatch", f"Unable to find object: {request.path[4]}")
        return job, batch

    def poll(self, org: Org, request: Request) -> Reply:
        job, batch = self._batch(request)
        self._move_on(org, batch)
        return self._told_batch(request, job, batch)

    def _move_on(self, org: Org, batch: Batch) -> None:
        batch.polls += 1
        if batch.polls > org.settings.bulk_polls:
            batch.state = "Failed" if batch.message else "Completed"
        elif batch.state == "Queued":
            batch.state = "InProgress"

    def _document(self, job: OldJob, batch: Batch) -> Document:
        ended = batch.state in ("Completed", "Failed")
        return {
            "id": batch.id,
            "jobId": job.id,
            "state": batch.state,
            "stateMessage": batch.message if batch.state == "Failed" else None,
            "createdDate": f"{batch.made}Z",
            "systemModstamp": f"{batch.made}Z",
            "numberRecordsProcessed": (len(batch.done) or len(batch.ids)) if ended else 0,
            "numberRecordsFailed": sum(each.error is not None for each in batch.done) if ended else 0,
            "totalProcessingTime": 0,
            "apiActiveProcessingTime": 0,
            "apexProcessingTime": 0,
        }

    def _told_batch(self, request: Request, job: OldJob, batch: Batch, status: int = 200) -> Reply:
        return told("batchInfo", self._document(job, batch), wants_json(request.headers, job.told), status)

    def batches(self, org: Org, request: Request) -> Reply:
        job = self._of(request)
        for each in job.batches.values():
            self._move_on(org, each)
        documents = [self._document(job, each) for each in job.batches.values()]
        return told_list("batchInfoList", "batchInfo", documents, wants_json(request.headers, job.told))

    def request(self, org: Org, request: Request) -> Reply:
        """What was sent."""
        job, batch = self._batch(request)
        return Reply(batch.body, type=JSON_TYPE if job.told["contentType"] == "JSON" else CSV)

    def results(self, org: Org, request: Request) -> Reply:
        """Of each row in the order that they were sent in; of a query, where its rows are."""
        job, batch = self._batch(request)
        if batch.state != "Completed":
            raise CallError(400, "InvalidBatch", f"the batch is {batch.state}")
        if batch.statement is not None:
            return told_results([f"752{batch.id[3:]}"], wants_json(request.headers, job.told))
        if job.told["contentType"] == "JSON":
            return Reply(packed([_row(each) for each in batch.done]).encode(), type=JSON_TYPE)
        lines = ['"Id","Success","Created","Error"']
        for each in batch.done:
            well, error = each.error is None, each.error.of_cell() if each.error is not None else ""
            cells = (each.id or "", str(well).lower(), str(bool(each.created)).lower(), error)
            lines.append(",".join(quoted(cell) for cell in cells))
        return Reply("\n".join([*lines, ""]).encode(), type=CSV)

    def rows(self, org: Org, request: Request) -> Reply:
        job, batch = self._batch(request)
        if batch.statement is None or batch.state != "Completed":
            raise CallError(400, "InvalidBatch", "no query that has come to its end")
        if job.told["contentType"] == "JSON":
            return Reply(f"[{','.join(batch.statement.told(batch.ids))}]".encode(), type=JSON_TYPE)
        plan = batch.statement.plan
        lines = [plan.header(","), *(plan.line(row, ",") for row in batch.statement.rows(batch.ids))]
        return Reply("\n".join([*lines, ""]).encode(), type=CSV)


def _row(done: Done) -> Document:
    errors = [{**done.error.of_row(), "extendedErrorDetails": None}] if done.error is not None else []
    return {"success": not errors, "created": bool(done.created), "id": done.id, "errors": errors}
