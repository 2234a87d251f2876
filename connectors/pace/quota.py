"""Calls of a day, and what of them is kept for the business."""

from __future__ import annotations

import datetime as dt
from typing import Protocol
from zoneinfo import ZoneInfo

from ..errors import UnavailableError
from .limits import Quota

AHEAD = 100
"""So many calls are noted as spent before they are: what a killed process forgets is never more than it had noted."""


class QuotaSpentError(UnavailableError):
    """The day's calls less the reserve are spent. `resumes` is when there are new ones, in UTC."""

    def __init__(self, spent: int, daily: int, reserve: int, resumes: dt.datetime, zone: ZoneInfo) -> None:
        at = resumes.astimezone(zone).strftime("%Y-%m-%d %H:%M")
        super().__init__("pace.quota_spent", spent=spent, daily=daily, reserve=reserve, at=at, zone=zone.key)
        self.resumes = resumes


class SpentStore(Protocol):
    """Keeps the calls of a day from one process to the next. A day is named by the date on which it began."""

    def load(self) -> tuple[str, int] | None:
        """(day, calls), None where nothing is known."""

    def save(self, day: str, calls: int) -> None: ...


class Days:
    """When a quota's days begin."""

    def __init__(self, quota: Quota) -> None:
        self.zone = ZoneInfo(quota.zone)
        self._resets = quota.resets

    def day(self, now: dt.datetime) -> dt.date:
        """The date on which the day of this moment began."""
        today = now.astimezone(self.zone).date()
        return today if self._begins(today) <= now else today - dt.timedelta(days=1)

    def next(self, now: dt.datetime) -> dt.datetime:
        """When the next day begins, in UTC. Where clocks are put forward over that time, when they are."""
        return self._begins(self.day(now) + dt.timedelta(days=1))

    def _begins(self, date: dt.date) -> dt.datetime:
        return dt.datetime.combine(date, self._resets, self.zone).astimezone(dt.UTC)


class DayCount:
    """Counts the calls of the current day. daily: how many there are, reserve included.

    A call counts on the day of its departure. Those under way when a day begins count again on the new one, since it is
    the target that decides on which day they arrived.
    """

    def __init__(
        self, quota: Quota, daily: int, reserve: int, store: SpentStore | None, before: DayCount | None = None
    ) -> None:
        """before: this process's own count, under what was known of the quota until now."""
        self._days = Days(quota)
        self.daily, self.reserve = daily, reserve
        self._store = store
        self._day, self.spent, self._noted = self._begun(before)

    def _begun(self, before: DayCount | None) -> tuple[str, int, int]:
        if before is not None:  # the store has what was noted ahead: more than was spent
            return before._day, before.spent, before._noted
        day, spent = (self._store.load() if self._store else None) or ("", 0)
        return day, spent, spent

    @property
    def ours(self) -> int:
        return max(0, self.daily - self.reserve)

    def wait(self, calls: int, part: float, under_way: int, now: dt.datetime) -> bool:
        """Whether hours that leave us only `part` of the quota have to pass first. Raises QuotaSpentError where the
        whole of it would not do."""
        self._turn(under_way, now)
        if self.spent + calls > self.ours:
            raise QuotaSpentError(self.spent, self.daily, self.reserve, self._days.next(now), self._days.zone)
        return self.spent + calls > self.ours * part

    def next(self, now: dt.datetime) -> dt.datetime:
        """When the next day begins, in UTC."""
        return self._days.next(now)

    @property
    def day(self) -> str:
        """The name of the day that is counted, empty before the first call."""
        return self._day

    def spend(self, calls: int) -> None:
        self.counted(self._day, self.spent + calls)

    def counted(self, day: str, spent: int) -> None:
        """So many calls of this day are spent; of a day that is not today's here, nothing is learned."""
        if day != self._day:
            return
        self.spent = spent
        if self._store and self.spent > self._noted:
            self._noted = self.spent + AHEAD
            self._store.save(self._day, self._noted)

    def told(self, spent: int, under_way: int, now: dt.datetime) -> None:
        """The target says how many calls of today are spent, by whomever. It may be late with it: more counts, less
        does not."""
        self._turn(under_way, now)
        self.spent = max(self.spent, spent)

    def keep(self) -> None:
        """Note the exact number."""
        if self._store and self._day and self._noted != self.spent:
            self._noted = self.spent
            self._store.save(self._day, self.spent)

    def _turn(self, under_way: int, now: dt.datetime) -> None:
        day = self._days.day(now).isoformat()
        if day > self._day:  # ISO dates sort as days do; a wall clock put back does not give a day twice
            self._day, self.spent, self._noted = day, under_way, 0
