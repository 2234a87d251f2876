"""Business hours, in which less of what the target allows is taken."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

A_WEEK = dt.timedelta(days=8)
"""After so long every hour of a week has been, whatever clocks were put."""


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours of some weekdays (0 is Monday), by the clock on the wall. begins counts, ends does not; hours that end at
    or before the time they begin at run into the next day. share: of every rate, 0 to 1. quota: of a day's calls, how
    much may be spent by the end of these hours, 0 to 1."""

    days: frozenset[int]
    begins: dt.time
    ends: dt.time
    share: float = 1.0
    quota: float = 1.0

    def holds(self, local: dt.datetime) -> bool:
        at = local.time()
        if self.begins < self.ends:
            return local.weekday() in self.days and self.begins <= at < self.ends
        today = local.weekday() in self.days and at >= self.begins
        return today or ((local.weekday() - 1) % 7 in self.days and at < self.ends)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Where hours overlap, the lowest share and the lowest part of the quota count; outside them all, everything."""

    zone: ZoneInfo
    hours: tuple[Hours, ...] = ()

    def share(self, now: dt.datetime) -> float:
        return min((each.share for each in self._held(now)), default=1.0)

    def quota(self, now: dt.datetime) -> float:
        return min((each.quota for each in self._held(now)), default=1.0)

    def next_edge(self, now: dt.datetime) -> dt.datetime | None:
        """When hours begin or end next, in UTC; None where there are none."""
        local = now.astimezone(self.zone)
        edges = (
            dt.datetime.combine(local.date() + dt.timedelta(days=day), time, self.zone).astimezone(dt.UTC)
            for day in range(-1, 9)
            for each in self.hours
            for time in (each.begins, each.ends)
        )
        return min((edge for edge in edges if edge > now), default=None)

    def opens(self, now: dt.datetime, part: float = 0.0) -> dt.datetime | None:
        """When hours with a share, and with so much of the quota, begin, in UTC; `now` where they are. None where it
        never comes to that."""
        at: dt.datetime | None = now
        while at is not None and not (self.share(at) and self.quota(at) >= part):
            at = self.next_edge(at) if at < now + A_WEEK else None
        return at

    def _held(self, now: dt.datetime) -> tuple[Hours, ...]:
        if not self.hours:
            return ()
        local = now.astimezone(self.zone)
        return tuple(each for each in self.hours if each.holds(local))


ALWAYS = Schedule(ZoneInfo("UTC"))
"""No business hours: all of the limits, at any time."""
