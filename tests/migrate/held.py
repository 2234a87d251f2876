"""Calls that are under way together on one thread: they arrive in the order of their departure, and are answered in
another one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future

from changeover.connectors.change import Outcome
from changeover.connectors.clock import Clock
from changeover.migrate.sending.caller import Answer, Write

Choose = Callable[[int], int]
"""Of so many calls under way, which is answered next."""


class Held:
    """choose: who is answered next. arrive_late: a call is made when it is answered, not when it departs. clock: on
    which each answer takes so many seconds. most: so many were under way at a time."""

    def __init__(
        self,
        choose: Choose = lambda _number: 0,
        *,
        arrive_late: bool = False,
        clock: Clock | None = None,
        seconds: float = 0.0,
    ) -> None:
        self.most = 0
        self.clock, self.seconds = clock, seconds
        self._choose, self._late = choose, arrive_late
        self._held: dict[Answer, Write] = {}
        self._waited = 0.0

    @property
    def left(self) -> int:
        """How many are under way."""
        return len(self._held)

    def call(self, write: Write) -> Answer:
        answer: Answer = Future()
        self._held[answer] = self._made(write) if not self._late else write
        self.most = max(self.most, len(self._held))
        return answer

    def first(self, answers: Sequence[Answer], seconds: float) -> Sequence[Answer]:
        if self._waited < self.seconds and self.clock is not None:
            self.clock.sleep(seconds)
            self._waited += seconds
            return []
        self._waited = 0.0
        answer = answers[self._choose(len(answers))]
        try:
            answer.set_result(self._held.pop(answer)())
        except Exception as error:
            answer.set_exception(error)
        return [answer]

    def close(self) -> None:
        """Nothing is open."""

    def _made(self, write: Write) -> Write:
        try:
            outcomes = write()
        except Exception as error:
            return _raising(error)
        return lambda: outcomes


def _raising(error: Exception) -> Write:
    def again() -> list[Outcome]:
        raise error

    return again


def last(number: int) -> int:
    return number - 1
