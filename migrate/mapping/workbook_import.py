"""The verb `mapping workbook import`: what people have changed in the workbook comes back, and nothing else changes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...connectors.errors import InputError
from ...connectors.finding import Finding, Severity
from ...mappings.yaml.document import YamlPath
from ...mappings.yaml.plain_yaml import flow
from ...mappings.yaml.rewriting import NotRewrittenError, rewritten
from ...runs.catalogue import LANGUAGES, Catalogue
from ...runs.masking import cell_of_lines, without_quote
from ...runs.private_files import write_refused
from ...runs.report.model import Report, Row, Table, Text
from ..project import Project
from ..returned_sheets import sheets_of, text_of_cell
from .decisions import FILE, Place, Said, decisions_text, load_decisions
from .workbook_rows import (
    DROP,
    EDITED,
    MARK,
    REASON,
    RULE,
    Mark,
    Written,
    cell_of,
    digest,
    read_mark,
    value_at,
    value_of,
    written_files,
)

_SAID = {column: name for name, column in EDITED.items()}
COLUMNS = ("column.mapping", "column.field", "column.what")


@dataclass(frozen=True, slots=True)
class _Change:
    """A cell that somebody has changed. place: workbook and sheet; line: of the sheet. cell: as it is now."""

    mark: Mark
    column: str
    cell: str
    place: str
    line: int

    @property
    def about(self) -> Place:
        return self.mark.mapping, self.mark.section, self.mark.field

    def refused(self, code: str, **params: str | int) -> Finding:
        told = {"name": self.mark.field, **params}
        return Finding(code, Severity.BLOCKS, told, field=self.mark.field, file=self.place, line=self.line)


@dataclass(slots=True)
class _Taken:
    """What is to be written. texts: mapping file -> changes by place. said: what is said of each field afterwards."""

    said: dict[Place, Said]
    rules: dict[Path, dict[YamlPath, object]] = field(default_factory=dict)
    told: list[Row] = field(default_factory=list)
    refused: list[Finding] = field(default_factory=list)
    decisions: int = 0


def import_workbook(project: Project, file: Path) -> Report:
    """Rewrite the rules and reasons that were changed, and `decisions.yaml`; all of it or, where one line is wrong,
    nothing. No system is asked. Raises InputError `worklist.no_file`, `worklist.unreadable`, `workbook.none_of_ours`,
    `workbook.refused` with every line that is wrong, or `mapping.invalid`."""
    changes, problems = _changes(file)
    files = written_files(project.folder / "mappings")
    taken = _Taken(load_decisions(project), refused=problems)
    for change in changes:
        known = files.get(change.mark.mapping)
        if known is None:
            taken.refused.append(change.refused("workbook.no_mapping", mapping=change.mark.mapping))
        elif change.column in _SAID:
            _take_said(change, taken)
        else:
            _take_rule(change, known, taken)
    if taken.refused:
        raise InputError("workbook.refused", tuple(taken.refused), file=file.name, count=len(taken.refused))
    texts = _texts(project, taken)
    for path, body in texts.items():
        _put(path, body)
    rules = sum(map(len, taken.rules.values()))
    nothing = not rules and not taken.decisions
    counts: dict[str, str | int] = {"rules": rules, "decisions": taken.decisions}
    return Report(
        verb="mapping workbook import",
        verdict=Text("workbook.nothing_changed") if nothing else Text("workbook.imported", counts),
        good=True,
        facts=tuple(("fact.file", project.shown(path)) for path in texts),
        tables=(Table(Text("workbook.changed"), COLUMNS, tuple(taken.told)),) if taken.told else (),
        next_steps=() if nothing else (project.command("check"),),
        extra={"rules": rules, "decisions": taken.decisions, "files": [project.shown(path) for path in texts]},
    )


# What was changed in the workbook


def _changes(file: Path) -> tuple[list[_Change], list[Finding]]:
    """Every cell that is not as it was exported, and lines that cannot be told."""
    found: dict[tuple[Place, str], _Change] = {}
    problems: list[Finding] = []
    for place, line, cells, mark in _lines(file):
        if mark is None:
            if any(cells.values()):
                problems.append(Finding("workbook.unknown_line", Severity.BLOCKS, file=place, line=line))
            continue
        for column, cell in cells.items():
            if column in mark.was and digest(cell) != mark.was[column]:
                change = _Change(mark, column, cell, place, line)
                other = found.setdefault((change.about, column), change)
                if other.cell != cell:
                    where = f"{other.place}:{other.line}"
                    problems.append(change.refused("workbook.changed_twice", other=where))
    return list(found.values()), problems


def _lines(file: Path) -> Iterator[tuple[str, int, dict[str, str], Mark | None]]:
    """Place, line, what people fill in by column, and the mark, of each line that is not empty."""
    ours = [(title, rows) for title, rows in sheets_of(file) if rows and MARK in rows[0]]
    if not ours:
        raise InputError("workbook.none_of_ours", file=str(file))
    for title, rows in ours:
        columns, marks = _columns(rows[0]), list(rows[0]).index(MARK)
        for number, row in enumerate(rows[1:], 2):
            cells = {column: _cell(row, at) for column, at in columns.items()}
            if any(cells.values()) or _cell(row, marks):
                yield f"{file.name} {title}", number, cells, read_mark(_cell(row, marks))


def _columns(head: Sequence[object]) -> dict[str, int]:
    """Where the columns are that people fill in, in whichever language they are headed."""
    return {
        column: list(head).index(name)
        for column in (RULE, REASON, *EDITED.values())
        for name in {Catalogue(language).text(column) for language in LANGUAGES}
        if name in head
    }


def _cell(row: Sequence[object], at: int) -> str:
    text = text_of_cell(row[at]) if at < len(row) else ""
    return text.replace("_x000D_", "").replace("\r\n", "\n")


# What becomes of it


def _take_said(change: _Change, taken: _Taken) -> None:
    name = _SAID[change.column]
    now = taken.said.get(change.about, Said())
    kept = str(getattr(now, name))
    meant = without_quote(change.cell.strip())
    if kept == meant:
        return
    if digest(cell_of_lines(kept)) != change.mark.was[change.column]:
        taken.refused.append(change.refused("workbook.changed_here_too", column=f"@{change.column}", where=FILE))
        return
    taken.said[change.about] = now.model_copy(update={name: meant})
    taken.decisions += 1
    taken.told.append((change.mark.mapping, change.mark.field, Text(change.column)))


def _take_rule(change: _Change, known: Written, taken: _Taken) -> None:
    section, name = change.mark.section, change.mark.field
    place, before = known.place(section, name), known.value(section, name)
    cell = without_quote(change.cell.strip()) if section == DROP else change.cell.strip()
    where = f"{known.file.file}:{known.file.line(section, name)}"
    if not cell:
        taken.refused.append(change.refused("workbook.emptied", where=where))
        return
    try:
        value = value_of(section, cell, before, f"{change.place}:{change.line}")
    except InputError as error:
        why = Catalogue("en").finding(error.findings[0]) if error.findings else error.code
        taken.refused.append(change.refused("workbook.not_a_rule", why=why))
        return
    if before is not None and flow(before) == flow(value):
        return
    if digest(cell_of_lines(cell_of(section, before))) != change.mark.was[change.column]:
        taken.refused.append(change.refused("workbook.changed_here_too", column=f"@{change.column}", where=where))
        return
    of_file = taken.rules.setdefault(known.path, {})
    if place in of_file and flow(of_file[place]) != flow(value):  # a rule outside of branches stands on several sheets
        taken.refused.append(change.refused("workbook.changed_twice", other=known.file.file))
        return
    of_file[place] = value
    taken.told.append((change.mark.mapping, name, Text(change.column)))


# Writing


def _texts(project: Project, taken: _Taken) -> dict[Path, bytes]:
    """What every changed file will hold, after it was read once as `check` would. Raises InputError."""
    texts: dict[Path, bytes] = {}
    for path, changes in taken.rules.items():
        try:
            texts[path] = rewritten(path.read_bytes().decode("utf-8"), changes).encode("utf-8")
        except NotRewrittenError as error:
            raise InputError("workbook.not_rewritten", file=project.shown(path), reason=str(error)) from error
    if texts:
        _try(project, texts, taken)
    if taken.decisions:
        texts[project.folder / FILE] = decisions_text(taken.said).encode("utf-8")
    return texts


def _try(project: Project, texts: Mapping[Path, bytes], taken: _Taken) -> None:
    """Read the mappings as they would be, beside what else the project has, before a real file is touched: each value
    at its place, and nothing else changed."""
    with tempfile.TemporaryDirectory() as name:
        beside = Path(name)
        for entry in project.folder.iterdir():
            if entry.name != "mappings":
                (beside / entry.name).symlink_to(entry)
        folder = shutil.copytree(project.folder / "mappings", beside / "mappings")
        for path, body in texts.items():
            (folder / path.name).write_bytes(body)
        tried = {each.path.name: each for each in written_files(folder).values()}
    for path, changes in taken.rules.items():
        for place, value in changes.items():
            found = value_at(tried[path.name].data, place)
            if found is None or _in_order(found) != _in_order(value):
                raise InputError("workbook.not_rewritten", file=project.shown(path), reason=".".join(map(str, place)))


def _in_order(value: object) -> str:
    """Equal for values that differ in the order of their keys alone."""
    if isinstance(value, Mapping):
        return flow({key: _in_order(value[key]) for key in sorted(value)})
    return flow([_in_order(each) for each in value]) if isinstance(value, list) else flow(value)


def _put(path: Path, body: bytes) -> None:
    """In one step, with the rights that the file had."""
    draft = path.with_name(f".{path.name}.draft")
    try:
        draft.write_bytes(body)
        if path.exists():
            shutil.copymode(path, draft)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise write_refused(path, error) from error
