"""Files in memory: what is uploaded is there for a while, and for good once a record uses it."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from .cell import Cell
from .clock import Clock
from .held_file import PIECE, Body, FileError, HeldFile, Uploaded, cell_of, files_in
from .memory_table import RefusedError, Row, Table
from .schema import FieldType, Schema

CHECKSUM = "sha256"


@dataclass(frozen=True, slots=True)
class Kept:
    """until: when it is forgotten; None for never."""

    name: str
    body: bytes
    until: dt.datetime | None = None


class KeepingFiles:
    """The methods of `HoldsFiles` and `TakesFiles` of a system in memory. files_for: how long an upload waits for a
    record; None for ever."""

    _clock: Clock

    def keep_files(self, files_for: dt.timedelta | None) -> None:
        self.files: dict[str, Kept] = {}
        self.uploads = self._put_in = 0
        self._files_for = files_for

    def hold(self, name: str, body: bytes) -> HeldFile:
        """A user of the system puts a file in; the record that uses it is for its cell to say."""
        self._put_in += 1
        key = f"file-{self._put_in}"
        self.files[key] = Kept(name, body)
        return HeldFile(key, name, len(body), sum_of(body))

    def body(self, object_name: str, file: HeldFile) -> Iterator[bytes]:
        kept = self._there(file.id)
        if kept is None:
            raise FileError("file.gone")
        return (kept.body[start : start + PIECE] for start in range(0, len(kept.body), PIECE))

    def upload(self, object_name: str, field: str, file: HeldFile, body: Body) -> Uploaded:
        self.uploads += 1
        key = f"upload-{self.uploads}"
        until = None if self._files_for is None else self._clock.now() + self._files_for
        self.files[key] = Kept(file.name, b"".join(body()), until)
        return Uploaded(key, until)

    def _there(self, key: str) -> Kept | None:
        kept = self.files.get(key)
        return kept if kept is not None and (kept.until is None or self._clock.now() < kept.until) else None

    def _with_files(self, table: Table, values: Row) -> dict[str, Cell]:
        """The same, each file as it lies here, and here for good. Raises RefusedError for one that is not there."""
        told = dict(values)
        named: Mapping[str, Cell] = {name: each for name, each in values.items() if each is not None}
        for name, cell in named.items():
            if table.described(name).type is not FieldType.FILE:
                continue
            try:
                files = files_in(str(cell))
            except ValueError as error:
                raise RefusedError("target.type", name) from error
            found = {file.id: self._there(file.id) for file in files}
            if None in found.values():
                raise RefusedError("target.file", name)
            there = {key: replace(kept, until=None) for key, kept in found.items() if kept is not None}
            self.files |= there
            told[name] = cell_of(
                [HeldFile(each.id, each.name, len(body := there[each.id].body), sum_of(body)) for each in files]
            )
        return told


def has_files(schema: Schema) -> bool:
    return any(each.type is FieldType.FILE for described in schema.objects.values() for each in described.fields)


def sum_of(body: bytes) -> str:
    return f"{CHECKSUM}:{hashlib.sha256(body).hexdigest()}"
