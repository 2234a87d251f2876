"""What plan and run tell of the calls to those sources that limit them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from ...connectors.pace import Action
from ...connectors.port import Connector
from ...mappings.compile import CompiledMapping
from ...runs.report.model import Text
from ..filing.filing import MOVED
from ..filing.told import tallied_files
from ..session import Session
from ..sources.several import connections_of, role_of

Calls = Mapping[str, int]
"""By interface."""


def limited(session: Session) -> dict[str, Connector]:
    """The sources that limit their calls, by role."""
    connections = connections_of(session.source)
    return {role: each for role, each in connections.items() if each.capabilities.allowance.limited}


def made_to_sources(session: Session) -> dict[str, Counter[str]]:
    """What this process has called so far, by role."""
    return {role: Counter(pace.made()) for role, pace in session.paces.sources.items()}


def foreseen(
    session: Session,
    counts: Mapping[str, Mapping[str, int]],
    read: Mapping[str, Calls],
    totals: Mapping[str, Calls],
) -> dict[str, dict[str, int]]:
    """What a run will call, by role of a source that limits it: it reads what the plan has read, has the bodies of
    files, and asks for the time. read, totals: by role. counts: mapping -> what is counted -> how many."""
    there, told = limited(session), dict[str, Counter[str]]()
    for role, connection in there.items():
        told[role] = Counter(read.get(role, {})) + Counter(totals.get(role, {}))
        _add(told[role], connection, Action.CLOCK, 1)
    for name in counts.keys() & session.mappings.keys():
        mapping = session.mappings[name]
        role = role_of(session.source, mapping.source.name)
        if role in told:
            _add(told[role], there[role], Action.BODY, _bodies(mapping, counts[name]))
    return {role: dict(+calls) for role, calls in told.items()}


def source_facts(session: Session, predicted: Mapping[str, Calls]) -> tuple[tuple[str, str | int | Text], ...]:
    """predicted: by role; nothing of a source of which it is not known."""
    there = limited(session)
    if not there:
        return ()
    known = [sum(predicted[role].values()) for role in there if role in predicted]
    spent = sum(sum(calls.values()) for role, calls in made_to_sources(session).items() if role in there)
    facts = (("fact.source_calls_made", spent),)
    return (("fact.source_calls_predicted", sum(known)), *facts) if known else facts


def source_told(session: Session, predicted: Mapping[str, Calls]) -> dict[str, object]:
    """The same for the JSON document, by role and interface."""
    there, spent = limited(session), made_to_sources(session)
    told = {
        role: {"made": dict(spent.get(role, {})), "predicted": dict(predicted[role]) if role in predicted else None}
        for role in there
    }
    return {"source_calls": told} if told else {}


def _bodies(mapping: CompiledMapping, counts: Mapping[str, int]) -> int:
    """Files that are had from the source, and not made of its records."""
    made_here = {each.field for each in mapping.folds}
    held = {each.field.name for each in mapping.rules if not made_here & set(each.sources)}
    return sum(number for (field, what), number in tallied_files(counts).items() if what == MOVED and field in held)


def _add(calls: Counter[str], connection: Connector, action: Action, number: int) -> None:
    for need in connection.capabilities.allowance.needs_of("", action):
        calls[need.interface] += need.calls_for(number)
