"""Many threads, one session: one of them signs in, all share what comes of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from changeover.connectors.errors import UnavailableError
from changeover.connectors.sign_in import SignIn

THREADS = 8


class Door:
    """Signs in only when told to, so that all threads are at the door by then."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.open = threading.Event()
        self.asked = 0
        self.refuses = refuses

    def sign_in(self) -> str:
        self.asked += 1
        assert self.open.wait(10)
        if self.refuses:
            raise UnavailableError("target.credentials")
        return f"token {self.asked}"


class Counted(SignIn):
    """Tells when so many threads have asked for a token."""

    def __init__(self, door: Door) -> None:
        super().__init__(door.sign_in)
        self.door = door
        self.all_here = threading.Barrier(THREADS, action=door.open.set)

    def at_once(self) -> str:
        """By the time that the last one comes to the barrier one is at the door, or comes to it first."""
        self.all_here.wait(10)
        return self.token()


def together(sign_in: Counted) -> list[str | BaseException]:
    with ThreadPoolExecutor(THREADS) as pool:
        under_way = [pool.submit(sign_in.at_once) for _ in range(THREADS)]
        return [each.exception() or each.result() for each in under_way]


def test_threads_that_come_together_sign_in_once() -> None:
    door = Door()
    assert together(Counted(door)) == ["token 1"] * THREADS
    assert door.asked == 1


def until(seen: Callable[[], bool]) -> None:
    """Look until it is so; give up after ten seconds, which nothing here takes."""
    for _ in range(10_000):
        if seen():
            return
        threading.Event().wait(0.001)
    raise AssertionError("it has not come to that")


def test_threads_that_wait_share_a_refusal() -> None:
    """One is at the door; the others come while it waits there."""
    door = Door(refuses=True)
    sign_in = SignIn(door.sign_in)
    with ThreadPoolExecutor(THREADS) as pool:
        first = pool.submit(sign_in.token)
        until(lambda: door.asked > 0)
        others = [pool.submit(sign_in.token) for _ in range(3)]
        under_way = sign_in._under_way
        assert under_way is not None
        until(lambda: len(under_way._condition._waiters) == len(others))  # type: ignore[attr-defined]
        door.open.set()
        for each in (first, *others):
            assert isinstance(each.exception(), UnavailableError)
    assert door.asked == 1


def test_a_token_is_kept_until_it_is_over() -> None:
    door = Door()
    door.open.set()
    sign_in = SignIn(door.sign_in)
    assert [sign_in.token(), sign_in.token()] == ["token 1"] * 2
    sign_in.expired("token 1")
    assert sign_in.token() == "token 2"


def test_what_was_exchanged_meanwhile_stays() -> None:
    """Ten calls come back with 401 for one old token: the first exchanges it, the others must not throw the new one
    away."""
    door = Door()
    door.open.set()
    sign_in = SignIn(door.sign_in)
    old = sign_in.token()
    sign_in.expired(old)
    new = sign_in.token()
    sign_in.expired(old)
    assert sign_in.token() == new
    assert door.asked == 2


def test_a_refusal_is_not_kept() -> None:
    door = Door(refuses=True)
    door.open.set()
    sign_in = SignIn(door.sign_in)
    with pytest.raises(UnavailableError):
        sign_in.token()
    door.refuses = False
    assert sign_in.token() == "token 2"
