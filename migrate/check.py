"""The verb `check`: project, connections and mappings in full, before any record moves."""

from __future__ import annotations

from collections.abc import Callable

from ..connectors.clock import Clock
from ..connectors.port import OurKeyPlace
from ..connectors.secrets import Secrets
from ..runs.report.model import Report, Table, Text
from .causes import causes
from .coverage import Coverage
from .prepare import prepare
from .project import Project
from .proving.grade import degraded_facts, grades_table, grades_told
from .schemas import cache_schemas
from .session import Tick, open_session
from .totals import load_totals


def check(
    project: Project,
    secrets: Secrets,
    clock: Clock,
    *,
    data: bool = True,
    tick: Callable[[Tick], None] = lambda _tick: None,
) -> Report:
    """Everything that can be known without moving a record, every problem at once. data: also what the source holds of
    what no mapping speaks of. Raises InputError `mapping.problems` with all of them where something blocks."""
    with open_session(project, secrets, clock, alone=False) as session:
        cache_schemas(session)  # first: who writes the mappings needs them most while these are still wrong
        session.tick = tick
        coverage = Coverage(session, data)
        prepared = prepare(session, further=coverage.judge)
        load_totals(session)
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
        source, target = session.source.identity(), session.target.identity()
        degraded = session.target.capabilities.our_key is OurKeyPlace.NONE
        warned = len(prepared.findings)
        return Report(
            verb="check",
            verdict=Text("check.degraded" if degraded else "check.good", {"mappings": len(rows), "warnings": warned}),
            good=not degraded,
            facts=(
                ("fact.project", project.spec.project),
                ("fact.environment", project.env),
                ("fact.source", f"{source.name} ({source.kind})"),
                ("fact.target", f"{target.name} ({target.kind})"),
                *degraded_facts(session.graded),
                ("fact.our_key_place", Text(f"our_key.{session.target.capabilities.our_key.value}")),
            ),
            causes=causes(prepared.findings),
            tables=(Table(Text("table.mappings"), columns, rows), *coverage.tables(), *grades_table(session.graded)),
            next_steps=(project.command("plan"),),
            extra={"mappings_checked": list(prepared.order), "objects": coverage.told(), **grades_told(session.graded)},
        )
