"""simple-salesforce writes https whatever it is told; here it is turned back."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter


class Plain(HTTPAdapter):
    """url: whom to call instead."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._to = urlsplit(url)

    def send(self, request: requests.PreparedRequest, *told: Any, **more: Any) -> requests.Response:
        request.url = urlsplit(request.url)._replace(scheme="http", netloc=self._to.netloc).geturl()
        return super().send(request, *told, **more)


def session(url: str) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", Plain(url))
    return session
