"""The people list: who is who where no address tells, one line a person."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..connectors.errors import InputError
from ..connectors.finding import Finding, Severity
from .people_config import MANAGER
from .strict_csv import NotCsvError, NotUtf8Error, decoded, records

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
        return _rows(decoded(path.read_bytes()), shown_as, managers)
    except FileNotFoundError:
        raise InputError("people.csv_missing", file=shown_as) from None
    except OSError as error:
        raise InputError("people.csv_unreadable", file=shown_as, reason=error.strerror or "") from error
    except NotUtf8Error as error:
        raise InputError("people.csv_not_utf8", file=shown_as, line=error.line) from error
    except NotCsvError as error:
        raise InputError("people.csv_unreadable", file=shown_as, reason=error.reason) from error


def _rows(text: str, shown_as: str, managers: bool) -> list[PersonRow]:
    lines = records(text)
    _, heading = next(lines, (1, []))
    missing = [name for name in CSV_COLUMNS if name not in heading]
    if missing:
        raise InputError("people.csv_columns", file=shown_as, line=1, missing=", ".join(missing))
    rows: dict[str, PersonRow] = {}
    wrong: list[Finding] = []
    for line, cells in lines:
        named = dict(zip(heading, cells, strict=False))
        source, target = (named.get(name, "").strip() for name in CSV_COLUMNS)
        manager = named.get(MANAGER, "").strip() if managers else ""
        if not source or not (target or manager):
            wrong.append(Finding("people.csv_empty", Severity.BLOCKS, file=shown_as, line=line))
        elif source in rows:
            first = {"first": rows[source].line}
            wrong.append(Finding("people.csv_twice", Severity.BLOCKS, first, file=shown_as, line=line))
        else:
            rows[source] = PersonRow(source, target, line, manager)
    if wrong:
        raise InputError("people.csv_line", tuple(wrong), file=shown_as, count=len(wrong))
    return list(rows.values())
