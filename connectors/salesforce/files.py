"""Files of records: which there are, asked for by the records that they hang on, and their bodies, piece by piece.

A user who may not query all files is answered only where it is said of which records; so nothing else is asked.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import pyarrow as pa
import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.util import call_salesforce

from ..chunk import Chunk
from ..clock import Clock
from ..errors import InputError, UnavailableError
from ..held_file import PIECE, FileError, HeldFile, cell_of
from .cells import Row
from .everything import rows_of
from .file_fields import ATTACHMENT, ATTACHMENTS, CARRIERS, FILES, LINK, MD5, VERSION, Carrier
from .gateway import PAUSE, TRIES, Gateway
from .org_object import ID, OrgObject
from .soql import among, quoted, split

OF_LINKS = (
    "LinkedEntityId, ContentDocumentId, ContentDocument.Title, ContentDocument.FileExtension, "
    "ContentDocument.ContentSize, ContentDocument.LatestPublishedVersionId, "
    "ContentDocument.LatestPublishedVersion.Checksum"
)
OF_ATTACHMENTS = "ParentId, Id, Name, BodyLength"
PATH = re.compile(r"(ContentVersion|Attachment|Document)/[0-9A-Za-z]{18}/(VersionData|Body)\Z")
MISSING = {"NOT_FOUND", "ENTITY_IS_DELETED", "404"}
PARTIAL = 206


class Files:
    def __init__(self, gateway: Gateway, clock: Clock) -> None:
        self._gateway, self._clock = gateway, clock

    # Cells

    def plain(self, there: OrgObject, fields: Sequence[str]) -> Sequence[str]:
        """What has to be asked for in place of these fields."""
        files = there.files & set(fields)
        if not files:
            return fields
        carrier = CARRIERS.get(there.name)
        needs = carrier.needs if carrier is not None and carrier.body in files else []
        return list(dict.fromkeys([*(each for each in fields if each not in files), *needs]))

    def filled(self, there: OrgObject, fields: Sequence[str], chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """The chunks with these fields, in this order, made of what was asked for. Raises as `Gateway.ask`."""
        files = there.files & set(fields)
        for chunk in chunks:
            yield self._with(there, chunk, sorted(files), fields) if files else chunk

    def _with(self, there: OrgObject, chunk: Chunk, files: Sequence[str], fields: Sequence[str]) -> Chunk:
        columns = {}
        for name in files:
            if name in (FILES, ATTACHMENTS):
                held = self._linked(chunk.keys) if name == FILES else self._attached(chunk.keys)
                cells = [cell_of(held.get(key, ())) for key in chunk.keys]
            else:
                cells = [cell_of([each]) for each in _bodies(there.name, CARRIERS[there.name], chunk)]
            texts = pd.arrays.ArrowExtensionArray(pa.array(cells, pa.string()))
            columns[name] = pd.Series(texts, index=chunk.frame.index)
        return replace(chunk, frame=chunk.frame.assign(**columns)[list(fields)])

    def _linked(self, keys: Sequence[str]) -> dict[str, list[HeldFile]]:
        """The newest version of each document that is linked. One that our user may not see is among them, without a
        body, so that it is missed."""
        held: dict[str, list[HeldFile]] = defaultdict(list)
        for row in self._of(LINK, OF_LINKS, "LinkedEntityId", keys):
            document = row.get("ContentDocument") or {}
            version = document.get("LatestPublishedVersion") or {}
            name = _called(document.get("Title"), document.get("FileExtension")) or str(row["ContentDocumentId"])
            file_id = _path(VERSION, document.get("LatestPublishedVersionId"), "VersionData")
            size, checksum = _number(document.get("ContentSize")), _checksum(version.get("Checksum"))
            held[str(row["LinkedEntityId"])].append(HeldFile(file_id, name, size, checksum))
        return _sorted(held)

    def _attached(self, keys: Sequence[str]) -> dict[str, list[HeldFile]]:
        held: dict[str, list[HeldFile]] = defaultdict(list)
        for row in self._of(ATTACHMENT, OF_ATTACHMENTS, "ParentId", keys):
            file_id = _path(ATTACHMENT, row[ID], "Body")
            name = str(row.get("Name") or row[ID])
            held[str(row["ParentId"])].append(HeldFile(file_id, name, _number(row.get("BodyLength"))))
        return _sorted(held)

    def _of(self, name: str, fields: str, by: str, keys: Sequence[str]) -> Iterator[Row]:
        for some in split([quoted(each) for each in keys]):
            yield from rows_of(self._gateway, f"SELECT {fields} FROM {name} WHERE {among(by, some)}")  # noqa: S608

    # Bodies

    def body(self, file: HeldFile) -> Iterator[bytes]:
        """Where the line breaks, it goes on with the byte that was to come. Raises FileError, UnavailableError, or what
        keeps a call from departing."""
        if not PATH.match(file.id):
            raise FileError("file.gone" if file.id else "file.unreadable")
        passed, reason, broken = 0, "", 0
        while True:
            answer = self._answer(file.id, passed)
            skipped = 0 if answer.status_code == PARTIAL else passed
            try:
                for piece in answer.iter_content(PIECE):
                    fresh = piece[skipped:]
                    skipped -= len(piece) - len(fresh)
                    passed += len(fresh)
                    if fresh:
                        broken = 0
                        yield fresh
            except requests.RequestException as error:
                reason, broken = type(error).__name__, broken + 1
            else:
                return
            finally:
                answer.close()
            if broken >= TRIES:
                host = self._gateway.instance
                raise UnavailableError("salesforce.no_answer", host=host, path=file.id, reason=reason)
            self._clock.sleep(PAUSE * 2 ** (broken - 1))

    def _answer(self, path: str, start: int) -> requests.Response:
        """Its beginning, the rest still to come. start: from which byte on, where the org gives parts."""

        def call(client: Salesforce) -> dict[str, requests.Response]:
            headers = {**client.headers, "Accept": "*/*", "Accept-Encoding": "identity"}
            if start:
                headers["Range"] = f"bytes={start}-"
            url = f"{client.base_url}sobjects/{path}"
            return {"answer": call_salesforce(url, "GET", client.session, headers, stream=True)}

        try:
            answer: requests.Response = self._gateway.carry_out(path.partition("/")[0], call)["answer"]
        except InputError as error:
            number = str(error.params.get("number"))
            raise FileError("file.gone" if number in MISSING else "file.unreadable", number) from error
        return answer


def _bodies(name: str, carrier: Carrier, chunk: Chunk) -> list[HeldFile]:
    cells = {each: chunk.frame[each].tolist() for each in carrier.needs}
    nothing: list[Any] = [None] * len(chunk)
    return [
        HeldFile(_path(name, key, carrier.body), _called(title, ending) or key, _number(size), _checksum(checksum))
        for key, title, ending, size, checksum in zip(
            chunk.keys,
            cells[carrier.name],
            cells.get(carrier.extension, nothing),
            cells[carrier.size],
            cells.get(carrier.checksum, nothing),
            strict=True,
        )
    ]


def _path(name: str, key: object, field: str) -> str:
    """By which the org gives the body; empty where there is no such record."""
    return f"{name}/{key}/{field}" if isinstance(key, str) and key else ""


def _called(title: object, ending: object) -> str:
    """A title may or may not have the ending that a document has."""
    if not isinstance(title, str) or not title:
        return ""
    if not isinstance(ending, str) or not ending or title.lower().endswith(f".{ending.lower()}"):
        return title
    return f"{title}.{ending}"


def _number(told: object) -> int:
    return int(told) if isinstance(told, int | str) and str(told).strip() else 0


def _checksum(told: object) -> str:
    return f"{MD5}:{told.lower()}" if isinstance(told, str) and told else ""


def _sorted(held: dict[str, list[HeldFile]]) -> dict[str, list[HeldFile]]:
    return {key: sorted(each, key=lambda file: (file.name, file.id)) for key, each in held.items()}
