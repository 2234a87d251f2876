"""The dry run: the same way as a run, on a copy of the ledger and a target that only says what it would do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ..connectors.errors import InputError
from ..connectors.finding import Finding, Severity
from ..connectors.schema import Schema
from ..mappings.compile import CompiledMapping
from ..runs.ledger import runlog
from ..runs.plan import Plan, changed_since, load_plan, save_plan
from .loading.foresight import Foresight
from .loading.parked import ParkedReader
from .loading.pipeline import Moved, Pipeline, Reader, SourceReader
from .loading.select import Choice, ChosenReader
from .pins import UNMARKED
from .prepare import Prepared
from .session import Session, rehearse
from .sources.several import systems_of


def reader_for(session: Session, choice: Choice, prepared: Prepared) -> Reader:
    """All of the source, the chosen records, or those that wait for somebody."""
    if choice.rejected:
        return ParkedReader(session, choice.code, choice.owner, prepared.order)
    return SourceReader(session) if choice.everything else ChosenReader(session, choice, prepared.order)


def rehearsed(session: Session, prepared: Prepared, choice: Choice) -> tuple[Moved, tuple[Finding, ...], Foresight]:
    """Go the whole way without writing to the target. Returns what it came to, the findings, and what is foreseen."""
    foresight = Foresight(session.target, session.target_schema, session.clock.now(), session.paces.target.made)
    with rehearse(session, foresight) as dry:
        run = runlog.begin(dry.ledger, "plan", dry.clock.now(), prepared.digest, choice.digest)

        def written(mapping: CompiledMapping, _states: Mapping[str, str]) -> None:
            foresight.count_calls(pipeline.moved.tallies[mapping.name])

        pipeline = Pipeline(dry, run, reader_for(dry, choice, prepared), prepared.cut, written)
        moved = pipeline.move(prepared.order)
        foresight.count_rest()
        return moved, tuple(runlog.findings_of(dry.ledger, run.id)), foresight


def plan_of(session: Session, prepared: Prepared, choice: Choice) -> Plan:
    """What a run rests on today; counts and causes still empty."""
    schemas = {}
    for name in prepared.order:
        mapping = session.mappings[name]
        for role, schema, object_name in (
            ("source", Schema({mapping.source.name: mapping.source}), mapping.source.name),
            ("target", session.target_schema, mapping.target.name),
        ):
            schemas[f"{role} {object_name}"] = schema.only([object_name]).digest()
    systems = {
        role: f"{identity.kind} {identity.id}" for role, identity in systems_of(session.source, session.target).items()
    }
    return Plan(
        made_at=session.clock.now().isoformat(timespec="seconds"),
        environment=session.project.env,
        selection=choice.digest,
        systems=systems,
        mappings={each.name: each.digest for name in prepared.order for each in session.mappings[name].with_stub},
        schemas=schemas,
        corrections=prepared.corrected,
        after=next((run.id for run in runlog.history(session.ledger)), 0),
    )


def keep_plan(session: Session, plan: Plan) -> Path:
    return save_plan(plan, session.project.runs / "plans")


def require_plan(session: Session, prepared: Prepared, choice: Choice, name: str) -> None:
    """Raise InputError `plan.outdated` where something the plan rests on is not as it was, naming what."""
    plan = load_plan(name, session.project.runs / "plans")
    now = plan_of(session, prepared, choice)
    unmarked = session.ledger.get_meta(UNMARKED)
    if unmarked is not None and plan.systems.get("target") == unmarked:  # its first run gave the target its id
        now = replace(now, systems={**now.systems, "target": unmarked})
    changed = changed_since(plan, now)
    if changed:
        raise InputError("plan.outdated", tuple(_told(kind, label) for kind, label in changed), name=name)


def _told(kind: str, label: str) -> Finding:
    if kind == "system" and " " in label:
        return Finding("changed.system_named", Severity.BLOCKS, {"name": label.partition(" ")[2]})
    role, _, schema = label.partition(" ") if kind in ("system", "schema") else ("", "", label)
    return Finding(f"changed.{kind}", Severity.BLOCKS, {"name": schema} | ({"role": f"@org.{role}"} if role else {}))
