"""The line to the org: the session of `requests` that simple-salesforce speaks through, with what it leaves out."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter

from .options import HERE, Options


class Line(requests.Session):
    """Redirects are not followed, nor what ~/.netrc says put in place of our token. adapter: answers every call."""

    def __init__(self, adapter: BaseAdapter) -> None:
        super().__init__()
        self.auth = _as_it_is
        self.adapters.clear()
        self.mount("https://", adapter)

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


class Waiting(HTTPAdapter):
    """Waits so many seconds for the connection, and for an answer's next bytes. plain: hosts of this machine that are
    spoken to without encryption; simple-salesforce writes https whatever it is told."""

    def __init__(self, timeout: float, plain: frozenset[str]) -> None:
        super().__init__()
        self._timeout, self._plain = timeout, plain

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        parts = urlsplit(request.url or "")
        if parts.netloc in self._plain:
            request.url = parts._replace(scheme="http").geturl()
            proxies = None
        return super().send(request, stream, timeout or (self._timeout, self._timeout), verify, cert, proxies)


def line_of(options: Options) -> Line:
    told = [urlsplit(each) for each in (options.host, options.login_host)]
    plain = frozenset(each.netloc for each in told if each.scheme == "http" and each.hostname in HERE)
    return Line(Waiting(options.timeout, plain))


def over_https(host: str) -> str:
    """As every address is written here."""
    return f"https://{urlsplit(host).netloc}"


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
