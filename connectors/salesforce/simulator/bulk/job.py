"""A job, whichever kind it is: what is told of it, and how it comes to its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..answers import CallError, Document, Reply, done, not_found, said
from ..ids import numbered, whole
from ..org import Org
from ..request import Request

DELIMITERS = {"COMMA": ",", "TAB": "\t", "PIPE": "|", "SEMICOLON": ";", "CARET": "^", "BACKQUOTE": "`"}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
ENDED = ("JobComplete", "Failed", "Aborted")
KEPT_DAYS = 7
UNSUPPORTED = frozenset(
    {"AcceptedEventRelation", "Attachment", "CaseStatus", "ContractStatus", "DeclinedEventRelation", "EventWhoRelation"}
    | {"EntityDefinition", "FieldDefinition", "KnowledgeArticle", "OrderStatus", "PartnerRole", "RecentlyViewed"}
    | {"SolutionStatus", "TaskPriority", "TaskStatus", "TaskWhoRelation", "UndecidedEventRelation", "UserRecordAccess"}
)
"""Objects that Bulk does not take."""


@dataclass(slots=True)
class Job:
    """polls: how often it was asked for since it began. ends_as: its state once it is through."""

    id: str
    kind: str
    user: str
    version: int
    made: str
    until: float
    told: Document
    state: str
    polls: int = 0
    ends_as: str = "JobComplete"
    processed: int = 0
    failed: int = 0
    error: str = ""
    rows: Sequence[Any] = field(default_factory=list)

    @property
    def delimiter(self) -> str:
        return DELIMITERS[self.told["columnDelimiter"]]

    @property
    def ending(self) -> str:
        return LINE_ENDINGS[self.told["lineEnding"]]

    def document(self) -> Document:
        ended = self.state in ENDED
        counts: Document = {"retries": 0, "totalProcessingTime": 300 if ended else 0}
        if self.kind == "V2Query":
            counts["numberRecordsProcessed"] = self.processed if ended else 0
            counts["isPkChunkingSupported"] = True
        else:
            counts["numberRecordsProcessed"] = self.processed if ended else 0
            counts["numberRecordsFailed"] = self.failed if ended else 0
            counts |= {"apiActiveProcessingTime": 200 if ended else 0, "apexProcessingTime": 0}
        told = {
            "id": self.id,
            **self.told,
            "createdById": self.user,
            "createdDate": f"{self.made}+0000",
            "systemModstamp": f"{self.made}+0000",
            "state": self.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(self.version),
            "jobType": self.kind,
        }
        return {**told, **counts, **({"errorMessage": self.error} if self.error else {})}


@dataclass(slots=True)
class Jobs:
    """kind: V2Query or V2Ingest."""

    org: Org
    kind: str
    by_id: dict[str, Job] = field(default_factory=dict)

    def new(self, request: Request, told: Mapping[str, Any], state: str) -> Job:
        delimiter, ending = told.get("columnDelimiter") or "COMMA", told.get("lineEnding") or "LF"
        if delimiter not in DELIMITERS or ending not in LINE_ENDINGS:
            raise CallError(400, "INVALIDREQUEST", f"columnDelimiter {delimiter} or lineEnding {ending} is not known")
        if told.get("contentType", "CSV") != "CSV":
            raise CallError(400, "INVALIDREQUEST", "contentType is CSV")
        made = self.org.stamp()
        job_id = numbered("750", "5j", self.org.store.next_number("@jobs"))
        until = self.org.clock.monotonic() + KEPT_DAYS * 86_400
        own = {**told, "columnDelimiter": delimiter, "lineEnding": ending}
        own.pop("contentType", None)
        acting = request.acting
        job = self.by_id[job_id] = Job(job_id, self.kind, acting.user, acting.version, made, until, own, state)
        return job

    def of(self, request: Request) -> Job:
        """The one that a path names. Raises CallError."""
        job = self.by_id.get(whole(request.path[2]) or "")
        if job is None or job.until <= self.org.clock.monotonic():
            raise not_found()
        return job

    def poll(self, org: Org, request: Request) -> Reply:
        job = self.of(request)
        if job.state in ("UploadComplete", "InProgress"):
            job.polls += 1
            job.state = job.ends_as if job.polls > org.settings.bulk_polls else "InProgress"
        return said(job.document())

    def all(self, org: Org, request: Request) -> Reply:
        told = [each.document() for each in self.by_id.values() if each.until > org.clock.monotonic()]
        return said({"done": True, "records": told, "nextRecordsUrl": None})

    def remove(self, org: Org, request: Request) -> Reply:
        job = self.of(request)
        if job.state not in ENDED:
            raise invalid_state(f"Only jobs in end states can be deleted; this one is {job.state}")
        del self.by_id[job.id]
        return done()

    def abort(self, job: Job) -> Reply:
        if job.state in ENDED:
            raise invalid_state(f"Aborting an already {job.state} job is not allowed")
        job.state = "Aborted"
        return said(job.document())


def invalid_state(message: str) -> CallError:
    return CallError(400, "INVALIDJOBSTATE", message)


def supported(name: str) -> None:
    """Raises CallError for an object that Bulk does not take."""
    if name in UNSUPPORTED:
        raise CallError(400, "INVALIDENTITY", f"Entity '{name}' is not supported by the Bulk API.")
