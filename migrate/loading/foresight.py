"""What the target would do by itself with planned records: people over their cap, records that are taken away again.

Looked at where they would be sent, by the columns of each batch: nothing is kept but counts and the records that are
listed.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, cast

import pyarrow as pa
import pyarrow.compute as pc

from ...connectors.change import Batch, Change, ChangeKind, Outcome
from ...connectors.finding import Finding, Severity
from ...connectors.holding import Holding, KnowsHolding, Recycling
from ...connectors.port import Connector
from ...connectors.schema import FieldType, Schema
from ...runs.report.model import Report, Row, Table, Text
from ..causes import causes
from .rehearsal import Rehearsal
from .tally import CALLS, Tally

LISTED = 100
WRITTEN = (ChangeKind.CREATE, ChangeKind.UPDATE, ChangeKind.ADOPT)
INSTANT = pa.timestamp("us", tz="UTC")


class Taken(NamedTuple):
    """A record that would be taken away, and when. owner: empty where the change does not say."""

    when: dt.date
    object: str
    our_key: str
    owner: str
    rule: str


@dataclass(frozen=True, slots=True)
class OverCap:
    object: str
    person: str
    owned: int
    planned: int
    cap: int


class Foresight(Rehearsal):
    """The target of a dry run that looks at what would be written. now: when it would be. made: the calls that this
    process has made to the target so far, by interface. opening: those of them that were made for no mapping; a run
    makes the same."""

    def __init__(
        self, target: Connector, schema: Schema, now: dt.datetime, made: Callable[[], Mapping[str, int]] = dict
    ) -> None:
        super().__init__(target)
        self._made = made
        self._counted = self.opening = Counter(made())
        self._schema, self._now = schema, now
        self._holdings: dict[str, Holding | None] = {}
        self._given: dict[str, Counter[str]] = {}
        self._taken: list[Taken] = []
        self._numbers: Counter[str] = Counter()

    def write(self, batch: Batch) -> list[Outcome]:
        holding = self._holding(batch.object)
        if holding is not None:
            self._look(batch.object, [each for each in batch.changes if each.kind in WRITTEN], holding)
        return super().write(batch)

    def _holding(self, name: str) -> Holding | None:
        if name not in self._holdings:
            known = self.capabilities.knows_holding
            self._holdings[name] = cast(KnowsHolding, self.inner).holding(name) if known else None
        return self._holdings[name]

    def _look(self, name: str, changes: Sequence[Change], holding: Holding) -> None:
        owners = pa.array([each.values.get(holding.owner) for each in changes], pa.string())
        for each in pc.value_counts(owners.drop_null()).to_pylist():
            self._given.setdefault(name, Counter())[each["values"]] += each["counts"]
        created = pa.array([each.kind is ChangeKind.CREATE for each in changes], pa.bool_())
        for rule in holding.recyclings:
            self._taken_by(name, changes, owners, created, rule, holding.ahead)

    def _taken_by(
        self,
        name: str,
        changes: Sequence[Change],
        owners: pa.StringArray,
        created: pa.BooleanArray,
        rule: Recycling,
        ahead: int,
    ) -> None:
        """What is made and owned, and of what is changed that of which the change says a moment."""
        moments = pc.coalesce(*(self._moments(name, each, changes) for each in rule.since))
        meant = pc.if_else(created, owners.is_valid(), moments.is_valid())
        if rule.lies_in is not None:
            field, pool = rule.lies_in
            lies = pa.array([each.values.get(field) for each in changes], pa.string())
            meant = pc.and_(meant, pc.fill_null(pc.equal(lies, pool), True))
        due = pc.add(pc.coalesce(moments, pa.scalar(self._now, INSTANT)), pa.scalar(dt.timedelta(days=rule.days)))
        within = pc.less_equal(due, pa.scalar(self._now + dt.timedelta(days=ahead), INSTANT))
        places = pc.indices_nonzero(pc.and_(meant, within)).to_pylist()
        self._numbers[name] += len(places)
        taken = (
            Taken(due[at].as_py().date(), name, changes[at].our_key, owners[at].as_py() or "", rule.name)
            for at in places
        )
        self._taken = sorted([*self._taken, *taken])[:LISTED]

    def _moments(self, name: str, field: str, changes: Sequence[Change]) -> pa.TimestampArray:
        cells = [each.values.get(field) for each in changes]
        described = self._schema.objects[name].field(field)
        if described is not None and described.type is FieldType.DATE:
            return pa.array(cells, pa.date32()).cast(pa.timestamp("us")).cast(INSTANT)
        return pa.array(cells, INSTANT)

    # What is said of it

    def count_calls(self, tally: Tally) -> None:
        """Count the calls that a run makes for what was looked at since the last time: what it reads is read here as
        well, and what it writes and reads back is foretold."""
        for interface, number in self._calls().items():
            tally.add("\t".join((CALLS, interface)), number)

    def count_rest(self) -> None:
        """What has come since counts for no mapping."""
        self.opening = self.opening + self._calls()

    def _calls(self) -> Counter[str]:
        now = Counter(self._made())
        read, self._counted = now - self._counted, now
        return read + self.foretold.taken()

    def over_cap(self) -> list[OverCap]:
        """With the records that people own already: where there are caps, asked of the target."""
        told = []
        for name, given in self._given.items():
            holding = self._holding(name)
            capped = [each for each in sorted(given) if holding is not None and holding.cap(each) is not None]
            owned = cast(KnowsHolding, self.inner).owned(name, capped) if capped else {}
            for person in capped:
                cap = holding.cap(person) if holding is not None else None
                if cap is not None and owned[person] + given[person] > cap:
                    told.append(OverCap(name, person, owned[person], given[person], cap))
        return told

    def told(self, report: Report) -> Report:
        """The plan's report with what is foreseen."""
        over = self.over_cap()
        findings = [
            Finding("foreseen.over_cap", Severity.WARNS, {"object": name, "count": number})
            for name, number in Counter(each.object for each in over).items()
        ]
        for name, number in self._numbers.items():
            holding = self._holdings[name]
            if number and holding is not None:
                params: dict[str, str | int] = {"object": name, "count": number, "days": holding.ahead}
                findings.append(Finding("foreseen.recycled", Severity.WARNS, params))
        foreseen = {
            "over_cap": [
                {
                    "object": each.object,
                    "person": each.person,
                    "owned": each.owned,
                    "planned": each.planned,
                    "cap": each.cap,
                }
                for each in over
            ],
            "recycled": dict(self._numbers),
        }
        return replace(
            report,
            causes=report.causes + causes(findings),
            tables=report.tables + self._tables(over),
            extra={**report.extra, "foreseen": foreseen},
        )

    def _tables(self, over: Sequence[OverCap]) -> tuple[Table, ...]:
        tables = []
        if over:
            rows: list[Row] = [(each.object, each.person, each.owned, each.planned, each.cap) for each in over]
            columns = ("column.object", "column.person", "column.owned", "column.planned", "column.cap")
            tables.append(Table(Text("table.over_cap"), columns, tuple(rows[:LISTED]), max(0, len(rows) - LISTED)))
        if self._taken:
            rows = [(each.when.isoformat(), each.object, each.our_key, each.owner, each.rule) for each in self._taken]
            columns = ("column.taken_on", "column.object", "column.our_key", "column.person", "column.recycling")
            more = max(0, sum(self._numbers.values()) - len(rows))
            tables.append(Table(Text("table.recycled"), columns, tuple(rows), more))
        return tuple(tables)
