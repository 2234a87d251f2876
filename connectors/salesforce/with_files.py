"""Records that are written together with the links to their files: of each record all of it or nothing.

An org has no call for that but one of graphs, in which each is carried out as a whole.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from .everything import rows_of
from .file_fields import FILES, LINK, VERSION
from .gateway import Gateway
from .org_object import ID, OrgObject
from .row import Row
from .soql import among, quoted, split, whole_id

MOST, NODES = 75, 250
"""Records in a call, and parts of all of them together, of which it takes 500; what an update takes away comes on top
of them."""
GRAPH: Final = "composite/graph"
RECORD: Final = "record"
OF_VERSION = re.compile(rf"{VERSION}/([0-9A-Za-z]{{18}})/")
HALTED = "PROCESSING_HALTED"
UNKNOWN_FILE = {"statusCode": "INVALID_CROSS_REFERENCE_KEY", "message": "no such file", "fields": [FILES]}
Result = dict[str, Any]


class WithFiles:
    """headers: that each part of a call has."""

    def __init__(self, gateway: Gateway, version: str, headers: Mapping[str, str]) -> None:
        self._gateway, self._headers = gateway, dict(headers)
        self._base = f"/services/data/v{version}/sobjects"

    def sent(self, there: OrgObject, rows: Sequence[Row], *, creates: bool) -> list[Result]:
        """As a collection tells them; an empty one where nothing is known. Raises as `Gateway.once`."""
        documents = self._documents({each for row in rows for each in row.files or ()})
        links = {} if creates else self._links(str(row.change.target_key) for row in rows)
        results: list[Result] = [{} for _ in rows]
        graphs: list[str] = []
        for place, row in enumerate(rows):
            wanted = [documents.get(each) for each in row.files or ()]
            if None in wanted:
                results[place] = {"success": False, "errors": [UNKNOWN_FILE]}
                continue
            held = links.get(whole_id(str(row.change.target_key)) or "", {})
            parts = list(self._parts(there, row, [str(each) for each in wanted], held, creates=creates))
            if parts:
                graphs.append(f'{{"graphId":"{place}","compositeRequest":[{",".join(parts)}]}}')
            else:
                results[place] = {"id": row.change.target_key, "success": True}
        if graphs:
            body = f'{{"graphs":[{",".join(graphs)}]}}'.encode()
            answer = self._gateway.once("POST", GRAPH, body, self._headers)
            for place, result in _told(answer, rows, creates=creates):
                results[place] = result
        return results

    def _parts(
        self, there: OrgObject, row: Row, wanted: Sequence[str], held: Mapping[str, str], *, creates: bool
    ) -> Iterator[str]:
        """The record, the links that it lacks, and those that are too many. held: document -> its link."""
        key = "@{%s.id}" % RECORD if creates else str(row.change.target_key)  # noqa: UP031 - braces
        path = f"{self._base}/{there.name}"
        if creates:
            yield self._part("POST", path, RECORD, row.body.decode())
        elif row.body != b"{}":
            yield self._part("PATCH", f"{path}/{key}", RECORD, row.body.decode())
        for number, each in enumerate(dict.fromkeys(wanted)):
            if each not in held:
                link = {"ContentDocumentId": each, "LinkedEntityId": key, "ShareType": "V"}
                yield self._part("POST", f"{self._base}/{LINK}", f"link{number}", json.dumps(link))
        for number, (each, link_id) in enumerate(held.items()):
            if each not in wanted:
                yield self._part("DELETE", f"{self._base}/{LINK}/{link_id}", f"away{number}", None)

    def _part(self, method: str, url: str, name: str, body: str | None) -> str:
        told = {"method": method, "url": url, "referenceId": name, "httpHeaders": self._headers}
        plain = json.dumps(told, separators=(",", ":"))
        return plain if body is None else f'{plain[:-1]},"body":{body}}}'

    def _documents(self, files: Iterable[str]) -> dict[str, str]:
        """What a cell names a file by -> the document of which it is a version; without those that there are not."""
        found = {each: match[1] for each in files if (match := OF_VERSION.match(each))}
        told: dict[str, str] = {}
        for some in split([quoted(each) for each in sorted(set(found.values()))]):
            asked = f"SELECT Id, ContentDocumentId FROM {VERSION} WHERE {among(ID, some)}"  # noqa: S608
            told |= {str(row[ID]): str(row["ContentDocumentId"]) for row in rows_of(self._gateway, asked)}
        return {each: told[version] for each, version in found.items() if version in told}

    def _links(self, keys: Iterable[str]) -> dict[str, dict[str, str]]:
        """Record -> document -> the link between them."""
        held: dict[str, dict[str, str]] = defaultdict(dict)
        for some in split([quoted(each) for each in keys]):
            asked = f"SELECT Id, LinkedEntityId, ContentDocumentId FROM {LINK} WHERE "  # noqa: S608
            for row in rows_of(self._gateway, asked + among("LinkedEntityId", some)):
                held[str(row["LinkedEntityId"])][str(row["ContentDocumentId"])] = str(row[ID])
        return held


def asks_for(rows: Sequence[Row], *, creates: bool) -> int:
    """How many calls it takes to ask for what these rows need: their documents, and the links that are there."""
    if not rows or rows[0].files is None:
        return 0
    return int(any(each.files for each in rows)) + int(not creates)


def _told(answer: object, rows: Sequence[Row], *, creates: bool) -> Iterator[tuple[int, Result]]:
    """By the place of a record."""
    graphs = answer.get("graphs") if isinstance(answer, dict) else None
    for graph in graphs if isinstance(graphs, list) else ():
        told = graph if isinstance(graph, dict) else {}
        place = str(told.get("graphId"))
        inner = told.get("graphResponse") or {}
        parts = [each for each in inner.get("compositeResponse") or () if isinstance(each, dict)]
        if place.isdecimal() and int(place) < len(rows) and parts:
            yield int(place), _result(parts, told.get("isSuccessful"), rows[int(place)], creates=creates)


def _result(parts: Sequence[Mapping[str, Any]], well: object, row: Row, *, creates: bool) -> Result:
    if well is True:
        made = parts[0].get("body")
        key = made.get("id") if creates and isinstance(made, dict) else row.change.target_key
        return {"id": key, "success": True}
    for each in parts:
        body = each.get("body")
        error = body[0] if isinstance(body, list) and body and isinstance(body[0], dict) else {}
        if well is False and error.get("errorCode") not in (None, HALTED):
            told = {**error, "statusCode": error["errorCode"]}
            return {"success": False, "errors": [told]}
    return {}
