"""The verb `worklist --import`: what people have filled in becomes corrections of the project."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from ..connectors.clock import Clock
from ..connectors.errors import InputError
from ..connectors.finding import Finding, Severity
from ..connectors.secrets import Secrets
from ..mappings.corrections import COLUMNS, Correction, check_corrections
from ..runs.catalogue import LANGUAGES, Catalogue
from ..runs.ledger import records
from ..runs.masking import cell_for_people
from ..runs.private_files import write_private, write_refused
from ..runs.report.model import Report, Text
from .causes import causes
from .corrections import FOLDER, corrections_of
from .prepare import prepare
from .project import Project
from .returned_sheets import sheets_of, text_of_cell
from .session import Session, open_session
from .worklist_cells import SourceCell, read_cells

READ = ("column.object", "word.old_key", "column.source_field", "column.new_value", "column.who", "column.because")
MARK = "column.mark"


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the workbook in which somebody has filled in something. place: workbook and sheet; line: of the
    sheet."""

    object: str
    key: str
    field: str
    new: str
    who: str
    why: str
    mark: str
    place: str
    line: int

    def refused(self, code: str, **params: str | int) -> Finding:
        told = {"name": self.field or "-", **params}
        return Finding(code, Severity.BLOCKS, told, object=self.object, key=self.key, file=self.place, line=self.line)


def import_worklist(project: Project, file: Path, secrets: Secrets, clock: Clock) -> Report:
    """Write `corrections/worklist-DATE.csv` of the lines that are filled in whole, and say which were refused and why.
    Neither system is written to. Raises InputError `worklist.no_file`, `worklist.unreadable` or
    `worklist.not_a_worklist`."""
    lines = _read(file)
    with open_session(project, secrets, clock, alone=False) as session:
        prepare(session)
        taken, refused = _judged(session, lines)
    path = _write(project, taken, clock) if taken else None
    code = "worklist.imported" if taken else "worklist.all_refused" if refused else "worklist.nothing_filled"
    return Report(
        verb="worklist",
        verdict=Text(code, {"count": len(taken), "refused": len(refused)}),
        good=not refused,
        exit_code=1 if refused else 0,
        facts=(
            ("fact.environment", project.env),
            *((("fact.file", project.typed(path)),) if path is not None else ()),
            *((("fact.refused_lines", len(refused)),) if refused else ()),
        ),
        causes=causes(refused),
        next_steps=(project.command("plan --rejected"),) if taken else (),
        extra={"file": str(path) if path else None, "imported": len(taken), "refused": len(refused)},
    )


def _read(file: Path) -> list[_Line]:
    found = [(title, rows, places) for title, rows in sheets_of(file) if rows and (places := _places(rows[0]))]
    if not found:
        raise InputError("worklist.not_a_worklist", file=str(file))
    return [line for title, rows, places in found for line in _lines(f"{file.name} {title}", rows, places)]


def _places(head: Sequence[object]) -> dict[str, int] | None:
    """Where the columns are, in whichever language they are headed; None where one is missing."""
    for language in LANGUAGES:
        catalogue = Catalogue(language)
        names = {code: catalogue.text(code) for code in (*READ, MARK)}
        if set(names.values()) <= set(head):
            return {code: list(head).index(name) for code, name in names.items()}
    return None


def _lines(place: str, rows: Sequence[Sequence[object]], places: dict[str, int]) -> Iterator[_Line]:
    for number, row in enumerate(rows[1:], 2):
        cells = {code: text_of_cell(row[at]) if at < len(row) else "" for code, at in places.items()}
        name, key, field, new, who, why = (cells[code] for code in READ)
        if new.strip() or who.strip() or why.strip():
            yield _Line(name, key, field, new, who.strip(), why.strip(), cells[MARK], place, number)


def _judged(session: Session, lines: Sequence[_Line]) -> tuple[list[Correction], list[Finding]]:
    """The corrections that the lines make, and why the others make none."""
    refused: list[Finding] = []
    whole: dict[tuple[str, str], list[_Line]] = defaultdict(list)
    said: set[tuple[str, ...]] = set()
    for line in lines:
        described = session.source_schema.object(line.object)
        if not line.new or not line.who or not line.why:
            refused.append(line.refused("worklist.line_incomplete"))
        elif described is None or described.field(line.field) is None:
            refused.append(line.refused("worklist.line_no_field"))
        elif (
            same := (line.object, line.key, line.mark, line.field, line.new)
        ) not in said:  # else two branches wait for the cell
            said.add(same)
            whole[line.object, line.field].append(line)
    taken: list[Correction] = []
    shown = _as_shown(session)
    for (object_name, name), mine in whole.items():
        keys = list(dict.fromkeys(key for line in mine for key in _keys(line, shown)))
        cells = {cell.key: cell for cell in read_cells(session, object_name, name, keys)}
        for line in mine:
            there = [cells[key] for key in _keys(line, shown) if key in cells]
            seen = next((cell for cell in there if cell.mark == line.mark), there[0] if there else None)
            told = _judge(session, line, seen, taken)
            (refused if isinstance(told, Finding) else taken).append(told)  # type: ignore[arg-type]
    return taken, sorted(refused, key=lambda each: (each.file or "", each.line or 0))


_Shown: TypeAlias = Mapping[tuple[str, str], Sequence[str]]
"""(source object, cell) -> the keys of waiting records that a workbook shows as that: a tab or a line break is no part
of it."""


def _as_shown(session: Session) -> _Shown:
    shown: dict[tuple[str, str], list[str]] = defaultdict(list)
    for each in records.waiting(session.ledger):
        if each.source_object is not None and each.source_key is not None:
            shown[each.source_object, cell_for_people(each.source_key)].append(each.source_key)
    return shown


def _keys(line: _Line, shown: _Shown) -> tuple[str, ...]:
    """What the key may be; one that would pass for a formula stands in the workbook behind a `'`."""
    own = (line.key, line.key[1:]) if line.key.startswith("'") else (line.key,)
    return (*shown.get((line.object, line.key), ()), *own)


def _judge(session: Session, line: _Line, cell: SourceCell | None, taken: Sequence[Correction]) -> Correction | Finding:
    if cell is None:
        return line.refused("worklist.line_no_record")
    if cell.mark != line.mark:
        return line.refused("worklist.line_changed")
    earlier = [each for each, _ in corrections_of(session, cell.object, cell.key) if each.field == cell.field]
    earlier += [each for each in taken if (each.object, each.key, each.field) == (cell.object, cell.key, cell.field)]
    if earlier:
        return line.refused("correction.twice", first=f"{earlier[0].file}:{earlier[0].line}")
    place = cell.object, cell.key, cell.field
    made = Correction(*place, cell.text or "", line.new, line.who, line.why, line.place, line.line)
    used = {cell.object: {cell.field}}
    problems = list(check_corrections([made], session.source_schema, used, session.project.environment.zone_of))
    return problems[0] if problems else made


def _write(project: Project, taken: Sequence[Correction], clock: Clock) -> Path:
    folder = project.folder / FOLDER
    path = folder / f"worklist-{clock.now():%Y%m%d-%H%M%S-%f}.csv"
    body = io.StringIO()
    writer = csv.writer(body, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([getattr(each, name) for name in COLUMNS] for each in taken)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as problem:
        raise write_refused(folder, problem) from problem
    write_private(path, body.getvalue().encode())
    return path
