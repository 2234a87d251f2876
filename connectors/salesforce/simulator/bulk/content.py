"""What is uploaded to a job that writes: CSV, its columns, and each row as a record."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..answers import Document
from ..org import Org
from ..shapes import ObjectShape

NOTHING = "#N/A"
Put = Callable[[Document, Any], None]
"""Writes a cell's value into a record."""


class ContentError(Exception):
    """The whole of it cannot be used; the job fails."""


@dataclass(frozen=True, slots=True)
class Content:
    header: list[str]
    rows: list[list[str]]


def read_content(body: bytes, delimiter: str, ending: str) -> Content:
    """Raises ContentError."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ContentError("ClientInputError : the content is not UTF-8") from error
    first = text.partition("\n")[0]
    if (ending == "\r\n") != first.endswith("\r") and "\n" in text:
        name = "CRLF" if ending == "\r\n" else "LF"
        said = f"ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {name}"
        raise ContentError(said)
    try:
        lines = [each for each in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True) if each]
    except csv.Error as error:
        raise ContentError(f"ClientInputError : the content is no CSV: {error}") from error
    if not lines:
        raise ContentError("InvalidBatch : Failed to parse CSV header: empty")
    header, *rows = lines
    for at, row in enumerate(rows, 1):
        if len(row) != len(header):
            said = f"InvalidBatch : row {at} has {len(row)} columns, the header {len(header)}"
            raise ContentError(said)
    return Content(header, rows)


def columns(org: Org, shape: ObjectShape, header: Sequence[str]) -> list[Put]:
    """How each column's cells get into a record. Raises ContentError for a name that leads nowhere."""
    return [_column(org, shape, each) for each in header]


def _column(org: Org, shape: ObjectShape, name: str) -> Put:
    kind, _, rest = name.rpartition(":")
    relationship, dot, key = rest.partition(".")
    if not dot:
        found = shape.by_name.get(name) or shape.by_name.get(name.lower())
        if found is None:
            raise ContentError(f"InvalidBatch : Field name not found : {name}")
        own = found.name
        return lambda record, value: record.__setitem__(own, value)
    reference = shape.relationships.get(relationship.lower())
    if reference is None or (kind and kind not in reference.targets):
        raise ContentError(f"InvalidBatch : Field name not found : {name}")
    if reference.polymorphic and not kind:
        raise ContentError(f"InvalidBatch : Field name not found : {name}")
    target = org.shapes[kind or reference.targets[0]]
    if key.lower() not in target.by_name:
        raise ContentError(f"InvalidBatch : Field name not found : {name}")

    def put(record: Document, value: Any) -> None:
        record[reference.relationship] = None if value is None else {"attributes": {"type": target.name}, key: value}

    return put


def record_of(puts: Sequence[Put], row: Sequence[str]) -> Document:
    """Empty cells are not there; #N/A is nothing."""
    record: Document = {}
    for put, cell in zip(puts, row, strict=True):
        if cell:
            put(record, None if cell == NOTHING else cell)
    return record
