"""CSV: every cell the text that stands in the file. An empty cell is null; `""` is empty text."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.csv

from ..errors import InputError
from ..schema import Field, FieldType
from .csv_fault import LONGEST_ROW, csv_fault, utf8
from .options import FileObject
from .table import check_names, unreadable

BLOCKS = (2**20, LONGEST_ROW)
"""Bytes read at once. Small blocks keep memory flat; the large one is for a record that is longer than a small one."""

_TAIL = 4096


class CsvTable:
    def __init__(self, described: FileObject) -> None:
        self._described = described

    def fields(self) -> tuple[Field, ...]:
        return tuple(Field(name, FieldType.TEXT, writable=False) for name in self._header()[0])

    def batches(self, columns: Sequence[str], skip: int) -> Iterator[pa.Table]:
        names, empty = self._header()
        if empty:
            return
        for block in BLOCKS:
            try:
                for table in self._in_blocks(block, names, columns, skip):
                    skip += len(table)
                    yield table
                return
            except (pa.ArrowInvalid, UnicodeDecodeError) as error:
                too_long = "straddl" in str(error)
                if not too_long or block == BLOCKS[-1]:
                    raise csv_fault(self._described, len(names)) or self._not_csv(too_long) from error
            except OSError as error:
                raise unreadable(self._described, error) from error

    def _in_blocks(self, block: int, names: Sequence[str], columns: Sequence[str], skip: int) -> Iterator[pa.Table]:
        """Raises ArrowInvalid `straddling ...` where a record is longer than a block."""
        last: str | None = None
        for batch in self._reader(block, names, [*dict.fromkeys([*columns, names[-1]])]):
            last = batch.column(names[-1])[-1].as_py() if len(batch) else last
            table = pa.Table.from_batches([batch.slice(min(skip, len(batch)))]).select(list(columns))
            skip -= min(skip, len(batch))
            if len(table):
                yield table
        if self._may_be_open(last) and (fault := csv_fault(self._described, len(names))):
            raise fault

    def count(self) -> int:
        return sum(len(table) for table in self.batches(self._described.key[:1], 0))

    def _reader(self, block: int, names: Sequence[str], wanted: Sequence[str]) -> pyarrow.csv.CSVStreamingReader:
        return pyarrow.csv.open_csv(
            self._described.path,
            read_options=pyarrow.csv.ReadOptions(encoding=utf8(self._described.encoding, "utf8"), block_size=block),
            parse_options=pyarrow.csv.ParseOptions(delimiter=self._described.delimiter, newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                include_columns=list(wanted),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )

    def _header(self) -> tuple[list[str], bool]:
        """The column names, and whether no record follows them."""
        described = self._described
        try:
            with described.path.open(encoding=utf8(described.encoding, "utf-8-sig"), newline="") as stream:
                rows = csv.reader(stream, delimiter=described.delimiter)
                header = next((row for row in rows if row), None)
                empty = not any(line.strip("\r\n") for line in stream)
        except OSError as error:
            raise unreadable(described, error) from error
        except (UnicodeDecodeError, csv.Error) as error:
            raise csv_fault(described, None) or self._not_csv(False) from error
        if not header:
            raise InputError("files.no_header", object=described.name, file=described.shown)
        header[0] = header[0].removeprefix("\ufeff")
        check_names(described, header)
        return header, empty

    def _not_csv(self, too_long: bool) -> InputError:
        described = self._described
        if too_long:
            megabytes = LONGEST_ROW // 2**20
            return InputError("files.row_too_long", object=described.name, file=described.shown, megabytes=megabytes)
        return InputError("files.not_csv", object=described.name, file=described.shown)

    def _may_be_open(self, last: str | None) -> bool:
        """Whether the file may end inside quotes. A reader takes such an end for the end of a cell, and all the
        records from the quote on for that cell's text."""
        if not last or not any(sign in last for sign in (self._described.delimiter, "\n", "\r")):
            return False
        with self._described.path.open("rb") as stream:
            stream.seek(max(0, self._described.path.stat().st_size - _TAIL) // 4 * 4)
            tail = stream.read().decode(self._described.encoding, "ignore").rstrip("\r\n")
        return (len(tail) - len(tail.rstrip('"'))) % 2 == 0
