"""Doubles that do not write as they should."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from dataclasses import replace

from ..cell import Cell
from ..change import Batch, Change, ChangeKind, Outcome, OutcomeState
from ..clock import Clock
from ..errors import UnavailableError
from ..port import KEY, OUR_KEY
from ..schema import Field, FieldType, Schema
from .broken_cells import Broken


class AltersChanges(Broken):
    def alter(self, name: str, change: Change) -> Change:
        return change

    def write(self, batch: Batch) -> list[Outcome]:
        return super().write(Batch(batch.object, tuple(self.alter(batch.object, change) for change in batch.changes)))

    def held(self, name: str, change: Change) -> dict[str, Cell]:
        """The record that the change is about, empty where there is none."""
        found = self.find(name, (KEY,), [(change.target_key,)], [])
        return self.record(name, found.keys[0]) if found.keys else {}


class AltersOutcomes(Broken):
    def alter(self, outcome: Outcome) -> Outcome | None:
        return outcome

    def write(self, batch: Batch) -> list[Outcome]:
        return [kept for outcome in super().write(batch) if (kept := self.alter(outcome)) is not None]


class MatchesByPosition(Broken):
    breaks = ("test_outcomes_belong_to_their_changes",)

    def write(self, batch: Batch) -> list[Outcome]:
        ordered = sorted(batch.changes, key=lambda change: change.our_key)
        outcomes = super().write(Batch(batch.object, tuple(ordered)))
        return [replace(each, our_key=change.our_key) for each, change in zip(outcomes, batch.changes, strict=True)]


class AnswersWhoeverAsksLast(Broken):
    """Keeps the answer where all its threads can reach it."""

    breaks = ("test_calls_under_way_together_are_answered_apart",)

    def __init__(self, schema: Schema, *, clock: Clock) -> None:
        super().__init__(schema, clock=clock)
        self.capabilities = replace(self.capabilities, at_once=2)
        self._both = threading.Barrier(2)
        self._answer: list[Outcome] = []

    def write(self, batch: Batch) -> list[Outcome]:
        self._answer = super().write(batch)
        try:
            self._both.wait(0.1)
        except threading.BrokenBarrierError:  # it was alone
            self._both.reset()
        return self._answer


class OneOutcomeTooFew(AltersOutcomes):
    breaks = ("test_every_change_has_one_outcome", "test_a_bad_record_is_rejected_alone")

    def alter(self, outcome: Outcome) -> Outcome | None:
        return None if outcome.state is OutcomeState.REJECTED else outcome


class SaysDoneOfEverything(AltersOutcomes):
    breaks = ("test_a_bad_record_is_rejected_alone", "test_a_stale_change_is_refused_whole")

    def alter(self, outcome: Outcome) -> Outcome | None:
        return replace(outcome, state=OutcomeState.ACKED, code=None)


class RaisesOnAPartialFailure(Broken):
    breaks = ("test_a_bad_record_is_rejected_alone", "test_what_was_rejected_left_nothing")

    def write(self, batch: Batch) -> list[Outcome]:
        outcomes = super().write(batch)
        if any(outcome.state is OutcomeState.REJECTED for outcome in outcomes):
            raise UnavailableError("broken")
        return outcomes


class RejectsTheWholeBatch(Broken):
    breaks = ("test_a_bad_record_is_rejected_alone",)

    def write(self, batch: Batch) -> list[Outcome]:
        if any(change.values.get("name", "") is None for change in batch.changes):
            return [Outcome(each.our_key, OutcomeState.REJECTED, code="target.required") for each in batch.changes]
        return super().write(batch)


class TakesTwoHundred(Broken):
    breaks = ("test_a_full_batch_is_taken",)

    def write(self, batch: Batch) -> list[Outcome]:
        rest = [Outcome(change.our_key, OutcomeState.ACKED) for change in batch.changes[200:]]
        return super().write(Batch(batch.object, batch.changes[:200])) + rest


class KeepsKeysOfTheRejected(Broken):
    breaks = ("test_what_was_rejected_left_nothing",)

    def __init__(self, schema: Schema, *, clock: Clock) -> None:
        super().__init__(schema, clock=clock)
        self.rejected: set[str] = set()

    def write(self, batch: Batch) -> list[Outcome]:
        outcomes = super().write(batch)
        known = {each.our_key for each in outcomes} & self.rejected
        self.rejected |= {each.our_key for each in outcomes if each.state is OutcomeState.REJECTED}
        return [replace(each, state=OutcomeState.EXISTS) if each.our_key in known else each for each in outcomes]


class LaterThanItSays(Broken):
    breaks = ("test_what_was_created_is_found",)

    def __init__(self, schema: Schema, *, clock: Clock) -> None:
        super().__init__(schema, clock=clock, read_back_lag=dt.timedelta(seconds=60))

    def write(self, batch: Batch) -> list[Outcome]:
        promised = self.capabilities
        self.capabilities = replace(promised, read_back_lag=dt.timedelta(seconds=60))
        outcomes = super().write(batch)
        self.capabilities = replace(promised, read_back_lag=dt.timedelta(seconds=1))
        return outcomes


class WritesUnnamedFields(AltersChanges):
    breaks = ("test_an_update_touches_only_named_fields", "test_adopting_writes_our_key_and_nothing_else")

    def alter(self, name: str, change: Change) -> Change:
        if change.kind not in (ChangeKind.UPDATE, ChangeKind.ADOPT):
            return change
        return replace(change, values={"note": None, "number": None} | dict(change.values))


class Dated(AltersChanges):
    """Its samples have a field that a create alone can fill."""

    def __init__(self, schema: Schema, *, clock: Clock) -> None:
        sample = schema.objects["sample"]
        dated = replace(sample, fields=(*sample.fields, Field("entered", FieldType.INSTANT, changeable=False)))
        super().__init__(Schema({**schema.objects, "sample": dated}), clock=clock)


class PassesOverWhatItCannotChange(Dated):
    breaks = ("test_a_field_of_creation_alone_is_refused_of_an_update",)

    def alter(self, name: str, change: Change) -> Change:
        if change.kind is not ChangeKind.UPDATE:
            return change
        return replace(change, values={field: value for field, value in change.values.items() if field != "entered"})


class LeavesNullOut(AltersChanges):
    breaks = ("test_an_update_touches_only_named_fields",)

    def alter(self, name: str, change: Change) -> Change:
        return replace(change, values={field: value for field, value in change.values.items() if value is not None})


class WritesTheGoodCells(AltersChanges):
    breaks = ("test_an_update_of_a_bad_cell_writes_nothing",)

    def write(self, batch: Batch) -> list[Outcome]:
        outcomes = super().write(batch)
        rejected = {outcome.our_key: outcome.field for outcome in outcomes if outcome.field is not None}
        for change in batch.changes:
            if change.kind is ChangeKind.UPDATE and change.our_key in rejected:
                good = {name: value for name, value in change.values.items() if name != rejected[change.our_key]}
                super().write(Batch(batch.object, (replace(change, values=good),)))
        return outcomes


class CreatesWhatIsGone(AltersChanges):
    breaks = ("test_a_record_that_is_gone_is_said_to_be_gone",)

    def alter(self, name: str, change: Change) -> Change:
        if change.kind is not ChangeKind.UPDATE or self.held(name, change):
            return change
        values = {"id": change.target_key, "name": "made up"} | dict(change.values)
        return Change(ChangeKind.CREATE, change.our_key, values=values)


class IgnoresExpect(AltersChanges):
    breaks = (
        "test_a_stale_change_is_refused_whole",
        "test_a_stale_delete_is_refused",
        "test_a_stale_adoption_is_refused",
        "test_null_and_empty_are_expected_apart",
    )

    def alter(self, name: str, change: Change) -> Change:
        return replace(change, expect=None)


class ComparesAfterWriting(Broken):
    breaks = ("test_a_stale_change_is_refused_whole",)

    def write(self, batch: Batch) -> list[Outcome]:
        outcomes = super().write(batch)
        stale = {outcome.our_key for outcome in outcomes if outcome.state is OutcomeState.STALE}
        again = tuple(replace(change, expect=None) for change in batch.changes if change.our_key in stale)
        super().write(Batch(batch.object, again))
        return outcomes


class ComparesAsText(AltersChanges):
    breaks = ("test_what_is_expected_is_compared_by_canonical_text",)

    def alter(self, name: str, change: Change) -> Change:
        held = self.held(name, change)
        if not change.expect or not held:
            return change
        same = all(str(held[field]) == str(value) for field, value in change.expect.items())
        return replace(change, expect={**change.expect} if same else {"name": "\0 never"})


class TakesEmptyForNull(AltersChanges):
    breaks = ("test_null_and_empty_are_expected_apart",)

    def alter(self, name: str, change: Change) -> Change:
        held = self.held(name, change)
        expect = {field: value or held.get(field) for field, value in (change.expect or {}).items()}
        same = all(not held.get(field) for field, value in (change.expect or {}).items() if not value)
        return replace(change, expect=expect) if same and held else change


class LeavesUnknownFieldsOut(AltersChanges):
    breaks = ("test_a_field_that_is_not_there_is_not_written",)

    def alter(self, name: str, change: Change) -> Change:
        known = self.describe().objects[name].field_names
        return replace(change, values={field: value for field, value in change.values.items() if field in known})


class PreparesAnew(Broken):
    breaks = ("test_preparing_twice_is_harmless",)

    def prepare(self) -> None:
        for name in self.describe().objects:
            for our_key, key in [pair for some in self.our_keys(name) for pair in some]:
                self.write(Batch(name, (Change(ChangeKind.RELEASE, our_key, key),)))


class TheSameKeyMakesTwo(AltersChanges):
    breaks = ("test_the_same_key_twice_makes_one_record", "test_a_batch_sent_again_makes_nothing_new")

    def alter(self, name: str, change: Change) -> Change:
        if change.kind is ChangeKind.CREATE:
            for key in self.find(name, (OUR_KEY,), [(change.our_key,)], []).keys:
                super().write(Batch(name, (Change(ChangeKind.RELEASE, change.our_key, key),)))
        return change


class TheSameKeyOverwrites(AltersChanges):
    breaks = ("test_the_same_key_twice_makes_one_record",)

    def alter(self, name: str, change: Change) -> Change:
        if change.kind is not ChangeKind.CREATE:
            return change
        values = {field: value for field, value in change.values.items() if field != "id"}
        for key in self.find(name, (OUR_KEY,), [(change.our_key,)], []).keys:
            return replace(change, kind=ChangeKind.UPDATE, target_key=key, values=values)
        return change


class FoldsOurKeys(AltersChanges):
    breaks = ("test_our_keys_are_exact",)

    def write(self, batch: Batch) -> list[Outcome]:
        taken = {our_key.casefold() for some in self.our_keys(batch.object) for our_key, _ in some}
        fresh = []
        for change in batch.changes:
            if change.kind is not ChangeKind.CREATE or change.our_key.casefold() not in taken:
                fresh.append(change)
            taken.add(change.our_key.casefold())
        known = [Outcome(each.our_key, OutcomeState.EXISTS) for each in batch.changes if each not in fresh]
        return super().write(Batch(batch.object, tuple(fresh))) + known


class ListsStrangers(Broken):
    breaks = ("test_our_keys_lists_all_and_only_ours", "test_releasing_takes_our_key_off_and_leaves_the_record")

    def our_keys(self, object_name: str) -> Iterator[list[tuple[str, str]]]:
        ours = {key: our_key for some in super().our_keys(object_name) for our_key, key in some}
        yield [(ours.get(key, key), key) for chunk in self.read(object_name, []) for key in chunk.keys]


class OneKeyForAllObjects(Broken):
    breaks = ("test_an_object_has_its_own_keys",)

    def write(self, batch: Batch) -> list[Outcome]:
        others = [name for name in self.describe().objects if name != batch.object]
        taken = {our_key for name in others for some in self.our_keys(name) for our_key, _ in some}
        fresh = tuple(change for change in batch.changes if change.our_key not in taken)
        known = [Outcome(each.our_key, OutcomeState.EXISTS) for each in batch.changes if each.our_key in taken]
        return super().write(Batch(batch.object, fresh)) + known


class DeletesNothing(AltersChanges):
    breaks = ("test_delete_removes_record_and_key",)

    def alter(self, name: str, change: Change) -> Change:
        return replace(change, kind=ChangeKind.RELEASE) if change.kind is ChangeKind.DELETE else change


class AdoptsWithoutValues(AltersChanges):
    breaks = ("test_adopting_writes_the_values_given",)

    def alter(self, name: str, change: Change) -> Change:
        return replace(change, values={}) if change.kind is ChangeKind.ADOPT else change


class AdoptsTheTaken(AltersChanges):
    breaks = ("test_adopting_a_taken_record_is_refused", "test_a_key_of_ours_is_not_given_twice")

    def alter(self, name: str, change: Change) -> Change:
        if change.kind is ChangeKind.ADOPT and change.target_key is not None:
            for our_key, key in [pair for some in self.our_keys(name) for pair in some]:
                if key == change.target_key or our_key == change.our_key:
                    super().write(Batch(name, (Change(ChangeKind.RELEASE, our_key, key),)))
        return change


class AdoptsWhatIsGone(AltersOutcomes):
    breaks = ("test_adopting_what_is_gone_is_refused",)

    def alter(self, outcome: Outcome) -> Outcome | None:
        return Outcome(outcome.our_key, OutcomeState.ACKED) if outcome.code == "target.gone" else outcome


class ReleasesByDeleting(AltersChanges):
    breaks = ("test_releasing_takes_our_key_off_and_leaves_the_record",)

    def alter(self, name: str, change: Change) -> Change:
        release = change.kind is ChangeKind.RELEASE
        return replace(change, kind=ChangeKind.DELETE, values={}) if release else change


class ReleasesWithoutValues(AltersChanges):
    breaks = ("test_releasing_writes_the_values_given",)

    def alter(self, name: str, change: Change) -> Change:
        return replace(change, values={}) if change.kind is ChangeKind.RELEASE else change


class UpdatesTakeOurKeyOff(AltersChanges):
    breaks = ("test_an_update_keeps_our_key",)

    def alter(self, name: str, change: Change) -> Change:
        return replace(change, kind=ChangeKind.RELEASE) if change.kind is ChangeKind.UPDATE else change
