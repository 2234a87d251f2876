"""Several calls in one: each with its own answer, and what one says told to the next."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from .answers import CallError, Document, Reply, RowError, said
from .batch import said_true
from .org import Org
from .request import Request

MOST, MOST_QUERIES, MOST_GRAPHS, MOST_NODES = 25, 5, 75, 500
REFERENCE = re.compile(r"@\{([A-Za-z]\w*)((?:\.\w+|\[\d+\])*)\}")
STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
HALTED = {
    "errorCode": "PROCESSING_HALTED",
    "message": "The transaction was rolled back since another operation in the same transaction failed.",
}
SEVERAL = re.compile(r"/(?:query|queryAll)/?\?|/composite/sobjects\b")
"""Addresses of queries and collections."""
Inner = Callable[[Request], Reply]


class _FailedError(Exception):
    """One call of those that come off together did not."""


@dataclass(slots=True)
class Composite:
    """inner: carries out one call, and raises CallError or RowError where it is refused."""

    org: Org
    inner: Inner

    def composite(self, org: Org, request: Request) -> Reply:
        told = request.document()
        parts = _parts(told.get("compositeRequest"), MOST)
        if sum(SEVERAL.search(str(each.get("url"))) is not None for each in parts) > MOST_QUERIES:
            raise CallError(400, "LIMIT_EXCEEDED", f"more than {MOST_QUERIES} queries or collections")
        return said({"compositeResponse": self._run(request, parts, said_true(told.get("allOrNone")))[0]})

    def _run(self, request: Request, parts: Sequence[Document], all_or_none: bool) -> tuple[list[Document], bool]:
        """(answers, whether all of them came off)."""
        answers: dict[str, Any] = {}
        made: list[Document] = []
        try:
            with self.org.store.whole():
                for each in parts:
                    made.append(self._one(request, each, answers))
                    if all_or_none and made[-1]["httpStatusCode"] >= 400:
                        raise _FailedError
        except _FailedError:
            self.org.live.clear()
            told = [{**each, **_halted(each["referenceId"])} for each in made[:-1]]
            rest = [_halted(str(each.get("referenceId"))) for each in parts[len(made) :]]
            return [*told, made[-1], *rest], False
        return made, all(each["httpStatusCode"] < 400 for each in made)

    def _one(self, request: Request, part: Document, answers: dict[str, Any]) -> Document:
        name = str(part.get("referenceId"))
        status, body, headers = 200, None, {}
        try:
            reply = self.inner(_inner_request(request, _referred(part, answers)))
            status, body, headers = reply.status, reply.document(), dict(reply.headers)
        except CallError as error:
            status, body = error.status, [{"errorCode": error.code, "message": error.message}]
        except RowError as error:
            status, body = error.status, [error.of_call()]
        if status < 400:
            answers[name] = body
        shown = {key: each for key, each in headers.items() if key == "Location"}
        return {"body": body, "httpHeaders": shown, "httpStatusCode": status, "referenceId": name}

    def batch(self, org: Org, request: Request) -> Reply:
        told = request.document()
        parts = _parts(told.get("batchRequests"), MOST)
        halts, results, failed = said_true(told.get("haltOnError")), [], False
        for each in parts:
            if failed and halts:
                body = [{"errorCode": "BATCH_PROCESSING_HALTED", "message": "Batch processing halted per request"}]
                results.append({"statusCode": 412, "result": body})
                continue
            url = str(each.get("url", ""))
            part = {"method": each.get("method"), "url": url if url.startswith("/") else f"/services/data/{url}"}
            answer = self._one(request, {**part, "body": each.get("richInput"), "referenceId": ""}, {})
            failed = failed or answer["httpStatusCode"] >= 400
            results.append({"statusCode": answer["httpStatusCode"], "result": answer["body"]})
        return said({"hasErrors": failed, "results": results})

    def graph(self, org: Org, request: Request) -> Reply:
        """Each graph comes off as a whole, or not at all."""
        graphs = _parts(request.document().get("graphs"), MOST_GRAPHS)
        told = []
        for each in graphs:
            parts = _parts(each.get("compositeRequest"), MOST_NODES)
            answers, well = self._run(request, parts, True)
            told.append(
                {"graphId": each.get("graphId"), "graphResponse": {"compositeResponse": answers}, "isSuccessful": well}
            )
        return said({"graphs": told})


def _halted(name: str) -> Document:
    return {"body": [dict(HALTED)], "httpHeaders": {}, "httpStatusCode": 400, "referenceId": name}


def _parts(told: object, most: int) -> list[Document]:
    if not isinstance(told, list) or not told or not all(isinstance(each, dict) for each in told):
        raise CallError(400, "INVALID_INPUT", "a list of requests is wanted")
    if len(told) > most:
        raise CallError(400, "LIMIT_EXCEEDED", f"The number of requests, {len(told)}, is over the limit of {most}")
    return told


def _inner_request(request: Request, part: Document) -> Request:
    url = urlsplit(str(part.get("url", "")))
    path = [unquote(each) for each in url.path.strip("/").split("/")]
    if path[:2] != ["services", "data"]:
        raise CallError(400, "INVALID_INPUT", f"no path of the API: {part.get('url')}")
    asked = dict(parse_qsl(url.query, keep_blank_values=True))
    method = str(part.get("method") or "GET").upper()
    body = part.get("body")
    return request.part(method, tuple(path[3:]), asked, {} if body is None else body)


def _referred(told: Any, answers: Mapping[str, Any]) -> Any:
    """With what earlier answers said in place of each reference."""
    if isinstance(told, dict):
        return {name: _referred(each, answers) for name, each in told.items()}
    if isinstance(told, list):
        return [_referred(each, answers) for each in told]
    if isinstance(told, str) and "@{" in told:
        return REFERENCE.sub(lambda found: _answer(found, answers), told)
    return told


def _answer(found: re.Match[str], answers: Mapping[str, Any]) -> str:
    name = found[1]
    if name not in answers:
        said_ = f"Invalid reference specified. No value for {name} found in {found[0]}"
        raise CallError(400, "PROCESSING_HALTED", said_)
    value = answers[name]
    for key, at in STEP.findall(found[2]):
        try:
            value = value[int(at)] if at else value[key]
        except (KeyError, IndexError, TypeError) as error:
            said_ = f"Invalid reference specified. No value for {found[0]} found"
            raise CallError(400, "PROCESSING_HALTED", said_) from error
    return str(value)
