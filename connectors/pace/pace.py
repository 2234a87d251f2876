"""What every call to a system asks before it departs, and tells when it is answered."""

from __future__ import annotations

import datetime as dt
import math
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from ..clock import Clock
from ..errors import InputError
from .adapt import Adaptive
from .book import Asked, Book, Taken
from .lately import Earlier, Lately, LatelyStore
from .limits import UNLIMITED, Allowance, Narrowed, Quota
from .quota import DayCount, SpentStore
from .schedule import ALWAYS, Schedule
from .window import MARGIN_SHARE, Window

LISTENS = 1.0
"""Seconds of a wait until it looks again for an interruption, the cap and the schedule."""
LOOKS = 0.01
"""The same while it waits for an answer that another thread expects."""
BACKS_OFF = 1.0
"""Seconds without a call after a throttled answer that does not say for how long; twice as many after each further
one."""
BACKS_OFF_MOST = 64.0


class Call:
    """A call under way. `throttled` tells that the target said it was one too many; `at_work` that the target says it
    counted the call so many seconds, at least, before it answered."""

    def __init__(self) -> None:
        self.told: tuple[bool, float | None] = (False, None)
        self.counted_before = 0.0

    def throttled(self, retry_after: float | None = None) -> None:
        self.told = (True, retry_after)

    def at_work(self, seconds: float) -> None:
        self.counted_before = seconds


class Lane:
    """What is known of one interface."""

    def __init__(self, allowance: Allowance, name: str, counted: bool = True) -> None:
        interface = allowance.of(name)
        most = interface.threads if allowance.threads is None else min(interface.threads, allowance.threads)
        self.windows = [Window(rate) for rate in interface.rates] if counted else []
        self.adaptive = Adaptive(most)
        self.departed: deque[float] = deque()
        self.under_way = 0  # calls; a request may count as several
        self.held_until = 0.0
        self.throttled_at = -math.inf
        self.throttled_in_a_row = 0


class Pace:
    """One system's pace, shared by all threads that call it.

    Without limits (`obey` not called, or called with an allowance that has none) a call departs at once. `listen` is
    called in every slice of a wait; what it raises ends the wait. waits: told until when, where business hours leave no
    call, once for all that wait. cap: read at most once a second of the clock, a share (0 to 1) that everything is
    multiplied by; 0 waits. spent: keeps the day's calls between processes; lately: those that still count in some
    window. book: counts the calls of several processes together, in place of this one's own count.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        narrowed: Narrowed | None = None,
        schedule: Schedule = ALWAYS,
        cap: Callable[[], float] = lambda: 1.0,
        listen: Callable[[], None] = lambda: None,
        waits: Callable[[dt.datetime], None] = lambda _until: None,
        spent: SpentStore | None = None,
        lately: LatelyStore | None = None,
        book: Book | None = None,
    ) -> None:
        self.narrowed = narrowed or Narrowed()
        self.schedule = schedule
        self._clock, self._listen, self._read_cap, self._spent = clock, listen, cap, spent
        self._waits, self._shut_until = waits, dt.datetime.min.replace(tzinfo=dt.UTC)
        self._book = book
        self._lately = Lately(lately, clock) if lately else None
        self._lock = threading.Lock()
        self._cap, self._cap_read = 1.0, -LISTENS
        self._made: Counter[str] = Counter()
        self.allowance = UNLIMITED
        self._lanes: dict[str, Lane] = {}
        self._shared: list[Window] = []
        self._day: DayCount | None = None
        self._limit_day()

    def obey(self, allowance: Allowance) -> None:
        """Keep to what the target allows, from now on. A connector says so before its first call, and again where it
        learns better; calls made under another allowance then count as if they had only now been answered."""
        with self._lock:
            if self._lately:
                self._lately.obey(allowance)
            if allowance == self.allowance:
                return
            before, now = self._lanes, self._clock.monotonic()
            self.allowance = allowance
            self._lanes = {name: self._new_lane(name) for name in before}
            for name, lane in self._lanes.items():
                lane.departed = before[name].departed
                lane.under_way = before[name].under_way
                lane.held_until = before[name].held_until
                for window in lane.windows:
                    window.begin(self._made[name], lane.under_way, now)
            self._shared = [Window(rate) for rate in allowance.shared] if self._book is None else []
            for window in self._shared:
                window.begin(self._made.total(), self._under_way, now)
                for answers in self._earlier().values():
                    window.earlier(answers)
            self._limit_day()

    def _limit_day(self) -> None:
        daily, known = self.narrowed.daily_calls(self.allowance.quota), self._day
        if daily is None:
            return
        self._day = DayCount(self.allowance.quota or Quota(), daily, self.narrowed.reserve, self._spent, known)
        if known is not None:
            self._day.told(known.spent, self._under_way, self._clock.now())

    def take(self, interface: str, calls: int = 1) -> None:
        """Wait until a request that counts as so many calls may depart. Every take is followed by one `answered` or
        `lost` of the same interface and as many calls. Raises QuotaSpentError, InputError `pace.no_hours`, or what
        `listen` raises; then nothing was taken."""
        while True:
            with self._lock:
                wait = self._wait(interface, calls)
                taken = self._ask(interface, calls) if wait == 0 else Taken(False, wait)
                if taken.taken:
                    self._depart(interface, calls, taken.wait)
            if taken.taken and taken.wait == 0:
                return
            if not taken.taken:
                self._tell_hours(calls)
            try:
                self._clock.sleep(min(taken.wait, LISTENS))
                self._listen()  # the last thing before the call departs: the process may have stood still
            except BaseException:
                if taken.taken:
                    self._give_back(interface, calls)
                raise
            if taken.taken:
                return

    def answered(
        self,
        interface: str,
        throttled: bool = False,
        retry_after: float | None = None,
        calls: int = 1,
        counted_before: float = 0.0,
    ) -> None:
        """The request was answered. throttled: the target says that it was one too many. retry_after: seconds after
        which it wants to be asked again. counted_before: so many seconds, at least, before its answer it was counted,
        where the target says."""
        with self._lock:
            now, late = self._clock.monotonic(), -counted_before * (1 - MARGIN_SHARE)
            lane, departed = self._settle(interface, calls, now, late)
            lane.adaptive.answered(departed, now, throttled)
            holds = 0.0
            if not throttled:
                lane.throttled_in_a_row = 0
            else:
                if departed > lane.throttled_at:  # else it was under way already when the target throttled before
                    lane.throttled_in_a_row, lane.throttled_at = lane.throttled_in_a_row + 1, now
                backs_off = min(BACKS_OFF_MOST, BACKS_OFF * 2.0 ** (lane.throttled_in_a_row - 1))
                holds = backs_off if retry_after is None else retry_after
                lane.held_until = max(lane.held_until, now + holds)
            if self._book:
                self._book.answered(interface, calls, late, holds)

    def lost(self, interface: str, calls: int = 1) -> None:
        """The request was given up on: it may have arrived, or arrive yet."""
        with self._lock:
            self._settle(interface, calls, self._clock.monotonic(), self.allowance.late)
            if self._book:
                self._book.answered(interface, calls, late=self.allowance.late)

    @contextmanager
    def call(self, interface: str, calls: int = 1) -> Iterator[Call]:
        """Take, then do the request within; it is lost where an exception leaves it."""
        self.take(interface, calls)
        call = Call()
        try:
            yield call
        except BaseException:
            self.lost(interface, calls)
            raise
        throttled, retry_after = call.told
        self.answered(interface, throttled, retry_after, calls, call.counted_before)

    def rest(self, seconds: float) -> None:
        """Let so much time pass between calls. Raises what `listen` raises."""
        while seconds > 0:
            self._clock.sleep(min(seconds, LISTENS))
            self._listen()
            seconds -= LISTENS

    def concurrency(self, interface: str) -> int:
        """How many requests at a time are good now; never more than the target's stated most. `take` keeps to it."""
        with self._lock:
            return self._lane(interface).adaptive.number

    def made(self) -> dict[str, int]:
        """Calls that have departed since this process began, by interface."""
        with self._lock:
            return dict(self._made)

    def of_today(self) -> tuple[int, int] | None:
        """(calls spent today, calls that we may spend a day); None where nobody limits the day."""
        with self._lock:
            return (self._day.spent, self._day.ours) if self._day else None

    def told(self, spent_today: int) -> None:
        """What the target says of the calls spent today, by us and by everybody else."""
        with self._lock:
            if self._day:
                self._day.told(spent_today, self._under_way, self._clock.now())

    def keep(self) -> None:
        """Note how many calls the day has cost, and which still count; at the end of a process."""
        with self._lock:
            if self._lately:
                self._lately.note()
            if self._day:
                self._day.keep()

    def _wait(self, interface: str, calls: int) -> float:
        """Seconds after which it is worth to look again; 0: depart."""
        now, today = self._clock.monotonic(), self._clock.now()
        if self._day and self._day.wait(calls, self.schedule.quota(today), self._under_way, today):
            return LISTENS
        lane = self._lane(interface)
        most = self.allowance.threads
        if len(lane.departed) >= lane.adaptive.number or (most is not None and self._requests >= most):
            return LOOKS
        share = self._share(now, today)
        if share <= 0:
            return LISTENS
        waits = [window.wait(calls, share, now) for window in (*lane.windows, *self._shared)]
        known = [LOOKS if each is None else each for each in waits]
        return max((*known, lane.held_until - now, 0.0))

    def _tell_hours(self, calls: int) -> None:
        """Where business hours leave none: once, and again when they have changed and still leave none. Raises
        InputError `pace.no_hours` where they never will."""
        if not self.schedule.hours:
            return
        with self._lock:
            now = self._clock.now()
            if now < self._shut_until:
                return
            opens = self._shut_until = self._opens(calls, now)
        if opens > now:
            self._waits(opens)

    def _opens(self, calls: int, now: dt.datetime) -> dt.datetime:
        """Before this nothing departs for want of hours; `now` where that is not what keeps it."""
        day = self._day if self._day and self._day.ours else None
        least = self.schedule.opens(now, calls / day.ours if day else 0.0)
        if least is None:
            raise InputError("pace.no_hours")
        if day is None:
            return least
        enough, tomorrow = self.schedule.opens(now, (day.spent + calls) / day.ours), day.next(now)
        return tomorrow if enough is None else min(enough, tomorrow)

    def _ask(self, interface: str, calls: int) -> Taken:
        """The book, where others call the same system."""
        if self._book is None:
            return Taken(True, 0.0)
        today, day = self._clock.now(), self._day
        share = self._share(self._clock.monotonic(), today)
        earlier = self._lately.handed_over() if self._lately else {}
        asked = Asked(interface, calls, self.allowance, share, earlier=earlier)
        if day is None:
            return self._book.take(asked)
        ours = math.floor(day.ours * self.schedule.quota(today))
        quota = self.allowance.quota or Quota()
        taken = self._book.take(replace(asked, quota=quota, ours=ours, day=day.day, spent=day.spent))
        day.counted(taken.day, taken.spent)
        return taken

    def _give_back(self, interface: str, calls: int) -> None:
        """It was taken, and does not depart."""
        with self._lock:
            lane = self._lane(interface)
            lane.under_way -= calls
            lane.departed.pop()
            self._made[interface] -= calls
            if self._lately:
                self._lately.given_back(interface, calls)
            if self._day:
                self._day.counted(self._day.day, self._day.spent - calls)
            if self._book:
                self._book.give_back(interface, calls)

    def _depart(self, interface: str, calls: int, wait: float = 0.0) -> None:
        if self._lately:
            self._lately.departs(interface, calls)
        lane = self._lane(interface)
        for window in (*lane.windows, *self._shared):
            window.depart(calls)
        lane.under_way += calls
        lane.departed.append(self._clock.monotonic() + wait)
        self._made[interface] += calls
        if self._day and self._book is None:
            self._day.spend(calls)

    def _settle(self, interface: str, calls: int, now: float, late: float) -> tuple[Lane, float]:
        """The call's lane, and when it departed: of several under way the one that departed first, since an answer
        does not say whose it is; on the average this comes to the same."""
        lane = self._lane(interface)
        if not lane.departed or lane.under_way < calls:
            raise RuntimeError(f"{interface}: an answer to a call that was never taken")
        for window in (*lane.windows, *self._shared):
            window.answer(calls, now, late)
        if self._lately:
            self._lately.answered(interface, calls, now + late)
        lane.under_way -= calls
        return lane, lane.departed.popleft()

    def _share(self, now: float, today: dt.datetime) -> float:
        return self.narrowed.share * self.schedule.share(today) * self._capped(now)

    @property
    def _requests(self) -> int:
        return sum(len(lane.departed) for lane in self._lanes.values())

    @property
    def _under_way(self) -> int:
        return sum(lane.under_way for lane in self._lanes.values())

    def _lane(self, interface: str) -> Lane:
        lane = self._lanes.get(interface)
        if lane is None:
            lane = self._lanes[interface] = self._new_lane(interface)
        return lane

    def _new_lane(self, interface: str) -> Lane:
        lane = Lane(self.allowance, interface, self._book is None)
        for window in lane.windows:
            window.earlier(self._earlier().get(interface, ()))
        return lane

    def _earlier(self) -> Earlier:
        return self._lately.earlier if self._lately else {}

    def _capped(self, now: float) -> float:
        if now - self._cap_read >= LISTENS:
            self._cap, self._cap_read = min(1.0, max(0.0, self._read_cap())), now
        return self._cap
