"""What a system does by itself about who owns a record: how many a person may own, and when it takes one away again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

EVERYBODY: Final = "*"


@dataclass(frozen=True, slots=True)
class Recycling:
    """A record that somebody owns is taken away `days` after the first of the moments in the fields `since` that it
    has; after it was made, where it has none of them. name: what people call the rule. lies_in: field and cell of the
    records that are meant, among those whose cell is known; None: all of them."""

    name: str
    days: int
    since: tuple[str, ...]
    lies_in: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Holding:
    """Of one object. owner: the field that says who owns a record. caps: person -> records that they may own at most,
    EVERYBODY for all who are not named. ahead: for how many days to look ahead."""

    owner: str
    caps: Mapping[str, int] = field(default_factory=dict)
    recyclings: tuple[Recycling, ...] = ()
    ahead: int = 30

    def cap(self, person: str) -> int | None:
        return self.caps.get(person, self.caps.get(EVERYBODY))


class KnowsHolding(Protocol):
    """What a connector has besides whose capabilities say `knows_holding`."""

    def holding(self, object_name: str) -> Holding | None:
        """None where nothing is known of this object."""

    def owned(self, object_name: str, people: Sequence[str]) -> Mapping[str, int]:
        """How many records each of these people owns now."""
