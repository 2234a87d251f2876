"""The way to the tenant: a request out, an answer or a silence back."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TypeAlias
from urllib.parse import urlsplit

import requests

from ..departure import never_left
from ..errors import InputError
from ..held_file import PIECE
from ..port import Settings
from .options import Options

Answered: TypeAlias = tuple[int, Mapping[str, str], bytes]
"""HTTP status, headers, body."""
Came: TypeAlias = tuple[int, Mapping[str, str], Iterator[bytes]]
"""The same, the body in pieces; it raises NoAnswerError where the line breaks."""


class Streamed:
    """A request's body of a known length that is never whole in memory."""

    def __init__(self, length: int, pieces: Iterator[bytes]) -> None:
        self._length, self._pieces, self._left = length, pieces, b""

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.read(PIECE):
            yield piece

    def read(self, size: int = -1) -> bytes:
        """As of a file."""
        while size < 0 or len(self._left) < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._left += piece
        told = self._left if size < 0 else self._left[:size]
        self._left = self._left[len(told) :]
        return told


class NotSentError(Exception):
    """Not resolved, refused or not trusted before the first byte of the call had left."""


class NoAnswerError(Exception):
    """A timeout, a reset, half an answer, an answer that is none of the gateway's: whether it was done is not known."""


class Transport(Protocol):
    """Anything that answers requests: a server by HTTP, or the simulator in this process."""

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes | Streamed) -> Answered:
        """path: from the host's root, with its query; or a whole address. Raises NotSentError or NoAnswerError."""

    def coming(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | Streamed
    ) -> AbstractContextManager[Came]:
        """The same for a large answer; what is not read by its end is let go."""


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

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes | Streamed) -> Answered:
        with _told():
            told = self._request(method, path, headers, body, stream=False)
            return told.status_code, told.headers, told.content

    @contextmanager
    def coming(self, method: str, path: str, headers: Mapping[str, str], body: bytes | Streamed) -> Iterator[Came]:
        with _told():
            told = self._request(method, path, headers, body, stream=True)
        with told:
            yield told.status_code, told.headers, _pieces(told)

    def _request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | Streamed, *, stream: bool
    ) -> requests.Response:
        return self._session().request(
            method,
            path if "://" in path else self._host + path,
            headers=dict(headers),
            data=body,
            timeout=(self._timeout, self._timeout),
            allow_redirects=False,
            stream=stream,
        )

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


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except requests.RequestException as error:
        raise (NotSentError if never_left(error) else NoAnswerError)(type(error).__name__) from error


def _pieces(told: requests.Response) -> Iterator[bytes]:
    with _told():
        yield from told.iter_content(PIECE)


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
