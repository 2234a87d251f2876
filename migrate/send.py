"""Send changes so that each is done once: intents first, outcomes settled by key, unknown ones asked for, none
guessed."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from ..connectors.change import Batch, Change, ChangeKind, Outcome, OutcomeState
from ..connectors.errors import UnavailableError
from ..runs.ledger import operations
from ..runs.ledger.operations import Intent, Settled
from ..runs.values import REJECT
from .recover import probe
from .session import Session

ATTEMPTS = 5
FATAL = frozenset({"target.disk_full", "target.read_only"})
"""Codes of NOT_SENT that another attempt will not mend."""


class Planned(NamedTuple):
    """One change with the intent that goes into the ledger before it. record: what its record is once it is done."""

    change: Change
    intent: Intent
    record: str = "live"


class _NotSentError(Exception):
    def __init__(self, code: str | None) -> None:
        super().__init__(code)
        self.code = code


class Sender:
    """Sends the changes of one run. `batches` are the numbers of all batches it wrote down."""

    def __init__(self, session: Session, run_id: int) -> None:
        self._session = session
        self._run = run_id
        self.batches: list[int] = []

    def send(
        self,
        mapping: str,
        object_name: str,
        source_object: str | None,
        fieldset: int | None,
        planned: Sequence[Planned],
    ) -> list[Settled]:
        """Send everything and return how each of it ended: acked, rejected or conflict, never open. Raises
        UnavailableError `target.lost` where the target stays away: what was not sent then is as it was before."""
        ended: list[Settled] = []
        todo = list(planned)
        retrying = Retrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential_jitter(multiplier=0.2, max=20),
            retry=retry_if_exception_type(_NotSentError),
            sleep=self._session.wait,
            reraise=True,
        )
        try:
            for attempt in retrying:
                with attempt:
                    settled = self._round(mapping, object_name, source_object, fieldset, todo)
                    ended += [each for each in settled if each.state != "not_sent"]
                    again = {each.our_key: each.code for each in settled if each.state == "not_sent"}
                    todo = [each for each in todo if each.change.our_key in again]
                    if todo:
                        self._refuse_fatal(again)
                        raise _NotSentError(next(iter(again.values())))
        except _NotSentError as error:
            raise UnavailableError(
                "target.lost", object=object_name, count=len(todo), reason=f"@{error.code or 'target.no_answer'}"
            ) from error
        return ended

    def _refuse_fatal(self, not_sent: dict[str, str | None]) -> None:
        for code in not_sent.values():
            if code in FATAL:
                raise UnavailableError(code, count=len(not_sent))

    def _round(
        self, mapping: str, object_name: str, source_object: str | None, fieldset: int | None, todo: Sequence[Planned]
    ) -> list[Settled]:
        settled: list[Settled] = []
        unknown: list[tuple[int, Planned]] = []
        stale: set[tuple[int, str]] = set()
        for piece in self._pieces(todo):
            self._session.heed()
            batch, outcomes = self._one(mapping, object_name, source_object, fieldset, piece)
            by_key = {each.change.our_key: each for each in piece}
            unknown += [(batch, by_key[each.our_key]) for each in outcomes if each.state == "unknown"]
            stale |= {(batch, each.our_key) for each in outcomes if each.code == "target.stale"}
            settled += [each for each in outcomes if each.state != "unknown"]
        if unknown:
            settled += self._ask(unknown, stale)
        return settled

    def _pieces(self, todo: Sequence[Planned]) -> Iterator[list[Planned]]:
        size = min(self._session.project.spec.limits.batch, self._session.target.capabilities.batch_size)
        for start in range(0, len(todo), size):
            yield list(todo[start : start + size])

    def _one(
        self, mapping: str, object_name: str, source_object: str | None, fieldset: int | None, piece: list[Planned]
    ) -> tuple[int, list[Settled]]:
        session = self._session
        batch = operations.intend(
            session.ledger,
            self._run,
            object_name,
            source_object,
            fieldset,
            [each.intent for each in piece],
            session.clock.now(),
            dt.timedelta(seconds=session.project.spec.limits.deadline),
        )
        self.batches.append(batch)
        try:
            outcomes = session.target.write(Batch(object_name, tuple(each.change for each in piece)))
        except UnavailableError as error:
            outcomes = [Outcome(each.change.our_key, OutcomeState.NOT_SENT, code=error.code) for each in piece]
        settled = [_settled(each, outcome) for each, outcome in _matched(piece, outcomes)]
        self._keep_words(object_name, outcomes)
        operations.settle(session.ledger, self._run, batch, mapping, settled, session.clock.now())
        return batch, settled

    def _keep_words(self, object_name: str, outcomes: Sequence[Outcome]) -> None:
        words = [
            (REJECT, str(self._run), object_name, each.our_key, json.dumps(each.detail, ensure_ascii=False).encode())
            for each in outcomes
            if each.detail
        ]
        if words:
            self._session.values.put_many(words)

    def _ask(self, unknown: Sequence[tuple[int, Planned]], stale: Collection[tuple[int, str]]) -> list[Settled]:
        """Settle the unknown ones of this round by asking the target for them."""
        records_after = {(batch, each.change.our_key): each.record for batch, each in unknown}
        pending = [
            operation
            for operation in operations.open_operations(self._session.ledger)
            if (operation.batch, operation.our_key) in records_after
        ]
        return probe(self._session, self._run, pending, records_after, stale)


def _matched(piece: Sequence[Planned], outcomes: Sequence[Outcome]) -> Iterator[tuple[Planned, Outcome | None]]:
    """Each change with its outcome, by our key. None where the answer does not name it, or names it
    twice with different words."""
    by_key: dict[str, Outcome] = {}
    contradicted: set[str] = set()
    for outcome in outcomes:
        known = by_key.setdefault(outcome.our_key, outcome)
        if known is not outcome and known != outcome:
            contradicted.add(outcome.our_key)
    for each in piece:
        key = each.change.our_key
        yield each, None if key in contradicted else by_key.get(key)


def _settled(planned: Planned, outcome: Outcome | None) -> Settled:
    key = planned.change.our_key
    if outcome is None:
        return Settled(key, "unknown", code="target.no_answer")
    target_key = outcome.target_key or planned.change.target_key
    match outcome.state:
        case OutcomeState.ACKED if target_key is not None:
            return Settled(key, "acked", planned.record, target_key)
        case OutcomeState.REJECTED if planned.change.kind is ChangeKind.DELETE and outcome.code == "target.gone":
            return Settled(key, "acked", planned.record, target_key)  # delivered twice, or somebody was faster
        case OutcomeState.REJECTED:
            return Settled(key, "rejected", code=outcome.code or "target.refused", field=outcome.field)
        case OutcomeState.NOT_SENT:
            return Settled(key, "not_sent", code=outcome.code)
        case OutcomeState.STALE:
            return Settled(key, "unknown", code="target.stale")
        case _:
            return Settled(key, "unknown", code=outcome.code)
