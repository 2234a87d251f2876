"""How Bulk 1.0 tells its documents: in XML, or in JSON where a caller or a job asks for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from lxml import etree

from ..answers import CallError, Document, Reply, packed
from ..request import Request

JSON_TYPE, XML_TYPE, CSV_TYPE = "application/json;charset=UTF-8", "application/xml;charset=UTF-8", "text/csv"
SPACE = "http://www.force.com/2009/06/asyncapi/dataload"


def wants_json(headers: Mapping[str, str], job: Document | None = None) -> bool:
    """headers: by names in lower case."""
    told = headers.get("content-type", "") + headers.get("accept", "")
    return "json" in told or (job is not None and job.get("contentType") == "JSON")


def told(root: str, document: Document, as_json: bool, status: int = 200) -> Reply:
    """root: the element's name, such as jobInfo."""
    if as_json:
        return Reply(packed(document).encode(), status, JSON_TYPE)
    inner = "".join(f"<{name}>{escape(_text(each))}</{name}>" for name, each in document.items() if each is not None)
    return _xml(f'<{root} xmlns="{SPACE}">{inner}</{root}>', status)


def told_list(root: str, name: str, documents: Sequence[Document], as_json: bool) -> Reply:
    if as_json:
        return Reply(packed({name: documents}).encode(), 200, JSON_TYPE)
    parts = []
    for document in documents:
        inner = "".join(f"<{key}>{escape(_text(each))}</{key}>" for key, each in document.items() if each is not None)
        parts.append(f"<{name}>{inner}</{name}>")
    return _xml(f'<{root} xmlns="{SPACE}">{"".join(parts)}</{root}>', 200)


def told_results(ids: Sequence[str], as_json: bool) -> Reply:
    """Where a query's rows are to be had."""
    if as_json:
        return Reply(packed(list(ids)).encode(), 200, JSON_TYPE)
    inner = "".join(f"<result>{each}</result>" for each in ids)
    return _xml(f'<result-list xmlns="{SPACE}">{inner}</result-list>', 200)


def fault(error: CallError, headers: Mapping[str, str]) -> Reply:
    code = {"INVALID_SESSION_ID": "InvalidSessionId", "NOT_FOUND": "InvalidUrl"}.get(error.code, error.code)
    document = {"exceptionCode": code, "exceptionMessage": error.message}
    return told("error", document, wants_json(headers), 400 if error.status == 401 else error.status)


def _xml(inner: str, status: int) -> Reply:
    return Reply(f'<?xml version="1.0" encoding="UTF-8"?>{inner}'.encode(), status, XML_TYPE)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def read(request: Request) -> Document:
    """What a call says of a job, in either form. Raises CallError."""
    if "json" in request.headers.get("content-type", ""):
        return request.document()
    try:
        root = etree.fromstring(request.body, etree.XMLParser(resolve_entities=False, no_network=True))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise CallError(400, "InvalidBatch", "the XML cannot be read") from error
    return {etree.QName(each).localname: (each.text or "").strip() for each in root if isinstance(each.tag, str)}
