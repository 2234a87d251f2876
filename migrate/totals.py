"""Business totals on both sides, to the cent: the source's, less what stayed behind, are the target's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import pandas as pd

from ..connectors.chunk import Chunk
from ..connectors.errors import InputError
from ..connectors.finding import Finding
from ..connectors.schema import Schema
from ..mappings.mapped import make_our_key
from ..mappings.yaml.strict_yaml import load_model, read_yaml
from ..runs.ledger import records
from ..runs.ledger.records import RecordRow
from ..runs.report.model import Row, Table, Text
from ..validators.group_sums import LEFT_BEHIND, GroupSums
from ..validators.totals import COUNT, Total, TotalLine, TotalsFile, check_totals, compare_totals, group_sums
from .loading.select import Choice
from .project import Project
from .session import Session, Tick

FILE = "totals.yaml"
FILTERED, PENDING = "filtered", "pending"
LISTED = 200


def load_totals(session: Session) -> TotalsFile | None:
    """The project's totals.yaml, None where it has none. Raises InputError `totals.problems` with every name in it that
    a system does not have."""
    return totals_of(session.project, session.source_schema, session.target_schema)


def totals_of(project: Project, source: Schema, target: Schema) -> TotalsFile | None:
    """The same of a project whose systems are described thus."""
    path = project.folder / FILE
    if not path.is_file():
        return None
    document = read_yaml(path, shown_as=FILE)
    totals = load_model(document, TotalsFile)
    problems = check_totals(totals, document, source, target)
    if problems:
        raise InputError("totals.problems", tuple(problems), count=len(problems))
    return totals


@dataclass(frozen=True)
class Totals:
    """lines: every group and measure of every total. findings: cells of summed fields that are no number and so count
    in none."""

    lines: tuple[TotalLine, ...]
    findings: tuple[Finding, ...]

    @property
    def equal(self) -> bool:
        return all(line.equal for line in self.lines)


def totals_if_any(session: Session, choice: Choice) -> Totals | None:
    """The totals of both sides; None where the project has none, or where only a few records were chosen."""
    totals = load_totals(session)
    if totals is None or not choice.everything:
        return None
    lines: list[TotalLine] = []
    findings: list[Finding] = []
    for total in totals.totals:
        source, target = _source_sums(session, total), _target_sums(session, total)
        lines += compare_totals(total, source, target)
        findings += [*source.named_misfits, *target.named_misfits]
        session.tick(Tick("totals", total.name, 1, 1))
    return Totals(tuple(lines), tuple(findings))


def _source_sums(session: Session, total: Total) -> GroupSums:
    described = session.source_schema.objects[total.source.object]
    sums = group_sums(total.source, described)
    for chunk in session.source.read(described.name, total.source.fields):
        sums.add(chunk.frame, chunk.keys, _reasons(session, chunk, total.target.object))
    return sums


def _target_sums(session: Session, total: Total) -> GroupSums:
    described = session.target_schema.objects[total.target.object]
    sums = group_sums(total.target, described)
    for chunk in session.target.read(described.name, total.target.fields):
        sums.add(*_ours(session, chunk))
    return sums


def _reasons(session: Session, chunk: Chunk, target_object: str) -> list[str | None]:
    """Why each source record is not in the target, None where it is (be it in an older version)."""
    why: dict[str, str | None] = {}
    for mapping in session.mappings.values():
        if (mapping.source.name, mapping.target.name) != (chunk.object, target_object):
            continue
        ours = [make_our_key(mapping.system, chunk.object, key, mapping.branch) for key in chunk.keys]
        known = records.lookup(session.ledger, target_object, ours)
        for key, our_key in zip(chunk.keys, ours, strict=True):
            if our_key in known and why.get(key, FILTERED) is not None:  # one branch that brought it is enough
                why[key] = _reason(known[our_key])
    return [why.get(key, FILTERED) for key in chunk.keys]


def _reason(record: RecordRow) -> str | None:
    if record.target_key is not None:
        return None
    return record.state if record.state in LEFT_BEHIND else PENDING


def _ours(session: Session, chunk: Chunk) -> tuple[pd.DataFrame, list[str]]:
    """The rows that are ours: what users made themselves counts in no total."""
    known = records.our_keys(session.ledger, chunk.object, chunk.keys)
    mine = [place for place, key in enumerate(chunk.keys) if key in known]
    return chunk.frame.iloc[mine].reset_index(drop=True), [chunk.keys[place] for place in mine]


def totals_facts(lines: Sequence[TotalLine]) -> tuple[tuple[str, Text], ...]:
    """How many lines there are and how many differ."""
    off = sum(not line.equal for line in lines)
    code = "totals.some_differ" if off else "totals.all_equal"
    return (("fact.totals", Text(code, {"lines": len(lines), "off": off})),)


def totals_tables(lines: Sequence[TotalLine]) -> tuple[Table, ...]:
    """Those that differ, and all of them for the page."""
    off = _table("table.totals_off", [line for line in lines if not line.equal], detail=False)
    every = _table("table.totals", lines, detail=True)
    return (off, every) if off.rows else (every,)


def _table(title: str, lines: Sequence[TotalLine], *, detail: bool) -> Table:
    rows = tuple(_row(line) for line in lines[:LISTED])
    return Table(Text(title), _COLUMNS, rows, max(0, len(lines) - LISTED), detail)


_COLUMNS = (
    "column.total",
    "column.group",
    "column.measure",
    "column.source_total",
    "column.left_behind",
    "column.expected",
    "column.target_total",
    "column.difference",
)


def _row(line: TotalLine) -> Row:
    group = " / ".join("-" if part is None else part for part in line.group)
    figures = (line.source_total, line.left_behind, line.expected, line.target, line.difference)
    return (
        line.name,
        group or None,
        Text("word.count") if line.measure == COUNT else line.measure,
        *_aligned(figures),
    )


def _aligned(figures: Sequence[Decimal | int]) -> list[str | int]:
    """Amounts of one line with the same number of places, two at least; whole numbers as they are."""
    places = max((_places(each) for each in figures), default=0)
    return [f"{each:,.{max(2, places)}f}" if places else int(each) for each in figures]


def _places(figure: Decimal | int) -> int:
    exponent = Decimal(figure).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
