"""Several processes that share one book: together they keep to the rates as one process does."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from changeover.connectors.pace import Allowance, Asked, Book, Interface, Narrowed, Pace, Quota, QuotaSpentError, Rate
from changeover.connectors.pace.account import AHEAD, SILENT, Account, read
from changeover.connectors.pace.book import Taken
from hypothesis import given, settings
from hypothesis import strategies as st

from .arrivals import START, World, most_in_any, used
from .test_pace_lately import Note

DOCUMENTED = Rate(100, 20)
MANY = Allowance(others=Interface((DOCUMENTED,), threads=20))


@dataclass
class Shelf:
    """Where the book lies: as text, by a clock of its own that may be put back."""

    world: World
    text: str = ""
    put_back: float = 0.0

    def now(self) -> float:
        return self.world.now().timestamp() - self.put_back

    def over(self, process: str) -> None:
        account = read(self.text)
        account.over(process, self.now())
        self.text = account.text()


@dataclass
class Read(Book):
    """One process's access to it."""

    shelf: Shelf
    process: str
    asked: int = 0

    def _changed(self, change: Callable[[Account], Taken | None]) -> Taken | None:
        account = read(self.shelf.text)
        told = change(account)
        if account.changed:
            self.shelf.text = account.text()
        return told

    def take(self, asked: Asked) -> Taken:
        self.asked += 1
        taken = self._changed(lambda account: account.take(self.process, asked, self.shelf.now()))
        assert taken is not None
        return taken

    def give_back(self, interface: str, calls: int) -> None:
        self._changed(lambda account: account.give_back(self.process, interface, calls))

    def answered(self, interface: str, calls: int, late: float = 0.0, holds: float = 0.0) -> None:
        self._changed(lambda account: account.answered(self.process, interface, calls, self.shelf.now(), late, holds))


@dataclass
class Crew:
    """Processes that call in turn; each call arrives somewhere between its departure and its answer."""

    world: World
    shelf: Shelf
    paces: list[Pace]
    chance: random.Random
    latency: tuple[float, float] = (0.05, 0.8)
    arrivals: dict[str, list[float]] = field(default_factory=dict)
    under_way: list[int] = field(default_factory=lambda: [0, 0])

    def call(self, number: int, interface: str = "create", calls: int = 1) -> None:
        pace = self.paces[number]
        pace.take(interface, calls)
        whole = self.chance.uniform(*self.latency)
        arrives = self.chance.choice((0.0, whole, self.chance.uniform(0, whole)))
        self.arrivals.setdefault(interface, []).extend([self.world.passed + arrives] * calls)
        self.under_way[0] += 1
        self.under_way[1] = max(self.under_way)

        def answered() -> None:
            self.under_way[0] -= 1
            pace.answered(interface, calls=calls)

        self.world.later(whole, answered)


def crew(allowance: Allowance, processes: int = 3, seed: int = 1, world: World | None = None, **pace: object) -> Crew:
    world = world or World()
    shelf = Shelf(world)
    paces = [Pace(world, book=Read(shelf, str(number)), **pace) for number in range(processes)]  # type: ignore[arg-type]
    for each in paces:
        each.obey(allowance)
    return Crew(world, shelf, paces, random.Random(seed))


# Never one too many, hardly one too few


@pytest.mark.parametrize("processes", [1, 3])
def test_together_they_use_the_rate_and_never_more(processes: int) -> None:
    calling = crew(MANY, processes)
    for number in range(2_000):
        calling.call(number % processes)
    calling.world.rest()
    assert most_in_any(calling.arrivals["create"], 20) <= 100
    assert used(calling.arrivals["create"], 100, 20) >= 0.95


rates = st.builds(Rate, st.integers(1, 30), st.sampled_from([0.1, 1.0, 7.0, 20.0, 3600.0]))
allowances = st.builds(
    Allowance,
    others=st.builds(Interface, st.lists(rates, max_size=2).map(tuple), st.integers(1, 6)),
    shared=st.lists(rates, max_size=1).map(tuple),
    threads=st.none() | st.integers(1, 6),
    late=st.sampled_from([0.0, 5.0]),
)


@settings(max_examples=40, deadline=None)
@given(allowances, st.lists(st.tuples(st.integers(0, 2), st.sampled_from("ab")), max_size=60), st.integers(0, 99))
def test_any_limits_hold_over_any_processes(allowance: Allowance, calls: list[tuple[int, str]], seed: int) -> None:
    calling = crew(allowance, 3, seed)
    calling.latency = random.Random(seed).choice([(0.0, 0.0), (0.01, 0.05), (0.0, 9.0)])
    for number, interface in calls:
        calling.call(number, interface)
    calling.world.rest()
    for rate in allowance.others.rates:
        for arrivals in calling.arrivals.values():
            assert most_in_any(arrivals, rate.seconds) <= rate.calls
    everything = [at for arrivals in calling.arrivals.values() for at in arrivals]
    for rate in allowance.shared:
        assert most_in_any(everything, rate.seconds) <= rate.calls
    assert calling.under_way[1] <= (allowance.threads or 12)
    assert read(calling.shelf.text).under_way == {}


def test_two_rates_hold_and_a_rate_learned_late_too() -> None:
    calling = crew(MANY, 2)
    for number in range(150):
        calling.call(number % 2)
    both = replace(MANY, others=Interface((DOCUMENTED, Rate(10, 2)), threads=20))
    since = len(calling.arrivals["create"])
    for each in calling.paces:
        each.obey(both)
    for number in range(600):
        calling.call(number % 2)
    calling.world.rest()
    assert most_in_any(calling.arrivals["create"], 20) <= 100
    assert most_in_any(calling.arrivals["create"][since:], 2) <= 10
    assert used(calling.arrivals["create"][since + 100 :], 10, 2) >= 0.8  # of 2 s, answers take 0.4


@pytest.mark.parametrize("allowance", [MANY, Allowance(shared=(DOCUMENTED,))])
def test_what_a_command_before_them_called_counts_for_all_of_them(allowance: Allowance) -> None:
    world, note = World(), Note()
    plan = Pace(world, lately=note)
    plan.obey(allowance)
    arrivals = []
    for _ in range(90):
        plan.take("create")
        arrivals.append(world.passed)
        plan.answered("create")
    plan.keep()
    world.sleep(2)
    together = crew(allowance, world=world)
    together.paces[0] = Pace(world, book=Read(together.shelf, "0"), lately=note)
    together.paces[0].obey(allowance)
    for number in range(150):
        together.call(number % 3)
    assert most_in_any(arrivals + together.arrivals["create"], 20) == 100


def test_shares_of_a_rate_hold_for_all_together() -> None:
    calling = crew(MANY, 2, narrowed=Narrowed(share=0.3))
    for number in range(300):
        calling.call(number % 2)
    calling.world.rest()
    assert most_in_any(calling.arrivals["create"], 20) <= 30
    assert used(calling.arrivals["create"], 30, 20) >= 0.9


# Processes that die, stand still, or come late


def test_what_a_dead_process_had_under_way_counts_until_it_is_declared_dead() -> None:
    shelf = Shelf(World())
    wide = Allowance(others=Interface((DOCUMENTED,), threads=200))
    for _ in range(100):
        assert Read(shelf, "0").take(asked(wide)).taken
    shelf.world.sleep(60)
    assert not Read(shelf, "1").take(asked(wide)).taken
    shelf.over("0")
    shelf.world.sleep(19)
    assert not Read(shelf, "1").take(asked(wide)).taken
    shelf.world.sleep(1)
    assert Read(shelf, "1").take(asked(wide)).taken


def asked(allowance: Allowance, calls: int = 1, **more: object) -> Asked:
    return Asked("create", calls, allowance, **more)  # type: ignore[arg-type]


def test_a_call_of_a_dead_process_may_arrive_late() -> None:
    shelf = Shelf(World())
    slow = Allowance(others=Interface((Rate(1, 20),), threads=9), late=7.0)
    assert Read(shelf, "0").take(asked(slow)).taken
    shelf.over("0")
    shelf.world.sleep(26)
    assert Read(shelf, "1").take(asked(slow)) == Taken(False, pytest.approx(1.0 + 0.022 - AHEAD, abs=0.03))


def test_a_process_that_nobody_hears_of_is_dead() -> None:
    shelf = Shelf(World())
    alone = Allowance(others=Interface(threads=1))
    assert Read(shelf, "0").take(asked(alone)).taken
    shelf.world.sleep(SILENT - 1)
    assert not Read(shelf, "1").take(asked(alone)).taken
    shelf.world.sleep(2)
    assert Read(shelf, "1").take(asked(alone)).taken


def test_an_answer_that_comes_after_its_process_was_taken_for_dead_counts_from_then() -> None:
    shelf = Shelf(World())
    slow = Allowance(others=Interface((Rate(1, 20),), threads=9))
    book = Read(shelf, "0")
    assert book.take(asked(slow)).taken
    shelf.over("0")
    shelf.world.sleep(15)
    book.answered("create", 1)
    shelf.world.sleep(15)
    assert not Read(shelf, "1").take(asked(slow)).taken
    shelf.world.sleep(5.1)
    assert Read(shelf, "1").take(asked(slow)).taken


def test_a_call_given_back_leaves_no_trace() -> None:
    shelf = Shelf(World())
    one = Allowance(others=Interface((Rate(1, 20),), threads=1), shared=(Rate(1, 20),))
    book = Read(shelf, "0")
    assert book.take(asked(one, quota=Quota(), ours=1, day="2026-11-21")).taken
    book.give_back("create", 1)
    assert book.take(asked(one, quota=Quota(), ours=1, day="2026-11-21")) == Taken(True, 0.0, "2026-11-21", 1)


def test_an_interruption_while_it_waits_for_its_place_gives_it_back() -> None:
    """The place was given away ahead; then somebody presses Ctrl-C."""
    calling = crew(Allowance(others=Interface((Rate(1, 0.2),), threads=9)), 2)
    calling.latency = (0.0, 0.0)
    calling.call(0)
    calling.world.rest()

    def interrupted() -> None:
        raise KeyboardInterrupt

    stopped = Pace(calling.world, book=Read(calling.shelf, "9"), listen=interrupted)
    stopped.obey(calling.paces[0].allowance)
    with pytest.raises(KeyboardInterrupt):
        stopped.take("create")
    assert stopped.made() == {"create": 0}
    assert read(calling.shelf.text).under_way == {}
    calling.call(1)


def test_a_clock_put_back_lets_nothing_go_too_early_and_nothing_wait_for_long() -> None:
    calling = crew(MANY, 2)
    for number in range(1_000):
        if number == 500:
            calling.shelf.put_back = 3600.0
        calling.call(number % 2)
    calling.world.rest()
    assert most_in_any(calling.arrivals["create"], 20) <= 100
    assert used(calling.arrivals["create"], 100, 20) >= 0.9


# What throttled, and the day


def test_a_target_that_throttled_one_is_left_alone_by_all() -> None:
    calling = crew(MANY, 2)
    throttled, other = calling.paces
    throttled.take("create")
    throttled.answered("create", throttled=True, retry_after=30)
    other.take("create")
    assert calling.world.passed >= 30
    other.take("read")
    other.answered("read")


def test_the_days_calls_are_those_of_all_processes() -> None:
    calling = crew(replace(MANY, quota=Quota(calls=10)), 2, narrowed=Narrowed(reserve=2))
    for number in range(8):
        calling.call(number % 2)
    calling.world.rest()
    for each in calling.paces:
        with pytest.raises(QuotaSpentError) as caught:
            each.take("create")
        assert caught.value.resumes == START.replace(hour=0) + dt.timedelta(days=1)
        assert each.of_today() == (8, 8)
    calling.world.sleep(23 * 3600)
    calling.call(0)
    assert calling.paces[0].of_today() == (1, 8)


def test_what_one_process_hears_of_the_day_holds_for_all() -> None:
    """The target tells one of them that others of its users have spent much."""
    calling = crew(replace(MANY, quota=Quota(calls=100)), 2)
    one, other = calling.paces
    calling.call(0)
    one.told(98)
    calling.call(0)
    calling.call(1)
    assert other.of_today() == (100, 100)
    with pytest.raises(QuotaSpentError):
        other.take("create")


def test_a_host_whose_clock_is_ahead_loses_no_day() -> None:
    """It is tomorrow there, while the book's day is spent."""
    shelf = Shelf(World())
    spent = asked(MANY, quota=Quota(), ours=5, day="2026-11-21", spent=5)
    assert not Read(shelf, "0").take(spent).taken
    ahead = Read(shelf, "1").take(replace(spent, day="2026-11-22", spent=0))
    assert ahead == Taken(False, 1.0, "2026-11-21", 5)
    shelf.world.sleep(23 * 3600)
    assert Read(shelf, "1").take(replace(spent, day="2026-11-22", spent=0)).taken


# What it costs


def test_who_waits_asks_seldom_and_the_book_stays_short() -> None:
    calling = crew(MANY, 3)
    for number in range(3_000):
        calling.call(number % 3)
    asked_for = sum(each._book.asked for each in calling.paces if isinstance(each._book, Read))
    assert asked_for < 2.5 * 3_000
    assert len(calling.shelf.text) < 1_500
