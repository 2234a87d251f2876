"""Doubles that take files, and not as they should."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

from ..cell import Cell
from ..change import Batch, Change, ChangeKind, Outcome
from ..clock import Clock
from ..held_file import Body, FileError, HeldFile, Uploaded, cell_of, files_in
from ..memory_table import RefusedError, Row, Table
from ..schema import Schema
from .broken_cells import Broken
from .sample import PAPER


class Filing(Broken):
    def __init__(self, schema: Schema, *, clock: Clock) -> None:
        super().__init__(Schema({**schema.objects, "paper": PAPER}), clock=clock, files_for=dt.timedelta(days=3))


class EndsLinesAnew(Filing):
    breaks = ("test_a_body_comes_back_byte_for_byte",)

    def upload(self, object_name: str, field: str, file: HeldFile, body: Body) -> Uploaded:
        return super().upload(object_name, field, file, lambda: (each.replace(b"\r\n", b"\n") for each in body()))


class CutsNamesOfFiles(Filing):
    breaks = ("test_a_body_comes_back_byte_for_byte",)

    def _with_files(self, table: Table, values: Row) -> dict[str, Cell]:
        told = super()._with_files(table, values)
        files = files_in(cell if isinstance(cell := told.get("files"), str) else None)
        plain = [replace(each, name=each.name.encode("ascii", "replace").decode()) for each in files]
        return told | ({"files": cell_of(plain)} if files else {})


class TakesTheFirstPieceOnly(Filing):
    breaks = ("test_a_large_body_comes_in_pieces",)

    def upload(self, object_name: str, field: str, file: HeldFile, body: Body) -> Uploaded:
        return super().upload(object_name, field, file, lambda: iter([next(body())]))


class GivesABodyWhole(Filing):
    breaks = ("test_a_large_body_comes_in_pieces",)

    def body(self, object_name: str, file: HeldFile) -> Iterator[bytes]:
        yield b"".join(super().body(object_name, file))


class TakesAFileOnce(Filing):
    """Who uploads it again is told the same, and it is gone."""

    breaks = ("test_an_upload_twice_is_harmless",)

    def upload(self, object_name: str, field: str, file: HeldFile, body: Body) -> Uploaded:
        told = super().upload(object_name, field, file, body)
        if sum(each.name == file.name for each in self.files.values()) > 1:
            del self.files[told.id]
        return told


class LeavesOutWhatIsNotThere(Filing):
    """And makes the record without it."""

    breaks = ("test_a_file_that_nobody_uploaded_is_refused",)

    def _with_files(self, table: Table, values: Row) -> dict[str, Cell]:
        try:
            return super()._with_files(table, values)
        except RefusedError:
            return {name: None if name == "files" else cell for name, cell in values.items()}


class AddsToTheFiles(Filing):
    """Instead of having those that an update names."""

    breaks = ("test_a_record_changes_its_files",)

    def write(self, batch: Batch) -> list[Outcome]:
        return super().write(Batch(batch.object, tuple(map(self._added, batch.changes))))

    def _added(self, change: Change) -> Change:
        if change.kind is not ChangeKind.UPDATE or change.target_key is None or "files" not in change.values:
            return change
        before = self.record("paper", change.target_key)["files"]
        cells = (cell for cell in (before, change.values["files"]) if isinstance(cell, str))
        files = {each.name: each for cell in cells for each in files_in(cell)}
        return replace(change, values={"files": cell_of(list(files.values()))})


class ForgetsWhatRecordsUse(Filing):
    breaks = ("test_an_upload_is_good_as_long_as_it_says",)

    def _with_files(self, table: Table, values: Row) -> dict[str, Cell]:
        before = dict(self.files)
        told = super()._with_files(table, values)
        self.files = before
        return told


class ForgetsBeforeItSays(Filing):
    breaks = ("test_an_upload_is_good_as_long_as_it_says",)

    def upload(self, object_name: str, field: str, file: HeldFile, body: Body) -> Uploaded:
        told = super().upload(object_name, field, file, body)
        return Uploaded(told.id, None if told.good_until is None else told.good_until + dt.timedelta(hours=1))


class GivesAnEmptyBody(Filing):
    """Of a file that is not there."""

    breaks = ("test_a_body_that_is_gone_is_told",)

    def body(self, object_name: str, file: HeldFile) -> Iterator[bytes]:
        try:
            return super().body(object_name, file)
        except FileError:
            return iter(())
