"""Files on their way in: each a version of a new document, its body streamed in a form."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, Final

from simple_salesforce.api import Salesforce
from simple_salesforce.util import call_salesforce

from ..errors import InputError
from ..held_file import Body, FileError, HeldFile, Uploaded
from .file_fields import CARRIERS, VERSION
from .gateway import Gateway

LARGEST: Final = 2_000_000_000
"""Bytes of a file."""


class Form:
    """So many bytes, in pieces: what `requests` sends as they come, and tells the length of before."""

    def __init__(self, file: HeldFile, boundary: str, body: Body) -> None:
        field = CARRIERS[VERSION].body
        told = json.dumps({"Title": file.name, "PathOnClient": file.name}, ensure_ascii=False)
        self._first = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="entity_content"\r\n'
            f"Content-Type: application/json; charset=UTF-8\r\n\r\n{told}\r\n"
            f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="file"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        ).encode()
        self._last = f"\r\n--{boundary}--\r\n".encode()
        self._size, self._body = file.size, body

    def __len__(self) -> int:
        return len(self._first) + self._size + len(self._last)

    def __iter__(self) -> Iterator[bytes]:
        yield self._first
        yield from self._body()
        yield self._last


def upload(gateway: Gateway, file: HeldFile, body: Body) -> Uploaded:
    """Called as a cell names it; the org keeps it for good. Where no answer comes it is sent anew, so that the org may
    have it twice. Raises FileError, UnavailableError, or what keeps a call from departing."""

    def call(client: Salesforce) -> Mapping[str, Any] | None:
        boundary = f"changeover{uuid.uuid4().hex}"
        headers = {**client.headers, "Content-Type": f"multipart/form-data; boundary={boundary}"}
        url = f"{client.base_url}sobjects/{VERSION}"
        told = call_salesforce(url, "POST", client.session, headers, data=Form(file, boundary, body)).json()
        return told if isinstance(told, dict) and told.get("id") else None

    try:
        told = gateway.carry_out(VERSION, call)
    except InputError as error:
        raise FileError("file.refused", str(error.params.get("number"))) from error
    return Uploaded(f"{VERSION}/{told['id']}/{CARRIERS[VERSION].body}")
