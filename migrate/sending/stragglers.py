"""Changes that come to nothing time and again while the target does the others: a batch at which a target breaks off is
split until the change stands alone that it breaks off at, and that one is set aside instead of keeping the run back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ...runs.ledger import operations
from ...runs.ledger.store import Ledger
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

    def blamed(self, piece: Sequence[Planned], answers: int, probing: bool) -> bool:
        """A call with these came to nothing; whether it is for them, and the target is well: one that stands alone and
        did so time and again is set aside, and where the target has answered others in between it is not the line.
        answers: how many calls the target has answered so far. probing: it was the one call by which to see whether the
        target is there."""
        keys = [each.change.our_key for each in piece]
        self._tries.update(keys)
        first = [self._first.setdefault(key, answers) for key in keys]
        if len(keys) == 1:
            earlier = operations.left_undone(self._ledger, self._object, keys[0]) if probing else 0
            if max(self._tries[keys[0]], earlier + 1) >= TRIES:
                self._aside.add(keys[0])
                return True
        return max(first) < answers

    def again(self, group: list[Planned], answers: int) -> list[list[Planned]]:
        """In which groups these changes go again after a call that came to nothing: in halves where it is for them."""
        if len(group) < 2 or any(self._first.get(each.change.our_key, answers) >= answers for each in group):
            return [group]
        middle = (len(group) + 1) // 2
        return [group[:middle], group[middle:]]
