"""Send changes so that each is done once: intents first, outcomes settled by key, unknown ones asked for, none
guessed."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_exponential_jitter, wait_random

from ..connectors.change import CONTAGION, Batch, Outcome, OutcomeState
from ..connectors.errors import UnavailableError
from ..connectors.pace import QuotaSpentError
from ..runs.ledger import operations
from ..runs.ledger.operations import Settled
from ..runs.values import REJECT
from .answer import Call, Kind, Pair, Planned, call_of, matched, settled, told_apart
from .recover import probe
from .session import Session, nothing
from .split import Line

ATTEMPTS = 5
"""So often in a row the same changes may be left undone by a target that answers."""
BACK_OFF = wait_exponential_jitter(multiplier=0.2, max=20)
THROTTLED = wait_exponential_jitter(multiplier=1, max=60)
"""Where the target does not say how long."""
BESIDES = wait_random(0, 0.5)
"""Added to what the target says, so that all who were sent away do not come back at once."""


class _AgainError(Exception):
    """Some changes are to be sent again. call: the last one that failed, None where only some changes of answered calls
    were not done. attempts: of those, in a row."""

    def __init__(self, call: Call | None, code: str | None, attempts: int) -> None:
        super().__init__(code)
        self.call, self.code, self.attempts = call, code, attempts


class _What(NamedTuple):
    """What all changes of one `send` have in common."""

    mapping: str
    object: str
    source_object: str | None
    fieldset: int | None


class _Round(NamedTuple):
    """ended: how changes ended. call: the last one that failed. code: why the first of those left was not done. enough:
    nobody wants the rest any more."""

    ended: list[Settled]
    call: Call | None
    code: str | None
    enough: bool


Enough = Callable[[Sequence[Settled]], bool]


def _never(_ended: Sequence[Settled]) -> bool:
    return False


class Sender:
    """Sends the changes of one run. enough: told after each call how its changes ended; true stops the rest.
    `batches` are the numbers of all batches it wrote down."""

    def __init__(self, session: Session, run_id: int, enough: Enough = _never) -> None:
        self._session = session
        self._run = run_id
        self._enough = enough
        self.batches: list[int] = []

    def send(
        self,
        mapping: str,
        object_name: str,
        source_object: str | None,
        fieldset: int | None,
        planned: Sequence[Planned],
    ) -> list[Settled]:
        """Send everything and return how each of it ended: acked, rejected or conflict, never open; without what
        `enough` stopped. Raises UnavailableError where the target stays away, turns us away or will not mend by
        waiting (QuotaSpentError: not before the next day): what was not sent then is as it was before."""
        what = _What(mapping, object_name, source_object, fieldset)
        able = self._session.target.capabilities
        line = Line(planned, min(self._session.project.spec.limits.batch, able.batch_size))
        ended: list[Settled] = []
        attempts = 0
        retrying = Retrying(
            stop=_enough_attempts,
            wait=_pause,
            retry=retry_if_exception_type(_AgainError),
            sleep=self._session.wait,
            reraise=True,
        )
        try:
            for attempt in retrying:
                with attempt:
                    told = self._round(what, line)
                    ended += told.ended
                    if line and not told.enough:
                        attempts = 0 if told.ended or told.call else attempts + 1
                        raise _AgainError(told.call, told.code, attempts)
        except _AgainError as error:
            raise UnavailableError(
                "target.lost", object=object_name, count=len(line), reason=f"@{error.code or 'target.no_answer'}"
            ) from error
        return ended

    def _round(self, what: _What, line: Line) -> _Round:
        """Each change once; more often only where it fell with another one. A call that was not taken ends the round,
        so that nothing more is sent before the time. What is to be sent again is in line afterwards."""
        session, breaker = self._session, self._session.breaker
        told: list[Settled] = []
        unknown: list[tuple[int, Planned]] = []
        stale: set[tuple[int, str]] = set()
        undone: list[list[Planned]] = []
        failed, enough = None, False
        while line and not enough and (failed is None or failed.kind is Kind.SILENT):
            session.heed()
            breaker.ready(session.wait)
            piece = line.take(1 if breaker.probing else None)
            batch, pairs, ends = self._one(what, piece)
            by_key = {each.change.our_key: each for each in piece}
            unknown += [(batch, by_key[end.our_key]) for end in ends if end.state == "unknown"]
            stale |= {(batch, end.our_key) for end in ends if end.code == "target.stale"}
            told += [end for end in ends if end.state != "unknown" and end.code != CONTAGION]
            undone.append([by_key[end.our_key] for end in ends if end.state == "not_sent" and end.code != CONTAGION])
            line.again(pairs)
            failed = self._heed(call_of(pairs), len(piece)) or failed
            enough = self._enough(ends)
        if unknown:
            asked = self._ask(unknown, stale)
            over = {each.our_key for each in asked if each.state != "not_sent"}
            undone.append([each for _, each in unknown if each.change.our_key not in over])
            told += asked
        line.back(undone)
        ended = [each for each in told if each.state != "not_sent"]
        return _Round(ended, failed, next((each.code for each in told if each.state == "not_sent"), None), enough)

    def _heed(self, call: Call, count: int) -> Call | None:
        """Tell the breaker how a call went; the call where it failed. Raises UnavailableError where the run has to
        pause."""
        breaker = self._session.breaker
        match call.kind:
            case Kind.ANSWERED:
                breaker.answered()
                return None
            case Kind.FATAL:
                raise UnavailableError(call.code or "target.fatal", count=count)
            case Kind.EXPIRED:
                breaker.expired()
                return call
            case Kind.THROTTLED:
                breaker.throttled(call.retry_after)
                return call
            case _:
                breaker.silent(call.code)
                return call

    def _one(self, what: _What, piece: list[Planned]) -> tuple[int, list[Pair], list[Settled]]:
        """Send one batch: (its number, each change with its outcome, how each is settled)."""
        session = self._session
        deadline = dt.timedelta(seconds=session.project.spec.limits.deadline)
        batch = operations.intend(
            session.ledger,
            self._run,
            what.object,
            what.source_object,
            what.fieldset,
            [each.intent for each in piece],
            session.clock.now(),
            deadline,
        )
        self.batches.append(batch)
        spent: QuotaSpentError | None = None
        try:
            with self._prolonged(batch, deadline):
                outcomes = session.target.write(Batch(what.object, tuple(each.change for each in piece)))
        except UnavailableError as error:
            spent = error if isinstance(error, QuotaSpentError) else None
            outcomes = [Outcome(each.change.our_key, OutcomeState.NOT_SENT, code=error.code) for each in piece]
        pairs = told_apart(list(matched(piece, outcomes)), session.target.capabilities.answers_as_one)
        ends = [settled(each, outcome) for each, outcome in pairs]
        self._keep_words(what.object, pairs)
        operations.settle(session.ledger, self._run, batch, what.mapping, ends, session.clock.now())
        if spent is not None:  # no attempt helps before the next day begins
            raise spent
        return batch, pairs, ends

    @contextmanager
    def _prolonged(self, batch: int, deadline: dt.timedelta) -> Iterator[None]:
        """While the call still waits for the pace, its deadline moves on: whoever asks for its outcome later has to
        know when it can have left at the latest."""
        session = self._session
        noted = session.clock.now()

        def prolong() -> None:
            nonlocal noted
            now = session.clock.now()
            if now - noted >= deadline / 2:
                operations.prolong(session.ledger, batch, now + deadline)
                noted = now

        session.interruption.meanwhile = prolong
        try:
            yield
        finally:
            session.interruption.meanwhile = nothing

    def _keep_words(self, object_name: str, pairs: Sequence[Pair]) -> None:
        words = [
            (REJECT, str(self._run), object_name, each.our_key, json.dumps(each.detail, ensure_ascii=False).encode())
            for _, each in pairs
            if each is not None and each.detail
        ]
        if words:
            self._session.keep_words(words)

    def _ask(self, unknown: Sequence[tuple[int, Planned]], stale: Collection[tuple[int, str]]) -> list[Settled]:
        """Settle the unknown ones of this round by asking the target for them."""
        records_after = {(batch, each.change.our_key): each.record for batch, each in unknown}
        pending = [
            operation
            for operation in operations.open_operations(self._session.ledger)
            if (operation.batch, operation.our_key) in records_after
        ]
        return probe(self._session, self._run, pending, records_after, stale)


def _error_of(state: RetryCallState) -> _AgainError:
    error = state.outcome.exception() if state.outcome is not None else None
    assert isinstance(error, _AgainError)  # noqa: S101 - nothing else is tried again
    return error


def _enough_attempts(state: RetryCallState) -> bool:
    """A target that does not answer, or turns us away, is the breaker's affair."""
    return _error_of(state).attempts >= ATTEMPTS


def _pause(state: RetryCallState) -> float:
    """Seconds until the next attempt."""
    call = _error_of(state).call
    match call:
        case Call(kind=Kind.EXPIRED):
            return 0.0
        case Call(kind=Kind.THROTTLED, retry_after=float() | int() as told):
            return told + BESIDES(state)
        case Call(kind=Kind.THROTTLED):
            return THROTTLED(state)
        case _:
            return BACK_OFF(state)
