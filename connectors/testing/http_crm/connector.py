"""The connector to the CRM over HTTP: which answer, and which silence, means what."""

from __future__ import annotations

import datetime as dt
import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa
import requests

from ...cell import Cell, arrow_type
from ...change import CONTAGION, Batch, Outcome, OutcomeState
from ...chunk import Chunk
from ...clock import Clock
from ...departure import never_left
from ...errors import InputError, UnavailableError
from ...pace import UNLIMITED, Action, Allowance, Interface, Need, Pace, Rate
from ...port import KEY, OUR_KEY, AuditFields, Capabilities, Identity, OurKeyPlace
from ...schema import ObjectSchema, Schema, schema_from_json
from ...sign_in import SignIn
from .wire import Document, Json, as_document, as_list, as_texts, decoded, encoded, encoded_change, parsed

TRIES = 3
"""Of a call that changes nothing, where the target turns it away."""
LONGEST_WAIT = 60.0
WRITE, QUERY = "write", "query"
"""Counted together, but answered in their own time."""
STATES = {
    200: OutcomeState.ACKED,
    404: OutcomeState.REJECTED,
    409: OutcomeState.EXISTS,
    412: OutcomeState.STALE,
    422: OutcomeState.REJECTED,
    423: OutcomeState.NOT_SENT,
    424: OutcomeState.NOT_SENT,
}
FELL_WITH_ANOTHER = 424


class NotSentError(Exception):
    """Refused, unknown or untrusted before the first byte of the call had left."""


class NoAnswerError(Exception):
    """A timeout, a reset, half an answer: whether it was done is not known."""


class WrongCredentialsError(Exception):
    """The target does not let us in; its code."""


@dataclass(frozen=True, slots=True)
class Answer:
    """retry_after: seconds, where the answer says so. at_work: seconds that the server had it."""

    status: int
    document: Document
    retry_after: float | None = None
    at_work: float = 0.0

    @property
    def throttled(self) -> bool:
        return self.status == 429 or (self.status == 503 and self.retry_after is not None)


class Wire:
    """Calls over one connection for each thread. timeout: seconds for the connection, and for each wait for the
    answer's next bytes."""

    def __init__(self, url: str, timeout: float, pace: Pace) -> None:
        self._pace = pace
        self._url = url.rstrip("/")
        self._timeout = timeout
        self._here = threading.local()
        self._sessions: list[requests.Session] = []

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._here, "session", None)
        if session is None:
            session = self._here.session = requests.Session()
            session.trust_env = False
            self._sessions.append(session)
        return session

    def call(self, path: str, document: Document, token: str | None = None) -> Answer:
        """Raises NotSentError or NoAnswerError; QuotaSpentError before anything has left."""
        with self._pace.call(WRITE if path.endswith(("/change", "/batch")) else QUERY) as call:
            answer = self._post(path, document, token)
            call.at_work(answer.at_work)
            if answer.throttled:
                call.throttled(answer.retry_after)
            return answer

    def _post(self, path: str, document: Document, token: str | None) -> Answer:
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        try:
            told = self._session().post(
                self._url + path,
                data=json.dumps(document).encode(),
                headers=headers,
                timeout=(self._timeout, self._timeout),
                allow_redirects=False,
            )
            body = parsed(json.loads(told.content))
            retry_after, at_work = (_seconds(told.headers.get("Retry-After")), _at_work(told.headers))
            return Answer(told.status_code, as_document(body), retry_after, at_work)
        except requests.RequestException as error:
            raise (NotSentError if never_left(error) else NoAnswerError)(type(error).__name__) from error
        except ValueError as error:
            raise NoAnswerError("no JSON") from error

    def close(self) -> None:
        for each in self._sessions:
            each.close()


def _seconds(told: str | None) -> float | None:
    """Of a Retry-After in seconds; a date, or nothing, is None."""
    try:
        return None if told is None else max(0.0, float(told))
    except ValueError:
        return None


def _at_work(headers: Mapping[str, str]) -> float:
    """Of a Server-Timing that says how long the server had the call; nothing is 0."""
    told = re.search(r"\btotal;dur=([0-9.]+)", headers.get("Server-Timing", ""))
    return (_seconds(told[1]) or 0.0) / 1000 if told else 0.0


class HttpCrmConnector:
    """See the package."""

    def __init__(self, url: str, user: str, secret: str, timeout: float, pace: Pace, clock: Clock) -> None:
        self._wire = Wire(url, timeout, pace)
        self._clock = clock
        self._who: Document = {"user": user, "secret": secret}
        self._signed_in = SignIn(self._sign_in)
        about = self._ask("/about", {})
        self._about = about
        self._schema = schema_from_json(
            {name: as_document(each) for name, each in as_document(about["objects"]).items()}
        )
        self.capabilities = Capabilities(
            batch_size=int(str(about["batch_size"])),
            at_once=int(str(about["threads"])),
            find_size=int(str(about["find_size"])),
            writes=True,
            our_key=OurKeyPlace.FIELD,
            compare_and_set=True,
            all_or_nothing=about["batches"] != "each",
            answers_as_one=about["batches"] == "as_one",
            deletes=True,
            read_back_lag=dt.timedelta(seconds=float(str(about["read_back_lag"]))),
            server_maximum=dt.timedelta(seconds=float(str(about["server_maximum"]))),
            allowance=_allowance(about),
        )
        pace.obey(self.capabilities.allowance)

    # The port

    def identity(self) -> Identity:
        return Identity("http_crm", str(self._about["id"]), str(self._about["name"]))

    def describe(self) -> Schema:
        return self._schema

    def audit_fields(self, object_name: str) -> AuditFields:
        self._described(object_name)
        return AuditFields()

    def acting_user(self) -> str | None:
        return str(self._who["user"])

    def read(
        self, object_name: str, fields: Sequence[str], *, after: str | None = None, size: int = 20_000
    ) -> Iterator[Chunk]:
        described = self._described(object_name, fields)
        return self._pages(described, fields, after, size)

    def _pages(self, described: ObjectSchema, fields: Sequence[str], after: str | None, size: int) -> Iterator[Chunk]:
        while True:
            asked: Document = {"fields": list(fields), "after": after, "size": size}
            chunk = _chunk(described, fields, self._ask(f"/objects/{described.name}/read", asked))
            if not chunk.keys:
                return
            yield Chunk(described.name, chunk.frame, chunk.keys, chunk.cursor)
            after = chunk.cursor

    def count(self, object_name: str) -> int:
        self._described(object_name)
        return int(str(self._ask(f"/objects/{object_name}/count", {})["count"]))

    def find(
        self, object_name: str, by: Sequence[str], values: Sequence[tuple[Cell, ...]], fields: Sequence[str]
    ) -> Chunk:
        named = [] if tuple(by) in ((KEY,), (OUR_KEY,)) else by
        described = self._described(object_name, [*named, *fields])
        if len(values) > self.capabilities.find_size:
            raise ValueError(f"{object_name}: {len(values)} values to find, {self.capabilities.find_size} at most")
        sought: list[Json] = [[encoded(cell) for cell in each] for each in values]
        asked: Document = {"by": list(by), "values": sought, "fields": list(fields)}
        return _chunk(described, fields, self._ask(f"/objects/{object_name}/find", asked))

    def write(self, batch: Batch) -> list[Outcome]:
        if len(batch.changes) > self.capabilities.batch_size:
            raise ValueError(f"{batch.object}: {len(batch.changes)} changes, {self.capabilities.batch_size} at most")
        for change in batch.changes:
            self._described(batch.object, [*change.values, *(change.expect or ())])
        single = len(batch.changes) == 1
        changes: list[Json] = [encoded_change(each) for each in batch.changes]
        path = f"/objects/{batch.object}/{'change' if single else 'batch'}"
        try:
            token = self._signed_in.token()
        except WrongCredentialsError as error:
            return _all(batch, OutcomeState.FATAL, str(error))
        try:
            answer = self._wire.call(path, {"changes": changes}, token)
        except NotSentError as error:
            raise UnavailableError("http_crm.unreachable", reason=str(error)) from error
        except NoAnswerError as error:
            return _all(batch, OutcomeState.UNKNOWN, "target.no_answer", str(error))
        if answer.status == 401:
            self._signed_in.expired(token)
            return _all(batch, OutcomeState.EXPIRED, "target.session_expired")
        return _outcomes(batch, answer)

    def prepare(self) -> None:
        """There is always room for our key here."""

    def our_keys(self, object_name: str) -> Iterator[list[tuple[str, str]]]:
        self._described(object_name)
        pairs = [as_texts(each) for each in as_list(self._ask(f"/objects/{object_name}/our_keys", {})["pairs"])]
        yield from ([(ours, key) for ours, key in pairs[at : at + 1000]] for at in range(0, len(pairs), 1000))

    def now(self) -> dt.datetime:
        told = decoded(self._ask("/now", {})["now"])
        assert isinstance(told, dt.datetime)
        return told

    def record_url(self, object_name: str, key: str) -> str | None:
        """None: there is no page to open."""
        return None

    def close(self) -> None:
        self._wire.close()

    # One call

    def _sign_in(self) -> str:
        try:
            answer = self._wire.call("/session", self._who)
        except (NotSentError, NoAnswerError) as error:
            raise UnavailableError("http_crm.unreachable", reason=str(error)) from error
        if answer.status == 403:
            raise WrongCredentialsError(str(answer.document["code"]))
        if answer.status != 201:
            raise UnavailableError("http_crm.no_session", status=answer.status)
        return str(answer.document["token"])

    def _ask(self, path: str, document: Document) -> Document:
        """A call that changes nothing and may be made again: once with a new session, a few times where we are turned
        away. Raises UnavailableError."""
        for attempt in range(1, TRIES + 1):
            try:
                token = self._signed_in.token()
                answer = self._wire.call(path, document, token)
            except WrongCredentialsError as error:
                raise UnavailableError(str(error)) from error
            except (NotSentError, NoAnswerError) as error:
                raise UnavailableError("http_crm.unreachable", reason=str(error)) from error
            if answer.status == 401:
                self._signed_in.expired(token)
            elif answer.throttled and attempt < TRIES:
                self._clock.sleep(min(answer.retry_after or 1.0, LONGEST_WAIT))
            else:
                break
        if answer.status == 400:
            raise InputError("http_crm.refused", path=path)
        if answer.status != 200:
            raise UnavailableError("http_crm.status", path=path, status=answer.status)
        return answer.document

    def _described(self, object_name: str, fields: Sequence[str] = ()) -> ObjectSchema:
        described = self._schema.objects.get(object_name)
        if described is None:
            raise InputError("http_crm.no_object", object=object_name)
        for name in fields:
            if described.field(name) is None:
                raise InputError("http_crm.no_field", object=object_name, field=name)
        return described


def _allowance(about: Document) -> Allowance:
    """What the server says of the calls that it takes; nothing where it limits none."""
    calls, threads = int(str(about["calls"])), int(str(about["threads"]))
    if not calls:
        return UNLIMITED
    rate = Rate(calls, float(str(about["seconds"])))
    write = Need(WRITE, int(str(about["batch_size"])), seconds=float(str(about["takes"])))
    find = Need(QUERY, int(str(about["find_size"])))
    needs = {Action.WRITE: (write,), Action.FIND: (find,)}
    return Allowance(others=Interface(threads=threads), shared=(rate,), threads=threads, needs=needs)


def _all(
    batch: Batch, state: OutcomeState, code: str, detail: str | None = None, retry_after: float | None = None
) -> list[Outcome]:
    """The same of every change."""
    return [Outcome(each.our_key, state, each.target_key, code, detail, None, retry_after) for each in batch.changes]


def _outcomes(batch: Batch, answer: Answer) -> list[Outcome]:
    if answer.throttled:
        return _all(batch, OutcomeState.THROTTLED, "target.throttled", None, answer.retry_after)
    code = str(answer.document.get("code") or "target.refused")
    if answer.status == 403:
        return _all(batch, OutcomeState.FATAL, code)
    if len(batch.changes) == 1 and answer.status in STATES:
        return _told_one_by_one(batch, [answer.document])
    if answer.status == 200:
        return _told_one_by_one(batch, as_list(answer.document["results"]))
    if 400 <= answer.status < 500:
        return _all(batch, OutcomeState.REJECTED, code, str(answer.document.get("message") or "") or None)
    return _all(batch, OutcomeState.UNKNOWN, "target.no_answer", f"status {answer.status}")


def _told_one_by_one(batch: Batch, results: Sequence[Json]) -> list[Outcome]:
    """Found by our key; what is not there is unknown."""
    told = {str(each["our_key"]): each for each in map(as_document, results)}
    outcomes = []
    for change in batch.changes:
        each = told.get(change.our_key)
        if each is None:
            outcomes += _all(Batch(batch.object, (change,)), OutcomeState.UNKNOWN, "target.no_answer")
            continue
        status = int(str(each["status"]))
        state = STATES[status]
        key, code, field = (None if each[name] is None else str(each[name]) for name in ("key", "code", "field"))
        code = CONTAGION if status == FELL_WITH_ANOTHER else code
        outcomes.append(Outcome(change.our_key, state, key or change.target_key, code, field=field))
    return outcomes


def _chunk(described: ObjectSchema, fields: Sequence[str], page: Document) -> Chunk:
    keys = as_texts(page["keys"])
    columns = as_document(page["columns"]) if keys or "columns" in page else {name: [] for name in fields}
    frame = {}
    for name in fields:
        field = described.field(name)
        assert field is not None
        cells = [decoded(cell) for cell in as_list(columns[name])]
        frame[name] = pd.arrays.ArrowExtensionArray(pa.array(cells, arrow_type(field)))
    return Chunk(
        described.name,
        pd.DataFrame(frame, index=pd.RangeIndex(len(keys))),
        keys,
        str(page.get("cursor") or ""),
        [None if each is None else str(each) for each in as_list(page.get("our_keys", []))],
    )
