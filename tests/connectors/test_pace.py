"""The pace: never one call too many where they arrive, and hardly one too few."""

from __future__ import annotations

import datetime as dt
import random
import threading
import time

import pytest
from changeover.connectors.clock import SystemClock
from changeover.connectors.pace import Allowance, Interface, Narrowed, Pace, Rate
from hypothesis import given, settings
from hypothesis import strategies as st

from .arrivals import Caller, World, most_in_any, used

DOCUMENTED = Rate(100, 20)
MANY = Allowance(others=Interface((DOCUMENTED,), threads=20))


def caller(allowance: Allowance, seed: int = 1, **pace: object) -> Caller:
    world = World()
    told = Pace(world, **pace)  # type: ignore[arg-type]
    told.obey(allowance)
    return Caller(world, told, random.Random(seed))


# Never one too many, hardly one too few


def test_a_whole_company_at_a_hundred_calls_in_any_twenty_seconds() -> None:
    """103,000 records, a call each, on two interfaces that the target counts apart."""
    calling = caller(MANY)
    for number in range(103_000):
        calling.call("create" if number % 2 else "update")
    calling.world.rest()
    for arrivals in calling.arrivals.values():
        assert most_in_any(arrivals, 20) <= 100
        assert used(arrivals, 100, 20) >= 0.95
    assert sum(map(len, calling.arrivals.values())) == 103_000


@pytest.mark.parametrize("latency", [(0.0, 0.0), (0.01, 0.01), (0.2, 1.5), (0.0, 30.0)])
def test_the_rate_holds_however_long_an_answer_takes(latency: tuple[float, float]) -> None:
    calling = caller(MANY, 2)
    calling.latency = latency
    for _ in range(3_000):
        calling.call("create")
    assert most_in_any(calling.arrivals["create"], 20) <= 100


def test_calls_of_all_interfaces_together_keep_to_the_shared_rate() -> None:
    calling = caller(Allowance(others=Interface((DOCUMENTED,), threads=20), shared=(Rate(120, 20), Rate(20, 1))))
    for number in range(5_000):
        calling.call(f"i{number % 3}")
    everything = [at for arrivals in calling.arrivals.values() for at in arrivals]
    assert most_in_any(everything, 20) <= 120
    assert most_in_any(everything, 1) <= 20
    assert used(everything, 120, 20) >= 0.95


def test_several_rates_of_one_interface_hold_at_once() -> None:
    calling = caller(Allowance({"token": Interface((Rate(10, 60), Rate(1, 1)), threads=1)}))
    for _ in range(100):
        calling.call("token")
    assert most_in_any(calling.arrivals["token"], 60) <= 10
    assert most_in_any(calling.arrivals["token"], 1) <= 1


def test_a_request_that_counts_as_several_calls() -> None:
    calling = caller(MANY)
    for number in range(2_000):
        calling.call("composite", 1 + number % 7)
    assert most_in_any(calling.arrivals["composite"], 20) <= 100
    with pytest.raises(ValueError, match="do not fit"):
        calling.pace.take("composite", 101)


def test_what_was_given_up_on_counts_as_long_as_it_may_still_arrive() -> None:
    calling = caller(Allowance(others=Interface((Rate(2, 20),), threads=9), late=60))
    pace, world = calling.pace, calling.world
    pace.take("create")
    pace.lost("create")
    pace.take("create")
    pace.answered("create")
    before = world.passed
    pace.take("create")
    assert world.passed - before == pytest.approx(20, abs=0.1), "the answered one made room"
    pace.take("create")
    assert world.passed == pytest.approx(80, abs=0.2)


@settings(max_examples=40, deadline=None)
@given(
    calls=st.integers(1, 12),
    seconds=st.floats(0.1, 60),
    seed=st.integers(0, 2**32),
    slowest=st.floats(0, 30),
    threads=st.integers(1, 30),
    share=st.floats(0.02, 1),
)
def test_no_window_ever_holds_more_arrivals_than_the_rate(
    calls: int, seconds: float, seed: int, slowest: float, threads: int, share: float
) -> None:
    allowance = Allowance(others=Interface((Rate(calls, seconds),), threads=threads))
    calling = caller(allowance, seed, narrowed=Narrowed(share))
    calling.latency = (0.0, slowest)
    chance = random.Random(seed)
    for _ in range(calls * 4):
        if chance.random() < 0.2:
            calling.world.sleep(chance.uniform(0, 2 * seconds))
        calling.call("any", chance.randint(1, max(1, calls // 3)))
    assert most_in_any(calling.arrivals["any"], seconds) <= calls


# In real time


def real_time(rate: Rate, seconds: float, threads: int = 4) -> list[float]:
    """When calls arrived, by a clock of the target's own."""
    pace = Pace(SystemClock())
    pace.obey(Allowance(others=Interface((rate,), threads=threads)))
    arrivals: list[float] = []
    end = time.perf_counter() + seconds

    def work(seed: int) -> None:
        chance = random.Random(seed)
        while time.perf_counter() < end:
            pace.take("create")
            time.sleep(chance.uniform(0, 0.004))
            arrivals.append(time.perf_counter())
            time.sleep(chance.uniform(0, 0.004))
            pace.answered("create")

    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return arrivals


def test_in_real_time_at_twenty_times_the_limit() -> None:
    """A busy machine may wake the workers late and use less of it, but never let one more arrive."""
    best = 0.0
    for _ in range(3):
        arrivals = real_time(Rate(100, 1), 4.5)
        assert most_in_any(arrivals, 1) <= 100
        best = max(best, used(arrivals, 100, 1))
        if best >= 0.95:
            return
    raise AssertionError(f"{best:.1%} used")


@pytest.mark.torture
def test_in_real_time_for_a_minute() -> None:
    arrivals = real_time(DOCUMENTED, 61)
    assert most_in_any(arrivals, 20) <= 100
    assert len(arrivals) >= 0.95 * 400, "100 at once, and 100 more each 20 seconds"


def test_many_threads_take_no_more_than_there_is() -> None:
    pace = Pace(SystemClock())
    pace.obey(Allowance(others=Interface((Rate(50, 0.5),), threads=8)))
    arrivals: list[float] = []
    most, under_way, lock = 0, 0, threading.Lock()

    def work() -> None:
        nonlocal most, under_way
        for _ in range(12):
            with pace.call("create"):
                with lock:
                    under_way += 1
                    most = max(most, under_way)
                    arrivals.append(time.perf_counter())
                time.sleep(0.001)
                with lock:
                    under_way -= 1

    workers = [threading.Thread(target=work) for _ in range(16)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(arrivals) == pace.made()["create"] == 16 * 12
    assert most_in_any(arrivals, 0.5) <= 50
    assert most <= 8


# Without limits, and with others


def test_without_limits_a_call_departs_at_once() -> None:
    world = World()
    pace = Pace(world)
    for _ in range(1_000):
        pace.take("any")
        pace.answered("any")
    assert (world.passed, world.slept) == (0.0, 0)


def test_an_allowance_learned_later_counts_what_was_called_before() -> None:
    calling = caller(Allowance(others=Interface(threads=200)))
    for _ in range(100):
        calling.call("create")
    calling.world.rest()
    calling.pace.obey(MANY)
    before = calling.world.passed
    calling.call("create")
    assert calling.world.passed - before >= 20
    calling.pace.obey(MANY)
    assert most_in_any(calling.arrivals["create"][-101:], 20) <= 100


def test_an_answer_to_nothing_is_a_mistake_of_the_connector() -> None:
    with pytest.raises(RuntimeError, match="never taken"):
        Pace(World()).answered("create")


# What the target says while it is called


def test_after_a_throttled_answer_nothing_departs_for_as_long_as_it_says() -> None:
    calling = caller(MANY)
    calling.pace.take("create")
    calling.pace.answered("create", throttled=True, retry_after=7)
    calling.pace.take("find")
    assert calling.world.passed == 0, "another interface"
    calling.pace.take("create")
    assert calling.world.passed == pytest.approx(7)


def test_without_retry_after_each_further_throttled_answer_waits_twice_as_long() -> None:
    calling = caller(MANY)
    times = []
    for _ in range(9):
        before = calling.world.passed
        calling.pace.take("create")
        times.append(calling.world.passed - before)
        calling.pace.answered("create", throttled=True)
    assert times == pytest.approx([0, 1, 2, 4, 8, 16, 32, 64, 64])
    calling.pace.take("create")
    calling.pace.answered("create")
    calling.pace.take("create")
    calling.pace.answered("create", throttled=True)
    before = calling.world.passed
    calling.pace.take("create")
    assert calling.world.passed - before == pytest.approx(1), "a good answer forgives"


def test_answers_throttled_together_count_once() -> None:
    calling = caller(MANY)
    for _ in range(30):
        calling.call("create")
    calling.world.rest()
    for _ in range(4):
        calling.pace.take("create")
    for _ in range(4):
        calling.pace.answered("create", throttled=True)
    before = calling.world.passed
    calling.pace.take("create")
    assert calling.world.passed - before == pytest.approx(1)


def test_concurrency_grows_on_good_answers_and_is_halved_by_a_throttled_one() -> None:
    calling = caller(Allowance(others=Interface(threads=12)))
    calling.latency = (0.1, 0.12)
    pace = calling.pace
    assert pace.concurrency("create") == 1
    for _ in range(200):
        calling.call("create")
    assert pace.concurrency("create") == 12, "never more than the target's most"
    calling.world.rest()
    grown = pace.concurrency("create")
    for _ in range(3):
        pace.take("create")
    for _ in range(3):
        pace.answered("create", throttled=True)
    assert pace.concurrency("create") == grown // 2, "three that departed together count once"


def test_concurrency_falls_where_the_target_becomes_slow() -> None:
    calling = caller(Allowance(others=Interface(threads=10)))
    calling.latency = (0.1, 0.1)
    for _ in range(300):
        calling.call("create")
    calling.latency = (2.0, 2.0)
    for _ in range(60):
        calling.call("create")
    assert calling.pace.concurrency("create") <= 5


def test_no_more_requests_are_under_way_than_the_target_takes_over_all() -> None:
    calling = caller(Allowance(others=Interface(threads=10), threads=3))
    calling.latency = (1, 1)
    for number in range(60):
        calling.call(f"i{number % 5}")
    everything = sorted(at for arrivals in calling.arrivals.values() for at in arrivals)
    assert calling.world.passed >= 60 / 3 - 5
    assert len(everything) == 60


# Interruption and the cap


class StopError(Exception):
    pass


def test_a_wait_hears_an_interruption_within_a_second() -> None:
    world = World()

    def listen() -> None:
        if world.passed >= 5:
            raise StopError

    pace = Pace(world, listen=listen)
    pace.obey(Allowance(others=Interface((Rate(1, 3600),))))
    pace.take("create")
    pace.answered("create")
    with pytest.raises(StopError):
        pace.take("create")
    assert world.passed <= 6
    assert pace.made() == {"create": 1}, "nothing was taken"


def test_the_cap_is_read_at_most_once_a_second_and_multiplied_in() -> None:
    reads = 0
    share = 0.5

    def cap() -> float:
        nonlocal reads
        reads += 1
        return share

    calling = caller(MANY, cap=cap, narrowed=Narrowed(0.8))
    calling.latency = (0, 0.01)
    for _ in range(1_000):
        calling.call("create")
    assert most_in_any(calling.arrivals["create"], 20) == 40
    assert reads <= calling.world.passed + 2
    share = 1.0
    calling.world.sleep(60)
    for _ in range(1_000):
        calling.call("find")
    assert most_in_any(calling.arrivals["find"], 20) == 80


def test_a_cap_of_nothing_waits_until_it_is_lifted() -> None:
    world = World()
    pace = Pace(world, cap=lambda: 0.0 if world.passed < 3_600 else 1.0)
    pace.take("create")
    assert 3_600 <= world.passed <= 3_602


def test_the_target_has_time_to_itself() -> None:
    """A share of less than one call is one call in a longer time."""
    calling = caller(Allowance(others=Interface((Rate(2, 10),))), narrowed=Narrowed(0.1))
    calling.latency = (0, 0)
    for _ in range(5):
        calling.call("create")
    assert most_in_any(calling.arrivals["create"], 49.9) == 1
    assert calling.world.passed == pytest.approx(200, rel=0.01)
    assert calling.world.now() - calling.world.start > dt.timedelta(minutes=3)
