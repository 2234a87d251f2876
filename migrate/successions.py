"""Who took over from whom: every owner that the target does not have, or has no longer, in a run's findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ..connectors.finding import Finding
from ..runs.report.model import Row, Table, Text

SUBSTITUTED, DROPPED = "people.substituted", "people.dropped"
LISTED = 200


def successions(findings: Iterable[Finding]) -> tuple[Table, ...]:
    """A line for each old person, field and successor, with how many records of the mapping it concerns and by which
    rule; those with the most records first."""
    counts: Counter[tuple[str, ...]] = Counter()
    for each in findings:
        if each.code in (SUBSTITUTED, DROPPED) and "person" in each.params:
            told = (str(each.params.get(name, "")) for name in ("person", "successor", "department", "steps"))
            counts[each.mapping or "", each.field or "", *told] += int(each.params["count"])
    ranked = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    rows: list[Row] = [
        (mapping, field, person, successor or None, _rule(department, steps), number)
        for (mapping, field, person, successor, department, steps), number in ranked[:LISTED]
    ]
    if not rows:
        return ()
    columns = ("mapping", "field", "old_person", "successor", "by_rule", "records")
    heads = tuple(f"column.{each}" for each in columns)
    return (Table(Text("table.successions"), heads, tuple(rows), max(0, len(ranked) - LISTED)),)


def _rule(department: str, steps: str) -> Text:
    if not steps:
        return Text("people.left_out")
    if int(steps):
        return Text("people.by_manager", {"steps": int(steps)})
    return Text("people.by_department", {"name": department}) if department else Text("people.by_default")
