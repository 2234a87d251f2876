"""The people list: who is who where no address tells, one line a person."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..connectors.errors import InputError
from ..connectors.finding import Finding, Severity
from .people_config import MANAGER

CSV_COLUMNS: Final = ("source", "target")


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One line of the people list. source: key or e-mail in the source. target: key or e-mail in the target. manager:
    key or e-mail in the source of whom they report to. Of the last two one may be empty."""

    source: str
    target: str
    line: int
    manager: str = ""


def read_people_csv(path: Path, shown_as: str, *, managers: bool = False) -> list[PersonRow]:
    """The people list. managers: a column `manager` of it counts, where there is one. Raises
    InputError `people.csv_missing`, `people.csv_unreadable`, `people.csv_not_utf8`, `people.csv_columns`, or
    `people.csv_line` with every line that lacks a value or names somebody twice."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError("people.csv_missing", file=shown_as) from None
    except OSError as error:
        raise InputError("people.csv_unreadable", file=shown_as, reason=error.strerror or "") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InputError("people.csv_not_utf8", file=shown_as, line=line) from error
    try:
        return _csv_rows(text, shown_as, managers)
    except csv.Error as error:
        raise InputError("people.csv_unreadable", file=shown_as, reason=str(error)) from error


def _csv_rows(text: str, shown_as: str, managers: bool) -> list[PersonRow]:
    reader = csv.DictReader(text.splitlines(), strict=True)
    missing = [name for name in CSV_COLUMNS if name not in (reader.fieldnames or [])]
    if missing:
        raise InputError("people.csv_columns", file=shown_as, line=1, missing=", ".join(missing))
    rows: dict[str, PersonRow] = {}
    wrong: list[Finding] = []
    for each in reader:
        source, target = ((each[name] or "").strip() for name in CSV_COLUMNS)
        manager = (each.get(MANAGER) or "").strip() if managers else ""
        if not source or not (target or manager):
            wrong.append(Finding("people.csv_empty", Severity.BLOCKS, file=shown_as, line=reader.line_num))
        elif source in rows:
            first = {"first": rows[source].line}
            wrong.append(Finding("people.csv_twice", Severity.BLOCKS, first, file=shown_as, line=reader.line_num))
        else:
            rows[source] = PersonRow(source, target, reader.line_num, manager)
    if wrong:
        raise InputError("people.csv_line", tuple(wrong), file=shown_as, count=len(wrong))
    return list(rows.values())
