"""How many calls a move will cost, and when it will be done: told before they are spent."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from ...connectors.pace import ALWAYS, Action, Allowance, Narrowed, Quota, Rate, Schedule
from ...connectors.pace.quota import Days
from ...runs.report.model import Text

MOST_STEPS = 10_000
"""Business hours and days that a forecast passes through before it says that it sees no end."""
WRITES = (Action.WRITE, Action.DELETE)
"""Of these several may be under way at a time."""
Records = Mapping[Action, int]


@dataclass(frozen=True, slots=True)
class Predicted:
    """calls: by interface. finish: when the last of them will have been made, in UTC; None where the limits never let
    it come to that."""

    calls: Mapping[str, int]
    began: dt.datetime
    finish: dt.datetime | None = None

    @property
    def total(self) -> int:
        return sum(self.calls.values())

    def no_sooner(self, other: Predicted) -> Predicted:
        """The same, its end not before that of the other."""
        if self.finish is None or other.finish is None:
            return replace(self, finish=None)
        return replace(self, finish=max(self.finish, other.finish))


@dataclass(frozen=True, slots=True)
class Part:
    """What a move does to the records of one mapping. object: of the target, empty for any. records: how often each
    action is done to one of many. calls: by interface, besides those. after: places of the parts that are over before
    it begins, all of which come before it."""

    object: str
    records: Records = field(default_factory=dict)
    calls: Mapping[str, int] = field(default_factory=dict)
    after: Sequence[int] = ()


def calls_of(records: Records, allowance: Allowance, object_name: str = "") -> dict[str, int]:
    """Calls by interface. object_name: whose records they are; empty for any."""
    return _calls(Part(object_name, records), allowance)


def _calls(part: Part, allowance: Allowance) -> dict[str, int]:
    calls: Counter[str] = Counter(part.calls)
    for action, number in part.records.items():
        for need in allowance.needs_of(part.object, action):
            calls[need.interface] += need.calls_for(number)
    return {name: number for name, number in calls.items() if number > 0}


def predict(
    parts: Sequence[Part],
    allowance: Allowance,
    now: dt.datetime,
    *,
    schedule: Schedule = ALWAYS,
    narrowed: Narrowed | None = None,
    spent: int = 0,
    at_once: int = 1,
) -> Predicted:
    """Walk through the hours and days until all calls are made. spent: calls of today already spent. at_once: as in
    Capabilities.

    Within a part the interfaces are called one after another, as the loader does, so what they take adds up; where it
    goes to and fro between them, their windows recover meanwhile and it is done a little earlier.
    """
    each_calls = [_calls(part, allowance) for part in parts]
    calls = dict(sum((Counter(each) for each in each_calls), Counter[str]()))
    busy = _busy(parts, allowance, at_once)

    def longest(lasts: Mapping[str, float]) -> float:
        return _longest(parts, each_calls, calls, lasts)

    return _walked(calls, busy, longest, allowance, now, schedule, narrowed or Narrowed(), spent)


def at_the_limits(calls: Mapping[str, int], allowance: Allowance, now: dt.datetime) -> Predicted:
    """The same of calls that are known already, one interface after another, where each is answered at once and nothing
    is narrowed."""

    def one_after_another(lasts: Mapping[str, float]) -> float:
        return sum(lasts.values())

    busy = dict.fromkeys(calls, 0.0)
    return _walked(calls, busy, one_after_another, allowance, now, ALWAYS, Narrowed(), 0)


def _walked(
    calls: Mapping[str, int],
    busy: Mapping[str, float],
    together: Callable[[Mapping[str, float]], float],
    allowance: Allowance,
    now: dt.datetime,
    schedule: Schedule,
    narrowed: Narrowed,
    spent: int,
) -> Predicted:
    """busy: as `_busy` tells it. together: how long all takes, by what the calls of each interface do."""
    total = sum(calls.values())
    if not total:
        return Predicted(calls, now, now)
    daily = narrowed.daily_calls(allowance.quota)
    days = Days(allowance.quota or Quota())
    at, left = now, 1.0
    for _ in range(MOST_STEPS):
        share = narrowed.share * schedule.share(at)
        lasts = _seconds(calls, busy, allowance, share) if share > 0 else None
        seconds = None if lasts is None else max(together(lasts), _paced(total, allowance.shared, share))
        room = left
        if daily is not None:
            ours = max(0, daily - narrowed.reserve) * schedule.quota(at)
            room = min(left, max(0.0, ours - spent) / total)
        edges = [edge for edge in (schedule.next_edge(at), days.next(at) if daily is not None else None) if edge]
        until = min(edges, default=None)
        done = room if seconds == 0 else 0.0
        if seconds is not None and seconds > 0:
            done = room if until is None else min(room, (until - at).total_seconds() / seconds)
        if done >= left - 1e-9:
            return Predicted(calls, now, at + dt.timedelta(seconds=left * (seconds or 0.0)))
        if until is None:
            break
        left -= done
        spent = 0 if days.day(until) != days.day(at) else spent + round(done * total)
        at = until
    return Predicted(calls, now)


def _seconds(
    calls: Mapping[str, int], busy: Mapping[str, float], allowance: Allowance, share: float
) -> dict[str, float]:
    """How long the calls of each interface would take at this share of the rates."""
    told = {}
    for name, number in calls.items():
        rates = allowance.of(name).rates
        at_once = min([number, *(rate.calls for rate in rates)])  # what the windows hold takes its time to be answered
        told[name] = max(busy[name], _paced(number, rates, share) + busy[name] * at_once / number)
    return told


def _longest(
    parts: Sequence[Part],
    each_calls: Sequence[Mapping[str, int]],
    calls: Mapping[str, int],
    lasts: Mapping[str, float],
) -> float:
    """Until the last part is over. Each takes its share of the time of its interfaces."""
    over: list[float] = []
    for part, own in zip(parts, each_calls, strict=True):
        begins = max((over[place] for place in part.after), default=0.0)
        over.append(begins + sum(lasts[name] * number / calls[name] for name, number in own.items()))
    return max(over, default=0.0)


def _busy(parts: Sequence[Part], allowance: Allowance, at_once: int) -> dict[str, float]:
    """Seconds that the calls of each interface take from departure to answer, those that write several at a time."""
    seconds: dict[str, float] = defaultdict(float)
    for part in parts:
        lasts: dict[str, float] = {}
        for action in Action:
            for need in allowance.needs_of(part.object, action):
                together = min(at_once, allowance.of(need.interface).threads) if action in WRITES else 1
                lasts.setdefault(need.interface, need.seconds / together)
                seconds[need.interface] += need.calls_for(part.records.get(action, 0)) * need.seconds / together
        for interface, number in part.calls.items():
            seconds[interface] += number * lasts.get(interface, 0.0)
    return seconds


def _paced(calls: int, rates: Sequence[Rate], share: float) -> float:
    narrowed = [each for rate in rates if (each := rate.shared(share)) is not None]
    return max((max(0, calls - rate.calls) / rate.per_second for rate in narrowed), default=0.0)


SOON: Final = dt.timedelta(seconds=1)
"""What takes less is not held up by limits: how long the systems themselves take is not foretold."""


def predicted_facts(predicted: Predicted) -> tuple[tuple[str, str | int | Text], ...]:
    """For a report: calls, how long, until when."""
    facts: list[tuple[str, str | int | Text]] = [("fact.calls_predicted", predicted.total)]
    if predicted.finish is None:
        return (*facts, ("fact.finish_predicted", Text("predict.never")))
    if predicted.finish - predicted.began < SOON:
        return (*facts, ("fact.time_predicted", Text("predict.soon")))
    facts.append(("fact.time_predicted", predicted_time(predicted, "predict.hours")))
    facts.append(("fact.finish_predicted", predicted.finish.strftime("%Y-%m-%d %H:%M UTC")))
    return tuple(facts)


def predicted_time(predicted: Predicted, code: str, **told: str | int) -> Text:
    """How long it takes, as a text with `hours` and `minutes`."""
    if predicted.finish is None:
        return Text("predict.never")
    minutes = -(-int((predicted.finish - predicted.began).total_seconds()) // 60)
    return Text(code, {"hours": minutes // 60, "minutes": minutes % 60, **told})
