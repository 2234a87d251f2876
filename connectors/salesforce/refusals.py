"""Why a record was refused, by the vendor's published status codes."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

_BY_CODE = {
    "target.duplicate": ("DUPLICATE_VALUE", "DUPLICATES_DETECTED", "DUPLICATE_EXTERNAL_ID"),
    "target.required": ("REQUIRED_FIELD_MISSING",),
    "target.too_long": ("STRING_TOO_LONG",),
    "target.out_of_range": ("NUMBER_OUTSIDE_VALID_RANGE",),
    "target.type": ("INVALID_EMAIL_ADDRESS", "INVALID_TYPE_ON_FIELD_IN_RECORD", "JSON_PARSER_ERROR"),
    "target.check": (
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "FIELD_FILTER_VALIDATION_EXCEPTION",
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "CIRCULAR_DEPENDENCY",
    ),
    "target.reference": (
        "INVALID_CROSS_REFERENCE_KEY",
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        "FIELD_INTEGRITY_EXCEPTION",
        "INACTIVE_OWNER_OR_USER",
        "ENTITY_IS_DELETED",
        "MALFORMED_ID",
        "DELETE_FAILED",
    ),
}
CODES = {status: code for code, statuses in _BY_CODE.items() for status in statuses}
HELD = {"DUPLICATE_VALUE", "DUPLICATES_DETECTED", "DUPLICATE_EXTERNAL_ID"}
"""A create may be refused so because its record is there already."""
GONE = {
    "INVALID_CROSS_REFERENCE_KEY",
    "ENTITY_IS_DELETED",
    "MALFORMED_ID",
    "NOT_FOUND",
    "INSUFFICIENT_ACCESS_OR_READONLY",
}
"""The record itself may be gone, or one that it refers to: only the field that is named tells them apart."""
LOCKED = {"UNABLE_TO_LOCK_ROW", "QUERY_TIMEOUT"}
"""Not done, and will be when it is asked again."""
FULL = "STORAGE_LIMIT_EXCEEDED"
LIMITS = re.compile(
    r"LimitException|CPU time limit|Too many (?:SOQL|SOSL|DML|query|Email|future|queueable)", re.IGNORECASE
)
"""Code of the org's own ran out of what it may use, for all that was written together."""


class Refusal(NamedTuple):
    """status: the vendor's code. field: at fault, where it is told. words: its own."""

    status: str
    field: str | None
    words: str

    @property
    def code(self) -> str:
        """Ours."""
        return CODES.get(self.status, "target.refused")

    @property
    def exhausted(self) -> bool:
        return bool(LIMITS.search(self.words))


def refusal_of(result: Mapping[str, Any]) -> Refusal:
    """result: of one record. The first error counts; words are told by the org as if for a page."""
    errors: Sequence[Any] = result.get("errors") or ()
    told = [each for each in errors if isinstance(each, dict)]
    first = told[0] if told else {}
    fields = first.get("fields") or ()
    field = str(fields[0]) if isinstance(fields, list) and fields else None
    words = "; ".join(f"{each.get('statusCode')}: {html.unescape(str(each.get('message') or ''))}" for each in told)
    return Refusal(str(first.get("statusCode") or ""), field, words)
