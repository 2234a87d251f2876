"""The way to the tenant: a request out, an answer or a silence back."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Protocol, TypeAlias
from urllib.parse import urlsplit

import requests

from ..departure import never_left
from ..errors import InputError
from ..port import Settings
from .options import Options

Answered: TypeAlias = tuple[int, Mapping[str, str], bytes]
"""HTTP status, headers, body."""


class NotSentError(Exception):
    """Not resolved, refused or not trusted before the first byte of the call had left."""


class NoAnswerError(Exception):
    """A timeout, a reset, half an answer, an answer that is none of the gateway's: whether it was done is not known."""


class Transport(Protocol):
    """Anything that answers requests: a server by HTTP, or the simulator in this process."""

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answered:
        """path: from the host's root, with its query. Raises NotSentError or NoAnswerError."""


class HttpTransport:
    """One connection for each thread. timeout: seconds for the connection, and for each wait for the answer's next
    bytes."""

    def __init__(self, host: str, timeout: float) -> None:
        self._host = host.rstrip("/")
        self._timeout = timeout
        self._here = threading.local()
        self._sessions: list[requests.Session] = []

    @classmethod
    def of(cls, settings: Settings, options: Options) -> HttpTransport:
        """Raises InputError `fxiaoke.host`."""
        host = urlsplit(options.host)
        if host.scheme not in ("http", "https") or not host.hostname or host.path.strip("/") or host.username:
            raise InputError("fxiaoke.host", connection=settings.name)
        return cls(options.host, options.timeout)

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answered:
        try:
            told = self._session().request(
                method,
                self._host + path,
                headers=dict(headers),
                data=body,
                timeout=(self._timeout, self._timeout),
                allow_redirects=False,
            )
            return told.status_code, told.headers, told.content
        except requests.RequestException as error:
            raise (NotSentError if never_left(error) else NoAnswerError)(type(error).__name__) from error

    def close(self) -> None:
        for each in self._sessions:
            each.close()

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._here, "session", None)
        if session is None:
            session = self._here.session = requests.Session()
            session.auth = _as_it_is  # else requests puts what ~/.netrc has in place of our token
            self._sessions.append(session)
        return session


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
