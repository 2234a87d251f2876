"""One call to the org: at its pace, with our session, asked again where that helps."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any, TypeAlias
from urllib.parse import quote

import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceError

from ..clock import Clock
from ..departure import never_left
from ..errors import InputError, UnavailableError
from ..pace import Pace
from ..secrets import Secrets
from .errors import Kind, OrgError
from .line import Line
from .options import Options
from .session import Session

TRIES = 5
PAUSE = 1.0
"""Seconds before a call that came to nothing is made again, twice as many each further time; the pace itself waits
where we are throttled."""
API = "api"
"""The interface of every call that the org counts."""
WRITING = "writing"
"""The interface of calls that write: they take their own time."""
LONGEST = 8_000
"""Letters of a query in an address; longer ones go inside of a body. The edge takes 16,384 bytes with all headers."""
USAGE = re.compile(r"\bapi-usage=(\d+)/(\d+)")
Call: TypeAlias = Callable[[Salesforce], Any]
Document: TypeAlias = dict[str, Any]


class LocatorGoneError(Exception):
    """The query's further pages are no longer kept: ask anew behind the last record."""


class SilentError(Exception):
    """Nobody answered, or nothing that can be read."""


class Gateway:
    """learned: told how many calls the org counts a day, when it says so or says otherwise."""

    def __init__(
        self,
        options: Options,
        secrets: Secrets,
        line: Line,
        pace: Pace,
        clock: Clock,
        learned: Callable[[int], None],
    ) -> None:
        self._options, self._pace, self._clock, self._learned = options, pace, clock, learned
        self._session = Session(options, secrets, line, pace, clock)
        self.server_time: dt.datetime | None = None
        self._daily: int | None = None
        self._spent: int | None = None
        line.hooks["response"].append(self._note)

    @property
    def instance(self) -> str:
        return self._session.instance

    def query(self, soql: str, everything: bool = False) -> Document:
        """A query's first page. everything: with what is deleted or archived. Raises as `ask`."""
        resource, asked = "queryAll" if everything else "query", quote(soql, safe="")
        pages = {"Sforce-Query-Options": f"batchSize={self._options.page}"}
        if len(asked) <= LONGEST:
            return self.ask(f"{resource}?q={asked}", pages)
        part = {
            "method": "GET",
            "url": f"/services/data/v{self._options.version}/{resource}?q={asked}",
            "referenceId": "page",
            "httpHeaders": pages,
        }
        return self._told("composite", lambda client: _within(client, part))

    def ask(self, path: str, headers: dict[str, str] | None = None) -> Document:
        """path: behind the version, or from the host's root. Raises UnavailableError, InputError `salesforce.refused`,
        LocatorGoneError, or what keeps the call from departing."""
        path = path.removeprefix(f"/services/data/v{self._options.version}/")
        sent = {"X-PrettyPrint": "0", **(headers or {})}
        return self._told(path.partition("?")[0], lambda client: client.restful(path, headers=sent))

    def carry_out(self, path: str, call: Call) -> Document:
        """A call of its own kind; it gives None where its answer cannot be read, which is asked for again. path: for
        people. Raises as `ask`."""
        return self._told(path, call)

    def once(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Any:
        """A call that changes something, and so is made once; what it is answered. Raises OrgError for an answer that
        is an error, SilentError where nobody knows what came of it, and UnavailableError or what keeps it from
        departing where it has not left."""
        sent = {"X-PrettyPrint": "0", **headers}

        def departed(client: Salesforce) -> Any:
            try:
                return client.restful(path, method=method, data=body, headers=sent)
            except TypeError as error:  # simple-salesforce takes for granted that JSON has a length
                raise SilentError("no JSON list") from error

        return self.once_by(departed)

    def once_by(self, call: Call) -> Any:
        """The same for a call of its own kind."""
        try:
            return self._signed(call, WRITING)
        except requests.RequestException as error:
            if never_left(error):
                raise self._unreachable(error) from error
            raise SilentError(type(error).__name__) from error

    def _unreachable(self, error: Exception) -> UnavailableError:
        return UnavailableError("salesforce.unreachable", host=self._options.host, reason=type(error).__name__)

    def user(self) -> str:
        """The id of the user that we are. Raises as `ask`."""
        told = self._told("userinfo", lambda client: client.oauth2("userinfo"))
        return str(told.get("user_id") or "")

    def _told(self, path: str, call: Call) -> Document:
        reason = ""
        for attempt in range(TRIES):
            if attempt:
                self._clock.sleep(PAUSE * 2 ** (attempt - 1))
            try:
                told = self._signed(call)
            except OrgError as error:
                reason = self._why(path, error)
                continue
            except requests.RequestException as error:
                if never_left(error):
                    raise self._unreachable(error) from error
                reason = type(error).__name__
                continue
            if isinstance(told, dict):
                return told
            reason = "no JSON object"
        host = self._options.host
        raise UnavailableError("salesforce.no_answer", host=host, path=path, reason=reason)

    def _why(self, path: str, error: OrgError) -> str:
        """Why it is worth to ask again. Raises as `ask` where it is not."""
        match error.kind:
            case Kind.SILENT | Kind.THROTTLED:
                return error.code
            case Kind.LOCATOR:
                raise LocatorGoneError from error
            case Kind.SPENT:
                raise UnavailableError("salesforce.day_spent") from error
            case Kind.REFUSED:
                raise InputError("salesforce.refused", path=path, number=error.code) from error
            case _:
                raise UnavailableError("salesforce.turned_away", path=path, number=error.code) from error

    def _signed(self, call: Call, interface: str = API) -> Any:
        """Once more with a new session where ours is over. Raises OrgError, requests.RequestException,
        UnavailableError, or what keeps it from departing."""
        client = self._session.client()
        try:
            return self._paced(call, client, interface)
        except OrgError as error:
            if error.kind is not Kind.SESSION:
                raise
        self._session.expired(client)
        return self._paced(call, self._session.client(), interface)

    def _paced(self, call: Call, client: Salesforce, interface: str) -> Any:
        try:
            return self._made(call, client, interface)
        finally:
            if self._spent is not None:  # told only now: the org has counted this call, too
                self._pace.told(self._spent)

    def _made(self, call: Call, client: Salesforce, interface: str) -> Any:
        with self._pace.call(interface) as paced:
            try:
                return call(client)
            except SalesforceError as error:
                told = OrgError.of(error)
            except OrgError as error:
                told = error
            if told.kind is Kind.THROTTLED:
                paced.throttled()
        raise told

    def _note(self, answer: requests.Response, **_told: object) -> None:
        """Of each answer: the server's time, and how many of the day's calls are spent."""
        try:
            self.server_time = parsedate_to_datetime(answer.headers.get("Date", "")).astimezone(dt.UTC)
        except (ValueError, TypeError):
            self.server_time = None
        found = USAGE.search(answer.headers.get("Sforce-Limit-Info", ""))
        if found is None:
            return
        self._spent, daily = int(found[1]), int(found[2])
        if daily != self._daily and daily > 0:
            self._daily = daily
            self._learned(daily)


def _within(client: Salesforce, part: Document) -> Any:
    """A call inside of a composite one. Raises OrgError where it comes to nothing."""
    told = client.restful("composite", method="POST", json={"compositeRequest": [part]})
    answers = told.get("compositeResponse") if isinstance(told, dict) else None
    answer = answers[0] if isinstance(answers, list) and answers else None
    if not isinstance(answer, dict):
        return None
    status = int(answer.get("httpStatusCode") or 0)
    if status >= 300:
        raise OrgError(status, answer.get("body"))
    return answer.get("body")
