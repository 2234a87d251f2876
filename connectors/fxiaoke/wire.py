"""JSON as the gateway speaks it. Numbers with decimals stay text: no amount passes through a float."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TypeAlias

from .transport import NoAnswerError

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"
Document: TypeAlias = dict[str, Json]


def written(document: Document) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def read(body: bytes) -> Document:
    """Raises NoAnswerError for anything but an object: a proxy's page, half a body."""
    try:
        told = json.loads(body, parse_float=str, parse_constant=str)
    except ValueError as error:
        raise NoAnswerError("no JSON") from error
    if not isinstance(told, dict):
        raise NoAnswerError("no envelope")
    return told


def part(document: Document, name: str) -> Document:
    """A member that is an object; where it is none, an empty one."""
    told = document.get(name)
    return told if isinstance(told, dict) else {}


def parts(document: Document, name: str) -> list[Document]:
    """The objects in a member that is a list."""
    told = document.get(name)
    return [each for each in told if isinstance(each, dict)] if isinstance(told, list) else []


def texts(told: Sequence[str]) -> list[Json]:
    return list(told)


def whole(told: Json) -> int | None:
    """A whole number, written as a number or as a text."""
    if isinstance(told, bool) or not isinstance(told, int | str):
        return None
    try:
        return int(told)
    except ValueError:
        return None
