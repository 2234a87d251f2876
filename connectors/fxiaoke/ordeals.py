"""What users do to a record, done and taken back, so that a run can prove that our key is found all the same.

The owner is not given away without being asked for: the option `ordeal_owner` names who gets the record meanwhile.
Without it the ordeal of the owner is not tried.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..cell import Cell
from ..change import Change, ChangeKind, Outcome, OutcomeState
from ..errors import UnavailableError
from ..port import Ordeal
from .gateway import HeldBackError
from .options import Options
from .outcome import Calls, outcome_of
from .owners import OWNER
from .paths import LOCK, UNLOCK
from .query import INVALID, Query
from .session import WrongCredentialsError
from .tenant import TenantObject
from .transport import NotSentError
from .wire import Document
from .write import Writer

LOCKED = "1"


class Ordeals:
    def __init__(self, query: Query, writer: Writer, options: Options) -> None:
        self._query, self._writer, self._options = query, writer, options

    def put_through(self, there: TenantObject, ordeal: Ordeal, our_key: str, key: str) -> Outcome:
        change = Change(ChangeKind.UPDATE, our_key, key)
        return self._done(there, change, ordeal, self._options.ordeal_owner, back=False)

    def take_back(
        self, there: TenantObject, ordeal: Ordeal, our_key: str, key: str, before: Mapping[str, Cell]
    ) -> Outcome:
        owners = (before.get(each.name) for each in there.fields.values() if each.api == OWNER)
        owner = next((str(each) for each in owners if each), None)
        return self._done(there, Change(ChangeKind.UPDATE, our_key, key), ordeal, owner, back=True)

    def _done(self, there: TenantObject, change: Change, ordeal: Ordeal, owner: str | None, *, back: bool) -> Outcome:
        state = self._query.state(there, change.target_key or "")
        if state is None:
            return outcome_of(change, OutcomeState.REJECTED, "target.gone")
        owned = any(each.api == OWNER for each in there.fields.values())
        try:
            match ordeal:
                case Ordeal.OWNER if owner is None or not owned:
                    return outcome_of(change, OutcomeState.REJECTED, "target.refused")
                case Ordeal.OWNER:
                    return self._writer.give(there, change, owner)
                case Ordeal.LOCK:
                    return self._lock(there, change, state, back=back)
                case Ordeal.SOFT_DELETE:
                    return self._bin(there, change, state, back=back)
        except WrongCredentialsError as error:
            return outcome_of(change, OutcomeState.FATAL, "target.credentials", error.words)
        except (HeldBackError, NotSentError, UnavailableError) as error:
            raise self._writer.raised(error) from error

    def _lock(self, there: TenantObject, change: Change, state: Document, *, back: bool) -> Outcome:
        if (str(state.get("lock_status")) == LOCKED) is not back:
            return outcome_of(change, OutcomeState.ACKED)
        inner: Document = {"dataObjectApiName": there.api, "dataIds": [change.target_key], "detailObjStrategy": 0}
        return self._calls.at(there, change, UNLOCK if back else LOCK, {"data": inner})

    def _bin(self, there: TenantObject, change: Change, state: Document, *, back: bool) -> Outcome:
        if (state.get("life_status") == INVALID) is not back:
            return outcome_of(change, OutcomeState.ACKED)
        if not back:
            return self._writer.bin(there, change)
        body: Document = {"data": {"dataObjectApiName": there.api, "idList": [change.target_key]}}
        return self._calls.call(there, change, "recover", body)

    @property
    def _calls(self) -> Calls:
        return self._writer.calls
