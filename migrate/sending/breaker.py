"""Stops asking a target that does not answer: a rest, one call with one change to see, then the run pauses."""

from __future__ import annotations

from collections.abc import Callable

from ...connectors.errors import UnavailableError
from ..project import Limits


class Breaker:
    """Counts calls that failed in a row, over all objects of a session. probing: half open; the next call carries one
    change, and where it fails too the run pauses at once. wave: of several calls under way those that departed before
    a failure was told fail for the same reason, and count with it; a call is of the wave in which it departed.
    answers: calls that were answered."""

    def __init__(self, limits: Limits, *, probing: bool = False) -> None:
        self.probing = probing
        self.wave = 0
        self.answers = 0
        self._limits = limits
        self._open = False
        self._silent = 0
        self._throttled = 0
        self._expired = 0

    @property
    def resting(self) -> bool:
        """Too many have failed: the next call waits, or is the one that tries."""
        return self.probing or self._open

    @property
    def troubled(self) -> bool:
        """The latest call came to nothing: no time for several at once."""
        return self.resting or self._silent > 0

    def ready(self, wait: Callable[[float], None]) -> None:
        """Before each call: rest where too many have failed."""
        if self._open:
            wait(self._limits.cool_down)
            self._open, self.probing = False, True

    def answered(self) -> None:
        self.answers += 1
        self.probing = self._open = False
        self._silent = self._throttled = self._expired = 0

    def silent(self, code: str | None, wave: int) -> None:
        """A call was not taken or not answered. Raises UnavailableError `target.paused` where it was the last try."""
        if not self._counts(wave):
            return
        self._silent += 1
        if self.probing:
            raise UnavailableError("target.paused", count=self._silent, reason=f"@{code or 'target.no_answer'}")
        self._open = self._silent >= self._limits.pause_after

    def throttled(self, retry_after: float | None, wave: int) -> None:
        """The target takes no more for now. Raises UnavailableError `target.long_wait` where it wants to be left alone
        for longer than the project waits, `target.paused_throttled` where waiting did not help."""
        if retry_after is not None and retry_after > self._limits.longest_wait:
            raise UnavailableError("target.long_wait", seconds=round(retry_after), longest=self._limits.longest_wait)
        if not self._counts(wave):
            return
        self._throttled += 1
        self._silent = 0
        if self._throttled >= self._limits.pause_after_throttled:
            raise UnavailableError("target.paused_throttled", count=self._throttled)

    def expired(self, wave: int) -> None:
        """Our session was over. Raises UnavailableError `target.session_expired` where the new one is over as well."""
        if not self._counts(wave):
            return
        self._expired += 1
        if self._expired > 1:
            raise UnavailableError("target.session_expired")

    def _counts(self, wave: int) -> bool:
        if wave < self.wave:
            return False
        self.wave += 1
        return True
