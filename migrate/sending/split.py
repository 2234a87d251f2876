"""Changes that wait for their call, and how a batch with a bad record is split until that record stands alone.

Where the target names no record, a refused batch goes again in two halves. Of n changes with k bad ones that takes at
most 2 k log2(n) calls beyond the first, n rounded up to a power of two. Where it names the guilty, the others go again
without them: one call more for each time that somebody new is named.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Sequence

from .answer import Pair, Planned, fell_with_another
from .siblings import Touches, nothing_touched, together


class Line:
    """Changes in the groups in which they are to be sent. size: changes a call takes at most. touched: what a change
    may lock; where it is given, siblings stand together, and a group waits while what it touches is under way."""

    def __init__(self, planned: Sequence[Planned], size: int, touched: Touches = nothing_touched) -> None:
        if touched is nothing_touched:
            groups = [list(planned[start : start + size]) for start in range(0, len(planned), size)]
        else:
            groups = together(planned, size, touched)
        self._groups = deque(groups)
        self._waiting: defaultdict[str, deque[list[Planned]]] = defaultdict(deque)
        self._touched = touched
        self._length = len(planned)

    def __len__(self) -> int:
        return self._length

    def touched(self, group: Sequence[Planned]) -> frozenset[str]:
        return frozenset(key for each in group for key in self._touched(each))

    def take(self, most: int | None = None, under_way: Collection[str] = ()) -> list[Planned]:
        """The next group that touches nothing of what is under way, or so many of it at most, and then the others of
        it stay first; empty where none does. What has waited longest goes first."""
        group = self._released(frozenset(under_way)) or self._next(frozenset(under_way))
        if most is not None and len(group) > most:
            self._groups.appendleft(group[most:])
            group = group[:most]
        self._length -= len(group)
        return group

    def _released(self, under_way: frozenset[str]) -> list[Planned]:
        for key in [each for each in self._waiting if each not in under_way]:
            waiting = self._waiting.pop(key)
            while waiting:
                group = waiting.popleft()
                if self._free(group, under_way):
                    if waiting:
                        self._waiting[key] = waiting
                    return group
        return []

    def _next(self, under_way: frozenset[str]) -> list[Planned]:
        while self._groups:
            group = self._groups.popleft()
            if self._free(group, under_way):
                return group
        return []

    def _free(self, group: list[Planned], under_way: frozenset[str]) -> bool:
        """Whether it touches nothing that is under way; else it waits for one of those."""
        busy = under_way & self.touched(group) if under_way else under_way
        if busy:
            self._waiting[min(busy)].append(group)
        return not busy

    def rest(self) -> list[Planned]:
        """Everything that is left; the line is empty then."""
        left = [
            each
            for group in (*self._groups, *(g for waiting in self._waiting.values() for g in waiting))
            for each in group
        ]
        self._groups.clear()
        self._waiting.clear()
        self._length = 0
        return left

    def again(self, pairs: Sequence[Pair]) -> None:
        """Put those first in line that fell with another one of this call, split where nobody else was named."""
        innocent = [each for each, outcome in pairs if fell_with_another(outcome)]
        if not innocent:
            return
        if len(innocent) < len(pairs):
            self.back([innocent])
            return
        middle = (len(innocent) + 1) // 2
        self.back([innocent[:middle], innocent[middle:]])

    def back(self, groups: Sequence[list[Planned]]) -> None:
        """Put these first in line again, as they are."""
        self._groups.extendleft(group for group in reversed(groups) if group)
        self._length += sum(map(len, groups))
