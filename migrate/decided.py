"""What a run decided of fields that both systems had changed: counted by field, and listed record by record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ..connectors.finding import Finding
from ..runs.report.model import Row, Table, Text
from .loading.wins import STAYS, WRITTEN_OVER

LISTED = 200
_SIDES = {WRITTEN_OVER: "old", STAYS: "new"}


def decided_tables(findings: Iterable[Finding]) -> tuple[Table, ...]:
    """By mapping and field, how often each side won; then the records. No table where nothing was decided."""
    listed = _decided(findings)
    if not listed:
        return ()
    counts: Counter[tuple[str, ...]] = Counter(_what(each) for each in listed)
    summed: tuple[Row, ...] = tuple(
        (mapping, field, wins, Text(f"wins.side_{side}"), number)
        for (mapping, field, wins, side), number in sorted(counts.items())
    )
    records: tuple[Row, ...] = tuple(
        (each.mapping, each.key, each.field, Text(f"wins.side_{_SIDES[each.code]}")) for each in listed[:LISTED]
    )
    heads = ("column.mapping", "column.field", "column.wins", "column.won_by", "column.number")
    left = max(0, len(listed) - LISTED)
    return (
        Table(Text("table.decided"), heads, summed),
        Table(
            Text("table.decided_records"),
            ("column.mapping", "column.old", "column.field", "column.won_by"),
            records,
            left,
        ),
    )


def decided_told(findings: Iterable[Finding]) -> list[dict[str, str | int]]:
    """The counts for the JSON document. side: who won, `old` (the source) or `new` (the target)."""
    counts: Counter[tuple[str, ...]] = Counter(_what(each) for each in _decided(findings))
    return [
        {"mapping": mapping, "field": field, "wins": wins, "side": side, "count": number}
        for (mapping, field, wins, side), number in sorted(counts.items())
    ]


def _decided(findings: Iterable[Finding]) -> list[Finding]:
    return [each for each in findings if each.code in _SIDES]


def _what(each: Finding) -> tuple[str, str, str, str]:
    return each.mapping or "", each.field or "", str(each.params["wins"]), _SIDES[each.code]
