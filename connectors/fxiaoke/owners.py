"""Whose a record is, changed by interfaces of its own.

The owner of a record is changed, never taken away: what is to be nobody's goes back into its pool. From there it comes
by leaving the pool with a new owner, for nobody may give away what lies in it.
"""

from __future__ import annotations

from typing import Final

from ..cell import Cell
from ..change import Change, Outcome, OutcomeState
from ..errors import ChangeoverError
from .options import Options
from .outcome import Calls
from .paths import data_path
from .pools import Pools
from .query import Query
from .tenant import TenantObject
from .wire import Document

OWNER: Final = "owner"


class Owners:
    def __init__(self, calls: Calls, query: Query, pools: Pools, options: Options) -> None:
        self._calls, self._query, self._pools, self._options = calls, query, pools, options

    def frees(self, there: TenantObject) -> bool:
        """Whether an owner can be taken away: into the pool that is named for the object."""
        return self._pools.of(there) is not None

    def give(self, there: TenantObject, change: Change, owner: Cell) -> Outcome:
        """None: to nobody."""
        pool = self._pools.of(there)
        if not owner and pool is not None:
            back: Document = {"apiName": there.api, "objectIds": [change.target_key], "objectPoolId": pool[1]}
            back["backReason"] = self._options.back_reason
            return self._calls.at(there, change, data_path("return", custom=False), {"data": back})
        given: Document = {"objectDataId": change.target_key, "ownerId": [str(owner)]}
        body: Document = {"data": {"dataObjectApiName": there.api, "Data": [given]}}
        told = self._calls.call(there, change, "changeOwner", body)
        lies_in = self._lies_in(there, change) if told.state is OutcomeState.REJECTED else None
        if lies_in is None:
            return told
        out: Document = {"apiName": there.api, "objectIDs": [change.target_key], "objectPoolId": lies_in}
        out |= {"isKeepOwner": False, "owner": str(owner)}
        return self._calls.at(there, change, data_path("remove", custom=False), {"data": out})

    def _lies_in(self, there: TenantObject, change: Change) -> str | None:
        """The pool in which a record lies that is nobody's."""
        name = self._options.pool_fields.get(there.name)
        if name is None or not there.has(name):
            return None
        try:
            state = self._query.state(there, change.target_key or "") or {}
        except ChangeoverError:
            return None
        pool = state.get(name)
        return None if state.get(OWNER) or not pool else str(pool)
