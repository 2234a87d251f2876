"""Changes that come to nothing time and again while the target does the others: a batch at which a target breaks off is
split until the change stands alone that it breaks off at, and that one is set aside instead of keeping the run back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..runs.ledger import operations
from ..runs.ledger.store import Ledger
from .answer import Planned

TRIES = 5
"""So often in all a change may come to nothing, alone in its call the last time."""
UNDONE = "target.undone"


class Stragglers:
    """Counts, for one object, how often each change came to nothing. Earlier runs count where it matters: when a run
    that was paused tries the target with one change, and that is the very one."""

    def __init__(self, ledger: Ledger, object_name: str) -> None:
        self._ledger = ledger
        self._object = object_name
        self._tries: Counter[str] = Counter()
        self._first: dict[str, int] = {}
        self._aside: set[str] = set()

    def __contains__(self, our_key: str) -> bool:
        """Whether it was set aside."""
        return our_key in self._aside

    def set_aside(self, piece: Sequence[Planned], probing: bool) -> bool:
        """The call came to nothing; whether its change, alone in it, is the one to blame. probing: it was the one call
        by which to see whether the target is there."""
        if len(piece) > 1:
            return False
        key = piece[0].change.our_key
        tries = operations.left_undone(self._ledger, self._object, key) if probing else self._tries[key]
        if tries + 1 >= TRIES:
            self._aside.add(key)
        return key in self._aside

    def suspected(self, piece: Sequence[Planned], answers: int) -> bool:
        """They have come to nothing; whether the target has answered others since they did so for the first time, so
        that it is they and not the line. answers: how many calls the target has answered so far."""
        first = [self._first.setdefault(each.change.our_key, answers) for each in piece]
        return max(first) < answers

    def again(self, group: list[Planned], answers: int) -> list[list[Planned]]:
        """In which groups these changes go again after a call that came to nothing: in halves where it is they."""
        self._tries.update(each.change.our_key for each in group)
        if len(group) < 2 or not self.suspected(group, answers):
            return [group]
        middle = (len(group) + 1) // 2
        return [group[:middle], group[middle:]]
