"""A workbook that comes back from those who filled it in, opened."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias

from ..connectors.errors import InputError

Sheet: TypeAlias = tuple[str, Sequence[Sequence[object]]]
"""Its title, and its rows of cells as they were last computed."""


def sheets_of(file: Path) -> list[Sheet]:
    """Raises InputError where there is no such file, or it is no workbook."""
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    if not file.is_file():
        raise InputError("worklist.no_file", file=str(file))
    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        sheets: list[Sheet] = [(page.title, list(page.iter_rows(values_only=True))) for page in book.worksheets]
        book.close()
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise InputError("worklist.unreadable", file=str(file)) from error
    return sheets


def text_of_cell(cell: object) -> str:
    """What a person typed into a cell, as text: a spreadsheet makes numbers and dates of it."""
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case float():
            return format(Decimal(repr(cell)).normalize(), "f")
        case dt.datetime() if cell.time() == dt.time():
            return cell.date().isoformat()
        case dt.datetime():
            return cell.isoformat(" ")
        case _:
            return str(cell)
