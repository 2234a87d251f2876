"""Changes, one call each or a few: the gateway takes no batches.

There is no compare-and-set and no call that does two things in one act, so a change that needs several calls and is
stopped between them is UNKNOWN: the target is asked what is there. The fields go before the owner, because who gives a
record away may lose the right to change it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final
from zoneinfo import ZoneInfo

from ..cell import Cell
from ..change import Batch, Change, ChangeKind, Outcome, OutcomeState
from ..errors import ChangeoverError, UnavailableError
from .gateway import Gateway, HeldBackError
from .options import Options
from .outcome import Calls, outcome_of
from .pools import Pools
from .query import Query
from .row import UnfitError, cleared, row_of
from .session import WrongCredentialsError
from .tenant import CREATED, ID, TenantObject
from .transport import NotSentError
from .wire import Document, Json

OWNER: Final = "owner"
SILENT_IN_A_ROW = 2
"""Changes of a batch that nobody answers until the rest of it is not sent."""
ENDS_THE_BATCH = {OutcomeState.THROTTLED, OutcomeState.EXPIRED, OutcomeState.FATAL}
NEVER_LEFT = (HeldBackError, NotSentError, WrongCredentialsError, UnavailableError)


class Writer:
    """zone: of midnight in date fields. there: a detail object by our name."""

    def __init__(
        self,
        gateway: Gateway,
        query: Query,
        pools: Pools,
        options: Options,
        zone: ZoneInfo,
        there: Callable[[str], TenantObject],
    ) -> None:
        self._gateway, self._query, self._options, self._zone = gateway, query, options, zone
        self._pools, self._there = pools, there
        self.calls = Calls(gateway, query, options)

    def write(self, there: TenantObject, batch: Batch) -> list[Outcome]:
        """Raises only before the first change has left."""
        outcomes: list[Outcome] = []
        silent = 0
        for place, change in enumerate(batch.changes):
            try:
                outcome = self._one(there, change)
            except WrongCredentialsError as error:
                rest = _rest(batch, place, OutcomeState.FATAL, "target.credentials")
                return outcomes + [replace(each, detail=error.words) for each in rest]
            except (HeldBackError, NotSentError, UnavailableError) as error:
                if not outcomes:
                    raise self.raised(error) from error
                return outcomes + _rest(batch, place, OutcomeState.NOT_SENT, self._code_of(error))
            outcomes.append(outcome)
            silent = silent + 1 if outcome.state is OutcomeState.UNKNOWN else 0
            if outcome.state in ENDS_THE_BATCH:
                rest = _rest(batch, place + 1, outcome.state, outcome.code or "")
                return outcomes + [replace(each, retry_after=outcome.retry_after) for each in rest]
            if silent >= SILENT_IN_A_ROW:
                return outcomes + _rest(batch, place + 1, OutcomeState.NOT_SENT, "target.no_answer")
        return outcomes

    def raised(self, error: HeldBackError | NotSentError | UnavailableError) -> BaseException:
        """What whoever asked is told where nothing has left."""
        if isinstance(error, HeldBackError):
            return error.cause
        return self._gateway.unreachable(error) if isinstance(error, NotSentError) else error

    def _code_of(self, error: HeldBackError | NotSentError | UnavailableError) -> str:
        cause = self.raised(error)
        return cause.code if isinstance(cause, ChangeoverError) else "send.recalled"

    def _one(self, there: TenantObject, change: Change) -> Outcome:
        ours = there.our_key
        try:
            match change.kind:
                case ChangeKind.CREATE:
                    return self._create(there, change)
                case ChangeKind.DELETE:
                    return self._delete(there, change)
                case ChangeKind.ADOPT if ours is not None:
                    return self._adopt(there, change, ours)
                case ChangeKind.RELEASE if ours is not None:
                    return self._update(there, change, {ours: cleared(self._options)})
                case _:
                    return self._update(there, change, {})
        except UnfitError as error:
            return replace(outcome_of(change, OutcomeState.REJECTED, error.code), field=error.field)

    def _create(self, there: TenantObject, change: Change) -> Outcome:
        """What the details are told is for their master to say; they are asked for by our key."""
        row = self._made(there, change)
        pool = None if row.get(OWNER) else self._pools.of(there)
        if pool is not None:
            row.setdefault(*pool)
        details, rows = self._details(change), [row]
        for some in details.values():
            rows += some
        rules: Document = {
            "isDuplicateSearch": self._options.duplicate_rules,
            "useValidationRule": self._options.validation_rules,
            "skipFuncValidate": not self._options.functions,
        }
        data: Document = {"object_data": row, "optionInfo": rules}
        if details:
            data["details"] = {api: list(some) for api, some in details.items()}
        stamped, by = (any(name in each for each in rows) for name in CREATED)
        body = self._triggers() | {"hasSpecifyTime": stamped, "hasSpecifyCreatedBy": by, "data": data}
        if self.calls.paths.custom(there):
            body["checkDuplicateSearch"] = self._options.duplicate_rules
        return self.calls.create(there, change, body)

    def _made(self, there: TenantObject, change: Change, given: str | None = None) -> Document:
        row = row_of(there, change.values, self._options, self._zone, creates=True, given=given)
        if there.our_key is not None:
            row[there.our_key] = change.our_key
        return row

    def _details(self, change: Change) -> dict[str, list[Document]]:
        """API name of a detail object -> its rows. A detail that would be refused makes the whole change refused."""
        told: dict[str, list[Document]] = {}
        for each in change.details:
            there = self._there(each.object)
            try:
                told[there.api] = [self._made(there, one, each.by) for one in each.changes]
            except UnfitError as error:
                raise UnfitError(error.code) from error
        return told

    def _update(self, there: TenantObject, change: Change, besides: Mapping[str, Json]) -> Outcome:
        owner = next((name for name in change.values if there.api_of(name) == OWNER), None)
        if owner is not None and not change.values[owner]:  # what takes an owner away is not known
            raise UnfitError("target.refused", owner)
        fields = {name: cell for name, cell in change.values.items() if name != owner}
        row = row_of(there, fields, self._options, self._zone, creates=False)
        told = outcome_of(change, OutcomeState.ACKED)
        if fields or besides:
            inner: Document = {"object_data": {**row, **besides, ID: change.target_key}}
            if self._options.edit_locked and self.calls.paths.custom(there):
                inner["skipDataStatusValidate"] = True
            told = self.calls.call(there, change, "update", self._triggers() | {"data": inner})
        if owner is None or told.state is not OutcomeState.ACKED:
            return told
        done = bool(fields or besides)
        return _after(done, change, lambda: self.give(there, change, change.values[owner]))

    def give(self, there: TenantObject, change: Change, owner: Cell) -> Outcome:
        """An owner is changed by a call of its own; an update ignores it."""
        given: Document = {"objectDataId": change.target_key, "ownerId": [str(owner)]}
        body: Document = {"data": {"dataObjectApiName": there.api, "Data": [given]}}
        return self.calls.call(there, change, "changeOwner", body)

    def _adopt(self, there: TenantObject, change: Change, ours: str) -> Outcome:
        """Whose it is has to be looked at first: an update would write over another key of ours without a word."""
        try:
            rows = self._query.by_text(there, ID, [change.target_key or ""], [])
            holders = self._query.by_text(there, ours, [change.our_key], [])
        except UnavailableError as error:
            return outcome_of(change, OutcomeState.NOT_SENT, error.code)
        if not rows:
            return outcome_of(change, OutcomeState.REJECTED, "target.gone")
        elsewhere = {str(each[ID]) for each in holders} - {change.target_key}
        if elsewhere or rows[0].get(ours) not in (None, "", change.our_key):
            return outcome_of(change, OutcomeState.REJECTED, "target.taken")
        return self._update(there, change, {ours: change.our_key})

    def _delete(self, there: TenantObject, change: Change) -> Outcome:
        """Into the bin, then out of it for good. What is in the bin already refuses to be put there."""
        binned = self.bin(there, change)
        if binned.state not in (OutcomeState.ACKED, OutcomeState.REJECTED):
            return binned
        body: Document = {"data": {"dataObjectApiName": there.api, "idList": [change.target_key]}}
        done = binned.state is OutcomeState.ACKED
        deleted = _after(done, change, lambda: self.calls.call(there, change, "delete", body))
        return binned if deleted.state is OutcomeState.REJECTED else deleted

    def bin(self, there: TenantObject, change: Change) -> Outcome:
        body: Document = {"data": {"dataObjectApiName": there.api, "object_data_id": change.target_key}}
        return self.calls.call(there, change, "invalid", body)

    def _triggers(self) -> Document:
        return {"triggerWorkFlow": self._options.workflows, "triggerApprovalFlow": self._options.approvals}


def _after(done: bool, change: Change, act: Callable[[], Outcome]) -> Outcome:
    """A second call of a change. done: the first one was; then nobody may say that nothing was."""
    try:
        outcome = act()
    except NEVER_LEFT:
        if not done:
            raise
        return outcome_of(change, OutcomeState.UNKNOWN, "target.half_done")
    if done and outcome.state is not OutcomeState.ACKED:
        return outcome_of(change, OutcomeState.UNKNOWN, "target.half_done", outcome.detail)
    return outcome


def _rest(batch: Batch, place: int, state: OutcomeState, code: str) -> list[Outcome]:
    return [outcome_of(each, state, code) for each in batch.changes[place:]]
