"""The laws can fail: each step of the protocol taken away is caught by at least one of them, under a fault that the
whole protocol stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import pytest
from changeover.connectors.change import Outcome, OutcomeState
from changeover.connectors.chunk import Chunk
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.testing.hostile import Fault, FaultKind
from changeover.mappings.compile import CompiledMapping
from changeover.migrate import load, pipeline, recover, run, send
from changeover.migrate.answer import Planned
from changeover.migrate.deferred import Deferred
from changeover.runs.ledger import operations, runlog
from changeover.runs.ledger.operations import OpenOperation, Settled

from .firms import BATCHES, CIRCLE, PAIR, Keyless, Rows
from .laws import Move, first, prepared

Patch = pytest.MonkeyPatch


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


def outcomes_by_position(patch: Patch) -> None:
    def matched(piece: Sequence[Planned], outcomes: Sequence[Outcome]) -> Iterator[tuple[Planned, Outcome | None]]:
        return zip(piece, outcomes, strict=True)

    patch.setattr(send, "matched", matched)


def unknown_is_failed(patch: Patch) -> None:
    """Whatever was not answered is sent again."""

    def settled(planned: Planned, outcome: Outcome | None) -> Settled:
        told = honest(planned, outcome)
        return Settled(told.our_key, "not_sent", code="target.no_answer") if told.state == "unknown" else told

    honest = send.settled
    patch.setattr(send, "settled", settled)


def unknown_is_done(patch: Patch) -> None:
    def settled(planned: Planned, outcome: Outcome | None) -> Settled:
        told = honest(planned, outcome)
        return Settled(told.our_key, "acked", planned.record, "0") if told.state == "unknown" else told

    honest = send.settled
    patch.setattr(send, "settled", settled)


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


def nothing_recovered(patch: Patch) -> None:
    patch.setattr(run, "recover", lambda _session: 0)


def not_asked(patch: Patch) -> None:
    """What a dead process left open was surely not done."""

    def probe(session: object, run_id: int, unknown: Sequence[OpenOperation], *_: object) -> list[Settled]:
        told = [Settled(each.our_key, "not_sent", code="target.no_answer") for each in unknown]
        for each, settled in zip(unknown, told, strict=True):
            operations.settle(session.ledger, run_id, each.batch, "", [settled], session.clock.now())  # type: ignore[attr-defined]
        return told

    patch.setattr(recover, "probe", probe)


def not_waited_for(patch: Patch) -> None:
    """The target is asked at once, while it may still be at work."""
    patch.setattr(recover, "_wait", lambda _session, _unknown: None)


def not_read_back(patch: Patch) -> None:
    patch.setattr(load, "read_back", lambda *_: [])


def not_read_back_after_a_death(patch: Patch) -> None:
    patch.setattr(run, "read_back_left", lambda *_: None)


def crosswalk_apart_from_outcomes(patch: Patch) -> None:
    """Two transactions where there is one."""
    settle = operations.settle

    def apart(ledger: object, run_id: int, batch: int, mapping: str, settled: Sequence[Settled], now: object) -> None:
        with ledger.transaction():  # type: ignore[attr-defined]
            operations._end_operations(ledger, batch, settled)  # type: ignore[arg-type]
        settle(ledger, run_id, batch, mapping, settled, now)  # type: ignore[arg-type]

    patch.setattr(operations, "settle", apart)


def refusal_believed(patch: Patch) -> None:
    """A compare-and-set that was refused is somebody's edit, even if the call was delivered twice."""

    def settled(planned: Planned, outcome: Outcome | None) -> Settled:
        if outcome is not None and outcome.state is OutcomeState.STALE:
            return Settled(outcome.our_key, "conflict", code="conflict.edited")
        return honest(planned, outcome)

    honest = send.settled
    patch.setattr(send, "settled", settled)


def pieces_dropped_early(patch: Patch) -> None:
    """Rows that waited are thrown away before the ledger counts what has become of them."""
    drop = Deferred.drop

    def early(self: Deferred, name: str) -> None:
        drop(self, name)
        self.sweep()

    patch.setattr(Deferred, "drop", early)


@dataclass(frozen=True)
class Bug:
    """plant: takes one step away. fault: under which it shows, None for a plain run; DEATHS: under some death. caught:
    laws that it breaks then."""

    plant: Callable[[Patch], None]
    move: str
    fault: Fault | str | None
    caught: frozenset[str]


DEATHS = "some death"
BUGS = [
    Bug(no_intent_before_the_send, "circle", None, frozenset({"intent first"})),
    Bug(no_intent_before_the_send, "keyless", Fault(7, FaultKind.DIES_AFTER), frozenset({"nothing doubled"})),
    Bug(outcomes_by_position, "levels", Fault(11, FaultKind.REORDERED), frozenset({"right values"})),
    Bug(unknown_is_failed, "keyless", Fault(7, FaultKind.LOST_AFTER), frozenset({"nothing doubled"})),
    Bug(unknown_is_done, "keyless", Fault(7, FaultKind.LOST_BEFORE), frozenset({"nothing lost", "done is done"})),
    Bug(cursor_before_settling, "levels", Fault(1, FaultKind.DIES_BEFORE), frozenset({"nothing lost", "counts told"})),
    Bug(nothing_recovered, "circle", Fault(1, FaultKind.DIES_AFTER), frozenset({"it ends", "no operation open"})),
    Bug(not_asked, "keyless", Fault(7, FaultKind.DIES_AFTER), frozenset({"nothing doubled"})),
    Bug(not_waited_for, "keyless", Fault(7, FaultKind.LATE), frozenset({"nothing doubled"})),
    Bug(not_read_back, "levels", None, frozenset({"read back", "findings told"})),
    Bug(not_read_back_after_a_death, "circle", Fault(1, FaultKind.DIES_AFTER), frozenset({"read back"})),
    Bug(crosswalk_apart_from_outcomes, "circle", DEATHS, frozenset({"settled stays settled"})),
    Bug(refusal_believed, "levels", Fault(3, FaultKind.TWICE), frozenset({"done is done", "named state"})),
    Bug(pieces_dropped_early, "circle", DEATHS, frozenset({"counts told"})),
]
MOVES: dict[str, tuple[Rows, type[MemoryConnector]]] = {
    "levels": (BATCHES, MemoryConnector),
    "circle": (CIRCLE, MemoryConnector),
    "keyless": (PAIR, Keyless),
}


@pytest.fixture(scope="module")
def moves(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Move]:
    return cache(lambda name: prepared(tmp_path_factory.mktemp(name), *MOVES[name], first))


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: f"{bug.plant.__name__}-{bug.move}")
def test_a_step_taken_away_is_noticed(bug: Bug, moves: Callable[[str], Move]) -> None:
    move = moves(bug.move)
    with move.world.in_process() as patch:
        if not isinstance(bug.fault, str):
            faults = [bug.fault] if bug.fault else []
            assert move.trial(*faults) == {}
            bug.plant(patch)
            broken = move.trial(*faults)
        else:
            bug.plant(patch)
            move.world.back_to(move.start)
            deaths = ({*move.trial(start=each)} for each in move.world.moments() if each.effect == "commit")
            broken = dict.fromkeys(next((each for each in deaths if bug.caught <= each), set()), "")
    print(f"{bug.plant.__name__} ({bug.fault}): {', '.join(broken)}")
    assert bug.caught <= broken.keys()
