"""Differences between what should be in the target and what is, told apart by whose they are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

KEPT = 500


class Whose(StrEnum):
    """WRONG: ours; never read back and not what was sent, a record without our key, or one too many with it.
    EDITED: somebody changed or deleted it in the target since. AUTOMATION: the target changed it by itself, at once or
    later in our name.
    SOURCE_MOVED: the source changed since the last run. MAPPING_MOVED: the mapping means something else since.
    TAKEN_BACK: an undo took it out of the target. COMPUTED: the target makes the field by itself and
    comes to something else."""

    WRONG = "wrong"
    EDITED = "edited"
    AUTOMATION = "automation"
    SOURCE_MOVED = "source_moved"
    MAPPING_MOVED = "mapping_moved"
    TAKEN_BACK = "taken_back"
    COMPUTED = "computed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of one record (field None: the record as a whole). code: what differs (`difference.field`,
    `difference.deleted`, `difference.not_moved`, `difference.undone`, `difference.left_source`, `difference.left_out`,
    `difference.key_lost`, `difference.unknown_record`, `difference.body`). by, at: who changed the target's record last
    and when, as the target says."""

    whose: Whose
    code: str
    mapping: str
    source_key: str | None
    our_key: str
    target_key: str | None = None
    field: str | None = None
    by: str | None = None
    at: str | None = None


@dataclass
class Differences:
    """All of them counted, the first few of each kind kept."""

    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    kept: list[Difference] = field(default_factory=list)
    records: Counter[str] = field(default_factory=Counter)
    _kept_of: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def add(self, difference: Difference) -> None:
        kind = (difference.whose.value, difference.mapping, difference.field or difference.code)
        self.counts[kind] += 1
        if self._kept_of[kind] < KEPT:
            self._kept_of[kind] += 1
            self.kept.append(difference)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def of(self, whose: Whose) -> int:
        return sum(number for (owner, _, _), number in self.counts.items() if owner == whose.value)
