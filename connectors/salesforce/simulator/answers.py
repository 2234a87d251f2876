"""How the API answers: documents of JSON, and errors in the three shapes that its interfaces have."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Document: TypeAlias = dict[str, Any]
"""A JSON object, as it came or goes. What is in it is told by its caller, so it is looked at before it is used."""

JSON, CSV, XML, HTML = (
    "application/json;charset=UTF-8",
    "text/csv",
    "text/xml; charset=utf-8",
    "text/html;charset=UTF-8",
)
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def packed(value: object) -> str:
    return _ENCODER.encode(value)


@dataclass(frozen=True, slots=True)
class Reply:
    body: bytes = b""
    status: int = 200
    type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> Any:
        """What a reply of JSON says; None where it says nothing."""
        return json.loads(self.body) if self.body else None


def said(document: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(packed(document).encode(), status, JSON, headers or {})


def done() -> Reply:
    """A call that came off and has nothing to say."""
    return Reply(status=204)


class RowError(Exception):
    """A record that is refused, in whatever interface it came."""

    def __init__(self, code: str, message: str, fields: Sequence[str] = (), status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.fields = list(fields)
        self.status = status

    def of_row(self) -> Document:
        """As collections, composites and Bulk tell it."""
        return {"statusCode": self.code, "message": self.message, "fields": self.fields}

    def of_call(self) -> Document:
        told: Document = {"message": self.message, "errorCode": self.code}
        return told | ({"fields": self.fields} if self.fields or self.code not in WITHOUT_FIELDS else {})

    def of_cell(self) -> str:
        """As it stands in a column of a CSV."""
        return f"{self.code}:{self.message}:{','.join(self.fields)} --"


WITHOUT_FIELDS = frozenset(
    {"NOT_FOUND", "INVALID_SESSION_ID", "MALFORMED_QUERY", "INVALID_FIELD", "INVALID_TYPE", "JSON_PARSER_ERROR"}
    | {"METHOD_NOT_ALLOWED", "REQUEST_LIMIT_EXCEEDED", "INVALID_QUERY_LOCATOR", "INVALIDENTITY", "INVALIDJOB"}
)


def attributes_of(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a record says of itself."""
    told = record.get("attributes")
    return told if isinstance(told, dict) else {}


class CallError(Exception):
    """A call that is refused as a whole."""

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers

    def reply(self) -> Reply:
        return said([{"message": self.message, "errorCode": self.code}], self.status, self.headers)


def not_found(message: str = "The requested resource does not exist") -> CallError:
    return CallError(404, "NOT_FOUND", message)


def unreadable(message: str) -> CallError:
    return CallError(400, "JSON_PARSER_ERROR", message)


class WrongKindError(CallError):
    """A value that no field of that kind can be."""

    def __init__(self, kind: str, value: object) -> None:
        form = "VALUE_STRING" if isinstance(value, str) else "VALUE_NUMBER"
        form = "START_OBJECT" if isinstance(value, dict) else "START_ARRAY" if isinstance(value, list) else form
        form = f"VALUE_{str(value).upper()}" if isinstance(value, bool) else form
        what = f"{form} value {value}" if form.startswith("VALUE_") else form
        super().__init__(
            400,
            "JSON_PARSER_ERROR",
            f"Cannot deserialize instance of {kind} from {what} or request may be missing a required field at "
            "[line:1, column:2]",
        )
        self.kind = kind
        self.value = value
