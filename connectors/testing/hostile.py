"""A network and a server that misbehave, around any connector, at chosen calls and always the same way.

    hostile = Hostile(MemoryConnector(SCHEMA, clock=clock), [Fault(2, FaultKind.LOST_AFTER)], clock=clock)

The second write is done and its answer lost. With no fault in the script the wrapped connector behaves as before.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Any, cast

from ..cell import Cell
from ..change import Batch, Change, ChangeKind, Outcome, OutcomeState
from ..chunk import Chunk
from ..clock import Clock, SystemClock
from ..errors import UnavailableError
from ..forwarding import Forwarding
from ..port import Connector, Ordeal, UndergoesOrdeals


class Operation(StrEnum):
    WRITE = "write"
    FIND = "find"
    READ = "read"


class FaultKind(StrEnum):
    """What happens to a write: LOST_AFTER: done, no answer. SERVER_ERROR: done, answered by a 500. LOST_BEFORE: not
    done, no answer. LATE: no answer, and done later (see `Fault.after`). HALF_DONE: the first half done, no answer.
    HALF_ANSWERED: all done, the second half not answered. TWICE: done twice over, the second answer comes back.
    REORDERED: done, the outcomes in another order. SHORT: done, without a word of the second half. THROTTLED: not done,
    to be sent again in RETRY_AFTER seconds. EXPIRED: not done, for our session is over. FULL: not done, for the disk is
    full. UNREACHABLE: raises before anything is sent. DIES_BEFORE, DIES_AFTER: this process dies before or after it was
    done (ProcessDied).

    What happens to a find: FIND_BREAKS: raises. To a read: READ_BREAKS: raises after so many chunks (`Fault.chunks`).
    """

    LOST_AFTER = "lost_after"
    SERVER_ERROR = "server_error"
    LOST_BEFORE = "lost_before"
    LATE = "late"
    HALF_DONE = "half_done"
    HALF_ANSWERED = "half_answered"
    TWICE = "twice"
    REORDERED = "reordered"
    SHORT = "short"
    THROTTLED = "throttled"
    EXPIRED = "expired"
    FULL = "full"
    UNREACHABLE = "unreachable"
    DIES_BEFORE = "dies_before"
    DIES_AFTER = "dies_after"
    FIND_BREAKS = "find_breaks"
    READ_BREAKS = "read_breaks"

    @property
    def operation(self) -> Operation:
        """The kind of call that this fault strikes."""
        others = {FaultKind.FIND_BREAKS: Operation.FIND, FaultKind.READ_BREAKS: Operation.READ}
        return others.get(self, Operation.WRITE)


@dataclass(frozen=True, slots=True)
class Fault:
    """call: which call of the fault's operation it strikes, from 1. chunks: how many READ_BREAKS lets through.
    after: how much later a LATE write is done; None: as late as the target's `server_maximum` says it may be."""

    call: int
    kind: FaultKind
    chunks: int = 0
    after: dt.timedelta | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it was made. number: among the calls of its operation, from 1. records: changes sent, values searched
    for, or 0 for a read. batch: what a write was asked to send."""

    operation: Operation
    number: int
    object: str
    records: int
    fault: FaultKind | None = None
    batch: Batch | None = None


class ProcessDied(BaseException):
    """Stands for a `kill -9`: what was begun is not tidied up."""


def every_fault(writes: int = 0, finds: int = 0, reads: int = 0) -> Iterator[Fault]:
    """Each fault at each of so many calls, one at a time: the scripts to try when a run makes so many calls."""
    calls = {Operation.WRITE: writes, Operation.FIND: finds, Operation.READ: reads}
    for kind in FaultKind:
        yield from (Fault(call, kind) for call in range(1, calls[kind.operation] + 1))


RETRY_AFTER = 7.0
_TURNED_AWAY = {
    FaultKind.THROTTLED: Outcome("", OutcomeState.THROTTLED, code="target.throttled", retry_after=RETRY_AFTER),
    FaultKind.EXPIRED: Outcome("", OutcomeState.EXPIRED, code="target.session_expired"),
    FaultKind.FULL: Outcome("", OutcomeState.FATAL, code="target.disk_full"),
}


class Hostile(Forwarding):
    """`inner` behind a bad line. script: at most one fault a call. clock: whose sleep brings late writes about at their
    very moment when it is done by `Hostile.clock`; a late write that is overdue is done before the next call.

    calls: every write, find and read so far.
    """

    def __init__(self, inner: Connector, script: Sequence[Fault] = (), *, clock: Clock | None = None) -> None:
        super().__init__(inner)
        self.clock = _ServerClock(clock or SystemClock(), self)
        self.calls: list[Call] = []
        self.late: list[tuple[dt.datetime, Callable[[], object]]] = []
        self._script = {(fault.kind.operation, fault.call): fault for fault in script}
        if len(self._script) != len(script):
            raise ValueError("two faults for one call")

    def number(self, operation: Operation) -> int:
        """How many calls of this operation there were."""
        return sum(call.operation is operation for call in self.calls)

    def finish_late(self, until: dt.datetime) -> None:
        """Do the late writes that are due by then."""
        due = [act for moment, act in self.late if moment <= until]
        self.late = [(moment, act) for moment, act in self.late if moment > until]
        for act in due:
            act()

    # The port

    def read(
        self, object_name: str, fields: Sequence[str], *, after: str | None = None, size: int = 20_000
    ) -> Iterator[Chunk]:
        fault = self._called(Operation.READ, object_name)
        chunks = self.inner.read(object_name, fields, after=after, size=size)
        return chunks if fault is None else _breaking_off(chunks, fault.chunks)

    def count(self, object_name: str) -> int:
        self.finish_late(self.clock.now())
        return self.inner.count(object_name)

    def find(
        self, object_name: str, by: Sequence[str], values: Sequence[tuple[Cell, ...]], fields: Sequence[str]
    ) -> Chunk:
        if self._called(Operation.FIND, object_name, len(values)) is not None:
            raise UnavailableError("hostile.unreachable")
        return self.inner.find(object_name, by, values, fields)

    def write(self, batch: Batch) -> list[Outcome]:
        fault = self._called(Operation.WRITE, batch.object, len(batch.changes), batch)
        if fault is None:
            return self.inner.write(batch)
        return self._struck(batch, fault)

    def put_through(self, ordeal: Ordeal, object_name: str, our_key: str, key: str) -> Outcome:
        act = partial(cast(UndergoesOrdeals, self.inner).put_through, ordeal, object_name, our_key, key)
        return self._ordeal(object_name, our_key, key, act)

    def take_back(
        self, ordeal: Ordeal, object_name: str, our_key: str, key: str, before: Mapping[str, Cell]
    ) -> Outcome:
        act = partial(cast(UndergoesOrdeals, self.inner).take_back, ordeal, object_name, our_key, key, before)
        return self._ordeal(object_name, our_key, key, act)

    def our_keys(self, object_name: str) -> Iterator[list[tuple[str, str]]]:
        self.finish_late(self.clock.now())
        return self.inner.our_keys(object_name)

    # What happens to a write

    def _ordeal(self, object_name: str, our_key: str, key: str, act: Callable[[], Outcome]) -> Outcome:
        """An ordeal is a write of one record that is no batch: what strikes it is what strikes such a one."""
        batch = Batch(object_name, (Change(ChangeKind.UPDATE, our_key, key),))
        fault = self._called(Operation.WRITE, object_name, 1)
        if fault is None:
            return act()
        struck = Hostile(_Acting(self.inner, act), clock=self.clock)
        told = struck._struck(batch, fault) or _unanswered(batch)  # half an answer to one record tells nothing of it
        self.late += struck.late
        return told[0]

    def _called(self, operation: Operation, name: str, records: int = 0, batch: Batch | None = None) -> Fault | None:
        self.finish_late(self.clock.now())
        number = self.number(operation) + 1
        fault = self._script.get((operation, number))
        self.calls.append(Call(operation, number, name, records, None if fault is None else fault.kind, batch))
        return fault

    def _struck(self, batch: Batch, fault: Fault) -> list[Outcome]:
        match fault.kind:
            case FaultKind.UNREACHABLE:
                raise UnavailableError("hostile.unreachable")
            case FaultKind.DIES_BEFORE:
                raise ProcessDied
            case FaultKind.THROTTLED | FaultKind.EXPIRED | FaultKind.FULL:
                return [
                    replace(_TURNED_AWAY[fault.kind], our_key=change.our_key, target_key=change.target_key)
                    for change in batch.changes
                ]
            case FaultKind.LOST_BEFORE:
                return _unanswered(batch)
            case FaultKind.LATE:
                after = self.capabilities.server_maximum if fault.after is None else fault.after
                self.late.append((self.clock.now() + after, partial(self.inner.write, batch)))
                return _unanswered(batch)
            case FaultKind.HALF_DONE:
                self.inner.write(Batch(batch.object, batch.changes[: len(batch.changes) // 2]))
                return _unanswered(batch)
            case _:
                return self._done(batch, fault.kind)

    def _done(self, batch: Batch, kind: FaultKind) -> list[Outcome]:
        outcomes = self.inner.write(batch)
        match kind:
            case FaultKind.DIES_AFTER:
                raise ProcessDied
            case FaultKind.TWICE:
                return self.inner.write(batch)
            case FaultKind.REORDERED:
                return outcomes[1::2] + outcomes[0::2][::-1]
            case FaultKind.SHORT:
                return outcomes[: len(outcomes) // 2]
            case FaultKind.HALF_ANSWERED:
                answered = {change.our_key for change in batch.changes[: len(batch.changes) // 2]}
                known = [outcome for outcome in outcomes if outcome.our_key in answered]
                return known + [each for each in _unanswered(batch) if each.our_key not in answered]
            case FaultKind.SERVER_ERROR:
                return _unanswered(batch, "500 Internal Server Error")
            case _:
                return _unanswered(batch)


class _Acting:
    """What is behind the line, when all that is written there is this."""

    def __init__(self, inner: Connector, act: Callable[[], Outcome]) -> None:
        self._inner = inner
        self._act = act

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def write(self, batch: Batch) -> list[Outcome]:
        return [self._act()] if batch.changes else []


class _ServerClock:
    """The given clock, stopping on its way at every late write."""

    def __init__(self, clock: Clock, hostile: Hostile) -> None:
        self._clock = clock
        self._hostile = hostile

    def now(self) -> dt.datetime:
        return self._clock.now()

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        end = self.now() + dt.timedelta(seconds=seconds)
        for moment in sorted(moment for moment, _ in self._hostile.late if moment <= end):
            self._clock.sleep(max(0.0, (moment - self.now()).total_seconds()))
            self._hostile.finish_late(moment)
        self._clock.sleep(max(0.0, (end - self.now()).total_seconds()))


def _unanswered(batch: Batch, detail: str | None = None) -> list[Outcome]:
    return [
        Outcome(change.our_key, OutcomeState.UNKNOWN, change.target_key, "target.no_answer", detail)
        for change in batch.changes
    ]


def _breaking_off(chunks: Iterator[Chunk], after: int) -> Iterator[Chunk]:
    for _, chunk in zip(range(after), chunks, strict=False):
        yield chunk
    raise UnavailableError("hostile.unreachable")
