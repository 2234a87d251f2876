"""Why a CSV file cannot be read, and in which line: asked only after it could not."""

from __future__ import annotations

import codecs
import csv
import sys
from collections.abc import Iterator
from pathlib import Path

from ..errors import InputError
from .options import FileObject

LONGEST_ROW = 16 * 2**20
"""Bytes of one record."""

_BLOCK = 2**20


def utf8(encoding: str, spelling: str) -> str:
    """The encoding, in the given spelling where it is UTF-8."""
    return spelling if codecs.lookup(encoding).name in ("utf-8", "utf-8-sig") else encoding


class _RowTooLongError(Exception):
    pass


class _Lines(Iterator[str]):
    """The lines of a file, remembering those of the record that is being read."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.number = 0
        self.row: list[str] = []
        self.length = 0

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        self.row.append(line)
        self.length += len(line)
        if self.length > LONGEST_ROW:
            raise _RowTooLongError
        return line

    def start_row(self) -> None:
        self.row, self.length = [], 0


def csv_fault(described: FileObject, columns: int | None) -> InputError | None:
    """The first fault of the file: bytes that are not of its encoding, a quote that is never closed, or a record of
    another number of columns (None: any number will do). None where there is no such fault."""
    fault = encoding_fault(described)
    if fault is not None:
        return fault
    limit = csv.field_size_limit(sys.maxsize)
    try:
        with described.path.open(encoding=utf8(described.encoding, "utf-8-sig"), newline="") as stream:
            return _structure_fault(described, _Lines(iter(stream)), columns)
    finally:
        csv.field_size_limit(limit)


def _structure_fault(described: FileObject, lines: _Lines, columns: int | None) -> InputError | None:
    first = 1
    try:
        for row in csv.reader(lines, delimiter=described.delimiter):
            if _is_open(lines.row, described.delimiter):
                break
            if row and columns is not None and len(row) != columns:
                return InputError(
                    "files.ragged_row",
                    object=described.name,
                    file=described.shown,
                    line=first,
                    columns=len(row),
                    expected=columns,
                )
            lines.start_row()
            first = lines.number + 1
        else:
            return None
    except _RowTooLongError:
        pass
    return InputError("files.open_quote", object=described.name, file=described.shown, line=first)


def _is_open(row: list[str], delimiter: str) -> bool:
    """Whether these lines of one record end inside quotes."""
    if len(row) == 1 and row[0].endswith(("\n", "\r")):
        return False
    try:
        list(csv.reader(row, delimiter=delimiter, strict=True))
    except csv.Error as error:
        return "unexpected end" in str(error)
    return False


def encoding_fault(described: FileObject) -> InputError | None:
    """Where the file's bytes are not of its encoding, if anywhere. line: counted in line feeds. byte: from 0."""
    decoder = codecs.getincrementaldecoder(described.encoding)()
    line, offset = 1, 0
    for block in _blocks(described.path):
        waiting = len(decoder.getstate()[0])
        try:
            line += decoder.decode(block, final=not block).count("\n")
        except UnicodeDecodeError as error:
            line += error.object[: error.start].decode(described.encoding, "ignore").count("\n")
            return InputError(
                "files.wrong_encoding",
                object=described.name,
                file=described.shown,
                line=line,
                byte=offset - waiting + error.start,
                encoding=described.encoding,
            )
        offset += len(block)
    return None


def _blocks(path: Path) -> Iterator[bytes]:
    """The file's bytes, and an empty block at its end."""
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            yield block
    yield b""
