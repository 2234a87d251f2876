"""Wall clock time to instants and back, for whole columns.

Python's zoneinfo answers, once a day that occurs in the column rather than once a cell; it finds its rules in the
`tzdata` package where the machine has none, which Arrow's own conversion does not.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

INSTANT = pa.timestamp("us", tz="UTC")
LOCAL = pa.timestamp("us")
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - the zero of a naive count of microseconds
_DAY = 86_400_000_000
_MICROSECOND = dt.timedelta(microseconds=1)
_Offset = Callable[[dt.datetime], int | None]


def to_instant(local: pa.Array, zone: ZoneInfo) -> pa.Array:
    """`timestamp[us]` to `timestamp[us, UTC]`. A wall clock time that occurred twice becomes its earlier instant; one
    that never occurred (the hour skipped in spring) becomes null."""

    def offset(wall: dt.datetime) -> int | None:
        there = wall.replace(tzinfo=zone)
        if there.astimezone(dt.UTC).astimezone(zone).replace(tzinfo=None) != wall:
            return None
        return -(there.utcoffset() or dt.timedelta()) // _MICROSECOND

    return _shifted(local, offset).view(INSTANT)


def to_local(instant: pa.Array, zone: ZoneInfo) -> pa.Array:
    """`timestamp[us, UTC]` to `timestamp[us]`, what a clock on the wall of that zone showed."""

    def offset(moment: dt.datetime) -> int | None:
        there = moment.replace(tzinfo=dt.UTC).astimezone(zone)
        return (there.utcoffset() or dt.timedelta()) // _MICROSECOND

    return _shifted(instant, offset).view(LOCAL)


def _shifted(column: pa.Array, offset: _Offset) -> pa.Array:
    """The column's microseconds, as int64, each moved by its offset; null where there is none."""
    missing = column.is_null().to_numpy(zero_copy_only=False)
    moments = column.view(pa.int64()).fill_null(0).to_numpy()
    days, place = np.unique(moments // _DAY, return_inverse=True)
    shifts = np.zeros(len(days), dtype=np.int64)
    uneven = np.zeros(len(days), dtype=bool)
    for index, day in enumerate(days.tolist()):
        first, last = _at(offset, day * _DAY), _at(offset, (day + 1) * _DAY)
        # no zone has ever changed its offset there and back within one day
        uneven[index] = first is None or first != last
        shifts[index] = first or 0
    moved = moments + shifts[place]
    for row in np.flatnonzero(uneven[place] & ~missing).tolist():
        shift = _at(offset, int(moments[row]))
        missing[row] = shift is None
        moved[row] = moments[row] + (shift or 0)
    return pa.array(moved, pa.int64(), mask=missing)


def _at(offset: _Offset, moment: int) -> int | None:
    try:
        return offset(_EPOCH + dt.timedelta(microseconds=moment))
    except OverflowError:  # beyond the years 1 to 9999
        return None
