"""One call to the gateway: at its pace, with our session, and what its answer means."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo

from ..clock import Clock
from ..errors import InputError, UnavailableError
from ..pace import Pace
from ..secrets import Secrets
from .errors import Kind, kind_of
from .options import Options
from .session import TenantSession, WrongCredentialsError
from .transport import NoAnswerError, NotSentError, Transport
from .wire import Document, read, whole, written

TRIES = 5
"""Of a call that changes nothing."""
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
        signed = self._session.signed()
        answer = self._post(path, body | signed.body, signed.headers)
        if answer.kind is Kind.SESSION:
            self._session.expired(signed)
            signed = self._session.signed()
            answer = self._post(path, body | signed.body, signed.headers)
            if answer.kind is Kind.SESSION:
                self._session.expired(signed)
        return answer

    def ask(self, path: str, body: Document) -> Document:
        """A call that changes nothing, made again a few times where it comes to nothing. Raises UnavailableError,
        InputError `fxiaoke.refused`, or what keeps it from departing."""
        answer = self.tried(path, body)
        if answer.kind is Kind.REFUSED:
            raise InputError("fxiaoke.refused", path=path, number=str(answer.code), trace=answer.trace)
        return answer.document

    def tried(self, path: str, body: Document, tries: int = TRIES) -> Answer:
        """The same, but that a refusal is an answer, too. tries: one, for what changes something."""
        reason = ""
        for attempt in range(tries):
            if attempt:
                self._clock.sleep(PAUSE * 2 ** (attempt - 1))
            told = self._asked(path, body)
            if isinstance(told, Answer):
                return told
            reason = told
        raise UnavailableError("fxiaoke.no_answer" if tries > 1 else "fxiaoke.unanswered", path=path, reason=reason)

    def _asked(self, path: str, body: Document) -> Answer | str:
        """The answer, or why it is worth to ask again."""
        try:
            with self._told():
                answer = self.call(path, body)
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

    def _signing_in(self, path: str, body: Document) -> Document:
        """Raises WrongCredentialsError, HeldBackError, NotSentError or UnavailableError."""
        try:
            answer = self._post(path, body, {})
        except NoAnswerError as error:
            raise UnavailableError("fxiaoke.no_answer", path=path, reason=str(error)) from error
        if answer.kind in (Kind.REFUSED, Kind.FATAL):
            raise WrongCredentialsError(answer.words)
        if answer.kind is not Kind.DONE:
            raise UnavailableError("fxiaoke.turned_away", number=str(answer.code), trace=answer.trace)
        return answer.document

    def _post(self, path: str, body: Document, headers: object) -> Answer:
        """One request. The interface whose calls are counted is the path."""
        try:
            self._pace.take(path)
        except BaseException as error:
            raise HeldBackError(error) from error
        try:
            answer = self._answered(path, body, headers if isinstance(headers, dict) else {})
        except BaseException:
            self._pace.lost(path)
            raise
        self._pace.answered(path, answer.kind is Kind.THROTTLED)
        if answer.kind is Kind.SPENT and self._options.daily is not None:
            self._pace.told(self._options.daily)
        return answer

    def _answered(self, path: str, body: Document, headers: dict[str, str]) -> Answer:
        traced = f"{path}?thirdTraceId={uuid.uuid4()}" if self._options.trace_ids else path
        sent = {"Content-Type": "application/json", **headers}
        status, told, content = self._transport.answer("POST", traced, sent, written(body))
        if status != 200:
            raise NoAnswerError(f"status {status}")
        document = read(content)
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
