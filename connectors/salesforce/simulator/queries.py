"""Queries by REST: the first page, and those after it by a locator."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from .answers import CallError, Reply, said
from .ids import numbered
from .org import Org
from .request import Request
from .soql.columns import columns_of
from .soql.parse import parsed
from .soql.statement import Statement, built, is_grouped

PAGE, SMALLEST, BIGGEST = 2000, 200, 2000
OPTION = re.compile(r"batchsize\s*=\s*(\d+)", re.I)
LOCATOR = re.compile(r"(0r8\w{12,15})-(\d+)\Z")


@dataclass(slots=True)
class Cursor:
    """Of whom, until when, and what it found: ids, so that its records are told as they are when their page is."""

    statement: Statement
    ids: Sequence[str]
    size: int
    user: str
    until: float


@dataclass(slots=True)
class Queries:
    org: Org
    cursors: dict[str, Cursor] = field(default_factory=dict)

    def query(self, org: Org, request: Request) -> Reply:
        return self._first(request, deleted=False)

    def query_all(self, org: Org, request: Request) -> Reply:
        return self._first(request, deleted=True)

    def _first(self, request: Request, deleted: bool) -> Reply:
        text = request.asked.get("q")
        if text is None:
            raise CallError(400, "MALFORMED_QUERY", "A query string has to be specified")
        query = parsed(text)
        statement = built(self.org, request.acting, query, deleted)
        if request.asked.get("columns", "").lower() == "true":
            return said(columns_of(statement))
        if query.counts:
            return said({"totalSize": statement.count(), "done": True, "records": []})
        if is_grouped(query):
            return _told(groups := statement.groups(), len(groups))
        ids = statement.ids()
        size = min(_batch_size(request), self.org.settings.page_rows)
        cursor = Cursor(
            statement, ids, size, request.acting.user, self.org.clock.monotonic() + self.org.settings.locator_seconds
        )
        name = ""
        if len(ids) > size:
            name = numbered("0r8", "5j", self.org.store.next_number("@locators"))
            self._forget()
            self.cursors[name] = cursor
        return _page(request, cursor, name, 0)

    def _forget(self) -> None:
        now = self.org.clock.monotonic()
        for name in [each for each, cursor in self.cursors.items() if cursor.until <= now]:
            del self.cursors[name]

    def more(self, org: Org, request: Request) -> Reply:
        """The page that a locator stands for; as often as wanted."""
        found = LOCATOR.match(request.path[1])
        cursor = self.cursors.get(found[1]) if found is not None else None
        if found is None or cursor is None or cursor.user != request.acting.user:
            raise CallError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        if cursor.until <= self.org.clock.monotonic():
            raise CallError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return _page(request, cursor, found[1], int(found[2]))


def _batch_size(request: Request) -> int:
    found = OPTION.search(request.headers.get("sforce-query-options", ""))
    return min(max(int(found[1]), SMALLEST), BIGGEST) if found is not None else PAGE


def _page(request: Request, cursor: Cursor, name: str, at: int) -> Reply:
    end = at + cursor.size
    rows = cursor.statement.told(cursor.ids[at:end])
    more = f"{request.acting.base}/query/{name}-{end}" if end < len(cursor.ids) else ""
    return _told(rows, len(cursor.ids), more)


def _told(rows: Sequence[str], total: int, more: str = "") -> Reply:
    ends = f'"done":false,"nextRecordsUrl":"{more}"' if more else '"done":true'
    return Reply(f'{{"totalSize":{total},{ends},"records":[{",".join(rows)}]}}'.encode())
