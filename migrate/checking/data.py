"""What only the data can tell: `check`'s pass over the source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ...connectors.finding import Finding, Severity
from ...runs.ledger.claims import Claims
from ...runs.masking import plain
from ...runs.report.model import Cause, Row, Table, Text
from ..causes import causes
from ..session import Session, rehearse
from ..showing import showing
from .links import Links
from .reading import Probe, read_through
from .records import Records, UnknownValues
from .strays import strays

KEEPS_BACK = (Severity.BLOCKS, Severity.HOLDS)
LISTED = 200


@dataclass(frozen=True, slots=True)
class Seen:
    """causes: what the data came to. values: those that no value map or picklist has. read: records."""

    causes: tuple[Cause, ...]
    values: UnknownValues
    read: int

    @property
    def kept_back(self) -> int:
        """How many findings would keep a record back."""
        return sum(cause.count for cause in self.causes if cause.severity in KEEPS_BACK)


def look_through(session: Session, order: Sequence[str], besides: Sequence[Probe] = ()) -> Seen:
    """Read every mapped source object once and judge its records. order: mappings, parents first. besides: who else
    looks on."""
    values = UnknownValues()
    with _probes(session, order) as own:
        probes = [*own, *besides]
        told = causes(_noted(read_through(session, probes), values))
    read = sum(session.source.count(name) for name in {probe.object for probe in probes})
    return Seen(told, values, read)


@contextmanager
def _probes(session: Session, order: Sequence[str]) -> Iterator[list[Probe]]:
    """Who looks on, over a throw-away copy of the ledger, which knows who holds a unique value already."""
    with rehearse(session, session.target) as dry:
        claims, links = Claims(dry.ledger, session.keys.digest), Links(session, session.mappings)
        records = [Records(session, session.mappings[name], claims, links) for name in order]
        yield [*records, *strays(session, session.mappings)]


def _noted(findings: Iterator[Finding], values: UnknownValues) -> Iterator[Finding]:
    for each in findings:
        values.note(each)
        yield each


def values_table(session: Session, values: UnknownValues, show_values: bool) -> tuple[Table, ...]:
    """Each unknown value and how many records have it, the most frequent first. Masked but with `show_values`, as far
    as the field's class allows."""
    files = [each.mapping_file for each in session.mappings.values()]
    shown = showing(session.project.spec.classes, files, show_values)
    rows: list[Row] = []
    for (name, field, code), counted in sorted(values.counts.items()):
        file, line = session.mappings[name].rule_lines[field]
        place = f"{file}:{line}"
        rows += [
            (name, field, plain(shown.target(name, field, value)), count, place)
            for value, count in counted.most_common()
        ]
        if more := values.more[name, field, code]:
            rows.append((name, field, Text("check.more_values"), more, place))
    columns = ("column.mapping", "column.field", "column.value", "column.records", "column.where")
    table = Table(Text("table.unknown_values"), columns, tuple(rows[:LISTED]), max(0, len(rows) - LISTED))
    return (table,) if rows else ()
