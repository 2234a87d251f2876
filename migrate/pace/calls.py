"""What plan, run and undo tell of calls. Of those to a system that limits none, nothing is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...connectors.errors import InputError
from ...connectors.pace import Action, Allowance, Pace
from ...runs.ledger import records
from ...runs.plan import Plan, changed_since, load_plan
from ...runs.report.model import Text
from ..filing.told import moved_files
from ..loading.beside import apart_of
from ..loading.pipeline import Moved, Reader
from ..loading.select import Choice
from ..loading.tally import CALLS, parts_of
from ..plan import plan_of
from ..prepare import Prepared
from ..session import Session, Tick
from .predict import Part, Predicted, calls_of, predict, predicted_facts
from .source_calls import Calls, foreseen, limited, made_to_sources, source_facts, source_told
from .totals_calls import TARGET, calls_of_totals

Fact = tuple[str, str | int | Text]


@dataclass(frozen=True, slots=True)
class CallsTold:
    """facts and extra: for the verb's report. predicted: by role of a system that limits its calls."""

    facts: tuple[Fact, ...] = ()
    extra: Mapping[str, object] = field(default_factory=dict)
    predicted: Mapping[str, Calls] = field(default_factory=dict)


def tell_reading(session: Session, prepared: Prepared, reader: Reader) -> None:
    """Before a plan asks the target anything: how many calls its reading costs at most."""
    if not session.target.capabilities.allowance.limited:
        return
    known = Counter[str]()
    for object_name, _, state, number in records.counts_by_state(session.ledger):
        known[object_name] += number if state in ("live", "pending") else 0
    asked = 0
    for name in prepared.order:
        mapping = session.mappings[name]
        ours = known[mapping.target.name]
        asked += ours + (max(0, (reader.total(mapping) or 0) - ours) if mapping.match else 0)
    tell_most(session, asked)


def tell_most(session: Session, asked: int) -> None:
    """How many calls it costs at most to ask the target for so many records."""
    allowance = session.target.capabilities.allowance
    if allowance.limited:
        most = sum(calls_of({Action.FIND: asked}, allowance).values())
        session.tick(Tick("reading_calls", session.project.environment.target.name, most, most))


def calls_so_far(session: Session) -> dict[str, Counter[str]]:
    """What this process has called, by role of a system."""
    return {**made_to_sources(session), TARGET: Counter(session.paces.target.made())}


def plan_calls(session: Session, choice: Choice, moved: Moved, opening: Calls, read: Mapping[str, Calls]) -> CallsTold:
    """What the plan itself has spent, and what a run will. opening: to the target, for no mapping, as a run does. read:
    to each system, by its role, likewise."""
    counts = {name: tally.as_dict() for name, tally in moved.tallies.items()}
    allowances = {role: each.capabilities.allowance for role, each in limited(session).items()}
    totals = calls_of_totals(session, choice, counts, allowances | {TARGET: session.target.capabilities.allowance})
    sources = foreseen(session, counts, read, totals)
    facts, extra = source_facts(session, sources), source_told(session, sources)
    if not session.target.capabilities.allowance.limited:
        return CallsTold(facts, extra, sources)
    predicted = _foreseen(session, _parts(session, counts, opening, totals[TARGET]))
    for role, calls in sources.items():
        predicted = predicted.no_sooner(_of_source(session, role, calls))
    made = session.paces.target.made()
    return CallsTold(
        (("fact.calls_made", sum(made.values())), *predicted_facts(predicted), *facts),
        {"calls": {"made": made, "predicted": dict(predicted.calls)}, "finish": _iso(predicted), **extra},
        {TARGET: dict(predicted.calls), **sources},
    )


def predicted_by_plan(
    session: Session, prepared: Prepared, choice: Choice, name: str | None
) -> Mapping[str, Calls] | None:
    """What the plan foresaw that this run keeps to, by role of a system: the plan that was named, else the latest that
    still holds and of which nothing was carried out yet; None where there is none."""
    if not (session.target.capabilities.allowance.limited or limited(session)):
        return None
    folder = session.project.runs / "plans"
    if name is not None:
        return load_plan(name, folder).calls
    today = plan_of(session, prepared, choice)
    for path in sorted(folder.glob("plan-*.json"), key=lambda path: path.stat().st_mtime, reverse=True):
        plan = _read(str(path), session)
        if plan is not None and plan.after == today.after and not changed_since(plan, today):
            return plan.calls
    return None


def run_calls(session: Session, predicted: Mapping[str, Calls] | None) -> CallsTold:
    """Predicted against actual; the latter of this process, and of those who shared the run."""
    known = predicted or {}
    facts, extra = source_facts(session, known), source_told(session, known)
    if not session.target.capabilities.allowance.limited:
        return CallsTold(facts, extra)
    made = dict(Counter(session.paces.target.made()) + (session.team.calls if session.team else Counter()))
    told = known.get(TARGET)
    ours = () if told is None else (("fact.calls_predicted", sum(told.values())),)
    return CallsTold(
        (*ours, ("fact.calls_made", sum(made.values())), *facts),
        {"calls": {"made": made, "predicted": None if told is None else dict(told)}, **extra},
    )


def undo_calls(session: Session, judged: Calls, cost: Mapping[str, Calls], *, made: bool = False) -> CallsTold:
    """What the forecast of an undo has spent, and what the undo will; made: what the undo was to spend, and did.
    judged: until all was judged, which an undo does as well. cost: by object, what follows."""
    if not session.target.capabilities.allowance.limited:
        return CallsTold()
    parts = [Part("", calls=judged)]
    parts += [Part(name, calls=calls, after=range(place)) for place, (name, calls) in enumerate(cost.items(), 1)]
    predicted = _foreseen(session, parts)
    spent = session.paces.target.made()
    told = {"calls": {"made": spent, "predicted": dict(predicted.calls)}}
    facts = (("fact.calls_made", sum(spent.values())),)
    if made:
        return CallsTold((("fact.calls_predicted", predicted.total), *facts), told)
    return CallsTold((*facts, *predicted_facts(predicted)), {**told, "finish": _iso(predicted)})


def _parts(session: Session, counts: Mapping[str, Mapping[str, int]], opening: Calls, totals: Calls) -> list[Part]:
    """What a run does: first, by mapping in the order of `counts`, last."""
    names, apart = [name for name in counts if name in session.mappings], apart_of(session)
    parts = [Part("", calls=opening)]
    for place, name in enumerate(names):
        calls = {interface: number for [interface], number in parts_of(counts[name], CALLS)}
        files = {Action.UPLOAD: moved_files(counts[name])}
        after = [other for other in range(place) if not apart(names[other], name)]
        parts.append(Part(session.mappings[name].target.name, files, calls, [0, *(other + 1 for other in after)]))
    return [*parts, Part("", calls=totals, after=range(len(parts)))]


def _foreseen(session: Session, parts: Sequence[Part]) -> Predicted:
    able = session.target.capabilities
    return _paced(session, session.paces.target, parts, able.allowance, able.at_once)


def _of_source(session: Session, role: str, calls: Calls) -> Predicted:
    allowance = limited(session)[role].capabilities.allowance
    return _paced(session, session.paces.sources[role], [Part("", calls=calls)], allowance, 1)


def _paced(session: Session, pace: Pace, parts: Sequence[Part], allowance: Allowance, at_once: int) -> Predicted:
    today = pace.of_today()
    return predict(
        parts,
        allowance,
        session.clock.now(),
        schedule=pace.schedule,
        narrowed=replace(pace.narrowed, share=pace.narrowed.share * session.paces.asked()),
        spent=today[0] if today else 0,
        at_once=at_once,
    )


def _read(name: str, session: Session) -> Plan | None:
    try:
        return load_plan(name, session.project.runs / "plans")
    except InputError:
        return None


def _iso(predicted: Predicted) -> str | None:
    return predicted.finish.isoformat(timespec="seconds") if predicted.finish else None
