"""The simulator without its socket: a call in, an answer out, on whatever clock it is handed."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias
from urllib.parse import parse_qs, urlsplit

from ...clock import Clock
from . import metadata, query, records
from .answers import Document, RefusedError, missing, no_such_path
from .limits import Limits
from .settings import Settings
from .sign_in import SignIn
from .tenant import Call, Tenant

Answer: TypeAlias = "tuple[int, Mapping[str, str], bytes]"
Verb: TypeAlias = Callable[[Tenant, Call], Document]
JSON = {"Content-Type": "application/json;charset=UTF-8"}
PRESET, CUSTOM = "/cgi/crm/v2/data/", "/cgi/crm/custom/v2/data/"

OF_DATA: Mapping[str, Verb] = {
    "create": records.create,
    "update": records.update,
    "get": query.get,
    "query": query.query,
}
"""Verbs that preset and custom objects share."""
PATHS: Mapping[str, Verb] = {
    **{PRESET + name: verb for name, verb in OF_DATA.items()},
    **{CUSTOM + name: verb for name, verb in OF_DATA.items()},
    CUSTOM + "findOne": query.find_one,
    CUSTOM + "findSimple": query.query,
    "/cgi/crm/v2/object/list": metadata.object_list,
    "/cgi/crm/v2/object/describe": metadata.describe,
}


class Simulator:
    """Safe to call from many threads; one call at a time is carried out. data: the folder that says what the tenant
    has, where rows are kept; None keeps them in memory. Raises InputError where settings or folder are wrong."""

    def __init__(self, clock: Clock, settings: Settings | None = None, data: Path | None = None) -> None:
        self.settings = settings or Settings()
        self.tenant = Tenant(clock, self.settings, data)
        self.limits = Limits(self.settings, clock)
        self.sign_in = SignIn(self.tenant)
        self._lock = threading.RLock()
        self._clock = clock

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
            return [dict(row) for row in self.tenant.store.rows(object_name, "1", (), 'ORDER BY "_id"')]

    def count(self, object_name: str) -> int:
        with self._lock:
            return self.tenant.store.count(object_name)

    # One call

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """(status, headers, body). path: with its query. Raises NoAnswerError where the connection would break."""
        parts = urlsplit(path)
        plain = {name.lower(): value for name, value in headers.items()}
        with self._lock:
            try:
                document = self._carried_out(method, parts.path, parse_qs(parts.query), plain, body)
            except RefusedError as error:
                document = error.document()
            document.setdefault("traceId", self._trace_id(plain))
        return 200, JSON, json.dumps(document, ensure_ascii=False).encode()

    def _carried_out(
        self, method: str, path: str, asked: Mapping[str, list[str]], headers: Mapping[str, str], body: bytes
    ) -> Document:
        sign_in, verb = self.sign_in.paths().get(path), PATHS.get(path)
        if method == "POST" and sign_in is not None:
            return sign_in(_parsed(body))
        if method != "POST" or verb is None:
            raise no_such_path(path)
        told = _parsed(body)
        self.limits.count(path)
        call = self.sign_in.let_in(path, headers, told)
        if self.settings.third_trace_id == "required" and not asked.get("thirdTraceId"):
            raise missing("thirdTraceId")
        return verb(self.tenant, call)

    def _trace_id(self, headers: Mapping[str, str]) -> str:
        time = self._clock.now().strftime("%Y%m%d%H%M%S")
        return f"E-O.{self.settings.ea}.{headers.get('x-fs-userid', '0')}-{time}-{self.tenant.ids.token()[:12].lower()}"


def _parsed(body: bytes) -> Document:
    try:
        told = json.loads(body)
    except ValueError as error:
        raise missing("body") from error
    if not isinstance(told, dict):
        raise missing("body")
    return told
