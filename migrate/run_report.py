"""What plan and run say."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..connectors.finding import Finding, Severity
from ..runs.ledger import operations, records, runlog
from ..runs.ledger.runlog import Run
from ..runs.report.model import BUCKETS, BranchCounts, Cause, Report, Row, Table, Text
from ..runs.values import SAMPLE
from .addresses import new_address
from .causes import causes, sample_key
from .checking.survival import survival_table, survival_told
from .decided import decided_tables, decided_told
from .filing.told import files_table, files_told, left_behind, tallied_files
from .loading.outside import Reason, outside_table, outside_told, tallied
from .loading.pipeline import Moved
from .loading.rewriting import links_table, links_told, tallied_links
from .loading.staying import Left, left_tables, left_told, lives_table, tallied_left, tallied_lives
from .loading.stubs import stubs_table, stubs_told
from .pace.calls import CallsTold
from .prepare import Prepared
from .project import Project
from .proving.grade import degraded_facts, degraded_tables, grades_told
from .proving.prove import EffectsFound, accepting
from .session import Session
from .settling.readback import DOUBLED
from .settling.sweep import DUPLICATE
from .successions import successions
from .totals import Totals

LEFT_BEHIND = ("rejected", "held", "conflicted", "pending")
LINKED = 20
STAYING = (Severity.BLOCKS, Severity.HOLDS)


def plan_report(
    session: Session,
    prepared: Prepared,
    moved: Moved,
    findings: Sequence[Finding],
    path: Path,
    chosen: str,
    recovered: int,
    calls: CallsTold,
    seconds: float,
) -> Report:
    """READY or NOT READY, and why. chosen: the options that chose the records."""
    counts = _counts(session, moved)
    left = _left(counts) + moved.absent
    stopped = bool(moved.stopped)
    plan_id = path.stem.removeprefix("plan-")
    balanced = all(each.balanced for each in counts)
    code = "plan.not_ready" if stopped or not balanced else "plan.ready_with_left" if left else "plan.ready"
    idle = code == "plan.ready" and _idle(moved, counts)
    files = left_behind(_filed(moved))
    return Report(
        verb="plan",
        verdict=Text(
            "run.none_parked" if idle else "plan.files_stay" if files and code == "plan.ready" else code,
            {"files": files, "count": left, "records": _sum(counts, "created") + _sum(counts, "updated")},
        ),
        good=code == "plan.ready",
        exit_code=0 if code == "plan.ready" else 1,
        facts=(
            *_systems(session),
            *_recovered(recovered),
            *_changed(runlog.superseded(session.ledger, "run", prepared.digest)),
            *_asked(moved),
            *degraded_facts(session.graded),
            *calls.facts,
            ("fact.plan", session.project.typed(path)),
            ("fact.seconds", f"{seconds:.1f}"),
        ),
        counts=counts,
        causes=causes([*session.notices, *prepared.remarks(data_read=not chosen and not stopped), *findings]),
        tables=(
            *_stops(moved),
            *decided_tables(findings),
            *_scope_tables(session, moved),
            *successions(findings),
            *survival_table(session),
        ),
        next_steps=() if stopped or idle else (session.project.command(f"run --execute --plan {plan_id}{chosen}"),),
        extra={
            "plan": str(path),
            **_scope_told(moved),
            "decided": decided_told(findings),
            "survival": survival_told(session),
            "seconds": round(seconds, 3),
            **calls.extra,
        },
    )


def run_report(
    session: Session,
    moved: Moved,
    findings: Sequence[Finding],
    totals: Totals | None,
    chosen: str,
    recovered: int,
    resumed: bool,
    calls: CallsTold,
    seconds: float,
) -> Report:
    """What was moved, what stayed behind, and what to do next. chosen: the options that chose the records."""
    counts = _counts(session, moved)
    left = _left(counts) + moved.absent
    balanced = all(each.balanced for each in counts)
    differences = sum(1 for each in findings if each.code.startswith("readback."))
    equal = None if totals is None else totals.equal
    doubled = sum(1 for each in findings if each.code in (DOUBLED, DUPLICATE))
    graded = session.graded
    code = _run_code(moved, balanced, left, doubled, differences, equal)
    idle = code == "run.done" and _idle(moved, counts)
    files = left_behind(_filed(moved))
    told = causes([*session.notices, *findings], sample_reader(session, moved.run.id))
    facts: list[tuple[str, str | int | Text]] = [*_systems(session), ("fact.run", moved.run.id)]
    if resumed:
        facts.append(("fact.resumed", moved.run.started[:19]))
    facts += _changed(runlog.superseded(session.ledger, "run", moved.run.mapping_digest, moved.run.id))
    facts += [*_recovered(recovered), *_asked(moved), *_shared(session), *degraded_facts(graded), *calls.facts]
    facts.append(("fact.seconds", f"{seconds:.1f}"))
    return Report(
        verb="run",
        verdict=Text(
            "run.none_parked" if idle else "run.files_stayed" if files and code == "run.done" else code,
            {"files": files, "count": left, "created": _sum(counts, "created"), "updated": _sum(counts, "updated")},
        ),
        good=code == "run.done",
        exit_code=0 if code == "run.done" else 1,
        facts=tuple(facts),
        counts=counts,
        causes=told,
        tables=(
            *_stops(moved),
            *decided_tables(findings),
            *_scope_tables(session, moved),
            *degraded_tables(graded),
            *successions(findings),
            *_links(session, moved),
        ),
        next_steps=_after_run(session.project, moved, told, left, chosen),
        extra={
            "run": moved.run.id,
            "differences": differences,
            **_scope_told(moved),
            "decided": decided_told(findings),
            "totals_equal": equal,
            **grades_told(graded),
            "seconds": round(seconds, 3),
            **calls.extra,
        },
    )


def _outside(moved: Moved) -> dict[str, Mapping[Reason, int]]:
    return {name: tallied(tally.counts) for name, tally in moved.tallies.items()}


def _linked(moved: Moved) -> dict[str, Mapping[tuple[str, str], int]]:
    return {name: tallied_links(tally.counts) for name, tally in moved.tallies.items()}


def _filed(moved: Moved) -> dict[str, Counter[tuple[str, str]]]:
    return {name: tallied_files(tally.counts) for name, tally in moved.tallies.items()}


def _left_out(moved: Moved) -> Left:
    return {name: tallied_left(tally.counts) for name, tally in moved.tallies.items()}


def _scope_tables(session: Session, moved: Moved) -> tuple[Table, ...]:
    """What was left out and why, records in a life state, references that leave the scope, files."""
    lives = [(session.mappings[name], tallied_lives(tally.counts)) for name, tally in moved.tallies.items()]
    left, outside = left_tables(_left_out(moved)), outside_table(_outside(moved))
    files = files_table(_filed(moved))
    return (*left, *lives_table(lives), *outside, *stubs_table(moved.stubs), *links_table(_linked(moved)), *files)


def _scope_told(moved: Moved) -> dict[str, object]:
    """The same for the JSON document."""
    lives = [
        {"mapping": name, "state": state, "then": kind, "count": number}
        for name, tally in moved.tallies.items()
        for (state, kind), number in sorted(tallied_lives(tally.counts).items())
    ]
    return {
        "left_out": left_told(_left_out(moved)),
        "lives": lives,
        "outside": outside_told(_outside(moved)),
        "stubs": stubs_told(moved.stubs),
        "links": links_told(_linked(moved)),
        "files": files_told(_filed(moved)),
    }


def _asked(moved: Moved) -> tuple[tuple[str, int], ...]:
    return () if moved.asked is None else (("fact.asked", moved.asked),)


def _shared(session: Session) -> tuple[tuple[str, int], ...]:
    team = session.team
    return () if team is None else (("fact.took_part", team.took_part), ("fact.partitions", team.partitions))


def _idle(moved: Moved, counts: Sequence[BranchCounts]) -> bool:
    """Whether waiting records were asked for and there were none."""
    return moved.asked == 0 and not any(each.read for each in counts)


def _recovered(number: int) -> tuple[tuple[str, int], ...]:
    return (("fact.recovered", number),) if number else ()


def _changed(former: Run | None) -> tuple[tuple[str, Text], ...]:
    """That the mappings have changed since a run that did not come to its end, and what that means."""
    return () if former is None else (("fact.mapping_changed", Text("run.mapping_changed", {"run": former.id})),)


def _run_code(moved: Moved, balanced: bool, left: int, doubled: int, differences: int, equal: bool | None) -> str:
    if not balanced:
        return "run.unbalanced"
    if moved.stopped:
        effects = all(isinstance(each, EffectsFound) for each in moved.stopped.values())
        return "run.effects" if effects else "run.stopped"
    if doubled:
        return "run.doubled"
    if differences:
        return "run.diverged"
    if equal is False:
        return "run.totals_differ"
    return "run.left_behind" if left else "run.done"


def _after_run(project: Project, moved: Moved, told: Sequence[Cause], left: int, chosen: str) -> tuple[str, ...]:
    if moved.stopped:
        waiting = [stop.object for stop in moved.stopped.values() if isinstance(stop, EffectsFound)]
        accept = accepting(sorted(set(waiting)))
        return (project.command(f"run --execute{accept}{chosen}"), project.command(f"undo {moved.run.id}"))
    named = next((each for each in told if each.keys and each.object and each.severity in STAYING), None)
    explain = (project.command(f"explain {shlex.quote(f'{named.object}:{named.keys[0]}')}"),) if named else ()
    worklist = (project.command("worklist"),) if left else ()
    return (project.command("reconcile"), *explain, *worklist)


def interrupted_report(session: Session, current: Run, chosen: str, seconds: float) -> Report:
    """After Ctrl-C: what is safe, what is unknown, what to type. chosen: the options that chose the records."""
    unknown = operations.count_open(session.ledger)
    safe = sum(
        number for _, _, state, number in records.counts_by_state(session.ledger) if state in ("live", "pending")
    )
    return Report(
        verb="run",
        verdict=Text("run.interrupted", {"safe": safe, "unknown": unknown}),
        good=False,
        exit_code=130,
        facts=(
            *_systems(session),
            ("fact.run", current.id),
            ("fact.safe", safe),
            ("fact.unknown", unknown),
            *degraded_facts(session.graded),
        ),
        next_steps=tuple(map(session.project.command, (f"run --execute{chosen}", f"undo {current.id}"))),
        extra={"run": current.id, "safe": safe, "unknown": unknown, "seconds": round(seconds, 3)},
    )


def sample_reader(session: Session, run_id: int) -> Callable[[Finding], str | None]:
    """The offending value of a finding, from the value store; None where none was kept or its key is lost."""
    from ..connectors.errors import DecisionError

    def sample(finding: Finding) -> str | None:
        try:
            kept = session.values.get(SAMPLE, str(run_id), finding.object or "", sample_key(finding))
        except DecisionError:
            return None
        return None if kept is None else kept.decode("utf-8", "replace")

    return sample


def _counts(session: Session, moved: Moved) -> tuple[BranchCounts, ...]:
    return tuple(tally.as_counts(name, session.mappings[name].target.name) for name, tally in moved.tallies.items())


def _left(counts: Sequence[BranchCounts]) -> int:
    return sum(_sum(counts, bucket) for bucket in LEFT_BEHIND)


def _sum(counts: Sequence[BranchCounts], bucket: str) -> int:
    if bucket not in BUCKETS:
        raise KeyError(bucket)
    return sum(each.buckets.get(bucket, 0) for each in counts)


def _systems(session: Session) -> tuple[tuple[str, str | int | Text], ...]:
    source, target = session.source.identity(), session.target.identity()
    return (
        ("fact.environment", session.project.env),
        ("fact.source", f"{source.name} ({source.kind})"),
        ("fact.target", f"{target.name} ({target.kind})"),
    )


def _stops(moved: Moved) -> tuple[Table, ...]:
    rows: list[Row] = [(name, Text(storm.code, storm.params)) for name, storm in moved.stopped.items()]
    rows += [(name, Text("run.skipped", {"parent": parent})) for name, parent in moved.skipped.items()]
    if not rows:
        return ()
    return (Table(Text("table.stopped"), ("column.mapping", "column.why"), tuple(rows)),)


def _links(session: Session, moved: Moved) -> tuple[Table, ...]:
    """For a run of a few records: each of them in both systems."""
    if not moved.run.selection:
        return ()
    rows: list[Row] = []
    for name in moved.tallies:
        mapping = session.mappings[name]
        found = records.settled_by(session.ledger, moved.run.id, mapping.target.name, name, LINKED)
        for source_key, target_key, state in found:
            old = session.source.record_url(mapping.source.name, source_key) or f"{mapping.source.name}:{source_key}"
            new = new_address(session, mapping.target.name, target_key) if target_key else None
            rows.append(
                (
                    name,
                    old,
                    new or (f"{mapping.target.name}:{target_key}" if target_key else None),
                    Text(f"state.{state}"),
                )
            )
    if not rows:
        return ()
    return (Table(Text("table.links"), ("column.mapping", "column.old", "column.new", "column.state"), tuple(rows)),)
