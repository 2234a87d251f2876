"""Changes, up to two hundred a call: creates, changes of what is there, and deletes apart.

A create is a plain insert: the org keeps our key unique, so one that arrives twice is refused the second time, and
nothing of what somebody has edited since is written over, as an upsert would do. There is no compare-and-set over many
records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from ..change import Batch, Change, ChangeKind, Outcome, OutcomeState
from ..clock import Clock
from ..errors import ChangeoverError
from ..held_file import files_in
from ..port import KEY
from . import with_files
from .bulk.ingest import CALLS_BESIDES, CALLS_WRITING, Ingest
from .calls import Calls, outcome_of
from .file_fields import FILES
from .gateway import API, WRITING, Gateway
from .options import Options
from .org_object import OrgObject
from .our_key import kept
from .query import Query
from .row import Row, UnfitError, row_of
from .soql import whole_id

MOST = 200
"""Records in a call."""
LARGEST = 8_000_000
"""Bytes of records in a call; one that is larger goes alone."""
ENDS_THE_BATCH = {OutcomeState.THROTTLED, OutcomeState.EXPIRED, OutcomeState.FATAL}


class Piece(NamedTuple):
    """Changes that are sent together. act: sends them, and raises only before they have left. calls: those that it
    makes where all goes well, by interface."""

    changes: tuple[Change, ...]
    act: Callable[[], list[Outcome]]
    calls: Mapping[str, int]


Send = Callable[[OrgObject, Sequence[Row]], list[Outcome]]


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

    def calls_of(self, there: OrgObject, changes: Sequence[Change], again: bool) -> Counter[str]:
        """By interface, as the port's method of that name tells them."""
        calls = Counter[str]()
        for piece in self._pieces(there, changes, [], by_jobs=True):
            calls.update(piece.calls)
            calls[API] += int(again)  # who has our keys is looked for
        return calls

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
            plain = [each for each in rows if each.files is None]
            jobs = (
                self._ingest.cut(there, [each.body for each in plain]) if by_jobs and kind is ChangeKind.CREATE else ()
            )
            at = 0
            for each in jobs:
                yield _piece(there, plain[each], self._by_job, {WRITING: CALLS_WRITING, API: CALLS_BESIDES})
                at = each.stop
            for part in _cut([*plain[at:], *(each for each in rows if each.files is not None)]):
                asked = int(kind is ChangeKind.ADOPT) + with_files.asks_for(part, creates=kind is ChangeKind.CREATE)
                yield _piece(there, part, send, {WRITING: 1, API: asked})

    def _by_job(self, there: OrgObject, rows: Sequence[Row]) -> list[Outcome]:
        return self._ingest.create(there, [each.change for each in rows], [each.body for each in rows])

    def _adopt(self, there: OrgObject, rows: Sequence[Row]) -> list[Outcome]:
        """Whose a record is has to be looked at first: an update would write over another key of ours."""
        found = self._query.find(there, (KEY,), [(each.change.target_key,) for each in rows], [])
        holders = dict(zip(found.keys, found.our_keys, strict=True))
        told: list[Outcome] = []
        free: list[Row] = []
        for row in rows:
            change = row.change
            key = whole_id(str(change.target_key)) or ""
            if key not in holders:
                told.append(outcome_of(change, OutcomeState.REJECTED, "target.gone"))
            elif holders[key] not in (None, change.our_key):
                told.append(outcome_of(change, OutcomeState.REJECTED, "target.taken"))
            else:
                free.append(row)
        if free:
            told += self.calls.change(there, free)
        return told


def _piece(there: OrgObject, rows: Sequence[Row], send: Send, calls: Mapping[str, int]) -> Piece:
    return Piece(tuple(each.change for each in rows), partial(send, there, rows), calls)


def _rows(there: OrgObject, changes: Sequence[Change], unfit: list[Outcome]) -> Iterator[Row]:
    """unfit: takes those that may not be sent."""
    for each in changes:
        creates = each.kind is ChangeKind.CREATE
        our_key = {ChangeKind.UPDATE: None, ChangeKind.RELEASE: ""}.get(each.kind, kept(each.our_key))
        files = None
        if FILES in there.files and FILES in each.values:
            files = tuple(one.id for one in files_in(str(each.values[FILES] or "")))
            files = files or (None if creates else ())
        told = {"key": each.target_key, "our_key": our_key}
        try:
            body = row_of(there, each.values, creates=creates, alone=files is not None, **told)
        except UnfitError as error:
            unfit.append(replace(outcome_of(each, OutcomeState.REJECTED, error.code), field=error.field))
        else:
            yield Row(each, body, files)


def _cut(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """So many as a call takes; a record that is changed twice in calls of their own, for the org refuses that."""
    some: list[Row] = []
    size, parts, keys = 0, 0, set[str]()
    for each in rows:
        key, filed = each.change.target_key, each.files is not None
        full = len(some) == (with_files.MOST if filed else MOST) or size + len(each.body) > LARGEST
        full = full or (filed and parts + 1 + len(each.files or ()) > with_files.NODES)
        if some and (full or key in keys or filed is not (some[0].files is not None)):
            yield some
            some, size, parts, keys = [], 0, 0, set()
        some.append(each)
        size, parts = size + len(each.body), parts + 1 + len(each.files or ())
        if key is not None:
            keys.add(key)
    if some:
        yield some


def _rest(pieces: Sequence[Piece], state: OutcomeState, code: str) -> list[Outcome]:
    return [outcome_of(each, state, code) for piece in pieces for each in piece.changes]
