"""Questions that only read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ...clock import Clock
from ...questions import UNTRIED, Answer
from .. import gateway as calls
from ..errors import Kind
from ..gateway import Gateway
from ..options import Options
from ..paths import DESCRIBE, FUNCTION, OBJECTS, data_path
from ..query import INVALID
from ..tenant import ID, TenantObject
from ..wire import Document, Json, part, parts, whole

BULK = "changeover_bulk__c"
"""The function of the tenant's own that takes many rows a call."""
OVER = 200
"""Records in a page that is longer than the documents allow."""
NOBODY = {"bearer": "99999999", "app_token": "FSUID_" + "0" * 32}
"""Employees who are none."""
LOOKED_AT = 10
"""Objects at most in which records are sought."""
UNTOLD = Answer(UNTRIED)


class Readings:
    """objects: those that the project names."""

    def __init__(self, gateway: Gateway, options: Options, clock: Clock, objects: Sequence[TenantObject]) -> None:
        self._gateway, self._options, self._clock = gateway, options, clock
        self._objects = objects[:LOOKED_AT]

    def probe(self, name: str) -> Answer:
        ask: Mapping[str, Callable[[], Answer]] = {
            "limit": self._limit,
            "offset": self._offset,
            "total": self._total,
            "trace_id": self._trace_id,
            "preset_on_custom": lambda: self._other_path(custom=False),
            "custom_on_preset": lambda: self._other_path(custom=True),
            "unknown_user": self._unknown_user,
            "clock": self._clocks,
            "function": self._function,
            "details_described": self._details_described,
            "bin": self._bin,
        }
        return ask[name]()

    def _limit(self) -> Answer:
        """A page that is cut either says so, or has a hundred of more records."""
        for there in self._objects:
            answer = self._page(there, limit=OVER)
            if answer.kind is not Kind.DONE:
                return Answer("refused", answer.code)
            told = part(answer.document, "data")
            rows, limit, total = len(parts(told, "dataList")), whole(told.get("limit")), whole(told.get("total")) or 0
            if limit is not None and limit < OVER:
                return Answer("cut", limit)
            if rows < min(OVER, total):
                return Answer("cut", rows)
            if limit == OVER or rows > self._options.page:
                return Answer("accepted")
        return UNTOLD

    def _offset(self) -> Answer:
        return self._accepted(self._page(self._objects[0], limit=2, offset=1)) if self._objects else UNTOLD

    def _total(self) -> Answer:
        """Of an object that has records, the total of a query that does not ask for it."""
        for there in self._objects:
            if whole(part(self._page(there).document, "data").get("total")):
                told = part(self._page(there, total=False).document, "data")
                return Answer("always" if whole(told.get("total")) else "when_asked")
        return UNTOLD

    def _trace_id(self) -> Answer:
        answer = self._gateway.untraced().tried(OBJECTS, {})
        return Answer("ignored") if answer.kind is Kind.DONE else Answer("required", answer.code)

    def _other_path(self, *, custom: bool) -> Answer:
        """An object of the one kind at the path of the other."""
        there = next((each for each in self._objects if each.custom is custom), None)
        if there is None:
            return UNTOLD
        return self._accepted(self._page(there, path=data_path("query", not custom)))

    def _unknown_user(self) -> Answer:
        """As the value of a filter."""
        there = next((each for each in self._objects if each.has("owner")), None)
        if there is None:
            return UNTOLD
        sought: Document = {"field_name": "owner", "operator": "IN", "field_values": [NOBODY[self._options.sign_in]]}
        answer = self._page(there, filters=[sought])
        return Answer("nothing") if answer.kind is Kind.DONE else Answer("refused", answer.code)

    def _clocks(self) -> Answer:
        """Seconds by which the tenant's clock is before ours."""
        self._gateway.ask(OBJECTS, {})
        there = self._gateway.server_time
        if there is None:
            return UNTOLD
        return Answer("measured", round((there - self._clock.now()).total_seconds()))

    def _function(self) -> Answer:
        """Asked which it is, it does nothing else."""
        parameter: Document = {"name": "request", "type": "Map", "value": {"action": "about"}}
        asked: Document = {"api_name": self._options.bulk or BULK, "parameters": [parameter]}
        answer = self._gateway.tried(FUNCTION, {"data": asked})
        return Answer("there") if answer.kind is Kind.DONE else Answer("none", answer.code)

    def _details_described(self) -> Answer:
        """Whether the describe of an object that has details brings theirs where that is asked for."""
        masters = {
            name for each in self._objects for field in each.schema.fields if field.master for name in field.references
        }
        there = next((each for each in self._objects if each.name in masters), None)
        if there is None:
            return UNTOLD
        asked: Document = {"apiName": there.api, "includeDetail": True}
        told = self._gateway.ask(DESCRIBE, {**asked, "data": asked})
        return Answer("told" if part(told, "data").keys() - {"describe"} else "untold")

    def _bin(self) -> Answer:
        """Where none is shown, there may be none."""
        sought: Document = {"field_name": "life_status", "operator": "EQ", "field_values": [INVALID]}
        for there in self._objects:
            if there.binned and parts(part(self._page(there, filters=[sought]).document, "data"), "dataList"):
                return Answer("shown")
        return UNTOLD

    def _accepted(self, answer: calls.Answer) -> Answer:
        return Answer("accepted") if answer.kind is Kind.DONE else Answer("refused", answer.code)

    def _page(
        self,
        there: TenantObject,
        *,
        limit: int = 1,
        offset: int = 0,
        filters: Sequence[Json] = (),
        total: bool = True,
        path: str | None = None,
    ) -> calls.Answer:
        info: Document = {
            "limit": limit,
            "offset": offset,
            "filters": list(filters),
            "orders": [{"fieldName": ID, "isAsc": True}],
            "fieldProjection": [ID],
        }
        asked: Document = {"dataObjectApiName": there.api, "search_query_info": info}
        if total:
            asked["find_explicit_total_num"] = True
        custom = there.custom or self._options.custom_path == "always"
        return self._gateway.tried(path or data_path("query", custom), {"data": asked})
