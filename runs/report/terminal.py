"""A report for a terminal: verdict, facts, counts, findings, tables, next steps. Values in, renderables out."""

from __future__ import annotations

from collections.abc import Iterator

from rich.box import ROUNDED, SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ...connectors.finding import Severity
from ..catalogue import Catalogue
from .model import Report
from .spoken import Spoken, SpokenBranch, SpokenCause, SpokenTable, speak
from .wrapping import Prose, widest

MOST_ROWS = 20
MOST_CAUSES = 25
MOST_KEYS = 5
MOST_SAMPLES = 3

_INDENT = (0, 0, 0, 2)
_SEVERITY_STYLES = {
    Severity.BLOCKS: "bold red",
    Severity.HOLDS: "bold yellow",
    Severity.WARNS: "yellow",
    Severity.INFO: "dim",
}


def render(report: Report, catalogue: Catalogue) -> RenderableType:
    """The whole report, fit for 80 columns and more. Print it with `crop=False`, so that commands stay on one line."""
    spoken = speak(report, catalogue, MOST_ROWS)
    parts: list[RenderableType] = [_verdict(spoken)]
    if spoken.facts:
        parts.append(_Facts(spoken.facts))
    if spoken.branches:
        parts += [_heading(catalogue.text("report.counts")), _Counts(spoken, catalogue)]
    if spoken.causes:
        parts += [_heading(catalogue.text("report.causes")), *_causes(spoken.causes, catalogue)]
    for table in spoken.tables:
        if table.detail:
            continue
        parts += [_heading(table.title), *_table(table, catalogue)]
    if spoken.next_steps:
        parts += [_heading(catalogue.text("report.next")), *map(_command, spoken.next_steps)]
    return Group(*parts)


def _heading(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def _verdict(spoken: Spoken) -> RenderableType:
    colour = "green" if spoken.good else "red"
    told = Prose(spoken.word, style=f"bold {colour}").append(f"  {spoken.verdict}", style="bold default")
    return Panel(told, box=ROUNDED, border_style=colour, title=f"changeover {spoken.verb}", title_align="left")


class _Facts:
    """A line a fact. What may not be broken and is too wide to stand beside its label, such as a path, stands below it:
    whole, so that it can be copied."""

    def __init__(self, facts: tuple[tuple[str, str], ...]) -> None:
        self._facts = facts

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        labels = max(cell_len(label) for label, _ in self._facts)
        for label, value in self._facts:
            if widest(value) <= options.max_width - labels - 4:
                grid = Table.grid(padding=(0, 2))
                grid.add_column(style="dim", no_wrap=True, width=labels)
                grid.add_column(overflow="fold")
                grid.add_row(Text(label), Prose(value))
                yield Padding(grid, _INDENT)
            else:
                yield Text(f"  {label}", style="dim")
                yield Text(f"    {value}", no_wrap=True, overflow="ignore")


class _Counts:
    """A table with a line a branch where it fits, else a paragraph a branch."""

    def __init__(self, spoken: Spoken, catalogue: Catalogue) -> None:
        self._spoken = spoken
        self._catalogue = catalogue

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = Padding(self._table(), _INDENT)
        if console.measure(table, options=options.update(width=10_000)).maximum <= options.max_width:
            yield table
        else:
            yield from map(self._paragraph, self._spoken.branches)
        for branch in self._spoken.branches:
            if branch.alarm:
                yield Padding(Prose(f"!! {branch.alarm}", style="bold red"), _INDENT)
            if branch.adopted:
                told = self._catalogue.text("report.adopted", {"mapping": branch.name, "count": branch.adopted})
                yield Padding(Prose(told, style="dim"), _INDENT)

    def _table(self) -> Table:
        table = _plain_table()
        table.add_column(Text(self._catalogue.text("word.mapping")), no_wrap=True)
        table.add_column(Text(self._catalogue.text("bucket.read")), justify="right", no_wrap=True)
        for _, label in self._spoken.buckets:
            table.add_column(Text(label), justify="right", no_wrap=True)
        branches = self._spoken.branches
        for branch in branches:
            style = "bold red" if branch.alarm else ""
            table.add_row(Text(_name(branch)), f"{branch.read:,}", *_figures(branch), style=style)
        if len(branches) > 1:
            sums = [f"{sum(branch.figures[name] for branch in branches):,}" for name, _ in self._spoken.buckets]
            read = f"{sum(branch.read for branch in branches):,}"
            table.add_section()
            table.add_row(Text(self._catalogue.text("report.total")), read, *sums, style="bold")
        return table

    def _paragraph(self, branch: SpokenBranch) -> RenderableType:
        sign = "≠" if branch.alarm else "="
        parts = [f"{label} {branch.figures[name]:,}" for name, label in self._spoken.buckets if branch.figures[name]]
        told = f"{self._catalogue.text('bucket.read')} {branch.read:,} {sign} {' + '.join(parts) or '0'}"
        grid = Table.grid(padding=(0, 2))
        grid.add_column(no_wrap=True, width=max(cell_len(_name(each)) for each in self._spoken.branches))
        grid.add_column(overflow="fold")
        grid.add_row(Text(_name(branch), style="bold red" if branch.alarm else "bold"), Prose(told))
        return Padding(grid, _INDENT)


def _name(branch: SpokenBranch) -> str:
    return f"!! {branch.name}" if branch.alarm else branch.name


def _figures(branch: SpokenBranch) -> list[str]:
    return [f"{number:,}" if number else "-" for number in branch.figures.values()]


def _causes(causes: tuple[SpokenCause, ...], catalogue: Catalogue) -> Iterator[RenderableType]:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True, justify="right")
    grid.add_column(overflow="fold")
    for cause in causes[:MOST_CAUSES]:
        severity = Text(cause.severity_word, style=_SEVERITY_STYLES[cause.severity])
        count = Text(catalogue.text("report.times", {"count": cause.count}))
        grid.add_row(severity, count, _cause(cause, catalogue))
    yield Padding(grid, _INDENT)
    if len(causes) > MOST_CAUSES:
        yield _omitted(catalogue.text("report.causes_omitted", {"count": len(causes) - MOST_CAUSES}))


def _cause(cause: SpokenCause, catalogue: Catalogue) -> Text:
    told = Prose(cause.text)
    for where in ("  ".join(filter(None, (cause.place, cause.about))), cause.mender):
        if where:
            told.append(f"\n{where}", style="dim")
    for label, some, most in (("keys", cause.keys, MOST_KEYS), ("samples", cause.samples, MOST_SAMPLES)):
        if some:
            more = " …" if len(some) > most or (label == "keys" and cause.count > len(some)) else ""
            listed = {"label": f"@report.{label}", "list": ", ".join(some[:most]) + more}
            told.append("\n" + catalogue.text("report.listed", listed), style="dim")
    return told


def _table(spoken: SpokenTable, catalogue: Catalogue) -> Iterator[RenderableType]:
    if not spoken.rows:
        yield Padding(Prose(catalogue.text("report.no_rows"), style="dim"), _INDENT)
    else:
        table = _plain_table()
        for name, numeric in zip(spoken.columns, spoken.numeric, strict=True):
            table.add_column(Text(name), justify="right" if numeric else "left", overflow="fold", no_wrap=numeric)
        for row in spoken.rows:
            cells = zip(row, spoken.numeric, strict=True)
            table.add_row(*(Text(cell) if numeric else Prose(cell) for cell, numeric in cells))
        yield Padding(table, _INDENT)
    if spoken.omitted:
        yield _omitted(catalogue.text("report.rows_omitted", {"count": spoken.omitted}))


def _plain_table() -> Table:
    return Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 0, 0, 1), pad_edge=False, header_style="dim")


def _omitted(text: str) -> RenderableType:
    return Padding(Prose(text, style="dim"), _INDENT)


def _command(step: str) -> Text:
    return Text(f"  {step}", style="cyan", no_wrap=True, overflow="ignore")
