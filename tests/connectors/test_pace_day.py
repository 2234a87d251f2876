"""The day's quota and the business hours: what is kept for others, and when."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import pytest
from changeover.connectors.errors import InputError
from changeover.connectors.pace import (
    Allowance,
    Hours,
    Interface,
    Narrowed,
    Pace,
    Quota,
    QuotaSpentError,
    Rate,
    Schedule,
)
from changeover.connectors.pace.quota import Days

from .arrivals import World, most_in_any

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
WORKDAYS = frozenset(range(5))
OFFICE = Hours(WORKDAYS, dt.time(8, 30), dt.time(18), share=0.3, quota=0.5)


@dataclass
class Kept:
    day: str = ""
    calls: int = 0
    saves: int = 0

    def load(self) -> tuple[str, int] | None:
        return (self.day, self.calls) if self.day else None

    def save(self, day: str, calls: int) -> None:
        self.day, self.calls, self.saves = day, calls, self.saves + 1


def local(zone: ZoneInfo, *when: int) -> dt.datetime:
    return dt.datetime(*when, tzinfo=zone).astimezone(dt.UTC)  # type: ignore[misc, arg-type]


def call(pace: Pace, times: int = 1) -> None:
    for _ in range(times):
        pace.take("create")
        pace.answered("create")


def daily(world: World, calls: int | None = 1_000, **narrowed: object) -> Pace:
    pace = Pace(world, narrowed=Narrowed(**narrowed))  # type: ignore[arg-type]
    pace.obey(Allowance(quota=Quota(calls, zone="Asia/Shanghai")))
    return pace


# The day


def test_the_quota_less_its_reserve_is_spent_and_not_one_call_more() -> None:
    world = World(start=local(SHANGHAI, 2026, 11, 21, 9))
    pace = daily(world, reserve=200)
    call(pace, 800)
    with pytest.raises(QuotaSpentError) as told:
        pace.take("create")
    assert told.value.resumes == local(SHANGHAI, 2026, 11, 22)
    assert told.value.exit_code == 3
    assert told.value.params == {
        "spent": 800,
        "daily": 1_000,
        "reserve": 200,
        "at": "2026-11-22 00:00",
        "zone": "Asia/Shanghai",
    }
    assert pace.of_today() == (800, 800)
    assert pace.made() == {"create": 800}


def test_a_request_of_several_calls_is_not_begun_where_they_do_not_fit() -> None:
    pace = daily(World(), 10)
    call(pace, 8)
    with pytest.raises(QuotaSpentError):
        pace.take("create", 3)
    pace.take("create", 2)


def test_the_project_may_have_fewer_calls_than_the_target_gives_but_not_more() -> None:
    for daily_calls, wanted in ((300, 300), (5_000, 1_000)):
        pace = daily(World(), daily=daily_calls)
        call(pace, wanted)
        with pytest.raises(QuotaSpentError):
            pace.take("create")


def test_a_day_that_only_the_project_limits() -> None:
    pace = Pace(World(), narrowed=Narrowed(daily=5))
    call(pace, 5)
    with pytest.raises(QuotaSpentError):
        call(pace)


def test_a_new_day_begins_at_the_targets_midnight() -> None:
    world = World(start=local(SHANGHAI, 2026, 11, 21, 23, 59))
    pace = daily(world, 10)
    call(pace, 10)
    world.sleep(59.9)
    with pytest.raises(QuotaSpentError):
        call(pace)
    world.sleep(0.1)
    call(pace, 10)
    with pytest.raises(QuotaSpentError):
        call(pace)


def test_what_is_under_way_at_midnight_counts_on_both_days() -> None:
    world = World(start=local(SHANGHAI, 2026, 11, 21, 23, 59, 59))
    pace = daily(world, 10)
    pace.take("query", 4)
    world.sleep(2)
    call(pace, 6)
    with pytest.raises(QuotaSpentError):
        call(pace)


@pytest.mark.parametrize(
    ("now", "resets", "day", "follows"),
    [
        ((2026, 3, 29, 1, 59), dt.time(2, 30), "2026-03-28", (2026, 3, 29, 3, 30)),  # 2:30 is left out that day
        ((2026, 3, 29, 3, 29), dt.time(2, 30), "2026-03-28", (2026, 3, 29, 3, 30)),
        ((2026, 3, 29, 3, 30), dt.time(2, 30), "2026-03-29", (2026, 3, 30, 2, 30)),
        ((2026, 3, 29, 0, 0), dt.time(0), "2026-03-29", (2026, 3, 30, 0, 0)),  # a day of 23 hours
        ((2026, 10, 25, 0, 0), dt.time(0), "2026-10-25", (2026, 10, 26, 0, 0)),  # a day of 25 hours
        ((2026, 10, 25, 2, 29), dt.time(2, 30), "2026-10-24", (2026, 10, 25, 2, 30)),  # 2:30 comes twice
        ((2026, 10, 25, 2, 30), dt.time(2, 30), "2026-10-25", (2026, 10, 26, 2, 30)),
    ],
)
def test_the_day_where_clocks_are_changed(
    now: tuple[int, ...], resets: dt.time, day: str, follows: tuple[int, ...]
) -> None:
    days = Days(Quota(resets=resets, zone="Europe/Berlin"))
    assert days.day(local(BERLIN, *now)).isoformat() == day
    assert days.next(local(BERLIN, *now)) == local(BERLIN, *follows)


def test_days_are_as_long_as_the_clock_on_the_wall_says() -> None:
    days = Days(Quota(zone="Europe/Berlin"))
    lengths = [
        (days.next(noon) - days.next(noon - dt.timedelta(days=1))) / dt.timedelta(hours=1)
        for noon in (local(BERLIN, 2026, *date, 12) for date in ((3, 29), (10, 25), (10, 26)))
    ]
    assert lengths == [23, 25, 24]


def test_the_day_is_remembered_by_the_next_process_and_by_one_that_follows_a_killed_one() -> None:
    world, kept = World(start=local(SHANGHAI, 2026, 11, 21, 9)), Kept()

    def process() -> Pace:
        pace = Pace(world, spent=kept)
        pace.obey(Allowance(quota=Quota(1_000, zone="Asia/Shanghai")))
        return pace

    pace = process()
    call(pace, 250)
    assert kept.calls >= 250
    assert kept.saves <= 4, "not at every call"
    pace.keep()
    assert (kept.day, kept.calls) == ("2026-11-21", 250)
    call(process(), 10)  # killed: it noted more than it spent, never less
    assert 260 <= kept.calls <= 360
    left = 1_000 - kept.calls
    pace = process()
    call(pace, left)
    with pytest.raises(QuotaSpentError):
        call(pace)
    world.sleep(24 * 3600)
    call(process(), 1_000)


def test_what_is_learned_of_the_target_later_costs_none_of_the_days_calls() -> None:
    world, kept = World(), Kept()
    pace = Pace(world, narrowed=Narrowed(daily=30), spent=kept)
    call(pace)  # to sign in, say
    pace.obey(Allowance(quota=Quota(1_000)))
    assert pace.of_today() == (1, 30)
    call(pace, 29)
    pace.keep()
    assert kept.calls == 30


def test_what_the_target_says_of_its_day_counts_where_it_is_more() -> None:
    pace = daily(World(), 1_000)
    call(pace, 10)
    pace.told(990)
    pace.told(5)
    call(pace, 10)
    with pytest.raises(QuotaSpentError):
        call(pace)


# The hours


@pytest.mark.parametrize(
    ("when", "share"),
    [
        ((2026, 11, 20, 8, 29, 59), 1.0),  # a Friday
        ((2026, 11, 20, 8, 30), 0.3),
        ((2026, 11, 20, 17, 59, 59), 0.3),
        ((2026, 11, 20, 18), 1.0),
        ((2026, 11, 21, 10), 1.0),  # a Saturday
        ((2026, 11, 23, 10), 0.3),
    ],
)
def test_business_hours_are_by_the_clock_on_the_wall(when: tuple[int, ...], share: float) -> None:
    schedule = Schedule(SHANGHAI, (OFFICE,))
    assert schedule.share(local(SHANGHAI, *when)) == share
    assert schedule.quota(local(SHANGHAI, *when)) == (0.5 if share < 1 else 1.0)


def test_hours_may_run_into_the_next_day_and_overlap() -> None:
    night = Hours(frozenset({4}), dt.time(22), dt.time(6), share=0.5)
    schedule = Schedule(SHANGHAI, (night, Hours(frozenset({5}), dt.time(5), dt.time(7), share=0.2)))
    told = [
        schedule.share(local(SHANGHAI, 2026, 11, *when)) for when in ((20, 23), (21, 4), (21, 5), (21, 6), (21, 22))
    ]
    assert told == [0.5, 0.5, 0.2, 0.2, 1.0]
    assert schedule.next_edge(local(SHANGHAI, 2026, 11, 21, 4)) == local(SHANGHAI, 2026, 11, 21, 5)


def test_business_hours_follow_summer_time() -> None:
    schedule = Schedule(BERLIN, (Hours(frozenset(range(7)), dt.time(8), dt.time(18), share=0.5),))
    for day, hour_in_utc in ((28, 7), (29, 6)):  # clocks are put forward on the 29th
        at = dt.datetime(2026, 3, day, hour_in_utc, tzinfo=dt.UTC)
        assert (schedule.share(at - dt.timedelta(seconds=1)), schedule.share(at)) == (1.0, 0.5)
        assert schedule.next_edge(at - dt.timedelta(seconds=1)) == at


def test_a_schedule_without_hours_has_no_edge() -> None:
    assert Schedule(BERLIN).next_edge(World().now()) is None


def test_in_business_hours_only_their_share_of_the_rate_is_taken() -> None:
    world = World(start=local(SHANGHAI, 2026, 11, 20, 8, 20))
    pace = Pace(world, schedule=Schedule(SHANGHAI, (OFFICE,)))
    pace.obey(Allowance(others=Interface((Rate(100, 20),))))
    times: list[float] = []
    for _ in range(4_000):
        call(pace)
        times.append(world.passed)
    before = [at for at in times if at < 600]
    after = [at for at in times if 600 <= at < 1200]
    assert len(before) == pytest.approx(3_000, rel=0.05)
    assert len(after) == pytest.approx(900, rel=0.05)
    assert most_in_any(after, 20) <= 30


def test_in_business_hours_only_their_part_of_the_quota_is_spent_and_the_rest_waits() -> None:
    world = World(start=local(SHANGHAI, 2026, 11, 20, 9))
    pace = Pace(world, schedule=Schedule(SHANGHAI, (OFFICE,)), narrowed=Narrowed(reserve=100))
    pace.obey(Allowance(quota=Quota(1_100, zone="Asia/Shanghai")))
    call(pace, 500)
    assert world.passed == 0
    call(pace)
    assert dt.timedelta(0) <= world.now() - local(SHANGHAI, 2026, 11, 20, 18) < dt.timedelta(seconds=2)
    call(pace, 499)
    with pytest.raises(QuotaSpentError):
        call(pace)


def waiting(begins: tuple[int, ...], *hours: Hours, calls: int | None = None) -> tuple[World, Pace, list[dt.datetime]]:
    world, told = World(start=local(SHANGHAI, *begins)), list[dt.datetime]()
    pace = Pace(world, schedule=Schedule(SHANGHAI, hours), waits=told.append)
    pace.obey(Allowance(quota=Quota(calls, zone="Asia/Shanghai")))
    return world, pace, told


def test_where_hours_leave_no_call_it_is_told_once_until_when() -> None:
    shut = [Hours(WORKDAYS, dt.time(8), dt.time(12), share=0), Hours(WORKDAYS, dt.time(11), dt.time(18), share=0)]
    world, pace, told = waiting((2026, 11, 20, 9), *shut)
    call(pace, 10)
    assert told == [world.now()] == [local(SHANGHAI, 2026, 11, 20, 18)]
    world.sleep(3 * 24 * 3600)
    call(pace)
    assert len(told) == 1, "a Monday evening is open"


def test_where_hours_leave_no_more_of_the_quota_it_is_told_until_when() -> None:
    world, pace, told = waiting((2026, 11, 20, 9), OFFICE, calls=1_000)
    call(pace, 501)
    assert told == [local(SHANGHAI, 2026, 11, 20, 18)]
    assert world.now() - told[0] < dt.timedelta(seconds=2)
    late = Hours(frozenset(range(7)), dt.time(20), dt.time(8), quota=0.1)
    world, pace, told = waiting((2026, 11, 20, 21), late, calls=1_000)
    call(pace, 101)
    assert told == [local(SHANGHAI, 2026, 11, 21)], "there are new ones before these hours are over"


@pytest.mark.parametrize("nothing", [{"share": 0.0}, {"quota": 0.0}])
def test_hours_that_never_leave_a_call_are_refused_at_the_first(nothing: dict[str, float]) -> None:
    always = Hours(frozenset(range(7)), dt.time(0), dt.time(0), **nothing)
    world, pace, told = waiting((2026, 11, 20, 9), always, calls=1_000)
    with pytest.raises(InputError, match=r"pace\.no_hours"):
        call(pace)
    assert (world.slept, told, pace.made()) == (0, [], {})
