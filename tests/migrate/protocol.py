"""The steps of the ledger's protocol (DESIGN §6), and for each of them what is noticed once it is taken out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from . import planted
from .planted import Patch

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
"""By their numbers in DESIGN §6. What a record is worth (7) and what the ledger never keeps (12) are no steps of it."""


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
    _bug("1", planted.no_fence, "unique taken@9", "settled stays settled"),
    _bug("2", planted.settled_again, "unique", "settled stays settled", guard="trigger operation_edge"),
    _bug("2", planted.begun_at_the_end, "unique", "intent first", guard="trigger operation_start"),
    _bug("2", planted.nothing_recovered, "twofold death@8", "nothing doubled", guard="index operation_open"),
    _bug("2", planted.one_target_record_twice, "unique", "one to one", guard="index record_target"),
    _bug("2", planted.events_rewritten, "unique", "history whole", guard="trigger event_unchanged"),
    _bug("2", planted.events_taken_out, "unique", "history whole", guard="trigger event_kept"),
    _bug("3", planted.no_intent_before_the_send, "circle", "intent first"),
    _bug("3", planted.no_intent_before_the_send, "keyless dies_after@7", "nothing doubled"),
    _bug("3", planted.no_intent_before_the_send, "twofold death@6", "intent first", "nothing doubled"),
    _bug("3", planted.intents_of_half_the_batch, "unique", "intent first"),
    _bug("3", planted.sent_though_the_ledger_refuses, "unique commit_fails@3", "intent first"),
    _bug("3", planted.details_unwritten, "details", "intent first"),
    _bug("4", planted.no_deadline, "twofold latest@1", "nothing doubled"),
    _bug("4", planted.outcomes_by_position, "levels reordered@11", "right values"),
    _bug("4", planted.outcomes_by_position, "unique reordered@1", "done is done", "right values"),
    _bug("4", planted.silence_is_consent, "unique short@3", "named state"),
    _bug("4", planted.unknown_is_failed, "keyless lost_after@7", "nothing doubled"),
    _bug("4", planted.unknown_is_failed, "twofold lost_after@1", "nothing doubled"),
    _bug("4", planted.unknown_is_done, "keyless lost_before@7", "nothing lost", "done is done"),
    _bug("4", planted.unknown_is_done, "unique lost_before@2", "nothing lost", "done is done"),
    _bug("4", planted.details_taken_for_done, "details", "right values"),
    _bug("5", planted.crosswalk_apart_from_outcomes, f"circle {SOME_DEATH}", "settled stays settled"),
    _bug("5", planted.crosswalk_apart_from_outcomes, f"unique {SOME_DEATH}", "settled stays settled"),
    _bug("6", planted.nothing_recovered, "circle dies_after@1", "it ends", "no operation open"),
    _bug("6", planted.nothing_recovered, "unique death@6", "it ends", "no operation open"),
    _bug("6", planted.not_asked, "keyless dies_after@7", "nothing doubled"),
    _bug("6", planted.not_asked, "twofold death@6", "nothing doubled"),
    _bug("6", planted.not_waited_for, "keyless late@7", "nothing doubled"),
    _bug("6", planted.not_waited_for, "twofold late@1", "nothing doubled"),
    _bug("6", planted.refusal_believed, "levels twice@3", "done is done", "named state"),
    _bug("6", planted.refusal_believed, "unique twice@3", "named state"),
    _bug("8", planted.not_read_back, "levels", "read back", "findings told"),
    _bug("8", planted.not_read_back, "unique", "read back", "findings told"),
    _bug("8", planted.not_read_back_after_a_death, "circle dies_after@1", "read back"),
    _bug("8", planted.not_read_back_after_a_death, "unique death@6", "read back"),
    _bug("9", planted.cursor_before_settling, "levels dies_before@1", "nothing lost", "counts told"),
    _bug("9", planted.pieces_dropped_early, f"circle {SOME_DEATH}", "counts told"),
    _bug("10", planted.edits_not_looked_for, "update", "right values", "named state"),
    _bug("10", planted.no_compare_and_set, "unique", "right values", "named state"),
    _bug("10", planted.no_compare_and_set, "unique edit@5", "edits stay"),
    _bug("11", planted.read_back_believed_as_sent, "unique lost_before@3", "named state", early=True),
]
