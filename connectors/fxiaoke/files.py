"""Files of the tenant: up by a form with our token or by a signed address, and down again.

By the form a file gets a media id, by the address a path; which of them a record takes goes by the way to sign in, as
far as is known. Neither way is told what a file is really called: its record says so.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from ..clock import Clock
from ..errors import InputError, UnavailableError
from ..held_file import Body, FileError, HeldFile, Uploaded
from .errors import Kind
from .gateway import PAUSE, TRIES, Answer, Content, Gateway
from .options import Options
from .session import Signed
from .transport import NoAnswerError, Streamed
from .wire import Document, Json, part

MEDIA: Final = "/media/upload"
CREDENTIAL: Final = "/cgi/crm/v2/generatorFileUploadCredential"
DOWNLOAD: Final = "/media/download"
SIGNED: Final = "signed upload"
"""The interface of signed addresses, which are no paths of the gateway."""
LARGEST: Final = 104_857_600
_SIGNED_HEADERS = ("acid", "resource", "ak", "sign", "expiry", "filename", "size", "digest")
_SIGNED_FOR = 3600
_EXTENSION = re.compile(r"\.([A-Za-z0-9]{1,10})\Z")


def by_media(options: Options) -> bool:
    return options.upload == "media" or (options.upload is None and options.sign_in == "app_token")


def upload_paths(options: Options) -> tuple[str, ...]:
    """The interfaces that an upload calls."""
    return (MEDIA,) if by_media(options) else (CREDENTIAL, SIGNED)


class Files:
    def __init__(self, gateway: Gateway, options: Options, clock: Clock) -> None:
        self._gateway, self._options, self._clock = gateway, options, clock

    def upload(self, file: HeldFile, body: Body) -> Uploaded:
        """Raises FileError where the tenant refuses it, UnavailableError, or what keeps a call from departing."""
        until = self._clock.now() + dt.timedelta(days=self._options.file_days)
        try:
            key = self._media(file, body) if by_media(self._options) else self._signed(file, body)
        except InputError as error:
            raise FileError("file.refused", str(error)) from error
        return Uploaded(key, until)

    def body(self, file: HeldFile) -> Iterator[bytes]:
        """Raises FileError, UnavailableError, or what keeps the call from departing."""
        asked: Document = {"mediaId": file.id, "mediaTypeDesc": "DOCUMENT"}
        if not by_media(self._options):  # its name as the vendor spells it
            asked["igonreMediaIdConvert"] = True
        for attempt in range(TRIES):
            if attempt:
                self._clock.sleep(PAUSE * 2 ** (attempt - 1))
            with self._gateway.large(DOWNLOAD, asked) as came:
                if not isinstance(came, Answer):
                    yield from came
                    return
                if came.kind in (Kind.REFUSED, Kind.DONE):
                    raise FileError("file.gone", came.words)
                reason = came.words
        raise UnavailableError("fxiaoke.no_answer", path=DOWNLOAD, reason=reason)

    # The two ways

    def _media(self, file: HeldFile, body: Body) -> str:
        def content(signed: Signed) -> Content:
            fields = {**{key: str(each) for key, each in signed.body.items()}, "type": "document"}
            return _form(fields, "media", file, body)

        told = self._gateway.until_told(MEDIA, lambda: self._gateway.send(MEDIA, content))
        return _named(told.get("mediaId"), MEDIA)

    def _signed(self, file: HeldFile, body: Body) -> str:
        """A signature is good for one upload; so each attempt has its own."""
        reason = ""
        for attempt in range(TRIES):
            if attempt:
                self._clock.sleep(PAUSE * 2 ** (attempt - 1))
            asked: Document = {
                "expireTime": _SIGNED_FOR,
                "resourceType": "TN",
                "isStreamUpload": True,
                "filename": _plain_name(file),
                "extension": _extension(file),
                "fileSize": file.size,
            }
            signed = part(self._gateway.ask(CREDENTIAL, {"data": asked}), "data")
            headers = {name: str(signed[name]) for name in _SIGNED_HEADERS if signed.get(name) is not None}
            headers["Content-Type"] = "application/octet-stream"
            try:
                status, told = self._gateway.elsewhere(
                    SIGNED, self._trusted(str(signed.get("url") or "")), (headers, Streamed(file.size, body()))
                )
            except NoAnswerError as error:
                reason = str(error)
                continue
            answer = _read(told)
            if status == 200 and answer.get("success") is True:
                return _named(answer.get("data"), SIGNED)
            if status < 500 and answer:
                raise FileError("file.refused", f"{answer.get('code')} {answer.get('message')}")
            reason = f"status {status}"
        raise UnavailableError("fxiaoke.no_answer", path=SIGNED, reason=reason)

    def _trusted(self, address: str) -> str:
        """The address that the gateway gave. Raises UnavailableError where a body would go over an open line."""
        parts, ours = urlsplit(address), urlsplit(self._options.host)
        plain_here = parts.scheme == ours.scheme == "http" and parts.hostname == ours.hostname
        if parts.scheme != "https" and not plain_here:
            raise UnavailableError("fxiaoke.upload_address", scheme=parts.scheme or "-")
        return address


def _form(fields: Mapping[str, str], name: str, file: HeldFile, body: Body) -> Content:
    """A multipart body, the file in it streamed."""
    boundary = f"changeover{uuid.uuid4().hex}"
    head = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{each}\r\n'
        for key, each in fields.items()
    )
    head += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{_plain_name(file)}"\r\n'
    first = (head + "Content-Type: application/octet-stream\r\n\r\n").encode()
    last = f"\r\n--{boundary}--\r\n".encode()

    def pieces() -> Iterator[bytes]:
        yield first
        yield from body()
        yield last

    length = len(first) + file.size + len(last)
    return {"Content-Type": f"multipart/form-data; boundary={boundary}"}, Streamed(length, pieces())


def _extension(file: HeldFile) -> str:
    found = _EXTENSION.search(file.name)
    return found[1].lower() if found else ""


def _plain_name(file: HeldFile) -> str:
    """What it is called on the way: how other letters are written in a header is not known."""
    extension = _extension(file)
    return f"file.{extension}" if extension else "file"


def _named(told: Json, path: str) -> str:
    """Raises UnavailableError where a call that came off tells no id."""
    if not isinstance(told, str) or not told:
        raise UnavailableError("fxiaoke.no_answer", path=path, reason="no id")
    return told


def _read(told: bytes) -> Mapping[str, Json]:
    try:
        answer = json.loads(told)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
