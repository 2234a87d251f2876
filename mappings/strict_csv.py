"""The CSV files of a project, read strictly: UTF-8 with or without a BOM, every quote closed, each line by its number.

What a line must hold is for those who read it to say.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator


class NotUtf8Error(Exception):
    """line: of the first byte that is none."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class NotCsvError(Exception):
    """reason: as the reader has it. line: where the record begins that cannot be read."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(reason)
        self.reason, self.line = reason, line


def decoded(raw: bytes) -> str:
    """The text of a file. Raises NotUtf8Error."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotUtf8Error(raw.count(b"\n", 0, error.start) + 1) from error


def records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line on which it begins, the heading first; those without any cell are left out. Raises
    NotCsvError."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for cells in reader:
            if cells:
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise NotCsvError(str(error), line) from error
