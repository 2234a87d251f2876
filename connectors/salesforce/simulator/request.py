"""One call, as its handler sees it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from .answers import Document, unreadable
from .org import Acting


@dataclass(frozen=True, slots=True)
class Request:
    """path: behind the version, in parts that are decoded. asked: what stands behind the question mark. headers: by
    names in lower case."""

    method: str
    path: tuple[str, ...]
    asked: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    acting: Acting
    given: Any = None
    """What the body says, where it was part of another one."""

    def read(self) -> Any:
        """The body's JSON; numbers as they are written. Raises CallError."""
        if self.given is not None:
            return self.given
        try:
            return json.loads(self.body, parse_float=Decimal)
        except ValueError as error:
            raise unreadable(f"Unexpected character in the body: {error}") from error

    def document(self) -> Document:
        told = self.read()
        if not isinstance(told, dict):
            raise unreadable("Unexpected START_ARRAY: an object is wanted at [line:1, column:2]")
        return told

    def part(self, method: str, path: tuple[str, ...], asked: Mapping[str, str], given: object) -> Request:
        """A call within this one. given: its body, read already."""
        return replace(self, method=method, path=path, asked=asked, given=given)
