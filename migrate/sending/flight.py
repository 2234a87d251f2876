"""Calls under way, and until when each of them may depart."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import dataclass, field
from types import TracebackType

from ...connectors.change import Batch, Outcome
from ...connectors.errors import UnavailableError
from ...runs.ledger import operations
from ..session import Session
from ..turns import Turns
from .aboard import Aboard, take_aboard
from .answer import Planned
from .caller import Answer

LISTENS = 1.0
"""Seconds until a wait for answers looks at the deadlines, and for an interruption."""


class NotDepartedError(UnavailableError):
    """We did not let the call go; the target has nothing to do with it."""


@dataclass(eq=False)
class UnderWay:
    """A call under way. touched: keys of the records for whose locks it may fight. wave: as the breaker counts. again:
    it is the second call of these operations. passes, passes_at: when its deadline does, by either clock."""

    batch: int
    piece: list[Planned]
    touched: frozenset[str]
    wave: int
    again: bool
    noted: dt.datetime
    passes: float
    passes_at: dt.datetime
    aboard: Sequence[Aboard] = ()
    answer: Answer = field(default_factory=Future)


class Flight:
    """The calls of one round, until all of them are answered. All of it belongs to whose turn it is but the calls.

    A call departs only before its deadline, which is in the ledger: whoever asks for its outcome later has to know when
    it can have left at the latest. As long as the call is under way (it may still wait for the pace) the deadline moves
    on. Where it passes all the same, this process stood still, and the call does not depart any more.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._deadline = dt.timedelta(seconds=session.project.spec.limits.deadline)
        self._slice = min(LISTENS, self._deadline.total_seconds() / 4)
        self._recalled = False
        self.under_way: list[UnderWay] = []

    def __enter__(self) -> Flight:
        self._turns.flights.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.recall()
        self._turns.flights.remove(self)

    def __len__(self) -> int:
        return len(self.under_way)

    @property
    def _turns(self) -> Turns:
        return self._session.interruption.turns

    @property
    def touched(self) -> frozenset[str]:
        return frozenset().union(*(each.touched for each in self.under_way))

    @property
    def touched_elsewhere(self) -> frozenset[str]:
        """What calls of other lanes touch."""
        return self._turns.touched_elsewhere(self)

    def intend(
        self,
        run: int,
        names: tuple[str, str | None],
        fieldset: int | None,
        piece: list[Planned],
        touched: frozenset[str],
    ) -> UnderWay:
        """Write the intents of a batch down. names: the target's object and the source's. Raises UnavailableError where
        the ledger cannot take them."""
        session = self._session
        now, passes = session.clock.now(), session.clock.monotonic() + self._deadline.total_seconds()
        intents = [each.intent for each in piece]
        with session.ledger.transaction() if any(each.details for each in piece) else nullcontext():
            batch = operations.intend(session.ledger, run, *names, fieldset, intents, now, self._deadline)
            aboard = take_aboard(session.ledger, run, piece, now, self._deadline)
        return UnderWay(batch, piece, touched, 0, False, now, passes, now + self._deadline, aboard)

    def again(self, call: UnderWay, piece: list[Planned]) -> UnderWay:
        """The same operations of a call that was answered, to be sent once more."""
        until = (call.noted, call.passes, call.passes_at)
        further = UnderWay(call.batch, piece, call.touched, 0, True, *until, call.aboard)
        self._prolong(further)
        return further

    def depart(self, object_name: str, call: UnderWay) -> None:
        session = self._session
        batch = Batch(object_name, tuple(each.change for each in call.piece))

        def write() -> list[Outcome]:
            with session.interruption.departing(lambda: self._still(call)):
                return session.target.write(batch)

        call.wave = session.breaker.wave
        self.under_way.append(call)
        call.answer = session.caller.call(write)

    def landed(self) -> list[UnderWay]:
        """Calls that are answered; none, where the next of them takes its time."""
        self.prolong()
        with self._turns.away():
            answers = self._session.caller.first([each.answer for each in self.under_way], self._slice)
        landed = [each for answer in answers for each in self.under_way if each.answer is answer]
        self.under_way = [each for each in self.under_way if each not in landed]
        return landed

    def recall(self) -> None:
        """What has not departed yet is not to depart any more."""
        self._recalled = True

    def prolong(self) -> None:
        """Move on the deadlines of which half has passed, as long as any call may still depart."""
        if self._recalled:
            return
        now = self._session.clock.now()
        for each in self.under_way:
            if now - each.noted >= self._deadline / 2 and not each.answer.done():
                self._prolong(each)

    def _prolong(self, call: UnderWay) -> None:
        clock = self._session.clock
        now, passes = clock.now(), clock.monotonic() + self._deadline.total_seconds()
        with self._session.ledger.transaction():
            for batch in (call.batch, *(each.batch for each in call.aboard)):
                operations.prolong(self._session.ledger, batch, now + self._deadline)
        call.noted, call.passes, call.passes_at = now, passes, now + self._deadline

    def _still(self, call: UnderWay) -> None:
        """Right before a call departs, in its own thread. Raises NotDepartedError where it must not. Both clocks are
        asked: the one stands still while a machine sleeps, the other can be put back."""
        clock = self._session.clock
        if self._recalled or self._session.interruption.ends:
            raise NotDepartedError("send.recalled")
        if clock.monotonic() > call.passes or clock.now() > call.passes_at:
            raise NotDepartedError("send.late")
