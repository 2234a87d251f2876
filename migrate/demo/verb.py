"""The verb `demo`: a whole move of an invented company, and whether everything came as it was planted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ...connectors.clock import Clock
from ...connectors.finding import Finding, Severity
from ...connectors.secrets import Secrets
from ...runs.catalogue import Language
from ...runs.ledger import records, runlog
from ...runs.report.model import Report, Table, Text
from .. import check, compare, run
from ..keeping import keep_report
from ..project import Project, load_project
from ..session import Tick, open_ledger
from .facts import DemoFacts, Expected
from .generate import generate
from .into import answering, in_earnest, made_up, to_start

RECORDS = 103_000
RECORDS_BY_CALL = 10_000
"""Where each record takes a call."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was planted, and what was found of it."""

    mapping: str
    what: Text
    planted: int
    found: int

    @property
    def good(self) -> bool:
        return self.planted == self.found


def demo(
    folder: Path,
    records: int | None,
    seed: int,
    secrets: Secrets,
    clock: Clock,
    tick: Callable[[Tick], None],
    language: Language,
    target: str | None = None,
) -> Report:
    """Make the data, then check, plan, run and reconcile it, and compare what was found with what was planted. target:
    the simulator to move into, in place of a database."""
    number = records or (RECORDS if target is None else RECORDS_BY_CALL)
    tick(Tick("generate", folder.name, 0, number))
    facts = generate(folder, number, seed, target)
    tick(Tick("generate", folder.name, number, number))
    if target is None:
        return _moved(facts, load_project(folder), secrets, clock, tick, language)
    with answering(target, folder, clock) as server:
        project = load_project(folder)
        known, again = made_up(server, project), to_start(target, server, project)
        allowed = Secrets(lambda name: known.get(name) or secrets.get(name))
        return _moved(facts, project, allowed, clock, tick, language, again)


def _moved(
    facts: DemoFacts,
    project: Project,
    secrets: Secrets,
    clock: Clock,
    tick: Callable[[Tick], None],
    language: Language,
    first: tuple[str, ...] = (),
) -> Report:
    """first: what to type before any other command."""
    started = clock.monotonic()
    check.check(project, secrets, clock, check.Asked(data=False))  # the plan reads it all
    planned = keep_report(project, run.plan(project, run.Order(), secrets, clock, tick), language, secrets)
    order = run.Order(plan=str(planned.extra["plan"]))
    moved = keep_report(project, run.run(project, order, secrets, clock, tick), language, secrets)
    compared = keep_report(project, compare.reconcile(project, run.Order(), secrets, clock, tick), language, secrets)
    lines = [*_buckets(facts, moved), *_findings(project, secrets, facts, moved), *_theirs(facts, compared)]
    strays = _strays(project, secrets, facts, moved)
    same_plan = _same_counts(planned, moved)
    good = all(line.good for line in lines) and not strays and same_plan and compared.exit_code == 0
    told = _report(project, facts, moved, compared, lines, strays, good, clock.monotonic() - started)
    real = in_earnest(project, planned, secrets, clock)
    told = replace(told, facts=(*told.facts, *real), next_steps=(*first, *told.next_steps))
    return keep_report(project, told, language, secrets)


def _report(
    project: Project,
    facts: DemoFacts,
    moved: Report,
    compared: Report,
    lines: list[Line],
    strays: int,
    good: bool,
    seconds: float,
) -> Report:
    off = [line for line in lines if not line.good]
    planted: tuple[Table, ...] = (_table("table.not_as_planted", off, detail=False),) if off else ()
    planted += (_table("table.planted", lines, detail=True),)
    code = "demo.as_planted" if good else "demo.not_as_planted"
    return replace(
        moved,
        verb="demo",
        verdict=Text(code, {"planted": len(facts.planted), "off": len(off) + strays, "records": facts.records}),
        good=good,
        exit_code=0 if good else 1,
        facts=(
            ("fact.records", facts.records),
            ("fact.planted", len(facts.planted)),
            ("fact.written_off", f"{facts.written_off_rate:.2%}"),
            ("fact.compared", Text(compared.verdict.code, compared.verdict.params)),
            *(fact for fact in compared.facts if fact[0] == "fact.totals"),
            ("fact.seconds", f"{seconds:.1f}"),
            ("fact.run_report", project.typed(Path(str(moved.extra["report"])))),
            ("fact.reconcile_report", project.typed(Path(str(compared.extra["report"])))),
        ),
        tables=(*planted, *compared.tables),
        next_steps=(
            project.command("run --execute"),
            project.command("status"),
            project.command(f"explain {facts.planted[0].key}"),
            project.command(f"undo {moved.extra['run']}"),
        ),
        extra={
            "run": moved.extra["run"],
            "differences": compared.extra["differences"],
            "totals_equal": compared.extra["totals_equal"],
            "as_planted": good,
            "seconds": round(seconds, 3),
        },
    )


def _table(title: str, lines: list[Line], *, detail: bool) -> Table:
    rows = tuple((line.mapping, line.what, line.planted, line.found) for line in lines)
    columns = ("column.mapping", "column.what", "column.planted", "column.found")
    return Table(Text(title), columns, rows, detail=detail)


def _buckets(facts: DemoFacts, moved: Report) -> Iterable[Line]:
    counts = {each.mapping: each for each in moved.counts}
    for name, expected in facts.expected.items():
        found = counts.get(name)
        buckets = dict(found.buckets) if found else {}
        yield Line(name, Text("bucket.read"), expected.read, found.read if found else 0)
        for bucket in sorted({*expected.buckets, *(each for each, count in buckets.items() if count)}):
            yield Line(name, Text(f"bucket.{bucket}"), expected.buckets.get(bucket, 0), buckets.get(bucket, 0))
        yield Line(name, Text("bucket.adopted"), expected.adopted, found.adopted if found else 0)


def _findings(project: Project, secrets: Secrets, facts: DemoFacts, moved: Report) -> Iterable[Line]:
    found: dict[tuple[str, str], int] = {}
    for each in _noted(project, secrets, moved):
        count = each.params.get("count") if each.severity is Severity.WARNS else None
        key = (each.mapping or "", each.code)
        found[key] = found.get(key, 0) + (count if isinstance(count, int) else 1)
    expected = {(name, code): count for name, each in facts.expected.items() for code, count in each.findings.items()}
    for name, code in sorted({*found, *expected}):
        yield Line(
            name, Text("demo.finding", {"code": code}), expected.get((name, code), 0), found.get((name, code), 0)
        )


def _noted(project: Project, secrets: Secrets, moved: Report) -> list[Finding]:
    with open_ledger(project, secrets) as (ledger, _):
        number = moved.extra["run"]
        return runlog.findings_of(ledger, number) if isinstance(number, int) else []


def _theirs(facts: DemoFacts, compared: Report) -> Iterable[Line]:
    """Records that users of the new CRM made: they must be there as before, and not be ours."""
    theirs = compared.extra["theirs"]
    if not isinstance(theirs, dict):
        raise TypeError("reconcile tells what is not ours by object")
    for name, count in facts.target_only.items():
        yield Line(name, Text("column.theirs"), count, theirs.get(name, 0))


def _strays(project: Project, secrets: Secrets, facts: DemoFacts, moved: Report) -> int:
    """Records that ended in another bucket than the one they were planted for, even where the counts agree."""
    with open_ledger(project, secrets) as (ledger, _):
        waiting: dict[tuple[str, str], set[str]] = {}
        for row in records.waiting(ledger):
            waiting.setdefault((row.mapping, row.bucket), set()).add(row.source_key or "")
    strays = 0
    for name, expected in facts.expected.items():
        for bucket in ("rejected", "held"):
            strays += len(_keys(expected, bucket) ^ waiting.get((name, bucket), set()))
    return strays


def _keys(expected: Expected, bucket: str) -> frozenset[str]:
    return expected.keys.get(bucket, frozenset())


def _same_counts(planned: Report, moved: Report) -> bool:
    """The dry run must have said exactly what the run did."""
    return [(each.mapping, dict(each.buckets)) for each in planned.counts] == [
        (each.mapping, dict(each.buckets)) for each in moved.counts
    ]
