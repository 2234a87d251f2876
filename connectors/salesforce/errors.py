"""What an answer other than the one that was asked for means.

An error has a status and a code of the vendor's published list. `REQUEST_LIMIT_EXCEEDED` is two things, which only its
words tell apart: too many long calls just now, or the day's calls spent. What comes from the edge of the vendor's net
has no code, and often is a page.
"""

from __future__ import annotations

from enum import StrEnum

from simple_salesforce.exceptions import SalesforceError


class Kind(StrEnum):
    """SESSION: ours is over. THROTTLED: too many calls just now. SPENT: the day's calls are. LOCATOR: the query's
    further pages are gone. SILENT: worth to ask again. TURNED_AWAY: no further attempt helps. REFUSED: the request
    itself is."""

    SESSION = "session"
    THROTTLED = "throttled"
    SPENT = "spent"
    LOCATOR = "locator"
    SILENT = "silent"
    TURNED_AWAY = "turned_away"
    REFUSED = "refused"


SESSION_CODES = {"INVALID_SESSION_ID", "INVALID_AUTH_HEADER"}
AGAIN = {406, 420, 429}
"""Statuses of the edge that pass."""
TIMED_OUT = {"QUERY_TIMEOUT", "SERVER_UNAVAILABLE", "UNKNOWN_EXCEPTION", "UNABLE_TO_LOCK_ROW"}


class OrgError(Exception):
    """An answer that is an error. code: the vendor's, or the status where there is none."""

    def __init__(self, status: int, content: object) -> None:
        first = content[0] if isinstance(content, list) and content else content
        told = first if isinstance(first, dict) else {}
        self.status = status
        self.code = str(told.get("errorCode") or status)
        self.words = str(told.get("message") or "")
        super().__init__(self.code)

    @classmethod
    def of(cls, error: SalesforceError) -> OrgError:
        return cls(error.status, error.content)

    @property
    def kind(self) -> Kind:
        if self.code in SESSION_CODES or self.status == 401:
            return Kind.SESSION
        if self.code == "REQUEST_LIMIT_EXCEEDED":
            return Kind.SPENT if "TotalRequests" in self.words else Kind.THROTTLED
        if self.code == "INVALID_QUERY_LOCATOR":
            return Kind.LOCATOR
        if self.status == 429:
            return Kind.THROTTLED
        if self.status >= 500 or self.status in AGAIN or self.code in TIMED_OUT:
            return Kind.SILENT
        return Kind.TURNED_AWAY if self.status in (403, 410) or 300 <= self.status < 400 else Kind.REFUSED
