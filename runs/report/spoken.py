"""A report put into words: every code is text of one language, every text is one line that nothing obeys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ...connectors.finding import Severity
from ..catalogue import Catalogue
from ..masking import plain
from .alarm import checked, imbalance
from .model import BUCKETS, BranchCounts, Cause, Report, Table, Text

_AMOUNT = re.compile(r"-?(\d{1,3}(,\d{3})+(\.\d+)?|\d+\.\d+)")
_SEVERITIES = tuple(Severity)


@dataclass(frozen=True, slots=True)
class SpokenBranch:
    """A mapping branch. figures: bucket -> number, for the buckets that occur anywhere in the report. alarm: what is
    wrong with the counts, None where they add up."""

    name: str
    object: str
    read: int
    figures: Mapping[str, int]
    adopted: int
    alarm: str | None


@dataclass(frozen=True, slots=True)
class SpokenCause:
    """about: mapping, object and field. place: file and line. mender: who can mend it, and the code by which such
    records are chosen. Each empty where there is none."""

    severity: Severity
    severity_word: str
    text: str
    count: int
    about: str
    place: str
    mender: str
    keys: tuple[str, ...]
    samples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SpokenTable:
    """numeric: which columns hold only numbers. rows: texts, numbers grouped in thousands, empty for None."""

    title: str
    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    omitted: int
    detail: bool


@dataclass(frozen=True, slots=True)
class Spoken:
    """word: good or bad in a word, beside the colour. buckets: (name, label) of those that occur, in order."""

    verb: str
    good: bool
    word: str
    verdict: str
    facts: tuple[tuple[str, str], ...]
    buckets: tuple[tuple[str, str], ...]
    branches: tuple[SpokenBranch, ...]
    causes: tuple[SpokenCause, ...]
    tables: tuple[SpokenTable, ...]
    next_steps: tuple[str, ...]


def speak(report: Report, catalogue: Catalogue, most_rows: int) -> Spoken:
    """The report in the catalogue's language, with no table longer than `most_rows`, causes worst first."""
    report = checked(report)
    occurring = [name for name in BUCKETS if any(branch.buckets.get(name) for branch in report.counts)]
    causes = sorted(report.causes, key=lambda cause: (_SEVERITIES.index(cause.severity), -cause.count))
    return Spoken(
        verb=plain(report.verb),
        good=report.good,
        word=catalogue.text("report.good" if report.good else "report.bad"),
        verdict=_said(report.verdict, catalogue),
        facts=tuple((catalogue.text(label), _said(value, catalogue)) for label, value in report.facts),
        buckets=tuple((name, catalogue.text(f"bucket.{name}")) for name in occurring),
        branches=tuple(_branch(branch, occurring, catalogue) for branch in report.counts),
        causes=tuple(_cause(cause, catalogue) for cause in causes),
        tables=tuple(_table(table, catalogue, most_rows) for table in report.tables),
        next_steps=tuple(plain(step) for step in report.next_steps),
    )


def cause_text(cause: Cause) -> Text:
    """The cause's text, with the names of mapping, object and field among its params where it does not give them."""
    named = {"mapping": cause.mapping, "object": cause.object, "field": cause.field}
    known = {name: value for name, value in named.items() if value is not None}
    return Text(cause.text.code, known | dict(cause.text.params))


def _said(value: str | int | Text | None, catalogue: Catalogue) -> str:
    match value:
        case None:
            return ""
        case Text():
            return plain(catalogue.text(value.code, value.params))
        case int():
            return f"{value:,}"
        case _:
            return plain(value)


def _branch(branch: BranchCounts, occurring: Iterable[str], catalogue: Catalogue) -> SpokenBranch:
    wrong = imbalance(branch)
    return SpokenBranch(
        name=plain(branch.mapping),
        object=plain(branch.object),
        read=branch.read,
        figures={name: branch.buckets.get(name, 0) for name in occurring},
        adopted=branch.adopted,
        alarm=None if wrong is None else _said(wrong, catalogue),
    )


def _cause(cause: Cause, catalogue: Catalogue) -> SpokenCause:
    place = cause.file or ""
    if cause.file and cause.line is not None:
        place = f"{cause.file}:{cause.line}"
    about = [cause.mapping, cause.object if cause.object != cause.mapping else None, cause.field]
    return SpokenCause(
        severity=cause.severity,
        severity_word=catalogue.text(f"severity.{cause.severity}"),
        text=_said(cause_text(cause), catalogue),
        count=cause.count,
        about=plain(" · ".join(filter(None, about))),
        place=plain(place),
        mender=f"{catalogue.text(cause.mender)} · {cause.text.code}" if cause.mender else "",
        keys=tuple(plain(key) for key in cause.keys),
        samples=tuple(plain(sample) for sample in cause.samples),
    )


def _table(table: Table, catalogue: Catalogue, most_rows: int) -> SpokenTable:
    columns = list(zip(*table.rows, strict=True)) or [()] * len(table.columns)
    most_rows = len(table.rows) if table.whole else most_rows
    return SpokenTable(
        title=_said(table.title, catalogue),
        columns=tuple(catalogue.text(column) for column in table.columns),
        numeric=tuple(_all_numbers(column) for column in columns),
        rows=tuple(tuple(_said(cell, catalogue) for cell in row) for row in table.rows[:most_rows]),
        omitted=table.omitted + max(0, len(table.rows) - most_rows),
        detail=table.detail,
    )


def _all_numbers(cells: Iterable[str | int | Text | None]) -> bool:
    """Amounts come as text, for they are exact; bare digits in a text are a key."""
    given = [cell for cell in cells if cell is not None]
    return bool(given) and all(
        isinstance(cell, int) or (isinstance(cell, str) and _AMOUNT.fullmatch(cell) is not None) for cell in given
    )
