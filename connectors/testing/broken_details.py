"""Doubles whose creates carry details, and not as they should."""

from __future__ import annotations

from dataclasses import replace

from ..change import Batch, Change, Details, Outcome, OutcomeState
from ..clock import Clock
from ..schema import Schema
from .broken_cells import Broken
from .sample import LINE

WITH_MASTER = "test_details_are_created_with_their_master"


class Carrying(Broken):
    def __init__(self, schema: Schema, *, clock: Clock) -> None:
        super().__init__(Schema({**schema.objects, "line": LINE}), clock=clock, details=3)

    def without(self, change: Change, our_key: str) -> Change:
        """The change without one of its details."""
        details = (
            Details(some.object, some.by, tuple(each for each in some.changes if each.our_key != our_key))
            for some in change.details
        )
        return replace(change, details=tuple(details))


class LosesOneDetail(Carrying):
    """And says that it is done."""

    breaks = (WITH_MASTER,)

    def write(self, batch: Batch) -> list[Outcome]:
        outcomes = super().write(Batch(batch.object, tuple(self.without(each, "ours:2") for each in batch.changes)))
        lost = any(
            each.our_key == "ours:2" for change in batch.changes for some in change.details for each in some.changes
        )
        made = [Outcome("ours:2", OutcomeState.ACKED, "l0002", object="line")] if lost else []
        return outcomes + made


class AnswersForTheMasterOnly(Carrying):
    """And does not say so beforehand."""

    breaks = (WITH_MASTER,)

    def write(self, batch: Batch) -> list[Outcome]:
        return [each for each in super().write(batch) if each.object is None]


class GivesAllDetailsToOneMaster(Carrying):
    breaks = (WITH_MASTER,)

    def write(self, batch: Batch) -> list[Outcome]:
        details = tuple(each for change in batch.changes for each in change.details)
        bare = [replace(change, details=()) for change in batch.changes]
        bare[0] = replace(bare[0], details=details)
        return super().write(Batch(batch.object, tuple(bare)))


class KeepsTheMasterOfARefusedDetail(Carrying):
    breaks = ("test_a_refused_detail_refuses_its_master",)

    def write(self, batch: Batch) -> list[Outcome]:
        outcomes = super().write(batch)
        refused = {each.our_key for each in outcomes if each.object is None and each.state is OutcomeState.REJECTED}
        bare = tuple(replace(each, details=()) for each in batch.changes if each.our_key in refused)
        super().write(Batch(batch.object, bare))
        return outcomes


class MakesDetailsOfWhatExists(Carrying):
    breaks = ("test_a_master_that_exists_takes_no_details",)

    def write(self, batch: Batch) -> list[Outcome]:
        outcomes = super().write(batch)
        there = {each.our_key: each.target_key for each in outcomes if each.state is OutcomeState.EXISTS}
        for change in batch.changes:
            for some in change.details if change.our_key in there else ():
                inside = (
                    replace(each, values={**each.values, some.by: there[change.our_key]}) for each in some.changes
                )
                super().write(Batch(some.object, tuple(inside)))
        return outcomes


class MakesTheMasterTwice(Carrying):
    """Its unique key of ours is not looked at where a create carries details."""

    breaks = ("test_a_master_that_exists_takes_no_details",)

    def write(self, batch: Batch) -> list[Outcome]:
        changes = [replace(each, our_key=self._free(batch.object, each)) for each in batch.changes]
        outcomes = super().write(Batch(batch.object, tuple(changes)))
        given = {new.our_key: old.our_key for new, old in zip(changes, batch.changes, strict=True)}
        return [each if each.object else replace(each, our_key=given[each.our_key]) for each in outcomes]

    def _free(self, name: str, change: Change) -> str:
        taken = dict(pair for some in self.our_keys(name) for pair in some)
        return f"{change.our_key}+" if change.details and change.our_key in taken else change.our_key
