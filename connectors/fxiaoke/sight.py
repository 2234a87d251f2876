"""What our user cannot see.

The API shows an employee what that employee may see, and says nothing of the rest: a record that is not shown is not
told from one that is not there. So others are asked. The address book knows all people, whatever our user may see of
the object that holds them. And the app may act as any employee: those whom the project names as witnesses count what
they see, and what they own, and our user counts the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..finding import Finding, Severity
from .gateway import Gateway
from .options import Options
from .owners import OWNER
from .paths import USERS, Paths
from .query import Query
from .tenant import TenantObject
from .wire import Document, Json, part, parts, whole

PEOPLE = "PersonnelObj"
WHOLE_COMPANY = 999999


class Sight:
    def __init__(self, gateway: Gateway, query: Query, options: Options, connection: str) -> None:
        self._gateway, self._query, self._options, self._connection = gateway, query, options, connection
        self._paths = Paths(options.custom_path == "always")

    def unseen(self, objects: Sequence[TenantObject]) -> tuple[Finding, ...]:
        found: list[Finding] = []
        unproven = []
        for there in objects:
            told, proven = self._people(there) if there.api == PEOPLE else self._witnessed(there)
            found += told
            if not proven and not told:
                unproven.append(there.name)
        if unproven:
            params: dict[str, str | int] = {"connection": self._connection, "objects": ", ".join(unproven)}
            found.append(Finding("fxiaoke.sight_unproven", Severity.INFO, params))
        return tuple(found)

    def _people(self, there: TenantObject) -> tuple[list[Finding], bool]:
        """Against the address book, whose people are found whoever asks."""
        answer = self._gateway.tried(USERS, {"departmentId": WHOLE_COMPANY, "fetchChild": True})
        known = len(parts(answer.document, "userList"))
        missing = known - self._query.count(there)
        if missing <= 0:
            return [], known > 0
        params: dict[str, str | int] = {"connection": self._connection, "object": there.name, "count": missing}
        return [Finding("fxiaoke.unseen_people", Severity.WARNS, params, object=there.name)], False

    def _witnessed(self, there: TenantObject) -> tuple[list[Finding], bool]:
        """Of each witness what it owns, and what it sees in all. Proven: where one sees something, and we as much."""
        proven = False
        for witness in self._options.witnesses:
            other = self._gateway.acting_as(witness)
            missing = 0
            for owned in [False, *([True] if there.has(OWNER) else [])]:
                theirs = self._count(other, there, witness if owned else None)
                if theirs is None:
                    params: dict[str, str | int] = {"connection": self._connection, "witness": witness}
                    return [Finding("fxiaoke.witness_refused", Severity.WARNS, {**params, "object": there.name})], False
                ours = self._count(self._gateway, there, witness if owned else None) or 0
                missing = max(missing, theirs - ours)
                proven |= theirs > 0 and ours >= theirs and (owned or ours == theirs)
            if missing:
                params = {"connection": self._connection, "object": there.name, "count": missing, "witness": witness}
                return [Finding("fxiaoke.unseen", Severity.WARNS, params, object=there.name)], False
        return [], proven

    def _count(self, gateway: Gateway, there: TenantObject, owner: str | None) -> int | None:
        """Of all records that whoever asks sees, or of those with this owner; None where the call is refused."""
        filters: list[Json] = []
        if owner is not None:
            filters.append({"field_name": OWNER, "operator": "IN", "field_values": [owner]})
        info: Document = {"limit": 1, "offset": 0, "filters": filters, "fieldProjection": ["_id"]}
        asked: Document = {"dataObjectApiName": there.api, "find_explicit_total_num": True, "search_query_info": info}
        answer = gateway.tried(self._paths.of(there, "query"), {"data": asked})
        return whole(part(answer.document, "data").get("total")) if answer.code == 0 else None
