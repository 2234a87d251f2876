"""The book in the ledger's store: real processes that share a rate, and what happens to one that dies."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from changeover.connectors.clock import SystemClock
from changeover.connectors.errors import UnavailableError
from changeover.connectors.pace import Allowance, Asked, Interface, Pace, Quota, Rate
from changeover.connectors.pace.account import read
from changeover.runs.ledger import workers
from changeover.runs.ledger.permits import Permits, counted
from changeover.runs.ledger.place import Place, Server
from changeover.runs.ledger.postgresql import PostgreSQL
from changeover.runs.ledger.store import Ledger

from ..connectors.arrivals import most_in_any, used
from ..servers import new_server

ROOT = Path(__file__).parents[2]
ONE = Asked("create", 1, Allowance(others=Interface((Rate(1, 3600),), threads=9)))


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def told(place: Place, system: str = "target") -> str:
    with Ledger(place) as ledger:
        return str(ledger.db.execute("select told from calls where system = ?", (system,)).fetchone()[0])


# What is in it is there for all


def test_what_one_took_the_other_cannot(place: Place, stack: ExitStack) -> None:
    one, other = (stack.enter_context(Permits(place, "target", number)) for number in (1, 2))
    source = stack.enter_context(Permits(place, "source", 1))
    assert one.take(ONE).taken
    assert not other.take(ONE).taken
    assert source.take(ONE).taken
    one.give_back("create", 1)
    assert other.take(ONE).taken
    other.answered("create", 1)
    assert not one.take(ONE).taken


def test_it_is_there_for_the_next_process_too(place: Place) -> None:
    with Permits(place, "target", 1) as book:
        assert book.take(ONE).taken
        book.answered("create", 1)
    with Permits(place, "target", 2) as book:
        assert not book.take(ONE).taken


def test_it_is_told_to_one_that_does_not_count_in_it(place: Place) -> None:
    assert counted(place, "target") == {}
    many = replace(ONE, allowance=Allowance(others=Interface((Rate(100, 3600),), threads=9), late=60))
    with Permits(place, "target", 1) as book:
        for _ in range(3):
            assert book.take(many).taken
        book.answered("create", 1)
        book.answered("create", 1)
    [(since, answered), under_way] = counted(place, "target")["create"]
    assert (0 <= since < 60, answered, under_way) == (True, 2, (-60.0, 1))
    assert counted(place, "source") == {}


def test_a_ledger_that_cannot_be_read_tells_of_no_calls(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_text("no ledger", "utf-8")
    assert counted(tmp_path / "ledger.db", "target") == {}


def test_any_thread_may_ask(place: Place) -> None:
    pace = Pace(SystemClock(), book=Permits(place, "target", 1))
    pace.obey(Allowance(others=Interface((Rate(20, 0.2),), threads=4), quota=Quota(calls=1_000)))
    arrivals: list[float] = []

    def call(_number: int) -> None:
        with pace.call("create"):
            arrivals.append(SystemClock().monotonic())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(call, range(50)))
    assert most_in_any(arrivals, 0.2) <= 20
    assert pace.of_today() == (50, 1_000)
    assert read(told(place)).spent == 50
    assert read(told(place)).under_way == {}


def test_no_call_waits_for_somebody_who_writes_the_ledger(postgres: sa.URL, stack: ExitStack) -> None:
    server = new_server(postgres)
    ledger = stack.enter_context(Ledger(server))
    book = stack.enter_context(Permits(server, "target", 1))
    with ledger.transaction():
        assert book.take(ONE).taken
        book.answered("create", 1)


def test_a_worker_that_left_has_nothing_under_way(place: Place, stack: ExitStack) -> None:
    ledger = stack.enter_context(Ledger(place))
    ledger.take_over()
    dead, alive = workers.enlist(ledger, "host 1"), workers.enlist(ledger, "host 2")
    alone = Asked("create", 1, Allowance(others=Interface(threads=1)))
    assert stack.enter_context(Permits(place, "target", dead)).take(alone).taken
    book = stack.enter_context(Permits(place, "target", alive))
    assert not book.take(alone).taken
    workers.left(ledger, dead)
    assert book.take(alone).taken
    workers.left(ledger, dead)
    assert list(read(told(place)).under_way) == [str(alive)]


# When the store is lost


def cut_off(book: Permits) -> None:
    base = book._ledger.db
    assert isinstance(base, PostgreSQL)
    with Ledger(book._ledger.place) as other:
        assert other.db.execute("select pg_terminate_backend(?)", (base.connection.info.backend_pid,)).fetchone()[0]


def test_an_outcome_is_not_lost_with_the_book(postgres: sa.URL, stack: ExitStack) -> None:
    """The call was made: that its answer could not be counted must not make it one that was never sent."""
    pace = Pace(SystemClock(), book=(book := stack.enter_context(Permits(new_server(postgres), "target", 1))))
    pace.obey(Allowance(others=Interface((Rate(9, 1),), threads=9)))
    with pace.call("create"):
        cut_off(book)
    with pytest.raises(UnavailableError, match=r"ledger\.unreachable"):
        pace.take("create")
    assert pace.made() == {"create": 1}
    assert list(read(told(book._ledger.place)).under_way) == ["1"]


def test_nothing_departs_without_the_book(postgres: sa.URL, stack: ExitStack) -> None:
    book = stack.enter_context(Permits(new_server(postgres), "target", 1))
    cut_off(book)
    with pytest.raises(UnavailableError, match=r"ledger\.unreachable"):
        book.take(ONE)


def test_who_stands_still_with_the_book_in_its_hands_lets_go_before_the_others_give_up(
    postgres: sa.URL, stack: ExitStack
) -> None:
    server = new_server(postgres)
    still, other = (stack.enter_context(Permits(server, "target", number)) for number in (1, 2))
    base = still._ledger.db
    asked = "select setting::int from pg_settings where name = ?"
    lets_go, gives_up = (
        base.execute(asked, (name,)).fetchone()[0] for name in ("idle_in_transaction_session_timeout", "lock_timeout")
    )
    assert 0 < lets_go < gives_up
    base.execute("set idle_in_transaction_session_timeout = '100ms'")
    base.begin_with("select told from calls where system = ?", ("target",))
    assert other.take(ONE).taken
    with pytest.raises(UnavailableError):
        still.take(ONE)


# Real processes


class Hammers:
    """Processes that call as fast as they may."""

    def __init__(self, server: Server, calls: int, seconds: float, latency: float, threads: int) -> None:
        self.server, self.rate = server, (calls, seconds)
        self._more = (str(threads), str(seconds), str(latency))
        self._processes: list[subprocess.Popen[str]] = []
        self._readers: list[threading.Thread] = []
        self.arrivals: list[list[float]] = []

    def start(self, wanted: int, dies_at: int | None = None) -> None:
        """dies_at: it is killed when so many of its calls have arrived."""
        threads, seconds, latency = self._more
        numbers = [str(len(self._processes) + 1), str(self.rate[0]), threads, str(wanted), seconds, latency]
        command = [sys.executable, "-m", "tests.runs.hammer", self.server.url, self.server.schema, *numbers]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        arrived: list[float] = []

        def read_on() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                arrived.append(float(line))
                if len(arrived) == dies_at:
                    process.kill()

        self._processes.append(process)
        self.arrivals.append(arrived)
        self._readers.append(threading.Thread(target=read_on))
        self._readers[-1].start()

    def all_arrivals(self) -> list[float]:
        for reader, process in zip(self._readers, self._processes, strict=True):
            reader.join()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
        return sorted(at for each in self.arrivals for at in each)


def hammered(server: Server, processes: int, calls: int, *, killed: int = 0) -> tuple[list[float], float]:
    """At 100 calls in any second: when they arrived, and how much of the rate was used meanwhile."""
    hammers = Hammers(server, 100, 1.0, latency=0.03, threads=12)
    for number in range(processes):
        hammers.start(calls // processes, dies_at=killed if killed and number == 0 else None)
    arrivals = hammers.all_arrivals()
    return arrivals, used(arrivals, 100, 1.0)


@pytest.mark.parametrize("killed", [0, 40])
def test_real_processes_keep_to_one_rate(postgres: sa.URL, killed: int, capsys: pytest.CaptureFixture[str]) -> None:
    arrivals, part = hammered(new_server(postgres), 3, 450, killed=killed)
    assert most_in_any(arrivals, 1.0) <= 100
    assert len(arrivals) >= (450 if not killed else 300 + killed)
    with capsys.disabled():
        print(f"[three processes{', one killed' if killed else ''}: {part:.1%} of the rate]", end=" ")


@pytest.mark.torture
def test_processes_together_use_as_much_as_one(postgres: sa.URL, capsys: pytest.CaptureFixture[str]) -> None:
    alone, part = hammered(new_server(postgres), 1, 2_000)
    together, of_three = hammered(new_server(postgres), 3, 2_100)
    killed, of_two = hammered(new_server(postgres), 3, 2_100, killed=300)
    with capsys.disabled():
        print(f"[one {part:.1%}, three {of_three:.1%}, three of which one is killed {of_two:.1%}]", end=" ")
    assert all(most_in_any(each, 1.0) <= 100 for each in (alone, together, killed))
    assert of_three >= 0.95 * part
