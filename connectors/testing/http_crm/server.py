"""A CRM that speaks JSON over HTTP on loopback, for tests: a real socket to cross, and faults on command.

    with HttpCrm(MemoryConnector(SCHEMA), script=[Strike(3, StrikeKind.ERROR_AFTER)]) as crm:
        ...connect to crm.url

The records lie in a MemoryConnector, which refuses what a database would.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType

from ...change import Batch, Outcome, OutcomeState
from ...errors import InputError
from ...loopback import LoopbackHandler, LoopbackServer
from ...memory import MemoryConnector
from ...schema import Schema
from . import desk
from .wire import Document, Json, as_document, parsed

USER, SECRET = "migrator", "not-a-secret"


class StrikeKind(StrEnum):
    """What happens to a write call. EXPIRED: all sessions end, 401. THROTTLED: 429, UNAVAILABLE: 503, both with
    Retry-After. ERROR_BEFORE, ERROR_AFTER: 500, nothing or all done. SHORT: done, the answer breaks off in the middle.
    MISSING: done, the answer lacks the second half of the changes. SHUFFLED: done, answered in another order. SLOW:
    done at once, answered when the caller has given up. LATE: done `Strike.seconds` later. RESET_BEFORE, RESET_AFTER:
    the connection is reset, nothing or all done."""

    EXPIRED = "expired"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    ERROR_BEFORE = "error_before"
    ERROR_AFTER = "error_after"
    SHORT = "short"
    MISSING = "missing"
    SHUFFLED = "shuffled"
    SLOW = "slow"
    LATE = "late"
    RESET_BEFORE = "reset_before"
    RESET_AFTER = "reset_after"


@dataclass(frozen=True, slots=True)
class Strike:
    """call: which write call, from 1. seconds: of Retry-After, or of LATE."""

    call: int
    kind: StrikeKind
    seconds: float = 1.0


class Batches(StrEnum):
    """How a batch with a bad record is answered. EACH: the bad one is refused, the others are done. NAMED: nothing is
    done, and the bad ones are named. AS_ONE: nothing is done, and nobody is named."""

    EACH = "each"
    NAMED = "named"
    AS_ONE = "as_one"


@dataclass
class Doors:
    """Who gets in. read_only: nobody writes. suspended: nobody signs in. sign_ins: so many there were."""

    read_only: bool = False
    suspended: bool = False
    sign_ins: int = 0
    tokens: set[str] = field(default_factory=set)


@dataclass
class Gate:
    """Where calls are counted. calls, seconds: more than so many in any so many seconds are turned away, none where
    calls is 0. threads: calls at a time. takes: seconds that a write takes. arrivals: when each call was counted, by a
    clock of the server's own, and whether it was a write. turned_away: calls too many."""

    calls: int = 0
    seconds: float = 1.0
    threads: int = 1
    takes: float = 0.0
    arrivals: list[tuple[float, bool]] = field(default_factory=list)
    turned_away: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _latest: deque[float] = field(default_factory=deque)

    def count(self, path: str) -> bool:
        """Whether the call may come in."""
        with self._lock:
            now = time.perf_counter()
            self.arrivals.append((now, path.endswith(("/change", "/batch"))))
            self._latest.append(now)
            while self._latest[0] < now - self.seconds:
                self._latest.popleft()
            return not 0 < self.calls < len(self._latest)

    def turn_away(self) -> Told:
        self.turned_away += 1
        return Told(429, {"code": "busy"}, (("Retry-After", f"{self.seconds:g}"),))


class RowLocks:
    """A write locks the records that its changes refer to, and refuses changes of records that are locked. fields:
    object -> the reference whose record is locked. refused: so many changes."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.refused = 0
        self._fields = fields
        self._held: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    @contextmanager
    def held(self, batch: Batch) -> Iterator[set[str]]:
        """Our keys of the changes that are refused."""
        name = self._fields.get(batch.object, "")
        rows = {each.our_key: (batch.object, str(each.values.get(name))) for each in batch.changes if name}
        with self._lock:
            refused = {our_key for our_key, row in rows.items() if row in self._held}
            ours = set(rows.values()) - self._held
            self._held |= ours
            self.refused += len(refused)
        try:
            yield refused
        finally:
            with self._lock:
                self._held -= ours


@dataclass(frozen=True, slots=True)
class Told:
    """An answer: its status, document and headers."""

    status: int
    document: Document
    headers: tuple[tuple[str, str], ...] = ()


Watch = Callable[[str, int, Batch], None]
"""Told of every write call: "arrived" before and "done" after its deed; its number, and what it carries."""


class HttpCrm:
    """The server. server_maximum: seconds a call may still be at work after its caller has given up. locks: object ->
    the reference whose record a write locks. writes: how many write calls there were. done: every change with its
    outcome, in the order of the deeds."""

    def __init__(
        self,
        crm: MemoryConnector,
        *,
        batches: Batches = Batches.EACH,
        script: Sequence[Strike] = (),
        server_maximum: float = 0.0,
        batch_size: int = 200,
        gate: Gate | None = None,
        locks: Mapping[str, str] | None = None,
        watch: Watch = lambda _moment, _number, _batch: None,
    ) -> None:
        self.crm = crm
        self.batches = batches
        self.server_maximum, self.batch_size = server_maximum, batch_size
        self.watch = watch
        self.doors = Doors()
        self.gate = gate or Gate()
        self.locks = RowLocks(locks or {})
        self.writes = 0
        self.done: list[tuple[str, Outcome]] = []
        self.lock = threading.RLock()
        self.given_up = threading.Event()
        self._script = {each.call: each for each in script}
        self._id = uuid.uuid4().hex
        self._server = _Server(("127.0.0.1", 0), _Handler, self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> HttpCrm:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.given_up.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def schema(self) -> Schema:
        return self.crm.describe()

    def about(self) -> Document:
        """What a caller has to know of this server."""
        lag = self.crm.capabilities.read_back_lag.total_seconds()
        return {
            "id": self._id,
            "name": self.crm.identity().name,
            "objects": parsed(self.schema().to_json()),
            "batch_size": self.batch_size,
            "find_size": self.crm.capabilities.find_size,
            "batches": self.batches.value,
            "calls": self.gate.calls,
            "seconds": self.gate.seconds,
            "threads": self.gate.threads,
            "takes": self.gate.takes,
            "read_back_lag": lag,
            "server_maximum": self.server_maximum,
        }

    def answer(self, method: str, path: str, token: str | None, document: Document) -> Told | None:
        """The answer to one call; None where the connection is to be reset."""
        if path == "/session":
            return self._sign_in(document)
        if token not in self.doors.tokens:
            return Told(401, {"code": "expired"})
        parts = path.strip("/").split("/")
        if method == "POST" and len(parts) == 3 and parts[2] in ("change", "batch"):
            return self._write(parts[1], document, single=parts[2] == "change")
        with self.lock:
            try:
                return Told(200, desk.ask(self.crm, self.about, parts, document))
            except (InputError, KeyError, ValueError) as error:
                return Told(400, {"code": "bad_request", "message": str(error)})

    def _sign_in(self, document: Document) -> Told:
        with self.lock:
            self.doors.sign_ins += 1
            if self.doors.suspended:
                return Told(403, {"code": "target.suspended"})
            if (document.get("user"), document.get("secret")) != (USER, SECRET):
                return Told(403, {"code": "target.credentials"})
            token = uuid.uuid4().hex
            self.doors.tokens.add(token)
            return Told(201, {"token": token})

    def _write(self, object_name: str, document: Document, *, single: bool) -> Told | None:
        batch = desk.batch_of(object_name, document)
        with self.lock:
            self.writes += 1
            number = self.writes
        strike = self._script.get(number)
        kind = None if strike is None else strike.kind
        self.watch("arrived", number, batch)
        if self.doors.read_only:
            return Told(403, {"code": "target.no_permission"})
        if strike is not None and (before := self._struck_before(strike)) is not None:
            return before.told
        with self.locks.held(batch) as refused:
            if self.gate.takes:
                threading.Event().wait(self.gate.takes)
            with self.lock:
                outcomes = desk.do(self.crm, batch, refused, whole=self.batches is not Batches.EACH)
                self.done += [
                    (change.kind.value, outcome) for change, outcome in zip(batch.changes, outcomes, strict=True)
                ]
        self.watch("done", number, batch)
        told = desk.answer_of(outcomes, single=single, as_one=self.batches is Batches.AS_ONE)
        return self._struck_after(kind, told)

    def _struck_before(self, strike: Strike) -> _Instead | None:
        match strike.kind:
            case StrikeKind.EXPIRED:
                self.doors.tokens.clear()
                return _Instead(Told(401, {"code": "expired"}))
            case StrikeKind.THROTTLED | StrikeKind.UNAVAILABLE:
                status = 429 if strike.kind is StrikeKind.THROTTLED else 503
                return _Instead(Told(status, {"code": "busy"}, (("Retry-After", f"{strike.seconds:g}"),)))
            case StrikeKind.ERROR_BEFORE:
                return _Instead(Told(500, {"code": "error"}))
            case StrikeKind.RESET_BEFORE:
                return _Instead(None)
            case StrikeKind.LATE:
                threading.Event().wait(strike.seconds)
        return None

    def _struck_after(self, kind: StrikeKind | None, told: desk.Answer) -> Told | None:
        status, document = told
        match kind:
            case StrikeKind.ERROR_AFTER:
                return Told(500, {"code": "error"})
            case StrikeKind.RESET_AFTER:
                return None
            case StrikeKind.SHORT:
                return Told(status, document, (("X-Break-Off", "1"),))
            case StrikeKind.SLOW:
                self.given_up.wait()
            case StrikeKind.MISSING if "results" in document:
                results = _results(document)
                return Told(status, {"results": results[: len(results) // 2]})
            case StrikeKind.SHUFFLED if "results" in document:
                results = _results(document)
                return Told(status, {"results": results[1::2] + results[0::2][::-1]})
        return Told(status, document)

    def acked(self, kind: str) -> list[str]:
        """Our keys of what was really done of this kind, once for each time."""
        return [outcome.our_key for each, outcome in self.done if each == kind and outcome.state is OutcomeState.ACKED]


@dataclass(frozen=True, slots=True)
class _Instead:
    """What is answered in place of the deed."""

    told: Told | None


def _results(document: Document) -> list[Json]:
    results = document["results"]
    return results if isinstance(results, list) else []


class _Server(LoopbackServer):
    def __init__(self, address: tuple[str, int], handler: type[LoopbackHandler], crm: HttpCrm) -> None:
        super().__init__(address, handler)
        self.crm = crm


class _Handler(LoopbackHandler):
    def serve(self) -> None:
        assert isinstance(self.server, _Server)
        body = self.body()
        document = as_document(parsed(json.loads(body))) if body else {}
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        crm = self.server.crm
        let_in = crm.gate.count(self.path)
        counted = time.perf_counter()
        told = crm.answer(self.command, self.path, token, document) if let_in else crm.gate.turn_away()
        if told is None:
            self.reset()
            return
        answer = json.dumps(told.document).encode()
        self.send_response(told.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.send_header("Server-Timing", f"total;dur={(time.perf_counter() - counted) * 1000:.3f}")
        for name, value in told.headers:
            self.send_header(name, value)
        self.end_headers()
        short = any(name == "X-Break-Off" for name, _ in told.headers)
        self.wfile.write(answer[: len(answer) // 2] if short else answer)
        self.wfile.flush()
        self.close_connection = self.close_connection or short
