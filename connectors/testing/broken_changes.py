"""Doubles that tell what has changed, and not all of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..chunk import Chunk
from ..clock import Clock
from ..port import AuditFields
from ..schema import Schema
from .broken_cells import Broken


class Changing(Broken):
    def __init__(self, schema: Schema, *, clock: Clock) -> None:
        audit = {"sample": AuditFields(modified_at="happened")}
        super().__init__(schema, clock=clock, audit=audit, read_back_lag=dt.timedelta(seconds=5))


class OpensTheLowerEnd(Changing):
    breaks = ("test_a_change_at_the_very_moment_is_told",)

    def changed(
        self,
        object_name: str,
        fields: Sequence[str],
        since: dt.datetime,
        *,
        after: str | None = None,
        size: int = 20_000,
    ) -> Iterator[Chunk]:
        behind = since + dt.timedelta(microseconds=1)
        return super().changed(object_name, fields, behind, after=after, size=size)


class TellsEverything(Changing):
    breaks = ("test_a_change_at_the_very_moment_is_told", "test_a_record_that_changes_again_is_told_again")

    def changed(
        self,
        object_name: str,
        fields: Sequence[str],
        since: dt.datetime,
        *,
        after: str | None = None,
        size: int = 20_000,
    ) -> Iterator[Chunk]:
        return self.read(object_name, fields, after=after, size=size)


class BeginsAgain(Changing):
    breaks = ("test_changes_resume_after_every_cursor",)

    def changed(
        self,
        object_name: str,
        fields: Sequence[str],
        since: dt.datetime,
        *,
        after: str | None = None,
        size: int = 20_000,
    ) -> Iterator[Chunk]:
        return super().changed(object_name, fields, since, size=size)


class KnowsNoOverlap(Changing):
    breaks = ("test_a_change_that_is_seen_late_is_told_the_next_time",)

    def __init__(self, schema: Schema, *, clock: Clock) -> None:
        super().__init__(schema, clock=clock)
        self.capabilities = replace(self.capabilities, overlap=dt.timedelta(0))
