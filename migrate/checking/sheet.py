"""`check --build-sheet`: what the administrator must make in the target, as a workbook or CSV."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...connectors.errors import InputError
from ...connectors.finding import Finding, Severity
from ...connectors.port import OurKeyPlace
from ...connectors.schema import Schema
from ...mappings.assembly.derived import with_assemblies
from ...mappings.compile import load_mapping_files
from ...mappings.people_config import PeopleConfig
from ...runs.catalogue import Catalogue
from ...runs.masking import cell_for_people
from ...runs.private_files import write_private
from ...runs.report.model import Report, Table, Text
from ...runs.report.spreadsheet import Sheet, workbook
from ..causes import causes
from ..prepare import FOLDER, compile_project, prepare
from ..project import Project
from ..session import Session
from .data import look_through
from .measures import Measures
from .needs import KINDS, Need, Sides, needs
from .reading import read_through

STDOUT = "-"
COLUMNS = (
    "column.what",
    "column.object",
    "column.field",
    "column.label",
    "column.type",
    "column.length",
    "column.digits",
    "column.required",
    "column.unique",
    "column.refers",
    "column.option",
    "column.why",
    "column.where",
)
CLASS = "column.class"
"""A column of its own where the project declares data classes."""
CURED = frozenset(
    {"mapping.no_target_field", "mapping.no_target_object", "mapping.value_choice", "mapping.value_too_long"}
)
"""Findings that are gone once the target is built so."""
_Cells = tuple[str | int | None, ...]


@dataclass(frozen=True, slots=True)
class Built:
    """text: the sheet as CSV, where it was asked for on stdout. problem: what of the mappings it does not cure."""

    report: Report
    text: str | None = None
    problem: InputError | None = None


def require_name(file: str) -> None:
    """Raise InputError `sheet.suffix` or `sheet.no_folder` where no sheet can be written so."""
    path = Path(file)
    if file != STDOUT and path.suffix.lower() not in (".xlsx", ".csv"):
        raise InputError("sheet.suffix", file=file)
    if file != STDOUT and not path.absolute().parent.is_dir():
        raise InputError("sheet.no_folder", folder=str(path.absolute().parent))


def build_sheet(session: Session, file: str, catalogue: Catalogue, data: bool) -> Built:
    """With both systems at hand. data: measure the source's columns, and look for values that no picklist has, which
    needs mappings that fit."""
    project = session.project
    _, findings = compile_project(project, session.source_schema, session.target_schema)
    sides = _sides(project, session.source_schema, session.target_schema)
    able = session.target.capabilities
    measures, unknown = {}, {}
    if data:
        measures = _measured(session, sides)
        if not any(each.severity is Severity.BLOCKS for each in findings):
            unknown = _unknown(session)
    sides = Sides(
        sides.files,
        sides.source,
        sides.target,
        sides.people,
        sides.departments,
        measures,
        unknown,
        able.our_key is OurKeyPlace.NONE,
    )
    return _built(project, needs(sides), findings, file, catalogue)


def build_sheet_offline(project: Project, source: Schema, target: Schema, file: str, catalogue: Catalogue) -> Built:
    """By the cached schemas: nothing is measured, and of our key nothing is known."""
    _, findings = compile_project(project, source, target)
    return _built(project, needs(_sides(project, source, target)), findings, file, catalogue)


def _sides(project: Project, source: Schema, target: Schema) -> Sides:
    listed = project.spec.mappings
    files = [
        each for each in load_mapping_files(project.folder / FOLDER) if listed is None or each.model.mapping in listed
    ]
    config = project.spec.people
    sources = with_assemblies(files, source)
    return Sides(
        {each.name: each for each in files},
        sources,
        target,
        config.target.object if config else "",
        _departments(config),
    )


def _departments(config: PeopleConfig | None) -> str:
    return config.departments.target.object if config and config.departments else ""


def _measured(session: Session, sides: Sides) -> dict[str, Measures]:
    """The source objects' columns that needs are judged by."""
    wanted: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for file in sides.files.values():
        source = session.source_schema.object(file.model.from_)  # what is put together is not measured
        if source is None:
            continue
        fields, keys = wanted.setdefault(source.name, ({}, {}))
        for rule in (way for whole in file.model.fields.values() for _, way in whole.ways()):
            fields.update(dict.fromkeys(name for name in rule.from_ if source.field(name)))
            if rule.from_ == source.key and len(source.key) == 1:
                keys[source.key[0]] = None
    probes = [Measures(name, tuple(fields), tuple(keys)) for name, (fields, keys) in wanted.items() if fields]
    for _ in read_through(session, probes):
        pass
    return {probe.object: probe for probe in probes}


def _unknown(session: Session) -> dict[tuple[str, str], list[str]]:
    """Values that would reach a picklist which does not have them."""
    counts = look_through(session, prepare(session).order).values.counts
    return {
        (name, field): [value for value, _ in counted.most_common()]
        for (name, field, code), counted in counts.items()
        if code == "choices.unknown"
    }


def _built(
    project: Project, found: Sequence[Need], findings: Sequence[Finding], file: str, catalogue: Catalogue
) -> Built:
    classed = bool(project.spec.classes)
    head = tuple(map(catalogue.text, (*COLUMNS, *((CLASS,) if classed else ()))))
    rows = [(*_cells(each, catalogue), *((each.class_ or None,) if classed else ())) for each in found]
    text = _csv(head, rows) if file == STDOUT or file.lower().endswith(".csv") else None
    if file != STDOUT:
        body = text.encode("utf-8-sig") if text is not None else None
        title = catalogue.text("sheet.title")
        write_private(
            Path(file).absolute(), body or workbook([Sheet(title, head, rows)], f"{project.spec.project} {title}")
        )
    left = [each for each in findings if each.severity is Severity.BLOCKS and each.code not in CURED]
    counts = Counter(each.kind for each in found)
    sums = tuple((Text(f"sheet.{kind}"), counts[kind]) for kind in KINDS if counts[kind])
    report = Report(
        verb="check",
        verdict=Text("sheet.written" if found else "sheet.nothing", {"count": len(found)}),
        good=not left,
        exit_code=2 if left else 0,
        facts=(
            ("fact.project", project.spec.project),
            ("fact.environment", project.env),
            *((("fact.file", project.typed(Path(file).absolute())),) if file != STDOUT else ()),
        ),
        causes=causes(left),
        tables=(Table(Text("table.sheet"), ("column.what", "column.number"), sums),),
        next_steps=(project.command("check"),),
        extra={"file": None if file == STDOUT else str(Path(file).absolute()), "needs": dict(counts)},
    )
    problem = InputError("mapping.problems", tuple(left), count=len(left)) if left else None
    return Built(report, text if file == STDOUT else None, problem)


def _cells(need: Need, catalogue: Catalogue) -> _Cells:
    yes = catalogue.text("sheet.yes")
    digits = None if need.precision is None else f"{need.precision}, {need.scale or 0}"
    return (
        catalogue.text(f"sheet.{need.kind}"),
        need.object,
        need.field or None,
        need.label or None,
        catalogue.text(f"sheet.type_{need.type}") if need.type else None,
        need.length,
        digits,
        yes if need.required else None,
        yes if need.unique else None,
        need.refers or None,
        need.value or None,
        catalogue.text(need.why.code, need.why.params),
        f"{need.file}:{need.line}",
    )


def _csv(head: Sequence[str], rows: Sequence[_Cells]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([cell_for_people(each) if isinstance(each, str) else each for each in row] for row in rows)
    return out.getvalue()
