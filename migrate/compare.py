"""The verb `reconcile`: what it says of the comparison."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence

from ..connectors.clock import Clock
from ..connectors.finding import Finding
from ..connectors.secrets import Secrets
from ..runs.differences import Difference, Differences, Whose
from ..runs.report.model import BUCKETS, Report, Row, Table, Text
from .causes import causes
from .corrections import lapsed_corrections
from .counted import MISCOUNTED
from .filing.bodies import require_bodies
from .loading.outside import outside_table, outside_told
from .loading.rewriting import links_table, links_told
from .plan import reader_for
from .prepare import prepare
from .project import Project
from .proving.grade import degraded_facts, degraded_tables, grades_told
from .reconcile import Compared, Reconciler
from .run import Order
from .session import Session, Tick, open_session
from .totals import Totals, totals_facts, totals_if_any, totals_tables

LISTED = 200


def reconcile(
    project: Project,
    order: Order,
    secrets: Secrets,
    clock: Clock,
    tick: Callable[[Tick], None],
    *,
    files: bool = False,
) -> Report:
    """Compare both sides. Nothing is written to either. files: the bodies of files, too."""
    started = clock.monotonic()
    with open_session(project, secrets, clock, tick) as session:
        prepared = prepare(session)
        choice = order.choice(project)
        if files:
            require_bodies(session)
        reconciler = Reconciler(session, reader_for(session, choice, prepared), bodies=files)
        compared = reconciler.compare(prepared.order)
        for name in prepared.order:
            session.notices += lapsed_corrections(session, session.mappings[name], whole=choice.everything)
        totals = totals_if_any(session, choice)
        seconds = clock.monotonic() - started
        return reconcile_report(session, compared, reconciler.differences, reconciler.findings, totals, seconds)


def reconcile_report(
    session: Session,
    compared: Sequence[Compared],
    differences: Differences,
    noted: Sequence[Finding],
    totals: Totals | None,
    seconds: float,
) -> Report:
    """Differences by whose they are, what is explained, what else was noticed, and the totals."""
    equal = None if totals is None else totals.equal
    number = differences.total
    code = _worst(number, noted, equal)
    explained = sum(sum(each.explained.values()) for each in compared)
    return Report(
        verb="reconcile",
        verdict=Text(
            code,
            {
                "differences": number,
                "records": sum(each.equal for each in compared),
                "explained": explained,
                "wrong": differences.of(Whose.WRONG),
            },
        ),
        good=code == "reconcile.equal",
        exit_code=int(code != "reconcile.equal"),
        facts=(
            ("fact.environment", session.project.env),
            ("fact.compared", sum(each.source for each in compared)),
            ("fact.equal", sum(each.equal for each in compared)),
            ("fact.explained", explained),
            *_explained_by(compared),
            *_won(compared),
            *_bodies(compared),
            *(totals_facts(totals.lines) if totals is not None else ()),
            *((f"whose.{whose.value}", differences.of(whose)) for whose in Whose if differences.of(whose)),
            *degraded_facts(session.graded),
            ("fact.seconds", f"{seconds:.1f}"),
        ),
        causes=causes([*session.notices, *noted, *(totals.findings if totals is not None else ())]),
        tables=(
            *_difference_tables(differences),
            *degraded_tables(session.graded),
            _compared_table(compared),
            _compared_detail(compared),
            *_scope_tables(compared),
            *(totals_tables(totals.lines) if totals is not None else ()),
        ),
        next_steps=_next(session.project, differences),
        extra={
            "differences": number,
            "differences_by": {whose.value: differences.of(whose) for whose in Whose},
            "explained": explained,
            **_counts_told(compared),
            **_scope_told(compared),
            "totals_equal": equal,
            **grades_told(session.graded),
            "seconds": round(seconds, 3),
        },
    )


def _worst(differences: int, noted: Sequence[Finding], equal: bool | None) -> str:
    """The verdict's code. equal: the totals, None where there are none."""
    lost = any(each.code == MISCOUNTED for each in noted)
    worst = (("differs", differences), ("miscounted", lost), ("totals_differ", equal is False), ("equal", True))
    return next(f"reconcile.{each}" for each, so in worst if so)


def _counts_told(compared: Sequence[Compared]) -> dict[str, object]:
    return {
        "won": sum(each.won for each in compared),
        "bodies": sum(each.bodies for each in compared),
        "theirs": {each.object: each.theirs for each in compared},
    }


def _scope_tables(compared: Sequence[Compared]) -> tuple[Table, ...]:
    """References that leave the scope, and addresses of old records."""
    outside = outside_table({each.mapping: each.outside for each in compared})
    return (*outside, *links_table({each.mapping: each.linked for each in compared}))


def _scope_told(compared: Sequence[Compared]) -> dict[str, object]:
    """The same for the JSON document."""
    outside = outside_told({each.mapping: each.outside for each in compared})
    return {"outside": outside, "links": links_told({each.mapping: each.linked for each in compared})}


def _next(project: Project, differences: Differences) -> tuple[str, ...]:
    first = differences.kept[0] if differences.kept else None
    if first is None:
        return ()
    steps = [project.command(f"explain {shlex.quote(first.source_key or first.our_key)}")]
    if any(map(differences.of, (Whose.SOURCE_MOVED, Whose.MAPPING_MOVED, Whose.TAKEN_BACK))):
        steps.append(project.command("run --execute"))
    return tuple(steps)


def _compared_table(compared: Sequence[Compared]) -> Table:
    rows = tuple(
        (each.mapping, each.source, each.equal, each.differing, sum(each.explained.values())) for each in compared
    )
    columns = ("column.mapping", "column.read", "column.equal", "column.differing", "column.explained")
    return Table(Text("table.compared"), columns, rows)


def _explained_by(compared: Sequence[Compared]) -> Iterator[tuple[str, int]]:
    """Bucket by bucket, what the explained records are."""
    for bucket in BUCKETS:
        number = sum(each.explained[bucket] for each in compared)
        if number:
            yield f"bucket.{bucket}", number


def _won(compared: Sequence[Compared]) -> tuple[tuple[str, int], ...]:
    number = sum(each.won for each in compared)
    return (("fact.won", number),) if number else ()


def _bodies(compared: Sequence[Compared]) -> tuple[tuple[str, int], ...]:
    number = sum(each.bodies for each in compared)
    return (("fact.bodies_compared", number),) if number else ()


def _compared_detail(compared: Sequence[Compared]) -> Table:
    """Why records are not there, fields left alone by policy, and how many records of the target are not ours."""
    buckets = sorted({bucket for each in compared for bucket, number in each.explained.items() if number})
    rows: tuple[Row, ...] = tuple(
        (each.mapping, each.object, *(each.explained[name] for name in buckets), each.kept, each.ours, each.theirs)
        for each in compared
    )
    columns = (
        "column.mapping",
        "column.object",
        *(f"bucket.{bucket}" for bucket in buckets),
        "column.kept",
        "column.ours",
        "column.theirs",
    )
    return Table(Text("table.explained"), columns, rows, detail=True)


def _difference_tables(differences: Differences) -> tuple[Table, ...]:
    if not differences.total:
        return ()
    by_kind = tuple(
        (Text(f"whose.{whose}"), mapping, Text(what) if what.startswith("difference.") else what, number)
        for (whose, mapping, what), number in differences.counts.most_common()
    )
    listed = differences.kept[:LISTED]
    return (
        Table(Text("table.differences"), ("column.whose", "column.mapping", "column.what", "column.number"), by_kind),
        Table(
            Text("table.differing_records"),
            ("column.whose", "column.mapping", "column.old", "column.new", "column.field", "column.by", "column.at"),
            tuple(_row(each) for each in listed),
            differences.total - len(listed),
        ),
    )


def _row(each: Difference) -> Row:
    return (
        Text(f"whose.{each.whose.value}"),
        each.mapping,
        each.source_key or each.our_key,
        each.target_key,
        each.field or Text(each.code),
        each.by,
        (each.at or "")[:19] or None,
    )
