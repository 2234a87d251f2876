"""The calls of business totals, for which a run reads objects of both sides once more at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from ...connectors.pace import Action, Allowance
from ...runs.ledger import records
from ..loading.select import Choice
from ..loading.tally import READ
from ..session import Session
from ..sources.several import role_of
from ..totals import load_totals

TARGET = "target"
"""Its role."""


def calls_of_totals(
    session: Session, choice: Choice, counts: Mapping[str, Mapping[str, int]], allowances: Mapping[str, Allowance]
) -> dict[str, Counter[str]]:
    """By role of a system, by interface. counts: mapping -> what is counted -> how many. allowances: by role. Of the
    target's records those that users have made themselves are not known."""
    calls: dict[str, Counter[str]] = {role: Counter() for role in allowances}
    for role, object_name, number in _reads(session, choice, counts):
        for need in allowances[role].needs_of(object_name, Action.READ) if role in allowances else ():
            calls[role][need.interface] += need.calls_for(max(1, number))
    return calls


def _reads(session: Session, choice: Choice, counts: Mapping[str, Mapping[str, int]]) -> Iterator[tuple[str, str, int]]:
    """(role, object, records) of each read."""
    totals = load_totals(session) if choice.everything else None
    if totals is None:
        return
    read, there = Counter[str](), Counter[str]()
    for object_name, _, state, number in records.counts_by_state(session.ledger):
        there[object_name] += number if state in ("live", "pending") else 0
    for name in counts.keys() & session.mappings.keys():
        mapping = session.mappings[name]
        read[mapping.source.name] = max(read[mapping.source.name], counts[name].get(READ, 0))
        there[mapping.target.name] += counts[name].get("created", 0)
    for total in totals.totals:
        source, target = total.source.object, total.target.object
        role = role_of(session.source, source)
        yield role, source.removeprefix(f"{role.partition(' ')[2]}."), read[source]
        yield TARGET, target, there[target]
