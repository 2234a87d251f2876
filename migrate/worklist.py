"""The verb `worklist`: every record that waits, in a workbook, sorted by who can mend it."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..connectors.clock import Clock
from ..connectors.errors import DecisionError, InputError
from ..connectors.secrets import Secrets
from ..runs.catalogue import Catalogue
from ..runs.ledger import records, runlog
from ..runs.ledger.records import Waiting
from ..runs.masking import mask
from ..runs.menders import MENDERS
from ..runs.private_files import private_folder, write_private
from ..runs.report.model import Cause, Report, Text
from ..runs.report.spoken import cause_text
from ..runs.report.spreadsheet import Sheet, workbook
from ..runs.values import SAMPLE
from .causes import sample_key
from .loading.parked import chosen_parked, owners_of
from .prepare import prepare
from .project import Project
from .session import Session, open_session
from .showing import showing
from .waiting import Reason, causes_of, codes_table, reasons_of, text_of
from .worklist_cells import cells_at_fault

SUFFIX = ".xlsx"
COLUMNS = (
    "column.object",
    "word.old_key",
    "word.new_key",
    "column.field",
    "column.reason",
    "column.sample",
    "column.source_field",
    "column.current",
    "column.new_value",
    "column.who",
    "column.because",
    "column.mender",
    "column.owner",
    "column.since",
    "column.started",
    "column.code",
    "column.command",
    "column.mark",
)
FILLED = ("column.new_value", "column.who", "column.because")
"""What people fill in, and `worklist --import` reads."""
SUMMARY = ("column.mapping", "column.field", "column.code", "column.records", "column.reason", "column.mender")
_Row = tuple[str | int | None, ...]


def worklist(
    project: Project,
    file: Path | None,
    catalogue: Catalogue,
    secrets: Secrets,
    clock: Clock,
    code: str | None = None,
    owner: str | None = None,
    show_values: bool = False,
) -> Report:
    """Write the workbook, in the catalogue's language; the source's cells masked unless show_values. Neither system is
    written to. Raises InputError `worklist.not_xlsx`, `worklist.no_folder`, `worklist.exists`, or as
    `chosen_parked`."""
    path = _path(project, file, clock)
    with open_session(project, secrets, clock, alone=False) as session:
        prepare(session)
        waiting = records.waiting(session.ledger)
        reasons = reasons_of(session.ledger, chosen_parked(session, waiting, code, owner))
        told = causes_of(reasons)
        if reasons:
            rows = _rows(session, reasons, {each.our_key: each for each in waiting}, catalogue, show_values)
            sheets = [_summary(told, catalogue)]
            sheets += [_sheet(name, rows.get(f"mender.{name}", ()), catalogue) for name in MENDERS]
            if file is None:
                private_folder(path.parent)
            write_private(path, workbook(sheets, f"{project.spec.project} {project.env}"))
    chosen = "" if code is None else f" --code {shlex.quote(code)}"
    chosen += "" if owner is None else f" --owner {shlex.quote(owner)}"
    return Report(
        verb="worklist",
        verdict=Text("worklist.written" if reasons else "worklist.empty", {"count": len(reasons)}),
        good=True,
        facts=(
            ("fact.environment", project.env),
            *((("fact.file", project.typed(path)),) if reasons else ()),
        ),
        causes=told,
        tables=codes_table(reasons),
        next_steps=(project.command(f"run --rejected{chosen}"),) if reasons else (),
        extra={"file": str(path) if reasons else None, "parked": len(reasons)},
    )


def _path(project: Project, file: Path | None, clock: Clock) -> Path:
    if file is None:
        return project.runs / "reports" / f"worklist-{clock.now():%Y%m%d-%H%M%S-%f}{SUFFIX}"
    if file.suffix.lower() != SUFFIX:
        raise InputError("worklist.not_xlsx", file=str(file))
    if not file.absolute().parent.is_dir():
        raise InputError("worklist.no_folder", folder=str(file.absolute().parent))
    if file.exists():
        raise InputError("worklist.exists", file=str(file))
    return file.absolute()


def _summary(told: Sequence[Cause], catalogue: Catalogue) -> Sheet:
    rows: list[_Row] = [
        (
            each.mapping,
            each.field,
            each.text.code,
            each.count,
            _said(cause_text(each), catalogue),
            catalogue.text(each.mender or ""),
        )
        for each in told
    ]
    return Sheet(catalogue.text("worklist.summary"), tuple(map(catalogue.text, SUMMARY)), rows)


def _said(text: Text, catalogue: Catalogue) -> str:
    return catalogue.text(text.code, text.params)


def _sheet(name: str, rows: Sequence[_Row], catalogue: Catalogue) -> Sheet:
    return Sheet(catalogue.text(f"worklist.{name}"), tuple(map(catalogue.text, COLUMNS)), rows)


def _rows(
    session: Session,
    reasons: Sequence[Reason],
    waiting: Mapping[str, Waiting],
    catalogue: Catalogue,
    show_values: bool,
) -> dict[str, list[_Row]]:
    """Mender -> its rows. waiting: our key -> everything that waits."""
    owners = owners_of(session, [each.record for each in reasons])
    samples = _samples(session, reasons)
    cells = cells_at_fault(session, reasons)
    files = [each.mapping_file for each in session.mappings.values()]
    may = showing(session.project.spec.classes, files, show_values)
    started = {run.id: run.started[:16].replace("T", " ") for run in runlog.history(session.ledger)}
    rows: dict[str, list[_Row]] = defaultdict(list)
    for each in reasons:
        record = each.record
        told = " · ".join(_said(text_of(finding), catalogue) for finding in (each.finding, *each.also))
        sample = samples.get((record.object, record.our_key))
        cell = cells.get((record.object, record.our_key))
        rows[each.mender].append(
            (
                record.source_object,
                record.source_key,
                record.target_key,
                each.finding.field,
                told,
                None if sample is None else mask(sample),
                None if cell is None else cell.field,
                None if cell is None or cell.text is None else may.source(cell.object, cell.field, cell.text),
                *(None,) * len(FILLED),
                catalogue.text(each.mender),
                owners.get((record.object, record.our_key)),
                each.since,
                started.get(each.since),
                record.code,
                session.project.command(f"run --rejected --code {shlex.quote(_root(record, waiting).code)} --execute"),
                None if cell is None else cell.mark,
            )
        )
    return rows


def _root(record: Waiting, waiting: Mapping[str, Waiting]) -> Waiting:
    """What keeps a held record back in the end: it goes along with that one."""
    seen: set[str] = set()
    while record.waits_for in waiting and record.our_key not in seen:
        seen.add(record.our_key)
        record = waiting[record.waits_for or ""]
    return record


def _samples(session: Session, reasons: Sequence[Reason]) -> dict[tuple[str, str], str]:
    """(target object, our key) -> the cell at fault, from the value store, where one was kept and its key is not
    lost."""
    wanted: dict[tuple[int, str], dict[str, Reason]] = defaultdict(dict)
    for each in reasons:
        if each.noted is not None and "parent" not in each.noted[1].params:
            run, finding = each.noted
            wanted[run, finding.object or ""][sample_key(finding)] = each
    found: dict[tuple[str, str], str] = {}
    for (run, object_name), by_key in wanted.items():
        try:
            kept = session.values.get_many(SAMPLE, str(run), object_name, list(by_key))
        except DecisionError:
            continue
        for key, sample in kept.items():
            record = by_key[key].record
            found[record.object, record.our_key] = sample.decode("utf-8", "replace")
    return found
