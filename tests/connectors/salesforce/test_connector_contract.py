"""The connector to Salesforce keeps the contract of a source against the simulator, in this process."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from changeover.connectors.clock import VirtualClock
from changeover.connectors.port import Connector
from changeover.connectors.salesforce.simulator import Settings, Simulator
from changeover.connectors.schema import FieldType
from changeover.connectors.testing.contract import SourceContract
from changeover.connectors.testing.sample import Row

from .callers import START
from .org_kit import InProcess, Keyed, connected, org_folder


def org(folder: Path, long: tuple[str, ...] = (), **options: Any) -> Iterator[Keyed]:
    clock = VirtualClock(START)
    simulator = Simulator(clock, Settings(bulk_polls=0), org_folder(folder, long))
    yield Keyed(connected(InProcess(simulator), clock, objects=["sample__c", "pair__c"], **options), simulator)
    simulator.close()


@pytest.fixture(scope="module")
def for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyed]:
    yield from org(tmp_path_factory.mktemp("org"))


class TestSalesforce(SourceContract):
    """Dates from 1700 to 4000, times in whole seconds, numbers of 18 digits, and boxes that are ticked or not."""

    lacks = frozenset({FieldType.FLOAT, FieldType.BINARY, FieldType.LOCAL_TIME})
    dates = (dt.date(1700, 1, 1), dt.date(1969, 12, 31), dt.date(4000, 12, 31))
    instants = (
        dt.datetime(1700, 1, 1, tzinfo=dt.UTC),
        dt.datetime(1969, 12, 31, 23, 59, 59, tzinfo=dt.UTC),
        dt.datetime(2024, 2, 29, 12, 0, 1, tzinfo=dt.UTC),
        dt.datetime(4000, 12, 31, 23, 59, 59, tzinfo=dt.UTC),
    )

    @pytest.fixture
    def connector(self, for_all: Keyed) -> Connector:
        for_all.empty()
        return for_all

    def seed(self, connector: Connector, object_name: str, rows: Iterable[Row]) -> None:
        assert isinstance(connector, Keyed)
        connector.put(object_name, rows)

    def test_many_places_come_back(self, connector: Connector) -> None:
        """Eighteen digits in all, whatever of them are places."""
        rates = ("0.000000000001", "123456.123456789012", "-0.1", "0.300000000000", "1")
        self.comes_back(connector, "rate", (None, *map(Decimal, rates)))

    def test_booleans_come_back(self, connector: Connector) -> None:
        """A box that was never ticked is false."""
        self.comes_back(connector, "active", (True, False))

    def test_a_long_text_comes_back(self, tmp_path: Path) -> None:  # type: ignore[override]
        """In a long text area, by which no org can be searched."""
        for connector in org(tmp_path, ("note",)):
            super().test_a_long_text_comes_back(connector)
