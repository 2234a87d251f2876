"""How many calls there may be: in any so many seconds of each path, and in a day of all."""

from __future__ import annotations

from collections import Counter, deque
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ...clock import Clock
from ...errors import InputError
from .answers import RefusedError
from .settings import Settings

PACK = 100_000
SPENT, NONE_BOUGHT = 30002, 30003


class Limits:
    """made: calls of each path that were let through, refused: those that were not."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._recent: dict[str, deque[float]] = {}
        self._day, self._today = "", 0
        self.made: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        try:
            self._zone = ZoneInfo(settings.zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise InputError("simulator.setting_value", name="zone", expected="Asia/Shanghai") from error

    def count(self, path: str) -> None:
        """Raises RefusedError where it is one call too many."""
        try:
            self._check(path)
        except RefusedError:
            self.refused[path] += 1
            raise
        self.made[path] += 1

    def _check(self, path: str) -> None:
        settings, now = self._settings, self._clock.monotonic()
        recent = self._recent.setdefault(path, deque())
        while recent and recent[0] <= now - settings.rate_seconds:
            recent.popleft()
        full = bool(settings.rate_calls) and len(recent) >= settings.rate_calls
        if not full or settings.refused_calls_count == "yes":
            recent.append(now)
        if full:
            raise RefusedError(settings.burst_code, "too many calls of this interface")
        day = self._clock.now().astimezone(self._zone).date().isoformat()
        if day != self._day:
            self._day, self._today = day, 0
        if not settings.packs:
            raise RefusedError(NONE_BOUGHT, "no calls were bought")
        if self._today >= settings.packs * PACK:
            raise RefusedError(SPENT, "the calls of this day are spent")
        self._today += 1
