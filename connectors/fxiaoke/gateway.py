"""One call to the gateway: at its pace, with our session, and what its answer means."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from copy import copy
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TypeAlias
from zoneinfo import ZoneInfo

from ..clock import Clock
from ..errors import InputError, UnavailableError
from ..pace import Pace
from ..secrets import Secrets
from .errors import SILENT, Kind, kind_of
from .options import Options
from .session import Signed, TenantSession, WrongCredentialsError
from .transport import Came, NoAnswerError, NotSentError, Streamed, Transport
from .wire import Document, read, whole, written

TRIES = 5
"""Of a call that changes nothing."""
JSON = {"Content-Type": "application/json"}
Content: TypeAlias = "tuple[Mapping[str, str], bytes | Streamed]"
"""Headers and body of a call."""
PAUSE = 1.0
"""Seconds before such a call is made again after no answer; the pace itself waits where we are throttled."""


@dataclass(frozen=True, slots=True)
class Answer:
    """code, message: of the envelope. retry_after: seconds, where the day's calls are spent."""

    code: int
    message: str
    document: Document
    retry_after: float | None = None

    @property
    def kind(self) -> Kind:
        return kind_of(self.code)

    @property
    def trace(self) -> str:
        """By which the vendor finds the call."""
        return str(self.document.get("traceId") or "-")

    @property
    def words(self) -> str:
        """The server's own, for the value store."""
        return f"{self.code} {self.message}".strip()


class HeldBackError(Exception):
    """The pace, or whoever listens in it, let the call not depart."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(str(cause))
        self.cause = cause


class Gateway:
    """All calls of one connection. zone: in which the tenant's day begins."""

    def __init__(
        self, options: Options, secrets: Secrets, transport: Transport, pace: Pace, clock: Clock, zone: ZoneInfo
    ) -> None:
        self._options, self._transport, self._pace, self._clock, self._zone = options, transport, pace, clock, zone
        self._session = TenantSession(options, secrets, self._signing_in)
        self.server_time: dt.datetime | None = None

    def untraced(self) -> Gateway:
        """The same, its calls without ids of their own."""
        other = copy(self)
        other._options = self._options.model_copy(update={"trace_ids": False})
        return other

    def acting_as(self, user: str) -> Gateway:
        """The same in the name of another employee."""
        other = copy(self)
        other._session = self._session.acting_as(user)
        return other

    @property
    def tenant(self) -> str:
        """Raises UnavailableError, or what keeps the call from departing."""
        with self._told():
            self._session.signed()
        return self._session.tenant

    def call(self, path: str, body: Document) -> Answer:
        """Once more with a new session where ours is over: what the gateway refuses for that was not done. Raises
        HeldBackError, NotSentError, NoAnswerError, WrongCredentialsError or UnavailableError; by all but NoAnswerError
        it has not left."""
        return self.send(path, lambda signed: (JSON, written(body | signed.body)))

    def send(self, path: str, content: Callable[[Signed], Content]) -> Answer:
        """A call with a body of any kind, made anew for each session. Raises as `call`."""
        signed = self._session.signed()
        answer = self._post(path, content(signed), signed.headers)
        if answer.kind is Kind.SESSION:
            self._session.expired(signed)
            signed = self._session.signed()
            answer = self._post(path, content(signed), signed.headers)
            if answer.kind is Kind.SESSION:
                self._session.expired(signed)
        return answer

    def ask(self, path: str, body: Document) -> Document:
        """A call that changes nothing, made again a few times where it comes to nothing. Raises UnavailableError,
        InputError `fxiaoke.refused`, or what keeps it from departing."""
        return self._document(path, self.tried(path, body))

    def until_told(self, path: str, call: Callable[[], Answer]) -> Document:
        """The same of any call that may be made as often as one likes."""
        return self._document(path, self._tried(path, call, TRIES))

    def _document(self, path: str, answer: Answer) -> Document:
        if answer.kind is Kind.REFUSED:
            raise InputError("fxiaoke.refused", path=path, number=str(answer.code), trace=answer.trace)
        return answer.document

    def tried(self, path: str, body: Document, tries: int = TRIES) -> Answer:
        """As `ask`, but that a refusal is an answer, too. tries: one, for what changes something."""
        return self._tried(path, lambda: self.call(path, body), tries)

    def _tried(self, path: str, call: Callable[[], Answer], tries: int) -> Answer:
        reason = ""
        for attempt in range(tries):
            if attempt:
                self._clock.sleep(PAUSE * 2 ** (attempt - 1))
            told = self._asked(call)
            if isinstance(told, Answer):
                return told
            reason = told
        raise UnavailableError("fxiaoke.no_answer" if tries > 1 else "fxiaoke.unanswered", path=path, reason=reason)

    def _asked(self, call: Callable[[], Answer]) -> Answer | str:
        """The answer, or why it is worth to ask again."""
        try:
            with self._told():
                answer = call()
        except NoAnswerError as error:
            return str(error)
        match answer.kind:
            case Kind.DONE | Kind.REFUSED:
                return answer
            case Kind.BUSY | Kind.SILENT | Kind.THROTTLED:
                return str(answer.code)
            case _:
                raise UnavailableError("fxiaoke.turned_away", number=str(answer.code), trace=answer.trace)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What kept a call from departing, as whoever asked is told it."""
        try:
            yield
        except HeldBackError as held:
            raise held.cause from None
        except WrongCredentialsError as error:
            raise UnavailableError("fxiaoke.credentials") from error
        except NotSentError as error:
            raise self.unreachable(error) from error

    def unreachable(self, error: NotSentError) -> UnavailableError:
        return UnavailableError("fxiaoke.unreachable", host=self._options.host, reason=str(error))

    @contextmanager
    def large(self, path: str, body: Document) -> Iterator[Iterator[bytes] | Answer]:
        """An answer in pieces, or the envelope that came in its place: of a call that came to nothing, too. Raises
        UnavailableError, also where the line breaks in the middle, or what keeps it from departing."""
        with self._told(), ExitStack() as stack:
            signed = self._session.signed()
            content = {**JSON, **signed.headers}, written(body | signed.body)
            try:
                with self._paced(path):
                    came = stack.enter_context(self._transport.coming("POST", self._traced(path), *content))
                    told = self._in_place(came)
            except NoAnswerError as error:
                yield Answer(SILENT, str(error), {})
                return
            self._pace.answered(path, isinstance(told, Answer) and told.kind is Kind.THROTTLED)
            if isinstance(told, Answer) and told.kind is Kind.SESSION:
                self._session.expired(signed)
            try:
                yield told
            except NoAnswerError as error:
                raise UnavailableError("fxiaoke.no_answer", path=path, reason=str(error)) from error

    def _in_place(self, came: Came) -> Iterator[bytes] | Answer:
        status, headers, pieces = came
        if status != 200:
            raise NoAnswerError(f"status {status}")
        kind = {name.lower(): value for name, value in headers.items()}.get("content-type", "")
        return self._heard(headers, b"".join(pieces)) if kind.startswith("application/json") else pieces

    def elsewhere(self, interface: str, address: str, content: Content) -> tuple[int, bytes]:
        """A call to another address, without our session: status and body. Raises NoAnswerError, UnavailableError, or
        what keeps it from departing."""
        with self._told(), self._paced(interface):
            status, _, told = self._transport.answer("POST", address, *content)
        self._pace.answered(interface, False)
        return status, told

    def _signing_in(self, path: str, body: Document) -> Document:
        """Raises WrongCredentialsError, HeldBackError, NotSentError or UnavailableError."""
        try:
            answer = self._post(path, (JSON, written(body)), {})
        except NoAnswerError as error:
            raise UnavailableError("fxiaoke.no_answer", path=path, reason=str(error)) from error
        if answer.kind in (Kind.REFUSED, Kind.FATAL):
            raise WrongCredentialsError(answer.words)
        if answer.kind is not Kind.DONE:
            raise UnavailableError("fxiaoke.turned_away", number=str(answer.code), trace=answer.trace)
        return answer.document

    def _post(self, path: str, content: Content, headers: Mapping[str, str]) -> Answer:
        """One request. The interface whose calls are counted is the path."""
        with self._paced(path):
            answer = self._answered(path, content, headers)
        self._pace.answered(path, answer.kind is Kind.THROTTLED)
        if answer.kind is Kind.SPENT and self._options.daily is not None:
            self._pace.told(self._options.daily)
        return answer

    @contextmanager
    def _paced(self, interface: str) -> Iterator[None]:
        """A call to this interface, once it may depart; answered where nothing is raised, which is to be told to the
        pace then. Raises HeldBackError."""
        try:
            self._pace.take(interface)
        except BaseException as error:
            raise HeldBackError(error) from error
        try:
            yield
        except BaseException:
            self._pace.lost(interface)
            raise

    def _traced(self, path: str) -> str:
        return f"{path}?thirdTraceId={uuid.uuid4()}" if self._options.trace_ids else path

    def _answered(self, path: str, content: Content, headers: Mapping[str, str]) -> Answer:
        own, body = content
        status, told, came = self._transport.answer("POST", self._traced(path), {**own, **headers}, body)
        if status != 200:
            raise NoAnswerError(f"status {status}")
        return self._heard(told, came)

    def _heard(self, told: Mapping[str, str], came: bytes) -> Answer:
        """An envelope. Raises NoAnswerError where it is none."""
        document = read(came)
        code = whole(document.get("errorCode"))
        if code is None:
            raise NoAnswerError("no errorCode")
        self._note_time({name.lower(): value for name, value in told.items()}.get("date", ""))
        message = str(document.get("errorMessage") or "")
        retry_after = self._until_midnight() if kind_of(code) is Kind.SPENT else None
        return Answer(code, message, document, retry_after)

    def _note_time(self, told: str) -> None:
        try:
            self.server_time = parsedate_to_datetime(told).astimezone(dt.UTC)
        except (ValueError, TypeError):
            self.server_time = None

    def _until_midnight(self) -> float:
        now = self._clock.now().astimezone(self._zone)
        midnight = dt.datetime.combine(now.date() + dt.timedelta(days=1), dt.time(), self._zone)
        return (midnight - now).total_seconds()
