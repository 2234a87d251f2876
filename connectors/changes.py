"""What has changed in a system since a moment: an ability that a connector may have, and how moments are chosen.

A record has changed when the system's own `modified_at` of it says so. The lower end is closed: what was changed at the
very moment comes. A change may be seen later than its time says, by a transaction that is still open or an index that
lags; so whoever asks again goes back by the system's overlap, and gets some records twice rather than one never.
Deletes are told by no system that this is written for: they are found by comparing keys.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Protocol
from zoneinfo import ZoneInfo

from .chunk import Chunk
from .port import Connector

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_STEP, _STEPS = dt.timedelta(minutes=15), 14


class TellsChanges(Protocol):
    """What a connector has besides whose capabilities say `tells_changes`."""

    def changed(
        self,
        object_name: str,
        fields: Sequence[str],
        since: dt.datetime,
        *,
        after: str | None = None,
        size: int = 20_000,
    ) -> Iterator[Chunk]:
        """The records that were changed at or after `since` (aware), as they are now, each once, in chunks as of
        `read`; with `after`, those behind that cursor. A record whose time the system does not tell does not come.
        Raises InputError `changes.no_time` where the object has no `modified_at` that is a time."""


def began(connector: Connector) -> dt.datetime:
    """Asked before a reading, full or of changes: from when on the next one has to ask."""
    return connector.now() - connector.capabilities.overlap


def reading_at(moment: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """A wall clock reading that none after that moment (aware) is behind, also where clocks are about to be put
    back."""
    quarter = moment - (moment - _EPOCH) % _STEP  # clocks are put back at one
    moments = [moment, *(quarter + _STEP * step for step in range(1, _STEPS))]
    return min(each.astimezone(zone).replace(tzinfo=None) for each in moments)
