"""Why records wait, in words: what was noticed of each, and how many wait for what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ..connectors.finding import Finding, Severity
from ..runs.ledger import runlog
from ..runs.ledger.records import Waiting
from ..runs.ledger.store import Ledger
from ..runs.menders import mender
from ..runs.report.model import Cause, Table, Text
from .causes import causes


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a record waits. noted: (run, finding) of its cause, the latest; None where nothing was noted. also: what else
    was found wrong with it when it was last looked at. since: the run since which it waits for this."""

    record: Waiting
    noted: tuple[int, Finding] | None
    also: tuple[Finding, ...]
    since: int

    @property
    def finding(self) -> Finding:
        """What keeps it back; where nothing was noted, at least its code."""
        if self.noted is not None:
            return self.noted[1]
        record = self.record
        return Finding(
            record.code, Severity.BLOCKS, object=record.source_object, key=record.source_key, mapping=record.mapping
        )

    @property
    def mender(self) -> str:
        """The catalogue code of who can mend it."""
        return mender(self.record.code) or ""


def reasons_of(ledger: Ledger, waiting: Sequence[Waiting]) -> list[Reason]:
    """The reason of each of these records, in their order."""
    if not waiting:
        return []
    noted = runlog.findings_of_waiting(ledger)
    whole = [
        run.id for run in runlog.history(ledger) if (run.verb, run.selection, run.state) == ("run", "", "finished")
    ]
    return [_reason(each, noted.get((each.object, each.our_key), []), whole) for each in waiting]


def _reason(record: Waiting, noted: Sequence[tuple[int, Finding]], whole: Sequence[int]) -> Reason:
    own = [each for each in noted if each[1].code == record.code]
    if not own:
        return Reason(record, None, (), record.run)
    last = max(run for run, _ in noted)
    also = tuple(each for run, each in noted if run == last and each.code != record.code)
    return Reason(record, own[-1], also, _since({run for run, _ in own}, whole))


def _since(runs: set[int], whole: Sequence[int]) -> int:
    """The first of the runs that noted it, back to where a whole run went by without. whole: the latest first."""
    silent = next((run for run in whole if run < max(runs) and run not in runs), 0)
    return min(run for run in runs if run > silent)


def text_of(finding: Finding) -> Text:
    """The finding's text, with the names of its place among the params where it does not give them."""
    named = {"mapping": finding.mapping, "object": finding.object, "field": finding.field}
    return Text(
        finding.code, {name: value for name, value in named.items() if value is not None} | dict(finding.params)
    )


def causes_of(reasons: Sequence[Reason]) -> tuple[Cause, ...]:
    """How many wait for what, why and who can mend it, the gravest and most frequent cause first."""
    return causes(each.finding for each in reasons)


def codes_table(reasons: Sequence[Reason]) -> tuple[Table, ...]:
    """How many wait for which code, the most frequent first."""
    counts = Counter((each.record.code, each.mender) for each in reasons)
    rows = tuple((code, number, Text(who)) for (code, who), number in counts.most_common())
    return (Table(Text("table.waiting"), ("column.code", "column.records", "column.mender"), rows),) if rows else ()
