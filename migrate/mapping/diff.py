"""The verb `mapping diff`: which records a changed set of mappings would change, in which fields, and from what to
what."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ...connectors.chunk import Chunk
from ...connectors.clock import Clock
from ...connectors.errors import InputError
from ...connectors.finding import Finding, Severity
from ...connectors.secrets import Secrets
from ...mappings.compile import SUFFIX
from ...runs.report.model import Report, Row, Table, Text
from ..causes import causes
from ..loading.parked import find_pieces
from ..prepare import FOLDER, compile_project, lay_over, people_of
from ..project import Project
from ..session import Session, Tick, open_session
from ..showing import showing
from .changes import ADOPTED, CREATED, LEFT, UPDATED, Changes, Side, changes
from .revision import mappings_at

SHOWN = 3
"""Records of each field that are shown from old to new."""
PARKED = ("rejected", "held", "conflicted")


def diff(
    project: Project,
    old: str,
    new: str | None,
    show_values: bool,
    secrets: Secrets,
    clock: Clock,
    tick: Callable[[Tick], None],
) -> Report:
    """Move the source to nowhere by the old mappings, then by the new ones. Nothing is written to a system or to the
    ledger. Raises InputError `diff.no_side`, or `mapping.problems` where one of both is wrong."""
    started = clock.monotonic()
    with (
        mappings_at(project, old) as before,
        mappings_at(project, new) as after,
        open_session(project, secrets, clock, alone=False) as session,
    ):
        session.tick = tick
        then, now = sides = [_side(session, folder) for folder in (before, after)]
        if project.spec.people is not None:
            session.people, noticed = people_of(session, project.spec.people)
            _refuse(noticed)
        found = changes(session, then, now, SHOWN)
        samples = tuple(_samples(session, sides, found, show_values))
    names = (old, new or project.typed(project.folder / FOLDER))
    return _report(project, names, found, samples, clock.monotonic() - started)


def _report(
    project: Project, sides: tuple[str, str], found: Changes, samples: tuple[Table, ...], seconds: float
) -> Report:
    stopped = {name for moved in found.moved for name in moved.stopped}
    number = sum(len({key for keys in states.values() for key in keys}) for states in found.keys.values())
    return Report(
        verb="mapping diff",
        verdict=Text(
            "diff.stopped" if stopped else "diff.changes" if number else "diff.same",
            {"count": number, "names": ", ".join(sorted(stopped))},
        ),
        good=not stopped,
        exit_code=1 if stopped else 0,
        facts=(
            ("fact.environment", project.env),
            ("fact.old_mappings", sides[0]),
            ("fact.new_mappings", sides[1]),
            ("fact.seconds", f"{seconds:.1f}"),
        ),
        causes=causes(each for each in found.findings if each.severity in (Severity.BLOCKS, Severity.HOLDS)),
        tables=(*_summary(found), *_fields(found), *samples),
        next_steps=(project.command("plan"),) if number else (),
        extra={"records": {name: _sorted(states) for name, states in found.keys.items() if states}},
    )


def _sorted(states: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    return {state: sorted(keys) for state, keys in states.items()}


def _refuse(findings: Sequence[Finding]) -> None:
    problems = tuple(each for each in findings if each.severity is Severity.BLOCKS)
    if problems:
        raise InputError("mapping.problems", problems, count=len(problems))


def _side(session: Session, folder: Path) -> Side:
    """The folder's mappings, of those that the project lists the ones that it has; and the source as they see it."""
    spec = session.project.spec
    if spec.mappings is not None:
        there = [name for name in spec.mappings if (folder / f"{name}{SUFFIX}").is_file()]
        spec = spec.model_copy(update={"mappings": there})
    project = replace(session.project, spec=spec)
    compiled, findings = compile_project(project, session.source_schema, session.target_schema, folder=folder)
    _refuse(findings)
    side = replace(session)
    _, noticed = lay_over(side, compiled)
    _refuse(noticed)
    return Side(compiled, side.source)


def _summary(found: Changes) -> tuple[Table, ...]:
    states = (CREATED, ADOPTED, UPDATED, LEFT, *PARKED)
    rows: list[Row] = [
        (name, *(len(found.keys[name].get(state, ())) for state in states))
        for name in sorted(found.keys)
        if found.keys[name]
    ]
    columns = ("column.mapping", *(f"diff.{state}" for state in states))
    return (Table(Text("table.diff"), columns, tuple(rows)),) if rows else ()


def _fields(found: Changes) -> tuple[Table, ...]:
    rows: list[Row] = [
        (name, each, number) for name in sorted(found.fields) for each, number in found.fields[name].most_common()
    ]
    columns = ("column.mapping", "column.field", "column.records")
    return (Table(Text("table.diff_fields"), columns, tuple(rows)),) if rows else ()


def _samples(session: Session, sides: Sequence[Side], found: Changes, show_values: bool) -> Iterator[Table]:
    """Some records of each field, from what the old mapping makes of them to what the new one does."""
    files = [each.mapping_file for side in sides for each in side.mappings.values()]
    may = showing(session.project.spec.classes, files, show_values)
    rows: list[Row] = []
    for name in sorted(found.samples):
        keys = sorted({key for kept in found.samples[name].values() for key in kept})
        then, now = (_results(session, side, name, keys) for side in sides)
        for target, kept in found.samples[name].items():
            for key in kept:
                shown = (side.get((key, target)) for side in (then, now))
                rows.append(
                    (name, target, key, *(text if text is None else may.target(name, target, text) for text in shown))
                )
    if rows:
        yield Table(
            Text("table.diff_samples"),
            ("column.mapping", "column.field", "column.old", "diff.was", "diff.becomes"),
            tuple(rows),
        )


def _results(session: Session, side: Side, name: str, keys: Sequence[str]) -> dict[tuple[str, str], str | None]:
    """(source key, target field) -> the cell's canonical text."""
    mapping = side.mappings.get(name)
    if mapping is None:
        return {}
    told: dict[tuple[str, str], str | None] = {}
    for _, chunk in find_pieces(side.source, mapping, keys, mapping.source_fields):
        for row, key in enumerate(chunk.keys):
            record = Chunk(chunk.object, chunk.frame.iloc[row : row + 1].reset_index(drop=True), [key])
            told |= {(key, each.field): each.result for each in mapping.trace(record, session.people)}
    return told
