"""Bugs to be planted: each takes one step of the ledger's protocol away. Numbered as the steps in protocol.py."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from changeover.connectors.change import Outcome, OutcomeState
from changeover.connectors.chunk import Chunk
from changeover.connectors.errors import ChangeoverError
from changeover.mappings.compile import CompiledMapping
from changeover.migrate import run
from changeover.migrate.loading import load, pipeline, update
from changeover.migrate.loading.deferred import Deferred
from changeover.migrate.sending import aboard, flight, send
from changeover.migrate.sending.answer import Planned
from changeover.migrate.settling import readback, recover
from changeover.runs.ledger import events, operations, records, runlog
from changeover.runs.ledger.operations import OpenOperation, Settled
from changeover.runs.ledger.store import Ledger

from .small_process import InMemory

Patch = pytest.MonkeyPatch


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


def details_unwritten(patch: Patch) -> None:
    """Only masters are written down."""
    patch.setattr(flight, "take_aboard", lambda *_: [])


def details_taken_for_done(patch: Patch) -> None:
    """Where the target answers for the master alone, its details are done with it."""
    honest = aboard._end

    def end(detail: Planned, own: Outcome | None, master: Outcome | None) -> Settled:
        told = honest(detail, own, master)
        key = f"of {told.our_key}"
        return told._replace(state="acked", record="live", target_key=key) if told.state == "unknown" else told

    patch.setattr(aboard, "_end", end)


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
        return replace(verdict, write=verdict.write | verdict.clash, clash=verdict.clash & False)

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
