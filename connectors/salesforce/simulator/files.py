"""Files: documents with their versions and links, attachments, and the bodies of both."""

from __future__ import annotations

import hashlib
import json
import re
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any

from ...simulating.form import parts_of
from ...simulating.tables import Row
from . import records, writing
from .answers import Reply, RowError, not_found, unreadable
from .ids import whole
from .org import Acting, Org
from .request import Request
from .shapes import ObjectShape

BINARY = "application/octet-stream"
RANGE = re.compile(r"bytes=(\d+)-\Z")
DOCUMENT, VERSION, LINK = "ContentDocument", "ContentVersion", "ContentDocumentLink"


def create(org: Org, request: Request) -> Reply:
    """A record, alone or in a form with the body of its file."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return records.create(org, request)
    values: dict[str, Any] = {}
    for each in parts_of(request.headers, request.body):
        if each.type == "application/json":
            try:
                told = json.loads(each.body, parse_float=Decimal)
            except ValueError as error:
                raise unreadable(f"Unexpected character in {each.name}") from error
            values |= told if isinstance(told, dict) else {}
        else:
            values[each.name] = each.body
    return records.create(org, request.part("POST", request.path, request.asked, values))


def get(org: Org, request: Request) -> Reply:
    """The body of a record's file, or a record by an external id: their paths are alike."""
    shape, row_id = org.shape(request.path[1]), whole(request.path[2])
    body = shape.body
    if body is None or row_id is None or request.path[3].lower() != body.name.lower():
        return records.get_by(org, request)
    row = org.store.get(shape.name, row_id)
    if row is None or row.get("IsDeleted") or body.name in shape.hidden:
        raise not_found()
    return _from(org.store.body(row_id), request.headers.get("range", "") if org.settings.ranges == "yes" else "")


def _from(content: bytes, wanted: str) -> Reply:
    """wanted: from which byte on, as `bytes=1000-`; all of it where nothing is."""
    found = RANGE.match(wanted)
    if found is None or int(found[1]) >= len(content):
        return Reply(content, type=BINARY)
    start = int(found[1])
    told = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
    return Reply(content[start:], 206, BINARY, told)


# What becomes of them when they are made


def _version(org: Org, acting: Acting, shape: ObjectShape, row: Row) -> None:
    """A version belongs to a document; without one it is the first of a new one."""
    body, path = row.get("VersionData"), str(row.get("PathOnClient") or "")
    lacking = [name for name in ("VersionData", "PathOnClient") if not row.get(name)]
    if lacking:
        said = f"Required fields are missing: [{', '.join(lacking)}]"
        raise RowError("REQUIRED_FIELD_MISSING", said, lacking)
    content = str(body).encode("latin-1")
    extension = PurePosixPath(path.replace("\\", "/")).suffix[1:]
    row |= {
        "ContentSize": len(content),
        "Checksum": hashlib.md5(content, usedforsecurity=False).hexdigest(),
        "FileExtension": extension or None,
        "FileType": extension.upper() or "UNKNOWN",
        "IsLatest": 1,
        "VersionNumber": "1",
    }
    told = {"LatestPublishedVersionId": row["Id"], "ContentSize": len(content), "Title": row["Title"]}
    told |= {
        "FileType": row["FileType"],
        "FileExtension": row["FileExtension"],
        "SystemModstamp": row["SystemModstamp"],
    }
    document = row.get("ContentDocumentId")
    if document is None:
        row["ContentDocumentId"] = _new_document(org, row, told)
        return
    if row.get("FirstPublishLocationId"):
        raise RowError("FIELD_INTEGRITY_EXCEPTION", "a new version takes no FirstPublishLocationId")
    where = '"ContentDocumentId" = ? AND "IsDeleted" = 0'
    row["VersionNumber"] = str(org.store.count(VERSION, where, [document]) + 1)
    for each in org.store.column(VERSION, "Id", f'{where} AND "IsLatest" = 1', [document]):
        org.store.change(VERSION, each, {"IsLatest": 0, "SystemModstamp": row["SystemModstamp"]})
    org.store.change(DOCUMENT, str(document), told)


def _new_document(org: Org, row: Row, told: Row) -> str:
    same = ("CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "OwnerId", "Description")
    document = org.new_id(org.shapes[DOCUMENT])
    own: Row = {each: row.get(each) for each in same}
    org.store.insert(DOCUMENT, {**own, **told, "Id": document, "IsDeleted": 0})
    return document


def _links(org: Org, acting: Acting, shape: ObjectShape, row: Row) -> None:
    """Its owner sees a new document, and so does who sees the record that it was put beside."""
    if row["VersionNumber"] != "1":
        return
    links = {row.get("OwnerId"): "I", row.get("FirstPublishLocationId"): "V"}
    for entity, share in links.items():
        if entity is not None:
            link: Row = {"Id": org.new_id(org.shapes[LINK]), "ContentDocumentId": row["ContentDocumentId"]}
            link |= {"LinkedEntityId": entity, "ShareType": share, "Visibility": "AllUsers", "IsDeleted": 0}
            org.store.insert(LINK, {**link, "SystemModstamp": row["SystemModstamp"]})


writing.BEFORE[VERSION] = _version
writing.AFTER[VERSION] = _links
