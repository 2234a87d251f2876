"""One session with a system, shared by all threads: whoever finds it over gets a new one, and only one of them asks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future


class SignIn:
    """Keeps the token of a session. sign_in: makes a new one; raises where the system refuses.

    Threads that need a token while one of them signs in wait for it and share what comes of it, a refusal too: wrong
    credentials tried once by each thread would lock the account.
    """

    def __init__(self, sign_in: Callable[[], str]) -> None:
        self._sign_in = sign_in
        self._lock = threading.Lock()
        self._token: str | None = None
        self._under_way: Future[str] | None = None

    def token(self) -> str:
        """The session's token, signing in where there is none. Raises what `sign_in` raises."""
        with self._lock:
            if self._token is not None:
                return self._token
            ours = self._under_way is None
            if self._under_way is None:
                self._under_way = Future()
            under_way = self._under_way
        return self._signed_in(under_way) if ours else under_way.result()

    def expired(self, token: str) -> None:
        """The system takes this token no more. One that was exchanged meanwhile stays."""
        with self._lock:
            if self._token == token:
                self._token = None

    def _signed_in(self, under_way: Future[str]) -> str:
        try:
            token = self._sign_in()
        except BaseException as error:
            with self._lock:
                self._under_way = None
            under_way.set_exception(error)
            raise
        with self._lock:
            self._token, self._under_way = token, None
        under_way.set_result(token)
        return token
