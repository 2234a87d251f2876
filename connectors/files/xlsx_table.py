"""Excel workbooks: one sheet an object, its cells as Excel keeps them; of formulas the value that was saved with them.

Numbers come as text, as Excel shows them in full: 15 digits, no exponent, `12` for 12.0. So a key or a code is text
whatever its cell is, and one that is text keeps its zeros. A column of nothing but dates is of that type, one of
nothing but true and false too; for that the whole sheet is looked through once before anything is read.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias
from xml.etree.ElementTree import ParseError

import pyarrow as pa

from ..cell import arrow_type
from ..errors import InputError
from ..schema import Field, FieldType
from ..stored import plain_decimal
from .options import FileObject
from .table import State, check_names, state_of, unreadable

if TYPE_CHECKING:
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

_ROWS = 10_000
_DIGITS = 15
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s>/]")
_BLOCK = 2**20
_BROKEN = (zipfile.BadZipFile, ParseError, KeyError, ValueError, TypeError, IndexError, EOFError)
"""What openpyxl raises for a file that is no workbook, or is damaged."""

Value: TypeAlias = "str | int | float | bool | dt.datetime | dt.date | dt.time | dt.timedelta | None"
Row: TypeAlias = "tuple[Value, ...]"


class XlsxTable:
    def __init__(self, described: FileObject) -> None:
        self._described = described
        self._looked: tuple[State, tuple[Field, ...], int] | None = None

    def fields(self) -> tuple[Field, ...]:
        return self._look()[0]

    def count(self) -> int:
        return self._look()[1]

    def batches(self, columns: Sequence[str], skip: int) -> Iterator[pa.Table]:
        fields = self.fields()
        places = {field.name: place for place, field in enumerate(fields)}
        with self._sheet() as sheet:
            records = itertools.islice(self._records(sheet, len(fields)), skip, None)
            while rows := list(itertools.islice(records, _ROWS)):
                yield pa.table(
                    {name: _column([row[places[name]] for row in rows], fields[places[name]]) for name in columns}
                )

    def _look(self) -> tuple[tuple[Field, ...], int]:
        state = state_of(self._described)
        if self._looked is None or self._looked[0] != state:
            with self._sheet() as sheet:
                names = self._header(sheet)
                check_names(self._described, names)
                kinds: list[set[FieldType]] = [set() for _ in names]
                count = 0
                for row in self._records(sheet, len(names)):
                    count += 1
                    for place, cell in enumerate(row):
                        if cell is not None:
                            kinds[place].add(_kind(cell))
            self._refuse_uncalculated()
            fields = tuple(Field(name, _common(kind), writable=False) for name, kind in zip(names, kinds, strict=True))
            self._looked = (state, fields, count)
        return self._looked[1:]

    @contextmanager
    def _sheet(self, *, formulas: bool = False) -> Iterator[ReadOnlyWorksheet]:
        """The sheet, open for reading from above. Whatever is wrong with the file is raised as InputError."""
        import openpyxl
        from openpyxl.utils.exceptions import InvalidFileException

        described = self._described
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of what openpyxl leaves out: styles, validations, pictures
                book = openpyxl.load_workbook(described.path, read_only=True, data_only=not formulas)
                try:
                    sheet = book[self._sheet_name(book.sheetnames)]
                    sheet.reset_dimensions()  # what programs write there is not always so
                    yield sheet
                finally:
                    book.close()
        except OSError as error:
            raise unreadable(described, error) from error
        except (*_BROKEN, InvalidFileException) as error:
            raise InputError("files.not_xlsx", object=described.name, file=described.shown) from error

    def _sheet_name(self, names: Sequence[str]) -> str:
        described = self._described
        if not names:
            raise KeyError("a workbook without a sheet is damaged")
        if described.sheet is None and len(names) == 1:
            return names[0]
        if described.sheet is None or described.sheet not in names:
            raise InputError("files.no_sheet", object=described.name, file=described.shown, sheets=", ".join(names))
        return described.sheet

    def _header(self, sheet: ReadOnlyWorksheet) -> list[str]:
        """The column names: of the row that the project names, else of the first that is not empty."""
        for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
            if self._described.header in (None, number) and (cells := _held(row)):
                return ["" if cell is None else _text(cell).strip() for cell in cells]
            if number == self._described.header:
                break
        raise InputError("files.no_header_row", object=self._described.name, file=self._described.shown)

    def _records(self, sheet: ReadOnlyWorksheet, width: int) -> Iterator[Row]:
        """The rows behind the header that hold anything, each as wide as the header."""
        begun = False
        for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
            cells = _held(row)
            if not begun:
                begun = self._described.header == number or (self._described.header is None and bool(cells))
            elif len(cells) > width:
                described = self._described
                raise InputError(
                    "files.beyond_header", object=described.name, file=described.shown, row=number, columns=width
                )
            elif cells:
                yield cells + (None,) * (width - len(cells))

    def _refuse_uncalculated(self) -> None:
        """Raises InputError `files.no_value` where a formula has been saved without its value: it would pass for an
        empty cell."""
        if not self._has_formulas():
            return
        described = self._described
        with self._sheet(formulas=True) as written, self._sheet() as sheet:
            pairs = zip(written.iter_rows(), sheet.iter_rows(values_only=True), strict=True)
            for number, (formulas, values) in enumerate(pairs, 1):
                for cell, value in zip(formulas, values, strict=False):
                    if value is None and cell.value is not None and cell.data_type == "f":
                        raise InputError(
                            "files.no_value",
                            object=described.name,
                            file=described.shown,
                            row=number,
                            column=str(cell.column_letter),
                        )

    def _has_formulas(self) -> bool:
        """Whether any sheet of the workbook has a formula."""
        with zipfile.ZipFile(self._described.path) as archive:
            for name in archive.namelist():
                if not name.startswith("xl/worksheets/"):
                    continue
                with archive.open(name) as stream:
                    tail = b""
                    while block := stream.read(_BLOCK):
                        if _FORMULA.search(tail + block):
                            return True
                        tail = block[-20:]
        return False


def _held(row: Sequence[Value]) -> Row:
    """The row without the empty cells at its end."""
    width = len(row)
    while width and row[width - 1] is None:
        width -= 1
    return tuple(row[:width])


def _kind(cell: Value) -> FieldType:
    if isinstance(cell, bool):
        return FieldType.BOOLEAN
    if isinstance(cell, dt.datetime):
        return FieldType.DATE if cell.time() == dt.time.min else FieldType.LOCAL_TIME
    return FieldType.TEXT


def _common(kinds: set[FieldType]) -> FieldType:
    if kinds == {FieldType.DATE, FieldType.LOCAL_TIME}:
        return FieldType.LOCAL_TIME
    return next(iter(kinds)) if len(kinds) == 1 else FieldType.TEXT


def _column(cells: Sequence[Value], field: Field) -> pa.Array:
    if field.type is FieldType.TEXT:
        return pa.array([None if cell is None else _text(cell) for cell in cells], pa.string())
    if field.type is FieldType.DATE:
        cells = [cell.date() if isinstance(cell, dt.datetime) else cell for cell in cells]
    return pa.array(cells, arrow_type(field))


def _text(cell: Value) -> str:
    match cell:
        case bool():
            return "true" if cell else "false"
        case float():
            return plain_decimal(Decimal(format(cell, f".{_DIGITS}g")))
        case dt.datetime() if cell.time() == dt.time.min:
            return cell.date().isoformat()
        case dt.datetime():
            return cell.isoformat(" ")
        case _:
            return str(cell)
