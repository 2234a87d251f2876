"""What plan, run and undo tell of the calls to the target. Where the target limits none, nothing is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ...connectors.errors import InputError
from ...connectors.pace import Action
from ...runs.ledger import proofs, records
from ...runs.ledger.proofs import RECORD
from ...runs.plan import Plan, changed_since, load_plan
from ...runs.report.model import Text
from ..loading.beside import apart_of
from ..loading.details import kinds_of
from ..loading.pipeline import Moved, Reader
from ..loading.select import Choice
from ..loading.tally import CARRIED, FURTHER, parts_of
from ..plan import plan_of
from ..prepare import Prepared
from ..proving.prove import calls_of_proof
from ..session import Session, Tick
from .predict import Part, Predicted, Records, calls_of, predict, predicted_facts, records_of


@dataclass(frozen=True, slots=True)
class CallsTold:
    """facts and extra: for the verb's report."""

    facts: tuple[tuple[str, str | int | Text], ...] = ()
    extra: Mapping[str, object] = field(default_factory=dict)


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


def plan_calls(session: Session, moved: Moved) -> CallsTold:
    """What the plan itself has spent, and what a run will."""
    if not session.target.capabilities.allowance.limited:
        return CallsTold()
    predicted = _predicted(session, {name: tally.as_dict() for name, tally in moved.tallies.items()})
    made = session.paces.target.made()
    return CallsTold(
        (("fact.calls_made", sum(made.values())), *predicted_facts(predicted)),
        {"calls": {"made": made, "predicted": dict(predicted.calls)}, "finish": _iso(predicted)},
    )


def predicted_by_plan(session: Session, prepared: Prepared, choice: Choice, name: str | None) -> Predicted | None:
    """What the plan foresaw that this run keeps to: the one that was named, else the latest that still holds; None
    where there is none."""
    if not session.target.capabilities.allowance.limited:
        return None
    folder = session.project.runs / "plans"
    if name is not None:
        return _predicted(session, load_plan(name, folder).counts)
    today = plan_of(session, prepared, choice)
    for path in sorted(folder.glob("plan-*.json"), key=lambda path: path.stat().st_mtime, reverse=True):
        plan = _read(str(path), session)
        if plan is not None and not changed_since(plan, today):
            return _predicted(session, plan.counts)
    return None


def run_calls(session: Session, predicted: Predicted | None) -> CallsTold:
    """Predicted against actual; the latter of this process, and of those who shared the run."""
    if not session.target.capabilities.allowance.limited:
        return CallsTold()
    made = dict(Counter(session.paces.target.made()) + (session.team.calls if session.team else Counter()))
    foreseen = () if predicted is None else (("fact.calls_predicted", predicted.total),)
    told = None if predicted is None else dict(predicted.calls)
    return CallsTold((*foreseen, ("fact.calls_made", sum(made.values()))), {"calls": {"made": made, "predicted": told}})


def undo_calls(session: Session, cost: Mapping[str, Records], *, made: bool = False) -> CallsTold:
    """What the forecast of an undo has spent, and what the undo will, its own reading included; made: what the undo
    was to spend, and did. cost: by object, how often each action is done to a record."""
    if not session.target.capabilities.allowance.limited:
        return CallsTold()
    parts = [Part(name, each, after=range(place)) for place, (name, each) in enumerate(cost.items())]
    predicted = _foreseen(session, parts)
    spent = session.paces.target.made()
    told = {"calls": {"made": spent, "predicted": dict(predicted.calls)}}
    facts = (("fact.calls_made", sum(spent.values())),)
    if made:
        return CallsTold((("fact.calls_predicted", predicted.total), *facts), told)
    return CallsTold((*facts, *predicted_facts(predicted)), {**told, "finish": _iso(predicted)})


def _predicted(session: Session, counts: Mapping[str, Mapping[str, int]]) -> Predicted:
    matched = [name for name, mapping in session.mappings.items() if mapping.match]
    told = session.target.capabilities.answers_details
    names, apart = [name for name in counts if name in session.mappings], apart_of(session)
    proven, parts, aboard = _proven(session), [], _aboard(session, counts)
    for place, name in enumerate(names):
        target = session.mappings[name].target.name
        actions, proving = Counter(records_of({name: counts[name]}, matched, answers_details=told)), Counter[Action]()
        actions[Action.WRITE] += aboard[name]
        if target not in proven and _creates(counts[name]):
            proven.add(target)
            proving.update(calls_of_proof(session, target))
            actions[Action.WRITE] -= 1  # it goes alone
        after = [other for other in range(place) if not apart(names[other], name)]
        further = {interface: number for [interface], number in parts_of(counts[name], FURTHER)}
        parts.append(Part(target, actions, proving, further, after))
    return _foreseen(session, parts)


def _aboard(session: Session, counts: Mapping[str, Mapping[str, int]]) -> Counter[str]:
    """By mapping, writes to be moved: what is carried is counted where its master is, and saved where its own mapping
    is. Of several kinds of details the first are taken to be carried."""
    moved: Counter[str] = Counter()
    for name, buckets in counts.items():
        carried = buckets.get(CARRIED, 0)
        moved[name] += carried
        for child, _, _ in kinds_of(session, session.mappings[name]) if carried and name in session.mappings else ():
            some = min(carried, counts.get(child.name, {}).get("created", 0))
            moved[child.name] -= some
            carried -= some
    return moved


def _proven(session: Session) -> set[str]:
    """Target objects of which a first record was proven."""
    return {each.object for each in proofs.everything(session.ledger) if each.what == RECORD and each.over}


def _creates(buckets: Mapping[str, int]) -> bool:
    return buckets.get("created", 0) + buckets.get("pending", 0) > 0


def _foreseen(session: Session, parts: Sequence[Part]) -> Predicted:
    pace = session.paces.target
    today = pace.of_today()
    return predict(
        parts,
        session.target.capabilities.allowance,
        session.clock.now(),
        schedule=pace.schedule,
        narrowed=pace.narrowed,
        spent=today[0] if today else 0,
        at_once=session.target.capabilities.at_once,
    )


def _read(name: str, session: Session) -> Plan | None:
    try:
        return load_plan(name, session.project.runs / "plans")
    except InputError:
        return None


def _iso(predicted: Predicted) -> str | None:
    return predicted.finish.isoformat(timespec="seconds") if predicted.finish else None
