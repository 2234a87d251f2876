"""A change that takes several calls, one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..change import Change, Outcome, OutcomeState
from ..errors import UnavailableError
from .gateway import HeldBackError
from .outcome import outcome_of
from .session import WrongCredentialsError
from .transport import NotSentError

NEVER_LEFT = (HeldBackError, NotSentError, WrongCredentialsError, UnavailableError)
TRIES = 3
Act = Callable[[], Outcome]


def in_turn(change: Change, acts: Iterable[Act], *, done: bool) -> Outcome:
    """Each of them, until one comes to nothing. done: something of the change was done before; then, and behind the
    first of them, nobody may say that nothing was. Raises what kept the first from departing where nothing was."""
    told = outcome_of(change, OutcomeState.ACKED)
    for act in acts:
        told = _after(done, change, act)
        if told.state is not OutcomeState.ACKED:
            break
        done = True
    return told


def _after(done: bool, change: Change, act: Act) -> Outcome:
    try:
        outcome = act()
    except NEVER_LEFT:
        if not done:
            raise
        return outcome_of(change, OutcomeState.UNKNOWN, "target.half_done")
    if done and outcome.state is not OutcomeState.ACKED:
        return outcome_of(change, OutcomeState.UNKNOWN, "target.half_done", outcome.detail)
    return outcome


def until_told(act: Act) -> Outcome:
    """Of what may be done twice: once more where nobody answers, a few times."""
    told = act()
    for _ in range(TRIES - 1):
        if told.state is not OutcomeState.UNKNOWN:
            break
        told = act()
    return told
