"""Counting: every record read for a mapping lands in exactly one bucket."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from ...connectors.errors import DecisionError
from ...runs.report.model import BUCKETS, BranchCounts

READ, ADOPTED, UNTAKEN, CARRIED = "read", "adopted", "untaken", "carried"
CALLS = "calls"
"""With an interface behind it: calls to the target."""


class Tally:
    """The counts of one mapping in one run; they survive a crash with the run's progress."""

    def __init__(self, counts: dict[str, int] | None = None) -> None:
        self.counts: Counter[str] = Counter(counts or {})

    def add(self, bucket: str, number: int = 1) -> None:
        self.counts[bucket] += number

    def move(self, here: str, there: str, number: int = 1) -> None:
        """Records counted as `here` turned out to be `there`."""
        self.counts[here] -= number
        self.counts[there] += number

    def add_all(self, buckets: Iterable[str]) -> None:
        self.counts.update(buckets)

    def as_counts(self, mapping: str, object_name: str) -> BranchCounts:
        buckets = {name: self.counts[name] for name in BUCKETS}
        return BranchCounts(mapping, object_name, self.counts[READ], buckets, self.counts[ADOPTED])

    def as_dict(self) -> dict[str, int]:
        return {name: number for name, number in self.counts.items() if number}


class StormWatch:
    """Notices when one cause rejects record after record: then going on would only spoil more.

    alike: that many of one cause; share: and at least that share of the records read so far.
    """

    def __init__(self, mapping: str, alike: int, share: Decimal) -> None:
        self._mapping, self._alike, self._share = mapping, alike, share
        self._causes: Counter[tuple[str, str]] = Counter()
        self._seen = 0

    def saw(self, number: int) -> None:
        self._seen += number

    def rejected(self, causes: Iterable[tuple[str, str]]) -> None:
        """(code, field) of each cause of each rejected record."""
        self._causes.update(causes)

    def check(self) -> None:
        """Raise DecisionError `run.reject_storm` naming the cause."""
        for (code, field), number in self._causes.most_common(1):
            if number >= self._alike and number >= self._share * max(self._seen, 1):
                raise RejectStorm(self._mapping, code, field, number, self._seen)


class MappingStop(DecisionError):  # noqa: N818 - named for what happened
    """One mapping stops; the run goes on with what does not depend on it."""


class RejectStorm(MappingStop):
    """One cause rejects record after record."""

    def __init__(self, mapping: str, code: str, field: str, number: int, seen: int) -> None:
        super().__init__("run.reject_storm", mapping=mapping, cause=f"@{code}", field=field, count=number, seen=seen)
        self.mapping = mapping


def parts_of(counts: Mapping[str, int], kind: str) -> Iterator[tuple[list[str], int]]:
    """Of the counts that were added as `kind` and parts with tabs between: the parts, and how many."""
    for name, number in counts.items():
        first, *parts = name.split("\t")
        if first == kind:
            yield parts, number


def chosen(mask: npt.NDArray[np.bool_]) -> list[int]:
    """The places where the mask is true, as plain integers."""
    return [int(place) for place in np.flatnonzero(mask)]
