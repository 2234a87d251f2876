"""Send changes so that each is done once: intents first, outcomes settled by key, unknown ones asked for, none
guessed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from copy import copy
from itertools import groupby

from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_exponential_jitter, wait_random

from ...connectors.change import CONTAGION, ChangeKind, Outcome, OutcomeState
from ...connectors.errors import ChangeoverError, UnavailableError
from ...connectors.pace import Action, QuotaSpentError
from ...runs.ledger import operations
from ...runs.ledger.operations import Settled
from ...runs.values import REJECT
from ..session import Interrupted, Session
from ..settling.recover import probe
from .aboard import DetailsOfRound, without
from .answer import Call, Ended, Kind, Pair, Planned, What, call_of, matched, settled, told_apart
from .flight import Flight, NotDepartedError, UnderWay
from .siblings import nothing_touched, touches
from .split import Line
from .stragglers import UNDONE, Stragglers

ATTEMPTS = 5
"""So often in a row the same changes may be left undone by a target that answers."""
BACK_OFF = wait_exponential_jitter(multiplier=0.2, max=20)
THROTTLED = wait_exponential_jitter(multiplier=1, max=60)
"""Where the target does not say how long."""
BESIDES = wait_random(0, 0.5)
"""Added to what the target says, so that all who were sent away do not come back at once."""


class _AgainError(Exception):
    """Some changes are to be sent again. call: the last one that failed, None where only some changes of answered calls
    were not done. attempts: of those, in a row. in_a_row: rounds that failed since anything was done, this one too."""

    def __init__(self, call: Call | None, code: str | None, attempts: int, in_a_row: int) -> None:
        super().__init__(code)
        self.call, self.code, self.attempts, self.in_a_row = call, code, attempts, in_a_row


Enough = Callable[[Sequence[Settled]], bool]


def _never(_ended: Sequence[Settled]) -> bool:
    return False


class Sender:
    """Sends the changes of one run. enough: told after each call how its changes ended, and before each of nothing;
    true stops the rest. `batches` are the numbers of all batches it wrote down."""

    def __init__(self, session: Session, run_id: int, enough: Enough = _never) -> None:
        self._session = session
        self._run = run_id
        self._enough = enough
        self.batches: list[int] = []
        self.details: list[Ended] = []

    def send(
        self,
        mapping: str,
        object_name: str,
        source_object: str | None,
        fieldset: int | None,
        planned: Sequence[Planned],
    ) -> list[Settled]:
        """Send everything and return how each of it ended: acked, rejected or conflict, never open, or held where it
        came to nothing time and again while the target did the others; without what `enough` stopped.

        Raises UnavailableError where the target stays away, turns us away or will not mend by waiting (QuotaSpentError:
        not before the next day): what was not sent then is as it was before."""
        what = What(mapping, object_name, source_object, fieldset)
        session = self._session
        size = min(session.project.spec.limits.batch, session.target.capabilities.batch_size)
        several = session.at_once(object_name) > 1
        line = Line(planned, size, touches(session.mappings.get(mapping)) if several else nothing_touched)
        stragglers = Stragglers(session.ledger, object_name)
        ended: list[Settled] = []
        attempts = in_a_row = 0
        retrying = Retrying(
            stop=_enough_attempts,
            wait=_pause,
            retry=retry_if_exception_type(_AgainError),
            sleep=session.wait,
            reraise=True,
        )
        try:
            for attempt in retrying:
                with attempt, Flight(session) as flight:
                    told = _Round(session, self._run, what, line, flight, stragglers, self._enough, self.batches)
                    done = told.fly()
                    ended += done
                    self.details += told.details.ended
                    if line and not told.enough:
                        attempts = 0 if done or told.failed else attempts + 1
                        in_a_row = 1 if done else in_a_row + 1
                        raise _AgainError(told.failed, told.code, attempts, in_a_row)
        except _AgainError as error:
            if error.code is not None and not error.code.startswith("target."):
                raise UnavailableError(
                    "target.lost", object=object_name, count=len(line), reason=f"@{error.code}"
                ) from error
            ended += [held(each) for each in line.rest()]
        return ended


class _Round:
    """Each change of a line once; more often only where it fell with another one. A call that was not taken ends the
    round, so that nothing more is sent before the time. What is to be sent again is in line afterwards.

    failed: the last call that failed. enough: nobody wants the rest any more. details: what became of those carried.
    """

    def __init__(
        self,
        session: Session,
        run_id: int,
        what: What,
        line: Line,
        flight: Flight,
        stragglers: Stragglers,
        wanted: Callable[[Sequence[Settled]], bool],
        batches: list[int],
    ) -> None:
        self.failed: Call | None = None
        self.enough = False
        self.details = DetailsOfRound(session, run_id)
        self._session, self._run, self._what = session, run_id, what
        self._line, self._flight, self._stragglers = line, flight, stragglers
        self._wanted, self._batches = wanted, batches
        self._told: list[Settled] = []
        self._unknown: list[tuple[int, Planned]] = []
        self._stale: set[tuple[int, str]] = set()
        self._undone: list[list[Planned]] = []
        self._held: list[Settled] = []
        self._stop: BaseException | None = None

    def fly(self) -> list[Settled]:
        """How changes ended. Raises what stops it once everything that was under way is settled."""
        while True:
            self._fill()
            if not self._flight.under_way:
                break
            for each in self._landed():
                try:
                    self._settle(each)
                except ChangeoverError as error:
                    self._stopped(error)
        if self._stop is not None:
            raise self._stop
        asked = self._ask() if self._unknown else []
        self.details.ask()
        over = {each.our_key for each in asked if each.state != "not_sent"}
        for _, some in groupby(self._unknown, key=lambda each: each[0]):
            left = [without(each, self.details.over) for _, each in some if each.change.our_key not in over]
            self._undo(left, came_to_nothing=True)
        self._told += asked
        self._line.back(self._undone)
        self.enough = (bool(self._held) and self._wanted(self._held)) or self.enough
        return [each for each in self._told if each.state != "not_sent"] + self._held

    def _undo(self, group: list[Planned], *, came_to_nothing: bool) -> None:
        """These were not done, and go again unless they were set aside. came_to_nothing: so did their whole call."""
        self._held += [held(each) for each in group if each.change.our_key in self._stragglers]
        left = [each for each in group if each.change.our_key not in self._stragglers]
        self._undone += self._stragglers.again(left, self._session.breaker.answers) if came_to_nothing else [left]

    @property
    def code(self) -> str | None:
        """Why the first of those left was not done."""
        return next((each.code for each in self._told if each.state == "not_sent"), None)

    @property
    def _goes_on(self) -> bool:
        return not self.enough and self._stop is None and (self.failed is None or self.failed.kind is Kind.SILENT)

    def _fill(self) -> None:
        """Let as many calls depart as may be under way."""
        session, breaker = self._session, self._session.breaker
        while self._line and self._goes_on and len(self._flight) < self._at_once():
            try:
                session.heed()
                breaker.ready(session.wait)
                self.enough = self._wanted(()) or self.enough
                if self.enough:
                    break
                piece = self._piece()
                if not piece:
                    return
                names = (self._what.object, self._what.source_object)
                piece = session.renew(piece)
                call = self._flight.intend(self._run, names, self._what.fieldset, piece, self._line.touched(piece))
                self._batches.append(call.batch)
                self._flight.depart(self._what.object, call)
            except (ChangeoverError, Interrupted) as error:
                self._stopped(error)
        if not self._goes_on:
            self._flight.recall()

    def _piece(self) -> list[Planned]:
        """What goes next: nothing that touches what is under way, in other lanes neither; rather than nothing at all it
        may fight with another lane for a lock."""
        most, flight = 1 if self._session.breaker.probing else None, self._flight
        piece = self._line.take(most, flight.touched | flight.touched_elsewhere)
        return piece if piece or flight.under_way else self._line.take(most)

    def _at_once(self) -> int:
        """One where something is amiss, or runs are to stand still: then what is under way is waited for first."""
        session = self._session
        most = session.at_once(self._what.object)
        if most == 1 or session.breaker.troubled or session.paused():
            return 1
        needs = session.target.capabilities.allowance.needs_of(self._what.object, Action.WRITE)
        return min([most, *(session.paces.target.concurrency(each.interface) for each in needs)])

    def _landed(self) -> list[UnderWay]:
        try:
            return self._flight.landed()
        except ChangeoverError as error:  # a deadline that could not be moved on passes
            self._stopped(error)
            return []

    def _stopped(self, error: BaseException) -> None:
        self._stop = self._stop or error
        self._flight.recall()

    def _settle(self, call: UnderWay) -> None:
        """Write down what a call came to. One of which that cannot be said stays open in the ledger."""
        error = call.answer.exception()
        if error is not None and not isinstance(error, UnavailableError):
            self._stopped(error)
            return
        session = self._session
        outcomes = _outcomes(call)
        own = [each for each in outcomes if each.object is None]
        pairs = told_apart(list(matched(call.piece, own)), session.target.capabilities.answers_as_one)
        told = call_of(pairs)
        nothing = told.kind in (Kind.SILENT, Kind.NOT_SENT) and error is None
        if isinstance(error, QuotaSpentError):  # no attempt helps before the next day begins
            self._stopped(error)
        elif nothing and self._stragglers.blamed(call.piece, session.breaker.answers, session.breaker.probing):
            self.failed = self.failed or told
        elif not isinstance(error, NotDepartedError):
            self._heed(told, call)
        ends = [settled(each, outcome) for each, outcome in pairs]
        if call.again:
            ends = [_proved(each, outcome, end) for (each, outcome), end in zip(pairs, ends, strict=True)]
        else:
            of_details = [(each.object, each) for each in outcomes if each.object is not None]
            self._keep_words([*((self._what.object, outcome) for _, outcome in pairs), *of_details])
        once_more = [] if call.again else self._doubtful(pairs)
        keys = {each.change.our_key for each in once_more}
        ends = [each for each in ends if each.our_key not in keys]
        with session.ledger.transaction() if call.aboard else nullcontext():
            if ends:
                operations.settle(session.ledger, self._run, call.batch, self._what.mapping, ends, session.clock.now())
            over = [pair for pair in pairs if pair[0].change.our_key not in keys]
            self.details.settle(call.aboard, over, outcomes, again=call.again)
        self._sort(call, pairs, ends, nothing)
        self.enough = self._wanted(ends) or self.enough
        if once_more:
            self._flight.depart(self._what.object, self._flight.again(call, once_more))

    def _sort(self, call: UnderWay, pairs: Sequence[Pair], ends: Sequence[Settled], nothing: bool) -> None:
        """Who is done, who has to be asked for, who goes again. nothing: that is what the call came to."""
        by_key = {each.change.our_key: each for each in call.piece}
        self._unknown += [(call.batch, by_key[end.our_key]) for end in ends if end.state == "unknown"]
        self._stale |= {(call.batch, end.our_key) for end in ends if end.code == "target.stale"}
        self._told += [end for end in ends if end.state != "unknown" and end.code != CONTAGION]
        undone = [by_key[end.our_key] for end in ends if end.state == "not_sent" and end.code != CONTAGION]
        self._undo(undone, came_to_nothing=nothing)
        if not call.again:
            self._line.again(pairs)

    def _heed(self, told: Call, call: UnderWay) -> None:
        """Tell the breaker how a call went. The run has to pause where it says so."""
        breaker = self._session.breaker
        if told.kind is not Kind.ANSWERED and (self.failed is None or self.failed.kind is Kind.SILENT):
            self.failed = told
        try:
            match told.kind:
                case Kind.ANSWERED:
                    breaker.answered()
                case Kind.FATAL:
                    raise UnavailableError(told.code or "target.fatal", count=len(call.piece))
                case Kind.EXPIRED:
                    breaker.expired(call.wave)
                case Kind.THROTTLED:
                    breaker.throttled(told.retry_after, call.wave)
                case _:
                    breaker.silent(told.code, call.wave)
        except UnavailableError as error:
            self._stopped(error)

    def _doubtful(self, pairs: Sequence[Pair]) -> list[Planned]:
        """Creations that nobody answered for and that may be sent once more without waiting: the target is proven to
        refuse our key twice, so whatever has become of the first call, this one tells. Nothing but a creation is such:
        an update would be done over what somebody may have written since."""
        session = self._session
        waits = not self._goes_on or session.breaker.resting or session.interruption.ends
        if waits or self._what.object not in session.proven:
            return []
        return [
            each
            for each, outcome in pairs
            if each.change.kind is ChangeKind.CREATE and (outcome is None or outcome.state is OutcomeState.UNKNOWN)
        ]

    def _keep_words(self, said: Sequence[tuple[str, Outcome | None]]) -> None:
        words = [
            (REJECT, str(self._run), name, each.our_key, json.dumps(each.detail, ensure_ascii=False).encode())
            for name, each in said
            if each is not None and each.detail
        ]
        if words:
            self._session.keep_words(words)

    def _ask(self) -> list[Settled]:
        """Settle the unknown ones of this round by asking the target for them."""
        records_after = {(batch, each.change.our_key): each.record for batch, each in self._unknown}
        pending = [
            operation
            for operation in operations.open_operations(self._session.ledger)
            if (operation.batch, operation.our_key) in records_after
        ]
        return probe(self._session, self._run, pending, records_after, self._stale)


def _outcomes(call: UnderWay) -> list[Outcome]:
    """The answer to a call. One that raised has not left."""
    error = call.answer.exception()
    if not isinstance(error, UnavailableError):
        return call.answer.result()
    return [Outcome(each.change.our_key, OutcomeState.NOT_SENT, code=error.code) for each in call.piece]


def held(planned: Planned) -> Settled:
    """It is set aside: its operations have ended undone, and the next run plans it anew."""
    return Settled(planned.change.our_key, "held", code=UNDONE)


def _proved(planned: Planned, outcome: Outcome | None, end: Settled) -> Settled:
    """What the second call of a creation says of both: done where it made the record or found it there, else unknown
    as before."""
    if end.state == "acked":
        return end
    if outcome is not None and outcome.state is OutcomeState.EXISTS and outcome.target_key is not None:
        return Settled(end.our_key, "acked", planned.record, outcome.target_key)
    return Settled(end.our_key, "unknown", code="target.no_answer")


def _error_of(state: RetryCallState) -> _AgainError:
    error = state.outcome.exception() if state.outcome is not None else None
    assert isinstance(error, _AgainError)  # noqa: S101 - nothing else is tried again
    return error


def _enough_attempts(state: RetryCallState) -> bool:
    """A target that does not answer, or turns us away, is the breaker's affair."""
    return _error_of(state).attempts >= ATTEMPTS


def _pause(state: RetryCallState) -> float:
    """Seconds until the next attempt: more each time, as long as nothing is done in between."""
    error, state = _error_of(state), copy(state)
    state.attempt_number = error.in_a_row
    match error.call:
        case Call(kind=Kind.EXPIRED):
            return 0.0
        case Call(kind=Kind.THROTTLED, retry_after=float() | int() as told):
            return told + BESIDES(state)
        case Call(kind=Kind.THROTTLED):
            return THROTTLED(state)
        case _:
            return BACK_OFF(state)
