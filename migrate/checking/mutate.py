"""`check --mutate`: rules changed one by one, and the changes that no example notices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...mappings.compile import CompiledMapping
from ...mappings.mutations import Mutation, mutations
from ...runs.report.model import Report, Row, Table, Text
from ..project import Project
from .examples import lay_examples

LISTED = 500


@dataclass(frozen=True, slots=True)
class Tried:
    """One mapping: how many of its rules' mutations there were, and those that no example noticed."""

    mapping: CompiledMapping
    count: int
    unnoticed: tuple[Mutation, ...]


def try_mutations(mapping: CompiledMapping) -> Tried:
    """Change the mapping in every way, and see each time whether its examples still come true."""
    every = list(mutations(mapping))
    laid = lay_examples(mapping)
    if laid is None:
        return Tried(mapping, len(every), tuple(every))
    return Tried(mapping, len(every), tuple(each for each in every if not any(True for _ in laid.unmet(each.mapping))))


def mutate_report(project: Project, order: Sequence[str], mappings: Mapping[str, CompiledMapping]) -> Report:
    """What of the mappings could be changed without an example saying so; exit code 1 where anything could."""
    tried = [try_mutations(mappings[name]) for name in order]
    total, left = sum(each.count for each in tried), sum(len(each.unnoticed) for each in tried)
    rows: list[Row] = [
        (
            each.mapping.name,
            mutation.field,
            Text(mutation.code, mutation.params),
            f"{each.mapping.file}:{mutation.line}",
        )
        for each in tried
        for mutation in each.unnoticed
    ]
    columns = ("column.mapping", "column.field", "column.mutation", "column.where")
    unnoticed = Table(Text("table.unnoticed"), columns, tuple(rows[:LISTED]), max(0, len(rows) - LISTED))
    sums = tuple(
        (each.mapping.name, len(each.mapping.mapping_file.model.examples), each.count, len(each.unnoticed))
        for each in tried
    )
    columns = ("column.mapping", "column.examples", "column.mutations", "column.unnoticed")
    noticed = {"noticed": total - left, "all": total}
    return Report(
        verb="check",
        verdict=Text("mutate.unnoticed" if left else "mutate.noticed", {**noticed, "left": left}),
        good=not left,
        exit_code=1 if left else 0,
        facts=(("fact.project", project.spec.project), ("fact.environment", project.env)),
        tables=(Table(Text("table.mutations"), columns, sums), *((unnoticed,) if rows else ())),
        next_steps=(project.command("check"),),
        extra={"mappings_checked": list(order), "mutations": noticed},
    )
