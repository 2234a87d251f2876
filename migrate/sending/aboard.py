"""Details on their way inside their masters: where they are written down, and what an answer means for them."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...connectors.change import CONTAGION, Outcome, OutcomeState
from ...runs.ledger import operations
from ...runs.ledger.operations import Settled
from ...runs.ledger.store import Ledger
from ..session import Session
from ..settling.recover import probe
from .answer import Ended, Pair, Planned, What, carrying, matched, settled

_NOT_DONE = {
    OutcomeState.REJECTED,
    OutcomeState.NOT_SENT,
    OutcomeState.THROTTLED,
    OutcomeState.EXPIRED,
    OutcomeState.FATAL,
}
_MAY_BE_DONE = {OutcomeState.ACKED, OutcomeState.UNKNOWN, OutcomeState.EXISTS}


@dataclass(frozen=True, slots=True)
class Aboard:
    """Details of one kind in one call, by our key of their master. batch: of the ledger, their own."""

    batch: int
    what: What
    members: Mapping[str, Sequence[Planned]]

    @property
    def all(self) -> list[Planned]:
        return [each for some in self.members.values() for each in some]


def take_aboard(
    ledger: Ledger, run: int, piece: Sequence[Planned], now: dt.datetime, deadline: dt.timedelta
) -> list[Aboard]:
    """Write the intents of all details of a call down, those of each kind as a batch."""
    kinds: dict[What, dict[str, Sequence[Planned]]] = defaultdict(dict)
    for each in piece:
        for carried in each.details:
            kinds[carried.what][each.change.our_key] = carried.planned
    taken = []
    for what, members in kinds.items():
        intents = [each.intent for some in members.values() for each in some]
        place = (what.object, what.source_object, what.fieldset)
        taken.append(Aboard(operations.intend(ledger, run, *place, intents, now, deadline), what, members))
    return taken


class DetailsOfRound:
    """What became of the details that the calls of one round carried. ended: of all of them. over: object -> our keys
    of those that are not to be carried again, though their master was not done."""

    def __init__(self, session: Session, run_id: int) -> None:
        self.ended: list[Ended] = []
        self.over: dict[str, set[str]] = defaultdict(set)
        self._session, self._run = session, run_id
        self._unknown: dict[What, dict[tuple[int, str], tuple[Planned, bool]]] = defaultdict(dict)

    def settle(
        self, aboard: Sequence[Aboard], masters: Sequence[Pair], outcomes: Sequence[Outcome], *, again: bool
    ) -> None:
        """Write down how the details of these masters ended. again: the call was the second one, and what it did not do
        the first may have done."""
        for some in aboard:
            own, ends = self._own(some, outcomes), []
            for master, of_master in masters:
                answered = of_master is not None and of_master.state is OutcomeState.ACKED
                for each in some.members.get(master.change.our_key, ()):
                    end = _end(each, own[each.change.our_key], of_master)
                    if again and end.state == "not_sent":
                        end = Settled(end.our_key, "unknown", code="target.no_answer")
                    ends.append(end)
                    self._keep(some, each, end, answered)
            if ends:
                now = self._session.clock.now()
                operations.settle(self._session.ledger, self._run, some.batch, some.what.mapping, ends, now)

    def _own(self, aboard: Aboard, outcomes: Sequence[Outcome]) -> dict[str, Outcome | None]:
        told = [each for each in outcomes if each.object == aboard.what.object]
        return {each.change.our_key: outcome for each, outcome in matched(aboard.all, told)}

    def _keep(self, aboard: Aboard, planned: Planned, end: Settled, answered: bool) -> None:
        if end.state == "unknown":
            self._unknown[aboard.what][aboard.batch, end.our_key] = (planned, answered)
        else:
            self.ended.append(Ended(aboard.what, aboard.batch, planned, end))

    def ask(self) -> None:
        """Settle the unknown ones by asking the target for them, those of one kind together. Of a master that was
        answered for, the call is over, so that no more than the read-back lag is waited for."""
        for what, some in self._unknown.items():
            pending = {
                (each.batch, each.our_key): each
                for each in operations.open_operations(self._session.ledger)
                if (each.batch, each.our_key) in some
            }
            records_after = {place: planned.record for place, (planned, _) in some.items()}
            answered = [place for place, (_, told) in some.items() if told]
            ends = probe(self._session, self._run, list(pending.values()), records_after, (), answered)
            batches = {key: batch for batch, key in some}
            for end in ends:
                batch = batches[end.our_key]
                self.ended.append(Ended(what, batch, some[batch, end.our_key][0], end))
                if end.state != "not_sent":
                    self.over[what.object].add(end.our_key)
        self._unknown.clear()


def _end(detail: Planned, own: Outcome | None, master: Outcome | None) -> Settled:
    """A master that is certainly not done has no details; of one that is done they are what the target says; else
    nobody knows."""
    key = detail.change.our_key
    if master is not None and master.state is OutcomeState.ACKED:
        return settled(detail, own)
    if master is not None and master.state in _NOT_DONE and (own is None or own.state not in _MAY_BE_DONE):
        code = CONTAGION if master.state is OutcomeState.REJECTED else master.code
        return Settled(key, "not_sent", code=code)
    return Settled(key, "unknown", code="target.no_answer")


def without(planned: Planned, over: Mapping[str, set[str]]) -> Planned:
    """The same master less the details that are done, or are somebody's affair. over: their object -> our keys."""
    if not any(over.get(each.what.object) for each in planned.details):
        return planned
    left = []
    for each in planned.details:
        some = tuple(one for one in each.planned if one.change.our_key not in over.get(each.what.object, ()))
        left += [each._replace(planned=some)] if some else []
    return carrying(planned, left)
