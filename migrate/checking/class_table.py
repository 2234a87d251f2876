"""The project's data classes, and how many fields of the mappings are of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ...mappings.compile import CompiledMapping
from ...runs.report.model import Row, Table, Text
from ..project import Project


def classes_table(project: Project, mappings: Iterable[CompiledMapping]) -> tuple[Table, ...]:
    """No table where the project declares none."""
    counts = Counter(rule.rule.class_ for mapping in mappings for rule in mapping.rules)
    rows: tuple[Row, ...] = tuple(
        (name, each.means, Text(f"masked.{each.masked}"), counts[name]) for name, each in project.spec.classes.items()
    )
    columns = ("column.class", "column.means", "column.masked", "column.fields")
    return (Table(Text("table.classes"), columns, rows),) if rows else ()
