"""The steps of the protocol (DESIGN §6), and for each of them what is noticed once it is taken out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from changeover.connectors.change import Outcome, OutcomeState
from changeover.connectors.chunk import Chunk
from changeover.connectors.errors import ChangeoverError
from changeover.mappings.compile import CompiledMapping
from changeover.migrate import flight, load, pipeline, readback, recover, run, send, update
from changeover.migrate.answer import Planned
from changeover.migrate.deferred import Deferred
from changeover.runs.ledger import events, operations, records, runlog
from changeover.runs.ledger.operations import OpenOperation, Settled
from changeover.runs.ledger.store import Ledger

from .small_move import InMemory

Patch = pytest.MonkeyPatch

STEPS: Final = {
    "1": "one writer: the epoch fences whoever was taken over",
    "2": "an operation ends once and stays ended; one is open per record at most; the store refuses all else",
    "3": "the intents of a batch in one committed transaction before it leaves; if that fails nothing leaves",
    "4": "sent with a deadline, matched by key, as many answers as changes; what is not answered is unknown",
    "5": "outcomes and crosswalk in one transaction",
    "6": "unknown: wait, ask, then settle; an open intent of a dead process is unknown",
    "8": "what was written is read back",
    "9": "the cursor moves once all before it is settled or parked",
    "10": "nobody's edit is written over",
    "11": "two digests of each field: as sent and as read back",
}
"""By their numbers in DESIGN §6. 7 is held by tests of its own, 12 by test_secrecy.py."""


# 1


def no_fence(patch: Patch) -> None:
    """Whoever was taken over may go on writing."""
    take_over = Ledger.take_over

    def unfenced(self: Ledger) -> int:
        epoch = take_over(self)
        self.epoch = None
        return epoch

    patch.setattr(Ledger, "take_over", unfenced)


# 3


def no_intent_before_the_send(patch: Patch) -> None:
    """The ledger is written once the answer is there."""
    intend, settle = operations.intend, operations.settle
    kept: list[tuple[object, ...]] = []

    def later(*arguments: object) -> int:
        kept.append(arguments)
        return 0

    def both(ledger: object, run_id: int, batch: int, *rest: object) -> None:
        settle(ledger, run_id, intend(*kept.pop()) if kept else batch, *rest)  # type: ignore[arg-type]

    patch.setattr(operations, "intend", later)
    patch.setattr(operations, "settle", both)


def intents_of_half_the_batch(patch: Patch) -> None:
    """The others are written down after the answer."""
    intend, settle = operations.intend, operations.settle
    kept: dict[int, tuple[Any, ...]] = {}

    def half(ledger: Ledger, *rest: Any) -> int:
        *before, intents, now, deadline = rest
        middle = (len(intents) + 1) // 2
        batch = intend(ledger, *before, intents[:middle], now, deadline)
        kept[batch] = (*before, intents[middle:], now, deadline)
        return batch

    def both(ledger: Ledger, run_id: int, batch: int, mapping: str, settled: Sequence[Settled], now: Any) -> None:
        if batch in kept and (rest := kept.pop(batch))[-3]:
            second = intend(ledger, *rest)
            names = {each.our_key for each in rest[-3]}
            settle(ledger, run_id, second, mapping, [each for each in settled if each.our_key in names], now)
            settled = [each for each in settled if each.our_key not in names]
        settle(ledger, run_id, batch, mapping, settled, now)

    patch.setattr(operations, "intend", half)
    patch.setattr(operations, "settle", both)


def sent_though_the_ledger_refuses(patch: Patch) -> None:
    intend = operations.intend

    def careless(*arguments: Any) -> int:
        try:
            return intend(*arguments)
        except ChangeoverError:
            return 0

    patch.setattr(operations, "intend", careless)


# 4


def no_deadline(patch: Patch) -> None:
    """The ledger believes that a call leaves at once or never."""
    intend = operations.intend

    def at_once(*arguments: Any) -> int:
        return intend(*arguments[:-1], dt.timedelta(0))

    patch.setattr(operations, "intend", at_once)


def outcomes_by_position(patch: Patch) -> None:
    def matched(piece: Sequence[Planned], outcomes: Sequence[Outcome]) -> Iterator[tuple[Planned, Outcome | None]]:
        return zip(piece, outcomes, strict=True)

    patch.setattr(send, "matched", matched)


def silence_is_consent(patch: Patch) -> None:
    """A change of which the answer says nothing is done."""

    def matched(piece: Sequence[Planned], outcomes: Sequence[Outcome]) -> Iterator[tuple[Planned, Outcome | None]]:
        by_key = {each.our_key: each for each in outcomes}
        for each in piece:
            key = each.change.our_key
            yield each, by_key.get(key, Outcome(key, OutcomeState.ACKED, each.change.target_key))

    patch.setattr(send, "matched", matched)


def _settled_otherwise(patch: Patch, otherwise: Callable[[Planned, Settled], Settled]) -> None:
    honest = send.settled

    def settled(planned: Planned, outcome: Outcome | None) -> Settled:
        told = honest(planned, outcome)
        return otherwise(planned, told) if told.state == "unknown" and told.code != "target.stale" else told

    patch.setattr(send, "settled", settled)


def unknown_is_failed(patch: Patch) -> None:
    """Whatever was not answered is sent again."""
    _settled_otherwise(patch, lambda _, told: Settled(told.our_key, "not_sent", code="target.no_answer"))


def unknown_is_done(patch: Patch) -> None:
    _settled_otherwise(patch, lambda planned, told: Settled(told.our_key, "acked", planned.record, "0"))


# 5


def crosswalk_apart_from_outcomes(patch: Patch) -> None:
    """Two transactions where there is one."""
    settle = operations.settle

    def apart(ledger: object, run_id: int, batch: int, mapping: str, settled: Sequence[Settled], now: object) -> None:
        with ledger.transaction():  # type: ignore[attr-defined]
            operations._end_operations(ledger, batch, settled)  # type: ignore[arg-type]
        settle(ledger, run_id, batch, mapping, settled, now)  # type: ignore[arg-type]

    patch.setattr(operations, "settle", apart)


# 6


def nothing_recovered(patch: Patch) -> None:
    for module in (run, recover):
        patch.setattr(module, "recover", lambda _session: 0)


def not_asked(patch: Patch) -> None:
    """What is unknown was surely not done."""

    def probe(session: object, run_id: int, unknown: Sequence[OpenOperation], *_: object) -> list[Settled]:
        told = [Settled(each.our_key, "not_sent", code="target.no_answer") for each in unknown]
        for each, settled in zip(unknown, told, strict=True):
            operations.settle(session.ledger, run_id, each.batch, "", [settled], session.clock.now())  # type: ignore[attr-defined]
        return told

    patch.setattr(recover, "probe", probe)


def not_waited_for(patch: Patch) -> None:
    """The target is asked at once, while it may still be at work."""
    patch.setattr(recover, "_wait", lambda _session, _unknown: None)


def refusal_believed(patch: Patch) -> None:
    """A compare-and-set that was refused is somebody's edit, even if the call was delivered twice."""

    def settled(planned: Planned, outcome: Outcome | None) -> Settled:
        if outcome is not None and outcome.state is OutcomeState.STALE:
            return Settled(outcome.our_key, "conflict", code="conflict.edited")
        return honest(planned, outcome)

    honest = send.settled
    patch.setattr(send, "settled", settled)


# 8


def not_read_back(patch: Patch) -> None:
    for module in (load, readback):
        patch.setattr(module, "read_back", lambda *_: [])


def not_read_back_after_a_death(patch: Patch) -> None:
    for module in (run, readback):
        patch.setattr(module, "read_back_left", lambda *_: None)


# 9


def cursor_before_settling(patch: Patch) -> None:
    """A chunk counts as done once it has been read."""
    read = pipeline.SourceReader.read

    def hasty(self: pipeline.SourceReader, mapping: CompiledMapping, after: str | None) -> Iterator[Chunk]:
        ledger = self.session.ledger
        number = ledger.db.execute("select max(id) from run").fetchone()[0]
        for chunk in read(self, mapping, after):
            progress = runlog.progress_of(ledger, number).get(mapping.name) or runlog.Progress(mapping.name)
            progress.cursor = chunk.cursor
            with ledger.transaction():
                runlog.save_progress(ledger, number, progress)
            yield chunk

    patch.setattr(pipeline.SourceReader, "read", hasty)


def pieces_dropped_early(patch: Patch) -> None:
    """Rows that waited are thrown away before the ledger counts what has become of them."""
    drop = Deferred.drop

    def early(self: Deferred, name: str) -> None:
        drop(self, name)
        self.sweep()

    patch.setattr(Deferred, "drop", early)


# 10


def edits_not_looked_for(patch: Patch) -> None:
    """What the target holds now is what we last wrote, whoever wrote it."""
    judge = update._judge

    def trusting(*arguments: Any) -> Any:
        verdict = judge(*arguments)
        return update._Verdict(verdict.write | verdict.clash, verdict.same, verdict.clash & False)

    patch.setattr(update, "_judge", trusting)


def no_compare_and_set(patch: Patch) -> None:
    """What the target is to hold before a change is not told to it."""
    depart = flight.Flight.depart

    def bare(self: flight.Flight, name: str, call: flight.UnderWay) -> None:
        call.piece = [each._replace(change=_without_expect(each)) for each in call.piece]
        depart(self, name, call)

    patch.setattr(flight.Flight, "depart", bare)


def _without_expect(planned: Planned) -> Any:
    change = planned.change
    return type(change)(change.kind, change.our_key, change.target_key, change.values)


# 11


def read_back_believed_as_sent(patch: Patch) -> None:
    """What the target made of a value is not remembered."""
    verify = operations.verify

    def believed(ledger: Ledger, name: str, rows: Sequence[tuple[str, bytes, bool]], batches: Sequence[int]) -> None:
        known = records.lookup(ledger, name, [key for key, _, _ in rows])
        verify(ledger, name, [(key, known[key].sent or back, equal) for key, back, equal in rows], batches)

    patch.setattr(operations, "verify", believed)


# 2: what the store refuses, and a blunder that it stands against


def settled_again(patch: Patch) -> None:
    """Somebody settles a batch that has ended once more, as not sent."""
    settle = operations.settle

    def again(ledger: Any, run_id: int, batch: int, mapping: str, settled: Sequence[Settled], now: Any) -> None:
        settle(ledger, run_id, batch, mapping, settled, now)
        if any(each.state == "acked" for each in settled):
            late = [Settled(each.our_key, "not_sent", code="target.no_answer") for each in settled]
            settle(ledger, run_id, batch, mapping, late, now)

    patch.setattr(operations, "settle", again)


def begun_at_the_end(patch: Patch) -> None:
    """An operation is written down as done before it is."""
    insert = InMemory.insert

    def done(self: Any, table: str, columns: Sequence[str], rows: Any) -> None:
        place = columns.index("state") if table == "operation" else None
        insert(self, table, columns, [(*r[:place], "acked", *r[place + 1 :]) for r in rows] if place else rows)

    patch.setattr(InMemory, "insert", done)


def one_target_record_twice(patch: Patch) -> None:
    """All that was acknowledged lies under one key."""
    honest = send.settled

    def settled(planned: Planned, outcome: Outcome | None) -> Settled:
        told = honest(planned, outcome)
        return told._replace(target_key="1") if told.state == "acked" else told

    patch.setattr(send, "settled", settled)


def events_rewritten(patch: Patch) -> None:
    """An event is put in another's place."""
    note = events.note

    def over(ledger: Ledger, *rest: Any) -> None:
        note(ledger, *rest)
        ledger.db.execute("update event set told = '{}' where id = 3")

    patch.setattr(events, "note", over)


def events_taken_out(patch: Patch) -> None:
    note = events.note

    def over(ledger: Ledger, *rest: Any) -> None:
        note(ledger, *rest)
        ledger.db.execute("delete from event where id = 3")

    patch.setattr(events, "note", over)


@dataclass(frozen=True)
class Bug:
    """step: of the protocol. plant: takes it away. trial: under which that shows, as tests/migrate/trial.py reads it;
    SOME_DEATH: at one of the commits. caught: laws that are broken then. guard: what of the store has to be taken away
    besides; it stands against this blunder alone. early: what an earlier run has brought was brought without it too."""

    step: str
    plant: Callable[[Patch], None]
    trial: str
    caught: frozenset[str] = field(default_factory=frozenset)
    guard: str | None = None
    early: bool = False

    def __str__(self) -> str:
        return "-".join(filter(None, (self.plant.__name__, self.guard, self.trial.replace(" ", "_"))))


def _bug(
    step: str,
    plant: Callable[[Patch], None],
    trial: str,
    *caught: str,
    guard: str | None = None,
    early: bool = False,
) -> Bug:
    return Bug(step, plant, trial, frozenset(caught), guard, early)


SOME_DEATH = "some_death"
BUGS = [
    _bug("1", no_fence, "unique taken@9", "settled stays settled"),
    _bug("2", settled_again, "unique", "settled stays settled", guard="trigger operation_edge"),
    _bug("2", begun_at_the_end, "unique", "intent first", guard="trigger operation_start"),
    _bug("2", nothing_recovered, "twofold death@8", "nothing doubled", guard="index operation_open"),
    _bug("2", one_target_record_twice, "unique", "one to one", guard="index record_target"),
    _bug("2", events_rewritten, "unique", "history whole", guard="trigger event_unchanged"),
    _bug("2", events_taken_out, "unique", "history whole", guard="trigger event_kept"),
    _bug("3", no_intent_before_the_send, "circle", "intent first"),
    _bug("3", no_intent_before_the_send, "keyless dies_after@3", "nothing doubled"),
    _bug("3", no_intent_before_the_send, "twofold death@6", "intent first", "nothing doubled"),
    _bug("3", intents_of_half_the_batch, "unique", "intent first"),
    _bug("3", sent_though_the_ledger_refuses, "unique commit_fails@3", "intent first"),
    _bug("4", no_deadline, "twofold latest@1", "nothing doubled"),
    _bug("4", outcomes_by_position, "levels reordered@6", "right values"),
    _bug("4", outcomes_by_position, "unique reordered@1", "done is done", "right values"),
    _bug("4", silence_is_consent, "unique short@3", "named state"),
    _bug("4", unknown_is_failed, "keyless lost_after@3", "nothing doubled"),
    _bug("4", unknown_is_failed, "twofold lost_after@1", "nothing doubled"),
    _bug("4", unknown_is_done, "keyless lost_before@3", "nothing lost", "done is done"),
    _bug("4", unknown_is_done, "unique lost_before@2", "nothing lost", "done is done"),
    _bug("5", crosswalk_apart_from_outcomes, f"circle {SOME_DEATH}", "settled stays settled"),
    _bug("5", crosswalk_apart_from_outcomes, f"unique {SOME_DEATH}", "settled stays settled"),
    _bug("6", nothing_recovered, "circle dies_after@1", "it ends", "no operation open"),
    _bug("6", nothing_recovered, "unique death@6", "it ends", "no operation open"),
    _bug("6", not_asked, "keyless dies_after@3", "nothing doubled"),
    _bug("6", not_asked, "twofold death@6", "nothing doubled"),
    _bug("6", not_waited_for, "keyless late@3", "nothing doubled"),
    _bug("6", not_waited_for, "twofold late@1", "nothing doubled"),
    _bug("6", refusal_believed, "levels twice@2", "done is done", "named state"),
    _bug("6", refusal_believed, "unique twice@3", "named state"),
    _bug("8", not_read_back, "levels", "read back", "findings told"),
    _bug("8", not_read_back, "unique", "read back", "findings told"),
    _bug("8", not_read_back_after_a_death, "circle dies_after@1", "read back"),
    _bug("8", not_read_back_after_a_death, "unique death@6", "read back"),
    _bug("9", cursor_before_settling, "levels dies_before@1", "nothing lost", "counts told"),
    _bug("9", pieces_dropped_early, f"circle {SOME_DEATH}", "counts told"),
    _bug("10", edits_not_looked_for, "update", "right values", "named state"),
    _bug("10", no_compare_and_set, "unique", "right values", "named state"),
    _bug("10", no_compare_and_set, "unique edit@5", "edits stay"),
    _bug("11", read_back_believed_as_sent, "unique lost_before@3", "named state", early=True),
]
