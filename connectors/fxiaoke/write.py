"""Changes, one call each or a few: the gateway takes no batches. Where the tenant has our function many go in one call.

There is no compare-and-set and no call that does two things in one act, so a change that needs several calls and is
stopped between them is UNKNOWN: the target is asked what is there. Fields, stage and team go before the owner, because
who gives a record away may lose the right to change it. What a create is followed by is asked for again where nobody
answers: what is new is nobody's but ours, and to say the same twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ..cell import Cell
from ..change import Batch, Change, ChangeKind, Outcome, OutcomeState
from ..errors import ChangeoverError, UnavailableError
from .bulk import MOST, Bulk, Row
from .costs import Costs
from .gateway import Gateway, HeldBackError
from .options import Options
from .outcome import Calls, outcome_of
from .owners import OWNER, Owners
from .pools import Pools
from .query import Query
from .row import UnfitError, cleared, row_of
from .session import WrongCredentialsError
from .stages import Stages
from .steps import Act, in_turn, until_told
from .teams import Teams
from .tenant import CREATED, ID, TenantObject
from .transport import NotSentError
from .wire import Document, Json

SILENT_IN_A_ROW = 2
"""Calls of a batch that nobody answers until the rest of it is not sent."""
ENDS_THE_BATCH = {OutcomeState.THROTTLED, OutcomeState.EXPIRED, OutcomeState.FATAL}


class Piece(NamedTuple):
    """Changes that are sent together. act: sends them, and raises only before they have left."""

    changes: tuple[Change, ...]
    act: Callable[[], list[Outcome]]


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
        self._owners = Owners(self.calls, query, pools, options)
        self.bulk = Bulk(gateway, query, self.calls, options)
        self._stages, self._teams = Stages(self.calls, options), Teams(self.calls, query)
        self.costs = Costs(self.bulk, self._stages, self._teams, self.calls.paths, options.bulk_rows)

    def write(self, there: TenantObject, batch: Batch) -> list[Outcome]:
        """Raises only before the first change has left."""
        outcomes: list[Outcome] = []
        silent = 0
        pieces = list(self._pieces(there, batch.changes))
        for place, piece in enumerate(pieces):
            try:
                told = piece.act()
            except WrongCredentialsError as error:
                rest = _rest(pieces[place:], OutcomeState.FATAL, "target.credentials")
                return outcomes + [replace(each, detail=error.words) for each in rest]
            except (HeldBackError, NotSentError, UnavailableError) as error:
                if not outcomes:
                    raise self.raised(error) from error
                return outcomes + _rest(pieces[place:], OutcomeState.NOT_SENT, self._code_of(error))
            outcomes += told
            states = {each.state for each in told}
            silent = silent + 1 if states == {OutcomeState.UNKNOWN} else 0
            if states & ENDS_THE_BATCH:
                rest = _rest(pieces[place + 1 :], told[0].state, told[0].code or "")
                return outcomes + [replace(each, retry_after=told[0].retry_after) for each in rest]
            if silent >= SILENT_IN_A_ROW:
                return outcomes + _rest(pieces[place + 1 :], OutcomeState.NOT_SENT, "target.no_answer")
        return outcomes

    def _pieces(self, there: TenantObject, changes: Sequence[Change]) -> Iterator[Piece]:
        """What goes in a call, or in calls of its own: that which our function takes first."""
        rows: dict[str, list[Row]] = {action: [] for action in MOST}
        alone: list[Piece] = []
        for change in changes:
            apart = self._stages.apart if change.kind is ChangeKind.CREATE else self._stages.apart | {OWNER}
            action = self.bulk.takes(there, change, apart)
            if action is None:
                alone.append(Piece((change,), partial(self._alone, there, change)))
                continue
            try:
                rows[action].append(Row(change, self._row(there, action, change)))
            except UnfitError as error:
                alone.append(Piece((change,), partial(_unfit, change, error)))
        for action, some in rows.items():
            size = min(MOST[action], self._options.bulk_rows)
            for start in range(0, len(some), size):
                part = some[start : start + size]
                act = partial(self.bulk.write, there, action, part, self._flags(part))
                yield Piece(tuple(each.change for each in part), act)
        yield from alone

    def _row(self, there: TenantObject, action: str, change: Change) -> Document:
        if action == "create":
            return self._with_pool(there, self._made(there, change))
        fields = row_of(there, change.values, self._options, self._zone, creates=False)
        return {**fields, ID: change.target_key}

    def _flags(self, rows: Sequence[Row]) -> Document:
        """As of a create alone, and none more: there are no others inside the tenant."""
        return {
            **self._triggers(),
            **_stamped([each.document for each in rows]),
            "checkDuplicateSearch": self._options.duplicate_rules,
            "skipFuncValidate": not self._options.functions,
        }

    def raised(self, error: HeldBackError | NotSentError | UnavailableError) -> BaseException:
        """What whoever asked is told where nothing has left."""
        if isinstance(error, HeldBackError):
            return error.cause
        return self._gateway.unreachable(error) if isinstance(error, NotSentError) else error

    def _code_of(self, error: HeldBackError | NotSentError | UnavailableError) -> str:
        cause = self.raised(error)
        return cause.code if isinstance(cause, ChangeoverError) else "send.recalled"

    def _alone(self, there: TenantObject, change: Change) -> list[Outcome]:
        try:
            return [self._one(there, change)]
        except UnfitError as error:
            return _unfit(change, error)

    def _one(self, there: TenantObject, change: Change) -> Outcome:
        ours = there.our_key
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

    def _create(self, there: TenantObject, change: Change) -> Outcome:
        """What the details are told is for their master to say; they are asked for by our key."""
        row = self._with_pool(there, self._made(there, change))
        stage = self._stages.of(there, change)
        if stage is not None:
            row.pop(str(there.api_of(stage)), None)
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
        body = self._triggers() | _stamped(rows) | {"data": data}
        if self.calls.paths.custom(there):
            body["checkDuplicateSearch"] = self._options.duplicate_rules
        told = self.calls.create(there, change, body)
        if told.state is not OutcomeState.ACKED:
            return told
        made = replace(change, target_key=told.target_key)
        acts = [partial(until_told, each) for each in self._apart(there, made, new=True)]
        return in_turn(made, acts, done=True)

    def _apart(self, there: TenantObject, change: Change, *, new: bool) -> Iterator[Act]:
        """What is written by calls of its own. new: and there is no record of it that anybody else has seen."""
        stage, team = self._stages.of(there, change), self._teams.of(there, change)
        if stage is not None and not (new and change.values[stage] is None):
            yield partial(self._stages.give, there, change, stage)
        if team:
            yield partial(self._teams.give, there, change, team, new=new)

    def _with_pool(self, there: TenantObject, row: Document) -> Document:
        pool = None if row.get(OWNER) else self._pools.of(there)
        if pool is not None:
            row.setdefault(*pool)
        return row

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
        stage = self._stages.of(there, change)
        if owner is not None and not change.values[owner] and not self._owners.frees(there):
            raise UnfitError("target.no_pool", owner)
        if stage is not None and not change.values[stage]:  # what takes one away is not known
            raise UnfitError("target.refused", stage)
        apart = {owner, stage, *self._teams.of(there, change)}
        fields = {name: cell for name, cell in change.values.items() if name not in apart}
        row = row_of(there, fields, self._options, self._zone, creates=False)
        acts: list[Act] = []
        if fields or besides:
            inner: Document = {"object_data": {**row, **besides, ID: change.target_key}}
            if self._options.edit_locked and self.calls.paths.custom(there):
                inner["skipDataStatusValidate"] = True
            body = self._triggers() | {"data": inner}
            acts.append(partial(self.calls.call, there, change, "update", body))
        acts += self._apart(there, change, new=False)
        if owner is not None:
            acts.append(partial(self.give, there, change, change.values[owner]))
        return in_turn(change, acts, done=False)

    def give(self, there: TenantObject, change: Change, owner: Cell) -> Outcome:
        """An owner is changed by a call of its own; an update ignores it."""
        return self._owners.give(there, change, owner)

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
        delete = partial(self.calls.call, there, change, "delete", body)
        deleted = in_turn(change, [delete], done=binned.state is OutcomeState.ACKED)
        return binned if deleted.state is OutcomeState.REJECTED else deleted

    def bin(self, there: TenantObject, change: Change) -> Outcome:
        body: Document = {"data": {"dataObjectApiName": there.api, "object_data_id": change.target_key}}
        return self.calls.call(there, change, "invalid", body)

    def _triggers(self) -> Document:
        return {"triggerWorkFlow": self._options.workflows, "triggerApprovalFlow": self._options.approvals}


def _rest(pieces: Sequence[Piece], state: OutcomeState, code: str) -> list[Outcome]:
    return [outcome_of(each, state, code) for piece in pieces for each in piece.changes]


def _unfit(change: Change, error: UnfitError) -> list[Outcome]:
    return [replace(outcome_of(change, OutcomeState.REJECTED, error.code), field=error.field)]


def _stamped(rows: Sequence[Document]) -> Document:
    """By flags of their own a create says who made a record, and when."""
    stamped, by = (any(name in each for each in rows) for name in CREATED)
    return {"hasSpecifyTime": stamped, "hasSpecifyCreatedBy": by}
