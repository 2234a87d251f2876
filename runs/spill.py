"""Rows on their way from one order into another: cut into partitions and sealed on disk, so that memory stays flat
however many they are. Losing a spill costs a second reading and nothing more."""

from __future__ import annotations

import json
import os
import shutil
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from .private_files import FILE_MODE, private_folder, require_plain_name, sync_folder, write_private, write_refused
from .sealing import Seal, SealBrokenError, bind

_LABEL = b"changeover label"
_LENGTH = 8
_WHOLE = "whole"


class Spill:
    """A folder (0700) with a file for each partition: pieces one behind the other, each sealed with the data key and
    bound to its place. What is put in counts once `seal` has returned.

    told: plain JSON values kept with it. Raises UnavailableError where the disk refuses us.
    """

    def __init__(self, folder: Path, name: str, data_key: bytes) -> None:
        self.name = require_plain_name(name)
        self.told: Mapping[str, object] = {}
        self._folder = private_folder(private_folder(folder) / self.name)
        self._seal = Seal(data_key)
        self._pieces: defaultdict[int, int] = defaultdict(int)

    def put(self, partition: int, label: str, table: pa.Table) -> None:
        """Add these rows to a partition. label: what they are a part of."""
        sink = pa.BufferOutputStream()
        schema = table.schema.with_metadata({_LABEL: label.encode()})
        with pa.ipc.new_stream(sink, schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
            writer.write_table(table.replace_schema_metadata(schema.metadata))
        piece = self._seal.close(sink.getvalue().to_pybytes(), self._bound(partition, self._pieces[partition]))
        path = self._path(partition)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, FILE_MODE)
            with os.fdopen(handle, "ab") as file:
                file.write(len(piece).to_bytes(_LENGTH, "big") + piece)
        except OSError as problem:
            raise write_refused(path, problem) from problem
        self._pieces[partition] += 1

    def seal(self, told: Mapping[str, object]) -> None:
        """All of it is there, and on the disk."""
        try:
            for partition in self._pieces:
                with self._path(partition).open("rb") as file:
                    os.fsync(file.fileno())
            sync_folder(self._folder)
        except OSError as problem:
            raise write_refused(self._folder, problem) from problem
        self.told = told
        whole = {"pieces": {str(name): number for name, number in self._pieces.items()}, "told": dict(told)}
        write_private(self._folder / _WHOLE, self._seal.close(json.dumps(whole).encode(), bind("spill", self.name)))

    def take(self, partition: int) -> dict[str, list[pa.Table]]:
        """The rows of a partition by label, in the order in which they were put in. Raises SealBrokenError where they
        are not as they were."""
        taken: dict[str, list[pa.Table]] = defaultdict(list)
        number = self._pieces.get(partition, 0)
        if not number:
            return taken
        with self._path(partition).open("rb") as file:
            for place in range(number):
                length = int.from_bytes(file.read(_LENGTH), "big")
                plain = self._seal.open(file.read(length), self._bound(partition, place))
                table = pa.ipc.open_stream(plain).read_all()
                taken[table.schema.metadata[_LABEL].decode()].append(table)
        return taken

    def drop(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def read_whole(self) -> bool:
        """Whether it was sealed, with this data key; then what was put in can be taken."""
        try:
            sealed = (self._folder / _WHOLE).read_bytes()
            whole = json.loads(self._seal.open(sealed, bind("spill", self.name)))
        except (OSError, SealBrokenError):
            return False
        self.told = whole["told"]
        self._pieces.update({int(name): number for name, number in whole["pieces"].items()})
        return True

    def _path(self, partition: int) -> Path:
        return self._folder / f"{partition}.part"

    def _bound(self, partition: int, place: int) -> bytes:
        return bind("spill", self.name, str(partition), str(place))


def open_spill(folder: Path, name: str, data_key: bytes) -> Spill | None:
    """The sealed spill of that name; None where there is none, or it was sealed with another key."""
    try:
        if not (folder / require_plain_name(name)).is_dir():
            return None
    except ValueError:
        return None
    spill = Spill(folder, name, data_key)
    return spill if spill.read_whole() else None


def drop_spills(folder: Path, prefix: str) -> None:
    """Throw away every spill whose name begins so, sealed or not."""
    for path in folder.glob(f"{prefix}*"):
        shutil.rmtree(path, ignore_errors=True)
