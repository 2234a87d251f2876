"""Changes that wait for their call, and how a batch with a bad record is split until that record stands alone.

Where the target names no record, a refused batch goes again in two halves. Of n changes with k bad ones that takes at
most 2 k log2(n) calls beyond the first, n rounded up to a power of two. Where it names the guilty, the others go again
without them: one call more for each time that somebody new is named.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from .answer import Pair, Planned, fell_with_another


class Line:
    """Changes in the groups in which they are to be sent. size: changes a call takes at most."""

    def __init__(self, planned: Sequence[Planned], size: int) -> None:
        self._groups = deque(list(planned[start : start + size]) for start in range(0, len(planned), size))

    def __len__(self) -> int:
        return sum(map(len, self._groups))

    def take(self, most: int | None = None) -> list[Planned]:
        """The next group, or so many of it at most; the others of it stay first."""
        group = self._groups.popleft()
        if most is not None and len(group) > most:
            self._groups.appendleft(group[most:])
        return group[:most]

    def again(self, pairs: Sequence[Pair]) -> None:
        """Put those first in line that fell with another one of this call, split where nobody else was named."""
        innocent = [each for each, outcome in pairs if fell_with_another(outcome)]
        if not innocent:
            return
        if len(innocent) < len(pairs):
            self._groups.appendleft(innocent)
            return
        middle = (len(innocent) + 1) // 2
        self._groups.extendleft((innocent[middle:], innocent[:middle]))

    def back(self, groups: Sequence[list[Planned]]) -> None:
        """Put these first in line again, as they are."""
        self._groups.extendleft(group for group in reversed(groups) if group)
