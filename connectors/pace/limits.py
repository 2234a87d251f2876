"""What a system says of the calls that it takes, as data. Nothing here knows which system that is."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Action(StrEnum):
    """What the toolkit asks of a system. WRITE is any change, DELETE one that takes a record away; READ a page of all
    records; FIND one of chosen ones, FILED what a field of files makes of it besides; UPLOAD takes the body of one file
    there, BODY has it from there; OWNER, LOCK and SOFT_DELETE are ordeals of a record (`port.Ordeal`), each done and
    taken back; CLOCK is the system's own time."""

    WRITE = "write"
    DELETE = "delete"
    FIND = "find"
    READ = "read"
    FILED = "filed"
    UPLOAD = "upload"
    BODY = "body"
    OWNER = "owner"
    LOCK = "lock"
    SOFT_DELETE = "soft_delete"
    CLOCK = "clock"


AS_CHANGES = {Action.DELETE: 1, Action.OWNER: 2, Action.LOCK: 2, Action.SOFT_DELETE: 2}
"""What costs so many changes where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Rate:
    """In any `seconds` at most `calls` calls may arrive."""

    calls: int
    seconds: float

    def __post_init__(self) -> None:
        if self.calls < 1 or not self.seconds > 0:
            raise ValueError(f"a rate is of at least one call in more than no time: {self}")

    def shared(self, share: float) -> Rate | None:
        """The rate of which only this share (0 to 1) may be used; None where that is nothing at all. A share of less
        than one call is one call in so much longer a time."""
        if share <= 0:
            return None
        calls = math.floor(self.calls * share + 1e-9)
        return Rate(calls, self.seconds) if calls else Rate(1, self.seconds / (self.calls * share))

    @property
    def per_second(self) -> float:
        return self.calls / self.seconds


@dataclass(frozen=True, slots=True)
class Interface:
    """rates: all of them hold at once. threads: requests that may be under way at a time. How many do good is told by
    how long answers take: calls that take their own time are an interface of their own, and where they are counted
    together the rate is a shared one."""

    rates: tuple[Rate, ...] = ()
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Quota:
    """calls: that the system takes in a day, None where it does not say. resets, zone: the local time at which its day
    begins, and the zone (an IANA name) of that time."""

    calls: int | None = None
    resets: dt.time = dt.time(0)
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Need:
    """What an action costs: `calls` calls of an interface for every `records` records, each taking about `seconds` from
    its departure to its answer."""

    interface: str
    records: int = 1
    calls: int = 1
    seconds: float = 0.0

    def calls_for(self, records: int) -> int:
        return -(-records // self.records) * self.calls


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a system allows.

    interfaces: by name. others: what holds for each interface that is not named. shared: rates over the calls of all
    interfaces together. threads: requests under way at a time over all interfaces, None where it does not say. quota:
    calls a day over all interfaces. late: seconds for which a call that was given up on may still arrive. needs: what
    our actions cost, so that calls can be told before they are spent. objects: the same for the objects of which it is
    something else. Objects that are written through different interfaces, each with rates, may be under way together;
    then several threads read, find and write at a time, though only one of them reads or finds.
    """

    interfaces: Mapping[str, Interface] = field(default_factory=dict)
    others: Interface = Interface(threads=1_000_000)
    shared: tuple[Rate, ...] = ()
    threads: int | None = None
    quota: Quota | None = None
    late: float = 0.0
    needs: Mapping[Action, tuple[Need, ...]] = field(default_factory=dict)
    objects: Mapping[str, Mapping[Action, tuple[Need, ...]]] = field(default_factory=dict)

    def needs_of(self, object_name: str, action: Action) -> tuple[Need, ...]:
        """What this action costs on that object; a DELETE of which nothing is said, what any change does, and an
        ordeal twice as much."""
        told = self.objects.get(object_name, {}).get(action) or self.needs.get(action, ())
        if told or action not in AS_CHANGES:
            return told
        changes = self.needs_of(object_name, Action.WRITE)
        return tuple(replace(each, calls=each.calls * AS_CHANGES[action]) for each in changes)

    def of(self, interface: str) -> Interface:
        return self.interfaces.get(interface, self.others)

    @property
    def limited(self) -> bool:
        """Whether the system sets any limit to its calls."""
        everywhere = (*self.interfaces.values(), self.others)
        return bool(self.shared or self.quota or any(each.rates for each in everywhere))


UNLIMITED = Allowance()


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What a project says besides: only this `share` (0 to 1) of every rate; at most `daily` calls a day; of the day's
    calls `reserve` are kept for the business."""

    share: float = 1.0
    daily: int | None = None
    reserve: int = 0

    def daily_calls(self, quota: Quota | None) -> int | None:
        """The calls of a day, reserve included; None where neither side limits them."""
        told = [number for number in (self.daily, quota.calls if quota else None) if number is not None]
        return min(told) if told else None
