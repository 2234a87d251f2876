"""Who makes the calls that write: one after the other, or several at a time by threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from queue import SimpleQueue
from typing import Protocol, TypeAlias

from ...connectors.change import Outcome

Write: TypeAlias = Callable[[], list[Outcome]]
Answer: TypeAlias = "Future[list[Outcome]]"


class Caller(Protocol):
    """Makes calls."""

    def call(self, write: Write) -> Answer: ...

    def first(self, answers: Sequence[Answer], seconds: float) -> Sequence[Answer]:
        """Those that are there, in the order in which they count; waits at most so long for the first of them."""

    def close(self) -> None: ...


class Inline:
    """One call after the other, by whoever asks for it."""

    def call(self, write: Write) -> Answer:
        answer: Answer = Future()
        try:
            answer.set_result(write())
        except Exception as error:
            answer.set_exception(error)
        return answer

    def first(self, answers: Sequence[Answer], seconds: float) -> Sequence[Answer]:
        return answers

    def close(self) -> None:
        """Nothing is open."""


class Threads:
    """Up to `most` calls at a time. Its threads do not keep a process alive that wants to end: what is under way then
    is asked for by the next."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._threads = 0
        self._calls: SimpleQueue[tuple[Write, Answer] | None] = SimpleQueue()

    def call(self, write: Write) -> Answer:
        answer: Answer = Future()
        self._calls.put((write, answer))
        if self._threads < self._most:
            self._threads += 1
            threading.Thread(target=self._work, name=f"call-{self._threads}", daemon=True).start()
        return answer

    def first(self, answers: Sequence[Answer], seconds: float) -> Sequence[Answer]:
        done = wait(answers, seconds, FIRST_COMPLETED).done
        return [each for each in answers if each in done]

    def close(self) -> None:
        for _ in range(self._threads):
            self._calls.put(None)
        self._threads = 0

    def _work(self) -> None:
        while (asked := self._calls.get()) is not None:
            write, answer = asked
            try:
                answer.set_result(write())
            except BaseException as error:
                answer.set_exception(error)


def caller_for(at_once: int) -> Caller:
    """at_once: as in Capabilities."""
    return Threads(at_once) if at_once > 1 else Inline()
