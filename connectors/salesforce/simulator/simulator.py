"""The simulator without its socket: a call in, an answer out, on whatever clock it is handed."""

from __future__ import annotations

import gzip
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from ...clock import Clock
from ...simulating.server import Answer, CutAnswerError, NoAnswerError
from . import identity, metadata, soap
from .answers import HTML, CallError, Reply, RowError, not_found, said
from .beginning import settle_in
from .bulk import old_format
from .bulk.ingest_jobs import IngestJobs
from .bulk.job import Jobs
from .bulk.old_jobs import OldJobs
from .bulk.query_jobs import QueryJobs
from .composite import Composite
from .faults import Fault, FaultKind, Faults
from .limits import Limits
from .merging import merge
from .org import Acting, Org, origin
from .queries import Queries
from .removing import empty_bin, undelete
from .request import Request
from .routes import PLAIN, Routes, verb_of
from .settings import Settings
from .sign_in import SignIn
from .writing import object_of

VERSION = re.compile(r"v(\d+)\.0\Z")
HOUR, SMALL = 3600.0, 1024
LONGEST_URI = 16_384
PAGE_OF_HTML = b"<html><head><title>We are down for maintenance</title></head><body>Sorry</body></html>"


@dataclass(slots=True)
class Late:
    """A call whose caller has gone: when what it writes is seen, and what it says."""

    due: float
    stamp: str
    request: Request


class Simulator:
    """Safe to call from many threads; one call at a time is carried out. data: the folder that says what the org has,
    where records are kept; None keeps them in memory. Raises InputError where settings or folder are wrong."""

    def __init__(
        self,
        clock: Clock,
        settings: Settings | None = None,
        data: Path | None = None,
        faults: Faults[FaultKind] | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.org = Org(clock, self.settings, data)
        settle_in(self.org)
        self.sign_in = SignIn(self.org)
        self.limits = Limits(self.org)
        self.queries = Queries(self.org)
        self.faults: Faults[FaultKind] = faults or Faults([])
        self.routes = self._routes()
        self._late: list[Late] = []
        self._lock = threading.RLock()
        self._swept = clock.monotonic()

    def _routes(self) -> Routes:
        queries, composite = self.queries, Composite(self.org, self._carried_out)
        reading = QueryJobs(Jobs(self.org, "V2Query"), self.limits)
        writing = IngestJobs(Jobs(self.org, "V2Ingest"), self.limits)
        old = OldJobs(self.limits)
        return {
            **PLAIN,
            ("query",): {"GET": queries.query},
            ("queryall",): {"GET": queries.query_all},
            ("query", "*"): {"GET": queries.more},
            ("queryall", "*"): {"GET": queries.more},
            ("composite",): {"POST": composite.composite},
            ("composite", "batch"): {"POST": composite.batch},
            ("composite", "graph"): {"POST": composite.graph},
            ("jobs", "query"): {"GET": reading.jobs.all, "POST": reading.create},
            ("jobs", "query", "*"): {"GET": reading.jobs.poll, "PATCH": reading.change, "DELETE": reading.jobs.remove},
            ("jobs", "query", "*", "results"): {"GET": reading.results},
            ("jobs", "query", "*", "resultpages"): {"GET": reading.pages},
            ("jobs", "ingest"): {"GET": writing.jobs.all, "POST": writing.create},
            ("jobs", "ingest", "*"): {"GET": writing.jobs.poll, "PATCH": writing.change, "DELETE": writing.jobs.remove},
            ("jobs", "ingest", "*", "batches"): {"PUT": writing.upload},
            ("jobs", "ingest", "*", "successfulresults"): {"GET": writing.successful},
            ("jobs", "ingest", "*", "failedresults"): {"GET": writing.failed},
            ("jobs", "ingest", "*", "unprocessedrecords"): {"GET": writing.unprocessed},
            ("async", "job"): {"POST": old.create},
            ("async", "job", "*"): {"GET": old.get, "POST": old.change},
            ("async", "job", "*", "batch"): {"GET": old.batches, "POST": old.add},
            ("async", "job", "*", "batch", "*"): {"GET": old.poll},
            ("async", "job", "*", "batch", "*", "request"): {"GET": old.request},
            ("async", "job", "*", "batch", "*", "result"): {"GET": old.results},
            ("async", "job", "*", "batch", "*", "result", "*"): {"GET": old.rows},
            ("limits",): {"GET": lambda org, request: self.limits.told()},
        }

    def close(self) -> None:
        with self._lock:
            self.org.store.close()

    # For those who look at it from outside of the API

    @property
    def calls(self) -> Mapping[str, int]:
        """How many calls of each path were let through."""
        return self.limits.made

    def rows(self, object_name: str) -> list[dict[str, Any]]:
        """Every record as it is kept, in the order of their ids, those in the bin too."""
        with self._lock:
            self._catch_up()
            return [dict(row) for row in self.org.store.rows(object_name, rest='ORDER BY "Id"')]

    def count(self, object_name: str) -> int:
        """Of records that are not in the bin."""
        with self._lock:
            self._catch_up()
            has = self.org.shapes[object_name].has("IsDeleted")
            return self.org.store.count(object_name, '"IsDeleted" = 0' if has else "1")

    def undelete(self, row_id: str) -> None:
        """Out of the bin, as an administrator would. Raises RowError."""
        with self._lock, self.org.store.whole():
            acting = Acting(str(self.sign_in.run_as["Id"]))
            undelete(self.org, acting, object_of(self.org, row_id), row_id)

    def merge(self, row_id: str, *others: str) -> None:
        """Let one or two other records become part of this one. Raises RowError."""
        with self._lock, self.org.store.whole():
            acting = Acting(str(self.sign_in.run_as["Id"]))
            merge(self.org, acting, object_of(self.org, row_id), row_id, others)

    # One call

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """(status, headers, body). path: with its query. Raises NoAnswerError where the connection would break."""
        plain = {name.lower(): value for name, value in headers.items()}
        parts = urlsplit(path)
        with self._lock:
            self._catch_up()
            fault = self.faults.strike(parts.path)
        if fault is not None and fault.kind is FaultKind.SLOW:
            self.org.clock.sleep(fault.seconds)
            fault = None
        if plain.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        with self._lock:
            told = self._told(method, parts.path, parts.query, plain, body, fault)
            answer = self._packed(told, plain, bare=fault is not None and fault.kind is FaultKind.BARE)
        if fault is not None and fault.kind is FaultKind.CUT:
            raise CutAnswerError(answer, len(answer[2]) // 2)
        return answer

    def _catch_up(self) -> None:
        now = self.org.clock.monotonic()
        for each in [late for late in self._late if late.due <= now]:
            self._late.remove(each)
            with self._weather(stamp=each.stamp), suppress(CallError, RowError):
                self._carried_out(each.request)
        self.org.late = [each.stamp for each in self._late]
        if now - self._swept >= HOUR:
            self._swept = now
            empty_bin(self.org)

    @contextmanager
    def _weather(self, **changes: Any) -> Iterator[None]:
        weather = self.org.weather
        for name, value in changes.items():
            setattr(weather, name, value)
        try:
            yield
        finally:
            weather.stamp, weather.locked, weather.failed = None, None, False

    def _told(
        self,
        method: str,
        path: str,
        query: str,
        headers: Mapping[str, str],
        body: bytes,
        fault: Fault[FaultKind] | None,
    ) -> Reply:
        if fault is not None and fault.kind is FaultKind.LATE:
            self._put_off(method, path, query, headers, body, fault)
            raise NoAnswerError
        if fault is not None and fault.kind is FaultKind.EXPIRED:
            self.sign_in.expire()
        in_the_way = fault is not None and fault.kind in INSTEAD
        reply = None
        if not in_the_way or (fault is not None and fault.after):
            locked = fault if fault is not None and fault.kind is FaultKind.LOCKED else None
            failed = fault is not None and fault.kind is FaultKind.FAILED
            with self._weather(locked=locked, failed=failed):
                reply = self._answered(method, path, query, headers, body)
        if fault is not None and in_the_way:
            if fault.kind is FaultKind.LOST:
                raise NoAnswerError
            return INSTEAD[fault.kind]
        assert reply is not None  # noqa: S101 - carried out, as nothing is in the way
        return reply

    def _packed(self, reply: Reply, headers: Mapping[str, str], bare: bool) -> Answer:
        told = {"Content-Type": reply.type, "Date": format_datetime(self.org.clock.now(), usegmt=True), **reply.headers}
        if bare:
            told = {name: value for name, value in told.items() if not name.startswith("Sforce-")}
        body = reply.body
        if "gzip" in headers.get("accept-encoding", "") and len(body) > SMALL:
            told["Content-Encoding"] = "gzip"
            body = gzip.compress(body, 1)
        return reply.status, told, body

    def _answered(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Reply:
        if len(path) + len(query) > LONGEST_URI:
            return Reply(b"URI Too Long", 414, HTML)
        counted: Mapping[str, str] = {}
        try:
            outside = self._outside(method, path, headers, body)
            if outside is not None:
                return outside
            request = self._request(method, path, query, headers, body)
            self.limits.spend("daily_calls")
            counted = self.limits.headers()
            self.limits.made[path] += 1
            reply = self._carried_out(request)
        except CallError as error:
            old = path.startswith("/services/async/")
            reply = old_format.fault(error, headers) if old else error.reply()
        except RowError as error:
            reply = said([error.of_call()], error.status)
        return Reply(reply.body, reply.status, reply.type, {**reply.headers, **counted})

    def _carried_out(self, request: Request) -> Reply:
        return verb_of(self.routes, request)(self.org, request)

    def _outside(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply | None:
        """What is not behind a version; None for all else."""
        parts = [unquote(each) for each in path.strip("/").split("/")]
        base = origin(headers)
        match parts:
            case ["services", "data"]:
                return metadata.versions(self.org)
            case ["services", "oauth2", "token"]:
                return self.sign_in.token(headers, body)
            case ["services", "oauth2", "revoke"]:
                token = dict(parse_qsl(body.decode("utf-8", "replace"))).get("token", "")
                self.sign_in.sessions.pop(token, None)
                return Reply()
            case ["services", "oauth2", "userinfo"]:
                return identity.user_info(self.org, Acting(self.sign_in.let_in(headers), origin=base))
            case ["id", organization, user]:
                return identity.identity(
                    self.org, Acting(self.sign_in.let_in(headers), origin=base), organization, user
                )
            case ["services", "Soap", "u" | "c", version, *_]:
                return soap.answered(self.org, self.sign_in, version, base, body)
        return None

    def _request(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Request:
        """Raises CallError for one that is not let in."""
        parts = [unquote(each) for each in path.strip("/").split("/")]
        old = parts[:2] == ["services", "async"]
        told = f"v{parts[2]}" if old and len(parts) > 2 else parts[2] if parts[:2] == ["services", "data"] else ""
        found = VERSION.match(told)
        if found is None:
            raise not_found()
        version = int(found[1])
        user = self.sign_in.let_in(headers)
        if version < self.settings.oldest_version:
            raise CallError(410, "UNSUPPORTED_API_VERSION", f"API version {version}.0 is retired")
        if version > self.settings.newest_version:
            raise not_found()
        acting = Acting(user, version).of(headers)
        return Request(
            method,
            (*(("async",) if old else ()), *parts[3:]),
            dict(parse_qsl(query, keep_blank_values=True)),
            headers,
            body,
            acting,
        )

    def _put_off(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes, fault: Fault[FaultKind]
    ) -> None:
        try:
            request = self._request(method, path, query, headers, body)
        except CallError:
            return
        self._late.append(Late(self.org.clock.monotonic() + fault.seconds, self.org.stamp(), request))
        self.org.late = [each.stamp for each in self._late]


INSTEAD: Mapping[FaultKind, Reply] = {
    FaultKind.LOST: Reply(),
    FaultKind.UNAVAILABLE: CallError(503, "SERVER_UNAVAILABLE", "Server temporarily unavailable").reply(),
    FaultKind.EDGE: Reply(status=420, type=HTML),
    FaultKind.HTML: Reply(PAGE_OF_HTML, type=HTML),
    FaultKind.CONCURRENT: CallError(
        403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
    ).reply(),
    FaultKind.DAILY: CallError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.").reply(),
}
"""What is answered in place of what was asked for."""
