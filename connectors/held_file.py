"""Files of a record: which they are, in one form in every system, and how their bodies come and go.

A cell of a FILE field is a list of files as JSON text. What is compared of it is what stays the same in both systems:
names and sizes, and checksums where both tell them; never the id by which one of them knows a file, nor the order.
"""

from __future__ import annotations

import datetime as dt
import json
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import pyarrow as pa

PIECE = 1 << 20
"""Bytes of a body that are in memory at a time, at most."""
KEYS = {"id", "name", "size", "checksum"}

Body: TypeAlias = Callable[[], Iterator[bytes]]
"""A body from its beginning, each time it is called, in pieces of `PIECE` bytes at most."""


@dataclass(frozen=True, slots=True)
class HeldFile:
    """id: by which its own system gives the body. size: in bytes. checksum: as `sha256:...` or `md5:...` with
    hexadecimal digits in lower case; empty where the system tells none."""

    id: str
    name: str
    size: int
    checksum: str = ""


class FileError(Exception):
    """A body that does not come or is not taken, and will not be the next time. code: `file.gone`, `file.unreadable` or
    `file.refused`. detail: the system's own words; they may hold values."""

    def __init__(self, code: str, detail: str | None = None) -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


@dataclass(frozen=True, slots=True)
class Uploaded:
    """id: what a cell of the target names the file by. good_until: when the target forgets it unless a record has come
    to use it; aware, None where it never does."""

    id: str
    good_until: dt.datetime | None = None


class HoldsFiles(Protocol):
    """What a connector has besides whose capabilities say `holds_files`."""

    def body(self, object_name: str, file: HeldFile) -> Iterator[bytes]:
        """The body of a file of this object, in pieces. Raises FileError where it is not there or cannot be read."""


class TakesFiles(Protocol):
    """What a connector has besides whose capabilities say `takes_files`. May be called from one thread at a time."""

    def upload(self, object_name: str, field: str, file: HeldFile, body: Body) -> Uploaded:
        """Give the target a file that a record is about to use. file: as it is in the source, its size exact. A call
        that came to nothing is made again, so that the target may have more than one of it. Raises FileError where the
        target will not have it, UnavailableError where it could not be reached."""


def files_in(text: str | None) -> tuple[HeldFile, ...]:
    """The files of a cell. Raises ValueError where the text is no list of files."""
    if text is None or not text.strip():
        return ()
    told = json.loads(text)
    if not isinstance(told, list):
        raise ValueError("no list")
    return tuple(map(_file, told))


def _file(told: object) -> HeldFile:
    if not isinstance(told, dict) or not told.keys() <= KEYS:
        raise ValueError("no file")
    file_id, name, size, checksum = (told.get(key, "") for key in ("id", "name", "size", "checksum"))
    texts = all(isinstance(each, str) for each in (file_id, name, checksum))
    if not texts or type(size) is not int or size < 0 or not name:
        raise ValueError("no file")
    return HeldFile(file_id, name, size, checksum)


def cell_of(files: Sequence[HeldFile]) -> str | None:
    """The cell that holds these files; None where there are none."""
    told = [
        {"id": each.id, "name": each.name, "size": each.size} | ({"checksum": each.checksum} if each.checksum else {})
        for each in files
    ]
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")) if told else None


def to_files(texts: pa.StringArray) -> pa.StringArray:
    """Each cell in its one form; null where it is no list of files, or an empty one."""
    return pa.array([_read(each) for each in texts.to_pylist()], pa.string())


def _read(text: str | None) -> str | None:
    try:
        return cell_of(files_in(text))
    except ValueError:
        return None


def no_files(texts: pa.StringArray) -> pa.BooleanArray:
    """Which cells say that there are none."""
    return pa.array([text is not None and _is_none(text) for text in texts.to_pylist()], pa.bool_())


def _is_none(text: str) -> bool:
    try:
        return not files_in(text)
    except ValueError:
        return False


def compared(texts: pa.StringArray, checksum: str) -> pa.StringArray:
    """What counts of each cell. checksum: the kind that both systems tell of every file, empty for none. A text that is
    no list of files counts as it is."""
    return pa.array([_compared(each, checksum) for each in texts.to_pylist()], pa.string())


def _compared(text: str | None, checksum: str) -> str | None:
    if text is None:
        return None
    try:
        files = files_in(text)
    except ValueError:
        return text
    counted = sorted(
        [unicodedata.normalize("NFC", each.name), each.size, *([each.checksum] if checksum else [])] for each in files
    )
    return json.dumps(counted, ensure_ascii=False, separators=(",", ":")) if counted else None
