"""`check --offline`: project and mappings against the cached schemas, no system opened.

A project's own tests can ask for the same: `assert_examples(folder)` fails with every problem.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...connectors.clock import Clock
from ...connectors.errors import InputError
from ...connectors.finding import Finding, Severity
from ...mappings.compile import CompiledMapping
from ...mappings.order import load_order
from ...runs.catalogue import Catalogue
from ...runs.report.model import Report, Table, Text
from ..causes import causes
from ..prepare import compile_project
from ..project import Project, load_project
from ..schemas import CachedSchema, cached_schemas
from ..totals import totals_of
from .examples import count_examples
from .mutate import mutate_report

UNCHECKED = ("offline.org", "offline.data", "offline.people", "offline.audit", "offline.drift")


@dataclass(frozen=True, slots=True)
class Offline:
    """What the caches tell of a project. mappings: parents first. findings: none of them blocking."""

    mappings: dict[str, CompiledMapping]
    findings: tuple[Finding, ...]
    caches: tuple[CachedSchema, ...]


def look_offline(project: Project) -> Offline:
    """Raises InputError `schemas.missing` or `schemas.unreadable` where a cache is no use, `mapping.problems` with all
    that blocks."""
    source, target = caches = cached_schemas(project)
    compiled, findings = compile_project(project, source.schema, target.schema, examples=True)
    problems = tuple(each for each in findings if each.severity is Severity.BLOCKS)
    if problems:
        raise InputError("mapping.problems", problems, count=len(problems))
    totals_of(project, source.schema, target.schema)
    return Offline({name: compiled[name] for name in load_order(compiled)}, tuple(findings), caches)


def check_offline(project: Project, clock: Clock, mutate: bool) -> Report:
    """What can be said without either system, how old what it rests on is, and what was not looked at."""
    seen = look_offline(project)
    order = list(seen.mappings)
    if mutate:
        return mutate_report(project, order, seen.mappings)
    warned = len(seen.findings)
    return Report(
        verb="check",
        verdict=Text("check.offline", {"mappings": len(order), "warnings": warned}),
        good=True,
        facts=(
            ("fact.project", project.spec.project),
            ("fact.environment", project.env),
            ("fact.source", _told(seen.caches[0], clock.now())),
            ("fact.target", _told(seen.caches[1], clock.now())),
            ("fact.examples", count_examples(seen.mappings.values())),
        ),
        causes=causes(seen.findings),
        tables=(
            _mappings(seen.mappings),
            Table(Text("table.unchecked"), ("column.unchecked",), tuple((Text(code),) for code in UNCHECKED)),
        ),
        next_steps=(project.command("check"),),
        extra={
            "mappings_checked": order,
            "caches": [{"file": each.file, "at": each.at.isoformat(timespec="seconds")} for each in seen.caches],
        },
    )


def assert_examples(folder: str | Path, env: str | None = None) -> None:
    """For a project's own tests: every mapping fits the cached schemas, and every example comes true. Raises
    AssertionError with each problem, its file and line."""
    try:
        look_offline(load_project(Path(folder), env))
    except InputError as error:
        raise AssertionError(Catalogue("en").error(error)) from error


def _told(cache: CachedSchema, now: dt.datetime) -> Text:
    told: dict[str, str | int] = {"file": cache.file, "at": f"{cache.at:%Y-%m-%d %H:%M}", "days": (now - cache.at).days}
    return Text("offline.cache", told)


def _mappings(mappings: dict[str, CompiledMapping]) -> Table:
    rows = tuple(
        (
            name,
            f"{mapping.source.name} > {mapping.target.name}",
            len(mapping.target_fields),
            _others(name, mapping.parents),
        )
        for name, mapping in mappings.items()
    )
    return Table(Text("table.mappings"), ("column.mapping", "column.objects", "column.fields", "column.parents"), rows)


def _others(name: str, parents: Sequence[str]) -> str | None:
    return ", ".join(sorted(set(parents) - {name})) or None
