"""A body in several parts, as browsers send forms with files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP


@dataclass(frozen=True, slots=True)
class Part:
    """filename: empty where it is no file. type: such as application/json."""

    name: str
    filename: str
    type: str
    body: bytes


def parts_of(headers: Mapping[str, str], body: bytes) -> Iterator[Part]:
    """headers: by names in lower case. Nothing where it is no such body."""
    kind = headers.get("content-type", "")
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + kind.encode("latin-1") + b"\r\n\r\n" + body)
    for each in message.iter_parts() if message.is_multipart() else ():
        payload = each.get_payload(decode=True)
        name = str(each.get_param("name", header="content-disposition"))
        content = payload if isinstance(payload, bytes) else b""
        yield Part(name, each.get_filename() or "", each.get_content_type(), content)
