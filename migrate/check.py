"""The verb `check`: project, connections, mappings and the source's data in full, before any record moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..connectors.clock import Clock
from ..connectors.errors import InputError
from ..connectors.finding import Severity
from ..connectors.port import OurKeyPlace
from ..connectors.secrets import Secrets
from ..runs.catalogue import Catalogue
from ..runs.report.model import Report, Table, Text
from .causes import causes
from .checking.class_table import classes_table
from .checking.data import Seen, look_through, values_table
from .checking.examples import count_examples
from .checking.location import located
from .checking.mutate import mutate_report
from .checking.offline import check_offline
from .checking.probe import UNASKED, Probing, probe
from .checking.sheet import Built, build_sheet, build_sheet_offline, require_name
from .checking.sight import incomplete, unseen
from .checking.survival import survival_table, survival_told
from .coverage import Coverage
from .prepare import Prepared, prepare
from .project import Project
from .proving.grade import degraded_facts, grades_table, grades_told
from .schemas import cache_schemas, cached_schemas
from .session import Session, Tick, open_session
from .totals import load_totals


@dataclass(frozen=True, slots=True)
class Asked:
    """data: read the source and judge its records. show_values: show values as they are, masked otherwise. mutate:
    instead, change rules one by one and say what no example notices. offline: by the cached schemas, no system
    opened. probing: instead, ask what only the systems can tell."""

    data: bool = True
    show_values: bool = False
    mutate: bool = False
    offline: bool = False
    probing: Probing = UNASKED


def _silent(_tick: Tick) -> None:
    pass


def check(
    project: Project, secrets: Secrets, clock: Clock, asked: Asked = Asked(), tick: Callable[[Tick], None] = _silent
) -> Report:
    """Everything that can be known without moving a record, every problem at once. Raises InputError
    `mapping.problems` with all of them where something blocks, but for a field that nobody speaks of and that holds
    data: that is seen together with the data, and told with it."""
    if asked.probing.probe:
        return probe(project, secrets, clock, asked.probing, tick)
    if asked.probing != UNASKED:
        raise InputError("probe.only_probing", command=project.command("check"))
    if asked.offline:
        return check_offline(project, clock, asked.mutate)
    with open_session(project, secrets, clock, tick, alone=False) as session:
        cache_schemas(session)  # first: who writes the mappings needs them most while these are still wrong
        coverage = Coverage(session, asked.data and not asked.mutate)
        prepared = prepare(session, examples=True, further=coverage.judge)
        load_totals(session)
        if asked.mutate:
            return mutate_report(project, prepared.order, session.mappings)
        seen = look_through(session, prepared.order, coverage.probes) if asked.data else None
        hidden = unseen(session)
        findings = (*prepared.findings, *coverage.found(), *hidden)
        report = _report(session, replace(prepared, findings=findings), coverage, seen, asked)
        return located(incomplete(report, hidden, project.command("check")), session)


def build(
    project: Project,
    secrets: Secrets,
    clock: Clock,
    asked: Asked,
    tick: Callable[[Tick], None],
    file: str,
    catalogue: Catalogue,
) -> Built:
    """Write what the target's administrator must make, in the catalogue's language; neither system is written to.
    file: FILE.xlsx, FILE.csv, or `-` for CSV in the answer."""
    require_name(file)
    if asked.offline:
        source, target = cached_schemas(project)
        return build_sheet_offline(project, source.schema, target.schema, file, catalogue)
    with open_session(project, secrets, clock, tick, alone=False) as session:
        cache_schemas(session)
        return build_sheet(session, file, catalogue, asked.data)


def _report(session: Session, prepared: Prepared, coverage: Coverage, seen: Seen | None, asked: Asked) -> Report:
    project, mappings = session.project, _mappings_table(session, prepared)
    source, target = session.source.identity(), session.target.identity()
    remarks = prepared.remarks(data_read=seen is not None)
    degraded = session.target.capabilities.our_key is OurKeyPlace.NONE
    kept_back = seen.kept_back if seen else 0
    forgotten = sum(each.severity is Severity.BLOCKS for each in remarks)
    told = {"mappings": len(mappings.rows), "warnings": len(remarks), "count": forgotten or kept_back}
    worst = (("forgotten", forgotten), ("degraded", degraded), ("data", kept_back), ("good", True))
    return Report(
        verb="check",
        verdict=Text(next(f"check.{code}" for code, so in worst if so), told),
        good=not degraded and not kept_back and not forgotten,
        exit_code=2 if forgotten else 1 if kept_back else 0,
        facts=(
            ("fact.project", project.spec.project),
            ("fact.environment", project.env),
            ("fact.source", f"{source.name} ({source.kind})"),
            ("fact.target", f"{target.name} ({target.kind})"),
            *degraded_facts(session.graded),
            ("fact.our_key_place", Text(f"our_key.{session.target.capabilities.our_key.value}")),
            ("fact.examples", count_examples(session.mappings.values())),
            ("fact.data", Text("check.data_read", {"count": seen.read}) if seen else Text("check.data_unread")),
        ),
        causes=causes(remarks) + (seen.causes if seen else ()),
        tables=(
            mappings,
            *coverage.tables(),
            *classes_table(project, session.mappings.values()),
            *(values_table(session, seen.values, asked.show_values) if seen else ()),
            *survival_table(session),
            *grades_table(session.graded),
        ),
        next_steps=(project.command("check" if forgotten else "plan"),),
        extra={
            "mappings_checked": list(prepared.order),
            "data_read": seen.read if seen else None,
            "objects": coverage.told(),
            "survival": survival_told(session),
            **grades_told(session.graded),
        },
    )


def _mappings_table(session: Session, prepared: Prepared) -> Table:
    rows = tuple(
        (
            name,
            f"{mapping.source.name} > {mapping.target.name}",
            session.source.count(mapping.source.name),
            session.target.count(mapping.target.name),
            len(mapping.target_fields),
            ", ".join(sorted(set(mapping.parents) - {name})) or None,
        )
        for name, mapping in ((name, session.mappings[name]) for name in prepared.order)
    )
    columns = (
        "column.mapping",
        "column.objects",
        "column.source_records",
        "column.target_records",
        "column.fields",
        "column.parents",
    )
    return Table(Text("table.mappings"), columns, rows)
