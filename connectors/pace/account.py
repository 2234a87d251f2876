"""The calls of several processes to one system, as one account that each of them reads, changes and writes in turn.

The proof in `window` holds for all of them together, if all times are by one clock, and each process tells of an answer
only when it has it: take the one of too many calls that was granted last; all the others were in the account then."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from .book import Asked, Taken
from .limits import Quota, Rate
from .quota import Days
from .window import Window

AHEAD = 0.25
"""A place that becomes free within so many seconds is given away already, so that who waits need not ask again."""
AGAIN = 0.03
"""Seconds until it is worth to ask again where that depends on answers that others expect."""
LATER = 1.0
"""The same where the day's calls are spent, or those of these hours."""
SILENT = 120.0
"""A process of which nothing was heard for so many seconds is dead, and what it had under way has arrived or never
will. It must be longer than any call takes."""
HEARD = 5.0
"""That a process is there is noted again after so many seconds."""

_SHARED = ""
"""The lane of the rates over all interfaces."""


@dataclass(slots=True)
class Lane:
    """One interface. held: until when it is left alone. made, last: how many calls were answered so far, and when the
    latest was: what a rate begins with that nobody counted before."""

    windows: dict[Rate, Window] = field(default_factory=dict)
    held: float = 0.0
    made: int = 0
    last: float = 0.0

    def window(self, rate: Rate, under_way: int) -> Window:
        window = self.windows.get(rate)
        if window is None:
            window = self.windows[rate] = Window(rate)
            window.begin(under_way + self.made, under_way, self.last)
        return window

    def answer(self, calls: int, now: float, late: float) -> None:
        self.made, self.last = self.made + calls, max(self.last, now + late)
        for window in self.windows.values():
            window.answer(calls, now, late)

    def depart(self, calls: int) -> None:
        for window in self.windows.values():
            window.depart(calls)

    def told(self, now: float) -> list[tuple[int, float, list[int]]]:
        kept = [(rate.calls, rate.seconds, window.kept(now), window.under_way) for rate, window in self.windows.items()]
        return [(calls, seconds, answers) for calls, seconds, answers, under_way in kept if answers or under_way]


@dataclass(slots=True)
class Account:
    """under_way: process -> interface -> [calls, requests]. heard: of each process that has some, when. late: as the
    system last said. at: the latest time. behind: how far the clock has been put back in all; times here, in seconds,
    only go forward. changed: whether there is anything that others have to know."""

    lanes: dict[str, Lane] = field(default_factory=dict)
    under_way: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    heard: dict[str, float] = field(default_factory=dict)
    day: str = ""
    spent: int = 0
    late: float = 0.0
    at: float = 0.0
    behind: float = 0.0
    changed: bool = False

    def take(self, process: str, asked: Asked, now: float) -> Taken:
        if asked.quota:
            self._turn(asked, asked.quota, now)
        now = self._begin(process, now)
        for interface, answers in asked.earlier.items():
            self._came_before(interface, [(now - ago, calls) for ago, calls in answers])
        self.late = asked.allowance.late
        wait = self._wait(asked, now)
        granted = wait is not None and wait <= AHEAD
        if granted:
            self._depart(process, asked)
        elif wait is None:
            wait = AGAIN
        else:
            wait = max(AGAIN, wait - AHEAD)
        return Taken(granted, wait or 0.0, self.day, self.spent)

    def give_back(self, process: str, interface: str, calls: int) -> None:
        if self._arrived(process, interface, calls):
            for lane in self._counting(interface):
                lane.depart(-calls)
            self.spent = max(0, self.spent - calls)

    def answered(self, process: str, interface: str, calls: int, now: float, late: float, holds: float) -> None:
        """An answer for a process that was taken for dead counts again: it did arrive later than was thought."""
        now = self._begin(process, now)
        self.changed = True
        known = self._arrived(process, interface, calls)
        for lane in self._counting(interface):
            if not known:
                lane.depart(calls)
            lane.answer(calls, now, late)
        lane = self._lane(interface)
        if holds:
            lane.held = max(lane.held, now + holds)

    def counted(self, now: float) -> dict[str, list[tuple[float, int]]]:
        """Interface -> (seconds since, less than 0 where it may still arrive; how many at most). All answers as the
        latest one."""
        now = self._passed(now)
        told: dict[str, list[tuple[float, int]]] = {}
        for name, lane in self.lanes.items():
            answers = [(now - lane.last, lane.made), (-self.late, self._calls(name))]
            told |= {name: [each for each in answers if each[1]]} if name != _SHARED else {}
        return told

    def over(self, process: str, now: float) -> None:
        """The process is dead: what it had under way arrives within `late` seconds, or never."""
        self._end(process, self._passed(now))

    def _end(self, process: str, now: float) -> None:
        self.heard.pop(process, None)
        self.changed |= process in self.under_way
        for interface, (calls, _) in self.under_way.pop(process, {}).items():
            for lane in self._counting(interface):
                lane.answer(calls, now, self.late)

    def _passed(self, now: float) -> float:
        self.behind = max(self.behind, self.at - now)
        self.at = now + self.behind
        return self.at

    def _begin(self, process: str, clock: float) -> float:
        now = self._passed(clock)
        if self.heard.get(process, 0.0) + HEARD < now:
            self.heard[process] = now
            self.changed |= process in self.under_way
        for each in [each for each, at in self.heard.items() if at + SILENT < now]:
            self._end(each, now)
        return now

    def _came_before(self, interface: str, answers: Sequence[tuple[float, int]]) -> None:
        self.changed = True
        for lane in self._counting(interface):
            for at, calls in answers:
                lane.made, lane.last = lane.made + calls, max(lane.last, at)
            for window in lane.windows.values():
                window.earlier(answers)

    def _turn(self, asked: Asked, quota: Quota, now: float) -> None:
        """What is under way when a day begins counts again: it is the target that decides on which day it arrived."""
        before = (self.day, self.spent)
        day = Days(quota).day(dt.datetime.fromtimestamp(now, dt.UTC)).isoformat()
        if day > self.day:
            self.day, self.spent = day, sum(self._calls(name) for name in self.lanes if name != _SHARED)
        if asked.day == self.day:
            self.spent = max(self.spent, asked.spent)
        self.changed |= (self.day, self.spent) != before

    def _wait(self, asked: Asked, now: float) -> float | None:
        """Seconds; None where that depends on answers still to come."""
        allowance, lane = asked.allowance, self._lane(asked.interface)
        limits = allowance.of(asked.interface)
        spent = asked.quota is not None and self.spent + asked.calls > asked.ours
        many = allowance.threads is not None and self._requests() >= allowance.threads
        if spent:
            return LATER + AHEAD
        if many or self._requests(asked.interface) >= limits.threads:
            return None
        waits = [lane.held - now, 0.0]
        for each, rates in ((lane, limits.rates), (self._lane(_SHARED), allowance.shared)):
            under_way = self._calls(asked.interface if each is lane else None)
            for rate in rates:
                wait = each.window(rate, under_way).wait(asked.calls, asked.share, now)
                if wait is None:
                    return None
                waits.append(wait)
        return max(waits)

    def _depart(self, process: str, asked: Asked) -> None:
        self.changed = True
        for lane in self._counting(asked.interface):
            lane.depart(asked.calls)
        under_way = self.under_way.setdefault(process, {}).setdefault(asked.interface, [0, 0])
        under_way[0] += asked.calls
        under_way[1] += 1
        if asked.quota:
            self.spent += asked.calls

    def _arrived(self, process: str, interface: str, calls: int) -> bool:
        """Whether so many calls of it were under way; they are no longer."""
        under_way = self.under_way.get(process, {}).get(interface)
        if under_way is None or under_way[0] < calls:
            return False
        self.changed = True
        under_way[0] -= calls
        under_way[1] -= 1
        if not under_way[0]:
            del self.under_way[process][interface]
        if not self.under_way[process]:
            del self.under_way[process]
        return True

    def _counting(self, interface: str) -> tuple[Lane, Lane]:
        return self._lane(interface), self._lane(_SHARED)

    def _lane(self, interface: str) -> Lane:
        return self.lanes.setdefault(interface, Lane())

    def _calls(self, interface: str | None = None) -> int:
        return self._sum(interface, 0)

    def _requests(self, interface: str | None = None) -> int:
        return self._sum(interface, 1)

    def _sum(self, interface: str | None, which: int) -> int:
        return sum(
            number[which]
            for each in self.under_way.values()
            for name, number in each.items()
            if interface is None or name == interface
        )

    def text(self) -> str:
        """JSON. A rate without calls is left out, and a process that has none under way."""
        told = {
            "lanes": {name: [lane.held, lane.made, lane.last, lane.told(self.at)] for name, lane in self.lanes.items()},
            "under_way": self.under_way,
            "heard": {each: at for each, at in self.heard.items() if each in self.under_way},
            "rest": [self.day, self.spent, self.late, self.at, self.behind],
        }
        return json.dumps(told, separators=(",", ":"))


def read(text: str) -> Account:
    """The account that `text` told; an empty one from an empty text."""
    if not text:
        return Account()
    told = json.loads(text)
    account = Account({}, told["under_way"], told["heard"], *told["rest"])
    for name, (held, made, last, windows) in told["lanes"].items():
        under_way = account._calls(name if name != _SHARED else None)
        rates = {Rate(calls, seconds): kept for calls, seconds, kept in windows}
        counted = {rate: Window(rate, under_way, kept) for rate, kept in rates.items()}
        account.lanes[name] = Lane(counted, held, made, last)
    return account
