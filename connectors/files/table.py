"""What the formats have in common: a table with fields, read in batches, that must not change underneath us."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from ..errors import InputError, UnavailableError
from ..nearest import nearest
from ..schema import Field
from .options import FileObject

_PROBE = 65_536


class FileTable(Protocol):
    """One file. Methods raise InputError where the file is not what the project says, with the line if there is one."""

    def fields(self) -> tuple[Field, ...]:
        """The columns, in the file's order."""

    def batches(self, columns: Sequence[str], skip: int) -> Iterator[pa.Table]:
        """The named columns of all records behind the first `skip`, as stored, in tables of moderate length."""

    def count(self) -> int: ...


@dataclass(frozen=True, slots=True)
class State:
    """What a file looked like: if it looks otherwise later, it has changed."""

    size: int
    mtime_ns: int
    inode: int


def state_of(described: FileObject) -> State:
    """Raises InputError `files.unreadable`."""
    try:
        stat = described.path.stat()
    except OSError as error:
        raise unreadable(described, error) from error
    return State(stat.st_size, stat.st_mtime_ns, stat.st_ino)


def refuse_change(described: FileObject, before: State) -> None:
    """Raises UnavailableError `files.changed` unless the file looks as before."""
    if state_of(described) != before:
        raise UnavailableError("files.changed", object=described.name, file=described.shown)


def mark_of(described: FileObject) -> str:
    """A short text that differs for files of other length, beginning or end; copying and touching a file keep it.

    Raises InputError `files.unreadable`.
    """
    size = state_of(described).size
    try:
        with described.path.open("rb") as stream:
            head = stream.read(_PROBE)
            stream.seek(max(0, size - _PROBE))
            tail = stream.read(_PROBE)
    except OSError as error:
        raise unreadable(described, error) from error
    return f"{size:x}-{zlib.crc32(tail, zlib.crc32(head)):08x}"


def check_names(described: FileObject, names: Sequence[str]) -> None:
    """Raises InputError where columns are unnamed or named alike, or a key column is not among them."""
    for place, name in enumerate(names, 1):
        if not name.strip():
            raise InputError("files.unnamed_column", object=described.name, file=described.shown, column=place)
        if name in names[: place - 1]:
            raise InputError("files.same_column", object=described.name, file=described.shown, column=name)
    for part in described.key:
        if part not in names:
            near = nearest(part, names)
            raise InputError(
                "files.no_key_column", object=described.name, file=described.shown, column=part, nearest=near
            )


def unreadable(described: FileObject, error: OSError) -> InputError:
    reason = error.strerror or type(error).__name__
    return InputError("files.unreadable", object=described.name, file=described.shown, reason=reason)
