"""Threads that act one at a time, on a clock of their own: each goes on until it waits, and then another one whose wait
is over does; where all wait, time passes. So what really runs in several threads runs in the same order each time."""

from __future__ import annotations

import datetime as dt
import math
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial

import pytest
from changeover.connectors.clock import VirtualClock
from changeover.migrate import session as sessions
from changeover.migrate.sending.caller import Answer, Write
from changeover.migrate.turns import Turns
from changeover.runs.ledger.store import Ledger

Choose = Callable[[int], int]
"""Of so many whose wait is over, who goes on."""


class _Actor:
    def __init__(self, when: float) -> None:
        self.goes_on = threading.Event()
        self.when = when
        self.ready: Callable[[], bool] = bool


class Acts(VirtualClock):
    """choose: else who has waited longest goes on. calls: under way now; most: at a time. inside: open
    transactions of ledgers."""

    def __init__(self, start: dt.datetime, choose: Choose = lambda _number: 0) -> None:
        super().__init__(start)
        self._choose = choose
        self._here = threading.local()
        self._waiting: list[_Actor] = []
        self.calls = self.most = self.inside = 0

    def __deepcopy__(self, _memo: object) -> Acts:
        """The same time, and nobody waits."""
        copied = Acts(self.now(), self._choose)
        copied._start, copied._passed = self._start, self._passed
        return copied

    def sleep(self, seconds: float) -> None:
        self.until(self._passed + max(0.0, seconds), bool)

    def until(self, when: float, ready: Callable[[], bool]) -> None:
        """This thread waits until its time has come, or it is ready before."""
        actor = getattr(self._here, "actor", None)
        if actor is None:
            actor = self._here.actor = _Actor(when)
        actor.when, actor.ready = when, ready
        self._waiting.append(actor)
        self._next(actor)

    def begin(self, work: Callable[[], object]) -> None:
        """In a thread of its own."""
        actor = _Actor(self._passed)
        self._waiting.append(actor)

        def acts() -> None:
            self._here.actor = actor
            actor.goes_on.wait()
            actor.goes_on.clear()
            work()
            self._next(None)

        threading.Thread(target=acts, daemon=True).start()

    def _next(self, actor: _Actor | None) -> None:
        chosen = self._chosen()
        if chosen is actor:
            return
        chosen.goes_on.set()
        if actor is not None:
            actor.goes_on.wait()
            actor.goes_on.clear()

    def _chosen(self) -> _Actor:
        while not (may := [each for each in self._waiting if each.when <= self._passed or each.ready()]):
            self._passed = min(each.when for each in self._waiting)
            assert self._passed < math.inf, "everybody waits for another one"
        chosen = may[self._choose(len(may))]
        self._waiting.remove(chosen)
        return chosen


class ActedTurns(Turns):
    def __init__(self, acts: Acts) -> None:
        self._acts = acts
        super().__init__()

    def take(self) -> None:
        self._acts.until(math.inf, lambda: self._holder == 0)
        self._holder = threading.get_ident()

    def give(self) -> None:
        assert not self._acts.inside, "a turn is handed on within a transaction"
        self._holder = 0

    def start(self, work: Callable[[], None]) -> Future[None]:
        done: Future[None] = Future()
        self._acts.begin(partial(self._work, work, done))
        return done

    def first(self, under_way: Sequence[Future[None]], seconds: float) -> Collection[Future[None]]:
        with self.away():
            return _first(self._acts, under_way, seconds)


class ActedCalls:
    """Makes calls in such threads."""

    def __init__(self, acts: Acts) -> None:
        self._acts = acts

    def call(self, write: Write) -> Answer:
        answer: Answer = Future()

        acts = self._acts
        acts.calls += 1
        acts.most = max(acts.most, acts.calls)

        def makes() -> None:
            try:
                answer.set_result(write())
            except BaseException as error:
                answer.set_exception(error)
            acts.calls -= 1

        acts.begin(makes)
        return answer

    def first(self, answers: Sequence[Answer], seconds: float) -> Sequence[Answer]:
        return _first(self._acts, answers, seconds)

    def close(self) -> None:
        """Nothing is open."""


def _first(acts: Acts, under_way: Sequence[Future[object]], seconds: float) -> list[Future[object]]:
    acts.until(acts.monotonic() + seconds, lambda: any(each.done() for each in under_way))
    return [each for each in under_way if each.done()]


@contextmanager
def acting(acts: Callable[[], Acts]) -> Iterator[None]:
    """Sessions that are opened meanwhile have lanes and calls in such threads. Their systems have to be on that clock,
    and no thread may wait on it while it keeps a lock."""
    opened = Ledger.transaction

    @contextmanager
    def watched(ledger: Ledger) -> Iterator[None]:
        with opened(ledger):
            acts().inside += 1
            try:
                yield
            finally:
                acts().inside -= 1

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ledger, "transaction", watched)
        patch.setattr(sessions, "Turns", lambda: ActedTurns(acts()))
        patch.setattr(sessions, "caller_for", lambda _most: ActedCalls(acts()))
        yield
