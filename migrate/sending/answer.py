"""What the answers to one call mean: for each change, for the call, and for the next one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Final, NamedTuple, Protocol, TypeAlias

from ...connectors.change import CONTAGION, Change, ChangeKind, Details, Outcome, OutcomeState
from ...runs.ledger.operations import PROVE, Intent, Settled

EXISTS: Final = "target.exists"


class What(NamedTuple):
    """What changes that are written down together have in common."""

    mapping: str
    object: str
    source_object: str | None
    fieldset: int | None


class Planned(NamedTuple):
    """One change with the intent that goes into the ledger before it. record: what its record is once it is done.
    parent: the target's key of its record's parent, where the change itself does not say it. details: what its change
    carries."""

    change: Change
    intent: Intent
    record: str = "live"
    parent: str | None = None
    details: tuple[Carried, ...] = ()


class Carried(NamedTuple):
    """Details of one kind that go inside their master's change. by: their field that refers to it."""

    what: What
    by: str
    planned: tuple[Planned, ...]


def carrying(planned: Planned, details: Sequence[Carried]) -> Planned:
    """The same change with these details in it, and no others."""
    told = tuple(Details(each.what.object, each.by, tuple(one.change for one in each.planned)) for each in details)
    return planned._replace(change=replace(planned.change, details=told), details=tuple(details))


class Ended(NamedTuple):
    """How a detail ended, and the batch in which it was written down."""

    what: What
    batch: int
    planned: Planned
    end: Settled


class Sends(Protocol):
    """Sends the changes of one run. batches: the numbers of all batches that were written down. details: how all ended
    that were carried."""

    batches: list[int]
    details: list[Ended]

    def send(
        self,
        mapping: str,
        object_name: str,
        source_object: str | None,
        fieldset: int | None,
        planned: Sequence[Planned],
    ) -> list[Settled]:
        """How each change ended."""
        ...


Pair: TypeAlias = tuple[Planned, Outcome | None]
"""A change and its outcome; None where it was not answered."""


class Kind(StrEnum):
    """What a call came to. ANSWERED: the target said of some change what it made of it. SILENT: of none, and some may
    be done. The others as in OutcomeState."""

    ANSWERED = "answered"
    SILENT = "silent"
    NOT_SENT = "not_sent"
    THROTTLED = "throttled"
    EXPIRED = "expired"
    FATAL = "fatal"


_TELLING = {OutcomeState.ACKED, OutcomeState.REJECTED, OutcomeState.STALE, OutcomeState.EXISTS}


class Call(NamedTuple):
    """code: of the first change that was not done. retry_after: seconds, where a throttled call says so."""

    kind: Kind
    code: str | None = None
    retry_after: float | None = None


def matched(piece: Sequence[Planned], outcomes: Sequence[Outcome]) -> Iterator[Pair]:
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


def told_apart(pairs: Sequence[Pair], answers_as_one: bool) -> list[Pair]:
    """The same, the guilty apart from those that fell with them. A target that answers as one refuses a whole batch:
    then nobody is known to be guilty yet, however little of the answer came through. A change that was alone fell with
    nobody, or with its details: a master that is refused with them goes again without."""
    if len(pairs) > 1 and answers_as_one and _refused_as_one(pairs):
        return [
            (each, replace(outcome, state=OutcomeState.NOT_SENT, code=CONTAGION, detail=None, field=None))
            if outcome is not None and outcome.state is OutcomeState.REJECTED
            else (each, outcome)
            for each, outcome in pairs
        ]
    if len(pairs) == 1 and fell_with_another(pairs[0][1]) and not pairs[0][0].details:
        return [(each, outcome and replace(outcome, state=OutcomeState.REJECTED, code=None)) for each, outcome in pairs]
    return [
        _without_details(each, outcome, len(pairs) == 1) if each.details else (each, outcome) for each, outcome in pairs
    ]


def _without_details(planned: Planned, outcome: Outcome | None, alone: bool) -> Pair:
    if outcome is not None and outcome.state is OutcomeState.REJECTED:
        fallen = replace(outcome, state=OutcomeState.NOT_SENT, code=CONTAGION, detail=None, field=None)
        return carrying(planned, ()), fallen
    return carrying(planned, ()) if alone and fell_with_another(outcome) else planned, outcome


def _refused_as_one(pairs: Sequence[Pair]) -> bool:
    told = [outcome.state for _, outcome in pairs if outcome is not None]
    return OutcomeState.REJECTED in told and not set(told) - {OutcomeState.REJECTED, OutcomeState.UNKNOWN}


def fell_with_another(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.state is OutcomeState.NOT_SENT and outcome.code == CONTAGION


def call_of(pairs: Sequence[Pair]) -> Call:
    """What the call as a whole came to; the gravest counts."""
    outcomes = [outcome for _, outcome in pairs if outcome is not None]
    for kind, state in (
        (Kind.FATAL, OutcomeState.FATAL),
        (Kind.EXPIRED, OutcomeState.EXPIRED),
        (Kind.THROTTLED, OutcomeState.THROTTLED),
    ):
        found = [each for each in outcomes if each.state is state]
        if found:
            told = [each.retry_after for each in found if each.retry_after is not None]
            return Call(kind, found[0].code, max(told, default=None))
    if any(each.state in _TELLING or fell_with_another(each) for each in outcomes):
        return Call(Kind.ANSWERED)
    none_sent = len(outcomes) == len(pairs) and all(each.state is OutcomeState.NOT_SENT for each in outcomes)
    return Call(Kind.NOT_SENT if none_sent else Kind.SILENT, next((each.code for each in outcomes), None))


def settled(planned: Planned, outcome: Outcome | None) -> Settled:
    """How the ledger settles it; unknown where the target has to be asked."""
    key = planned.change.our_key
    if outcome is None:
        return Settled(key, "unknown", code="target.no_answer")
    target_key = outcome.target_key or planned.change.target_key
    match outcome.state:
        case OutcomeState.ACKED if target_key is not None:
            return Settled(key, "acked", planned.record, target_key)
        case OutcomeState.EXISTS | OutcomeState.STALE if planned.intent.kind == PROVE:
            return Settled(key, "rejected", code=EXISTS)  # what it was asked for
        case OutcomeState.REJECTED if planned.change.kind is ChangeKind.DELETE and outcome.code == "target.gone":
            return Settled(key, "acked", planned.record, target_key)  # delivered twice, or somebody was faster
        case OutcomeState.REJECTED:
            return Settled(key, "rejected", code=outcome.code or "target.refused", field=outcome.field)
        case OutcomeState.NOT_SENT | OutcomeState.THROTTLED | OutcomeState.EXPIRED | OutcomeState.FATAL:
            return Settled(key, "not_sent", code=outcome.code)
        case OutcomeState.STALE:
            return Settled(key, "unknown", code="target.stale")
        case _:
            return Settled(key, "unknown", code=outcome.code)
