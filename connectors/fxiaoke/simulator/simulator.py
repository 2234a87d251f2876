"""The simulator without its socket: a call in, an answer out, on whatever clock it is handed."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import format_datetime
from pathlib import Path
from typing import TypeAlias
from urllib.parse import parse_qsl, urlsplit

from ...clock import Clock
from ...simulating.server import Answer, NoAnswerError
from . import directory, files, function, life, metadata, pools, query, records, teams
from .answers import Document, Raw, RefusedError, missing, no_such_path
from .faults import Fault, FaultKind, Faults
from .first_rows import lay_first_rows
from .limits import Limits
from .settings import Settings
from .sign_in import SignIn
from .store import packed
from .tenant import Call, Tenant

Verb: TypeAlias = Callable[[Tenant, Call], "Document | Raw"]
JSON, HTML = "application/json;charset=UTF-8", "text/html;charset=UTF-8"
PRESET, CUSTOM = "/cgi/crm/v2/data/", "/cgi/crm/custom/v2/data/"
MEDIA, CREDENTIAL = "/media/upload", "/cgi/crm/v2/generatorFileUploadCredential"
BUSY = -1
NOBODY = "0"

OF_DATA: Mapping[str, Verb] = {
    "create": records.create,
    "update": records.update,
    "get": query.get,
    "query": query.query,
    "invalid": life.invalid,
    "delete": life.delete,
    "recover": life.recover,
    "changeOwner": life.change_owner,
}
"""Verbs that preset and custom objects share."""
PATHS: Mapping[str, Verb] = {
    **{PRESET + name: verb for name, verb in OF_DATA.items()},
    **{CUSTOM + name: verb for name, verb in OF_DATA.items()},
    CUSTOM + "findOne": query.find_one,
    CUSTOM + "findSimple": query.query,
    PRESET + "choose": pools.choose,
    PRESET + "return": pools.give_back,
    PRESET + "remove": pools.remove,
    "/cgi/crm/custom/data/invalid": life.invalid_many,
    "/cgi/crm/data/changeSalesStage": life.change_stage,
    "/cgi/crm/v2/object/list": metadata.object_list,
    "/cgi/crm/v2/object/describe": metadata.describe,
    "/cgi/crm/v2/object/lock": life.lock,
    "/cgi/crm/v2/object/unlock": life.unlock,
    "/cgi/crm/v2/special/function": function.run,
    "/cgi/crm/team/add": teams.add,
    "/cgi/crm/team/edit": teams.edit,
    "/cgi/crm/team/get": teams.get,
    "/cgi/crm/team/delete": teams.delete,
    "/cgi/user/getByMobile": directory.by_mobile,
    "/cgi/user/list": directory.user_list,
    "/cgi/user/simpleList": directory.simple_list,
    "/cgi/user/get": directory.user,
    "/cgi/user/get/batchByUpdTime": directory.users_by_time,
    "/cgi/department/list": directory.departments,
    "/media/download": files.download,
}


@dataclass(frozen=True, slots=True)
class Request:
    """asked: what stands behind the path's question mark. headers: by names in lower case."""

    method: str
    path: str
    asked: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def document(self) -> Document:
        try:
            told = json.loads(self.body)
        except ValueError as error:
            raise missing("body") from error
        if not isinstance(told, dict):
            raise missing("body")
        return told


@dataclass(slots=True)
class Late:
    """Calls whose callers have gone, with the time by which they are carried out."""

    waiting: list[tuple[float, Request]] = field(default_factory=list)

    def due(self, now: float) -> list[Request]:
        due = [request for when, request in self.waiting if when <= now]
        self.waiting = [each for each in self.waiting if each[0] > now]
        return due


class Simulator:
    """Safe to call from many threads; one call at a time is carried out. data: the folder that says what the tenant
    has, where rows are kept; None keeps them in memory. Raises InputError where settings or folder are wrong."""

    def __init__(
        self,
        clock: Clock,
        settings: Settings | None = None,
        data: Path | None = None,
        faults: Faults[FaultKind] | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.tenant = Tenant(clock, self.settings, data)
        lay_first_rows(self.tenant, data)
        self.limits = Limits(self.settings, clock)
        self.sign_in = SignIn(self.tenant)
        self.faults: Faults[FaultKind] = faults or Faults([])
        self._late = Late()
        self._lock = threading.RLock()
        self._clock = clock
        self._acting = NOBODY
        """Who made the call that is being answered, as trace ids tell it."""
        self._second, self._written = dt.datetime.min.replace(tzinfo=dt.UTC), ("", "")

    def close(self) -> None:
        with self._lock:
            self.tenant.store.close()

    # For those who look at it from outside of the OpenAPI

    @property
    def calls(self) -> Counter[str]:
        """Calls of each path that were let through."""
        return self.limits.made

    def rows(self, object_name: str) -> list[Document]:
        """Every row as it is kept, in the order of their ids."""
        with self._lock:
            self._catch_up()
            return [dict(row) for row in self.tenant.store.rows(object_name, "1", (), 'ORDER BY "_id"')]

    def count(self, object_name: str) -> int:
        with self._lock:
            self._catch_up()
            return self.tenant.store.count(object_name)

    # One call

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """(status, headers, body). path: with its query. Raises NoAnswerError where the connection would break."""
        parts = urlsplit(path)
        plain = {name.lower(): value for name, value in headers.items()}
        request = Request(method, parts.path, dict(parse_qsl(parts.query)), plain, body)
        with self._lock:
            self._catch_up()
            fault = self.faults.strike(request.path)
        if fault is not None and fault.kind is FaultKind.SLOW:
            self._clock.sleep(fault.seconds)
            fault = None
        with self._lock:
            if fault is not None:
                return self._struck(fault, request)
            return self._answered(request)

    def _catch_up(self) -> None:
        for request in self._late.due(self._clock.monotonic()):
            self._answered(request)

    def _struck(self, fault: Fault[FaultKind], request: Request) -> Answer:
        self._acting = NOBODY
        if fault.kind is FaultKind.TOKEN:
            self.sign_in.expire()
            return self._answered(request)
        if fault.kind is FaultKind.LATE:
            self._late.waiting.append((self._clock.monotonic() + fault.seconds, request))
            raise NoAnswerError
        if fault.after:
            self._answered(request)
        match fault.kind:
            case FaultKind.LOST:
                raise NoAnswerError
            case FaultKind.GATEWAY:
                return 502, self._headers(HTML), b"<html><body><h1>502 Bad Gateway</h1></body></html>"
            case FaultKind.REDIRECT:
                return 302, {**self._headers(HTML), "Location": "/login.html"}, b"<html><body>302 Found</body></html>"
        code = BUSY if fault.kind is FaultKind.BUSY else self.settings.burst_code
        return self._envelope(RefusedError(code, "system is busy").document())

    def _answered(self, request: Request) -> Answer:
        self._acting = NOBODY
        try:
            told = self._carried_out(request)
        except RefusedError as error:
            told = error.document()
        if isinstance(told, Raw):
            return told.status, self._headers(told.type), told.body
        return self._envelope(told)

    def _envelope(self, document: Document) -> Answer:
        time, _ = self._stamps()
        document["traceId"] = f"E-O.{self.settings.ea}.{self._acting}-{time}-{self.tenant.ids.trace()}"
        return 200, self._headers(JSON), packed(document).encode()

    def _headers(self, kind: str) -> Mapping[str, str]:
        return {"Content-Type": kind, "Date": self._stamps()[1]}

    def _stamps(self) -> tuple[str, str]:
        """The second as trace ids tell it, and as headers do; written once a second."""
        now = self._clock.now().replace(microsecond=0)
        if now != self._second:
            self._second, self._written = now, (now.strftime("%Y%m%d%H%M%S"), format_datetime(now, usegmt=True))
        return self._written

    def _carried_out(self, request: Request) -> Document | Raw:
        path = request.path
        sign_in = self.sign_in.paths().get(path)
        if request.method != "POST":
            raise no_such_path(path)
        if sign_in is not None:
            return sign_in(request.document())
        if path == files.UPLOAD:
            return files.upload_by_signature(self.tenant, request.headers, request.body)
        if path == MEDIA:
            return self._upload(request)
        verb = self._credential(request) if path == CREDENTIAL else PATHS.get(path)
        if verb is None:
            raise no_such_path(path)
        told = request.document()
        self.limits.count(path)
        call = self.sign_in.let_in(path, request.headers, told)
        self._acting = call.who.id
        if self.settings.third_trace_id == "required" and "thirdTraceId" not in request.asked:
            raise missing("thirdTraceId")
        return verb(self.tenant, call)

    def _credential(self, request: Request) -> Verb:
        host = request.headers.get("host", "localhost")
        return lambda tenant, call: files.credential(tenant, call, host)

    def _upload(self, request: Request) -> Document:
        """The token stands in the form or behind the question mark."""
        self.limits.count(request.path)
        form = files.form_of(request.headers, request.body, "media")
        self.sign_in.let_in(request.path, request.headers, {**request.asked, **form.fields})
        return files.upload_by_token(self.tenant, form)
