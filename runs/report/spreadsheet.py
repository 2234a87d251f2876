"""A workbook for people: every cell a text or a whole number, none a formula, keys exactly as they are."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..masking import cell_for_people, cell_of_lines

MOST_ROWS = 1_000_000
"""Of one sheet; a spreadsheet takes 1,048,576."""
WIDEST, NARROWEST = 60, 6
_LONGEST_NAME = 31


@dataclass(frozen=True, slots=True)
class Sheet:
    """name: of its tab. columns: the head's texts. rows: as many cells each; None is an empty one. hidden: columns that
    are not shown. lines: cells may have several."""

    name: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str | int | None, ...]]
    hidden: tuple[int, ...] = ()
    lines: bool = False


def workbook(sheets: Sequence[Sheet], title: str) -> bytes:
    """The sheets as an XLSX file: the head frozen and with a filter, texts as texts, columns as wide as they need. A
    sheet with too many rows goes on in further ones."""
    import xlsxwriter

    body = io.BytesIO()
    book = xlsxwriter.Workbook(body, {"in_memory": True})
    book.set_properties({"title": cell_for_people(title)})
    head = book.add_format({"bold": True, "bg_color": "#E8EEF4", "bottom": 1, "text_wrap": True, "valign": "top"})
    text = book.add_format({"num_format": "@", "text_wrap": True, "valign": "top"})
    number = book.add_format({"num_format": "0", "valign": "top"})
    for sheet in (piece for each in sheets for piece in _pieces(each)):
        page = book.add_worksheet(sheet.name)
        for column, name in enumerate(sheet.columns):
            page.write_string(0, column, cell_for_people(name), head)
        for row, cells in enumerate(sheet.rows, 1):
            for column, cell in enumerate(cells):
                if isinstance(cell, int):
                    page.write_number(row, column, cell, number)
                elif cell:
                    page.write_string(row, column, cell_of_lines(cell) if sheet.lines else cell_for_people(cell), text)
        for column, wide in enumerate(_widths(sheet)):
            page.set_column(column, column, wide, None, {"hidden": column in sheet.hidden})
        page.freeze_panes(1, 0)
        page.autofilter(0, 0, max(len(sheet.rows), 1), len(sheet.columns) - 1)
    book.close()
    return body.getvalue()


def _pieces(sheet: Sheet) -> Iterator[Sheet]:
    for number, start in enumerate(range(0, max(len(sheet.rows), 1), MOST_ROWS), 1):
        name = sheet.name[:_LONGEST_NAME] if number == 1 else f"{sheet.name[: _LONGEST_NAME - 4]} {number}"
        yield replace(sheet, name=name, rows=sheet.rows[start : start + MOST_ROWS])


def _widths(sheet: Sheet) -> Iterator[int]:
    """Room for the widest cell of each column, and for the filter's button beside its head."""
    for column, name in enumerate(sheet.columns):
        widest = max((_width(str(row[column])) for row in sheet.rows if row[column] is not None), default=0)
        yield min(WIDEST, max(NARROWEST, widest, _width(name) + 2)) + 2


def _width(text: str) -> int:
    """A Chinese character takes the room of two Latin ones."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
