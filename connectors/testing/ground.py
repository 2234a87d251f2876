"""What all laws stand on: how records get into the system, how time passes, and what the system cannot hold."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar
from zoneinfo import ZoneInfo

import pytest

from ..clock import Clock, SystemClock
from ..port import Connector
from ..schema import FieldType
from .sample import Row


class Ground(ABC):
    """What a connector's test may say of its system. A test narrows what the system cannot hold, with the reason.

    clock: passes the read-back lag. zone: of the system's wall clock times. lacks: types that the system does not have.
    refuses: codes of what the system itself says no to. dates, instants, local_times: the extremes that it holds.
    """

    clock: Clock = SystemClock()
    zone: ZoneInfo | None = None
    lacks: ClassVar[frozenset[FieldType]] = frozenset()
    refuses: ClassVar[frozenset[str]] = frozenset(
        {"target.duplicate", "target.required", "target.reference", "target.too_long"}
    )
    dates: ClassVar[tuple[dt.date, ...]] = (dt.date(1, 1, 1), dt.date(1969, 12, 31), dt.date(9999, 12, 31))
    instants: ClassVar[tuple[dt.datetime, ...]] = (
        dt.datetime(1, 1, 1, tzinfo=dt.UTC),
        dt.datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=dt.UTC),
        dt.datetime(2024, 2, 29, 12, 0, 0, 1, tzinfo=dt.UTC),
        dt.datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=dt.UTC),
    )
    local_times: ClassVar[tuple[dt.datetime, ...]] = tuple(each.replace(tzinfo=None) for each in instants)

    @abstractmethod
    def seed(self, connector: Connector, object_name: str, rows: Iterable[Row]) -> None:
        """Put records into the empty object, typed as in `sample.SCHEMA`; a field that a row does not name is null."""

    def settle(self, connector: Connector) -> None:
        """Let so much time pass that every write is seen."""
        self.clock.sleep(connector.capabilities.read_back_lag.total_seconds())

    def need(self, kind: FieldType) -> None:
        if kind in self.lacks:
            pytest.skip(f"the system has no {kind}")
