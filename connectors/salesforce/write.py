"""Changes, up to two hundred a call: creates, changes of what is there, and deletes apart.

A create is a plain insert: the org keeps our key unique, so one that arrives twice is refused the second time, and
nothing of what somebody has edited since is written over, as an upsert would do. There is no compare-and-set over many
records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from ..change import Batch, Change, ChangeKind, Outcome, OutcomeState
from ..clock import Clock
from ..errors import ChangeoverError
from ..port import KEY
from .bulk.ingest import Ingest
from .calls import Calls, outcome_of
from .gateway import Gateway
from .options import Options
from .org_object import OrgObject
from .our_key import kept
from .query import Query
from .row import UnfitError, row_of
from .soql import whole_id

MOST = 200
"""Records in a call."""
LARGEST = 8_000_000
"""Bytes of records in a call; one that is larger goes alone."""
ENDS_THE_BATCH = {OutcomeState.THROTTLED, OutcomeState.EXPIRED, OutcomeState.FATAL}


class Piece(NamedTuple):
    """Changes that are sent together. act: sends them, and raises only before they have left."""

    changes: tuple[Change, ...]
    act: Callable[[], list[Outcome]]


Send = Callable[[OrgObject, Sequence[Change], Sequence[bytes]], list[Outcome]]


class Row(NamedTuple):
    change: Change
    body: bytes


class Writer:
    """ingest: takes many creations at once, where the options say so."""

    def __init__(self, calls: Calls, query: Query, gateway: Gateway, options: Options, clock: Clock) -> None:
        self.calls, self._query = calls, query
        self._ingest = Ingest(gateway, calls, options, clock, self._by_calls)

    def _by_calls(self, there: OrgObject, changes: Sequence[Change]) -> list[Outcome]:
        return self.write(there, Batch(there.name, tuple(changes)), by_jobs=False)

    def write(self, there: OrgObject, batch: Batch, by_jobs: bool = True) -> list[Outcome]:
        """Raises only before the first change has left."""
        outcomes: list[Outcome] = []
        unfit: list[Outcome] = []
        pieces = list(self._pieces(there, batch.changes, unfit, by_jobs))
        for place, piece in enumerate(pieces):
            try:
                told = piece.act()
            except BaseException as error:
                if not outcomes:
                    raise
                code = error.code if isinstance(error, ChangeoverError) else "send.recalled"
                return [*outcomes, *unfit, *_rest(pieces[place:], OutcomeState.NOT_SENT, code)]
            outcomes += told
            left = pieces[place + 1 :]
            ending = next((each for each in told if each.state in ENDS_THE_BATCH), None)
            if ending is not None:
                rest = _rest(left, ending.state, ending.code or "")
                return [*outcomes, *unfit, *(replace(each, retry_after=ending.retry_after) for each in rest)]
            if {each.state for each in told} == {OutcomeState.UNKNOWN}:
                return [*outcomes, *unfit, *_rest(left, OutcomeState.NOT_SENT, "target.no_answer")]
        return [*outcomes, *unfit]

    def _pieces(
        self, there: OrgObject, changes: Sequence[Change], unfit: list[Outcome], by_jobs: bool
    ) -> Iterator[Piece]:
        """unfit: takes what is refused here, before a call is spent on it."""
        sends = {
            ChangeKind.CREATE: self.calls.create,
            ChangeKind.UPDATE: self.calls.change,
            ChangeKind.DELETE: self.calls.delete,
            ChangeKind.ADOPT: self._adopt,
        }
        for kind, send in sends.items():
            some = [each for each in changes if each.kind is kind]
            if kind is ChangeKind.UPDATE:
                some += [each for each in changes if each.kind is ChangeKind.RELEASE]
            rows = list(_rows(there, some, unfit))
            jobs = (
                self._ingest.cut(there, [each.body for each in rows]) if by_jobs and kind is ChangeKind.CREATE else ()
            )
            at = 0
            for each in jobs:
                yield _piece(there, rows[each], self._ingest.create)
                at = each.stop
            for part in _cut(rows[at:]):
                yield _piece(there, part, send)

    def _adopt(self, there: OrgObject, changes: Sequence[Change], bodies: Sequence[bytes]) -> list[Outcome]:
        """Whose a record is has to be looked at first: an update would write over another key of ours."""
        found = self._query.find(there, (KEY,), [(each.target_key,) for each in changes], [])
        holders = dict(zip(found.keys, found.our_keys, strict=True))
        told: list[Outcome] = []
        free: list[tuple[Change, bytes]] = []
        for change, body in zip(changes, bodies, strict=True):
            key = whole_id(str(change.target_key)) or ""
            if key not in holders:
                told.append(outcome_of(change, OutcomeState.REJECTED, "target.gone"))
            elif holders[key] not in (None, change.our_key):
                told.append(outcome_of(change, OutcomeState.REJECTED, "target.taken"))
            else:
                free.append((change, body))
        if free:
            told += self.calls.change(there, [each for each, _ in free], [body for _, body in free])
        return told


def _piece(there: OrgObject, rows: Sequence[Row], send: Send) -> Piece:
    part = tuple(each.change for each in rows)
    return Piece(part, partial(send, there, part, [each.body for each in rows]))


def _rows(there: OrgObject, changes: Sequence[Change], unfit: list[Outcome]) -> Iterator[Row]:
    """unfit: takes those that may not be sent."""
    for each in changes:
        creates = each.kind is ChangeKind.CREATE
        our_key = {ChangeKind.UPDATE: None, ChangeKind.RELEASE: ""}.get(each.kind, kept(each.our_key))
        try:
            body = row_of(there, each.values, creates=creates, key=each.target_key, our_key=our_key)
        except UnfitError as error:
            unfit.append(replace(outcome_of(each, OutcomeState.REJECTED, error.code), field=error.field))
        else:
            yield Row(each, body)


def _cut(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """So many as a call takes; a record that is changed twice in calls of their own, for the org refuses that."""
    some: list[Row] = []
    size, keys = 0, set[str]()
    for each in rows:
        key = each.change.target_key
        if some and (len(some) == MOST or size + len(each.body) > LARGEST or key in keys):
            yield some
            some, size, keys = [], 0, set()
        some.append(each)
        size += len(each.body)
        if key is not None:
            keys.add(key)
    if some:
        yield some


def _rest(pieces: Sequence[Piece], state: OutcomeState, code: str) -> list[Outcome]:
    return [outcome_of(each, state, code) for piece in pieces for each in piece.changes]
