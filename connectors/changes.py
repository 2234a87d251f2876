"""What has changed in a system since a moment: an ability that a connector may have, and how moments are chosen.

A record has changed when the system's own `modified_at` of it says so. The lower end is closed: what was changed at the
very moment comes. A change may be seen later than its time says, by a transaction that is still open or an index that
lags; so whoever asks again goes back by the system's overlap, and gets some records twice rather than one never.
Few systems tell what was deleted, and none for ever: where nobody does, or too long ago, it is found by comparing keys.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, cast
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


@dataclass(frozen=True, slots=True)
class Gone:
    """A record that was deleted. at: when, aware. into: the key of the record that it has become part of, None where it
    was deleted and no more."""

    key: str
    at: dt.datetime
    into: str | None = None


class TellsDeletes(Protocol):
    """What a connector has besides whose capabilities say `tells_deletes`."""

    def deleted(self, object_name: str, since: dt.datetime) -> Iterator[Gone]:
        """What was deleted at or after `since` (aware) and has not come back, each once. Raises InputError
        `changes.too_long_ago` where the system does not know so far back any more, `changes.no_deletes` where it does
        not tell of this object."""

    def covered(self, object_name: str) -> dt.datetime:
        """Until when every change and delete of this object can be seen by now, aware."""


def began(connector: Connector, object_name: str | None = None) -> dt.datetime:
    """Asked before a reading, full or of changes: from when on the next one has to ask, of this object or any."""
    moment = connector.now() - connector.capabilities.overlap
    if object_name is None or not connector.capabilities.tells_deletes:
        return moment
    return min(moment, cast(TellsDeletes, connector).covered(object_name))


def reading_at(moment: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """A wall clock reading that none after that moment (aware) is behind, also where clocks are about to be put
    back."""
    quarter = moment - (moment - _EPOCH) % _STEP  # clocks are put back at one
    moments = [moment, *(quarter + _STEP * step for step in range(1, _STEPS))]
    return min(each.astimezone(zone).replace(tzinfo=None) for each in moments)
