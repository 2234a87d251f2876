"""The connector to Fxiaoke keeps the contract against the simulator, in this process on a clock of its own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from changeover.connectors.clock import VirtualClock
from changeover.connectors.fxiaoke.simulator.settings import Settings as SimulatorSettings
from changeover.connectors.fxiaoke.simulator.simulator import Simulator
from changeover.connectors.port import Connector
from changeover.connectors.schema import FieldType
from changeover.connectors.testing.contract import TargetContract
from changeover.connectors.testing.our_key_laws import OurKeyLaws

from .fxiaoke_kit import CONTRACT, OUR_FIELD, START, InProcess, Keyed, tenant_folder
from .fxiaoke_kit import connected as connect_to


class TestFxiaoke(TargetContract):
    clock = VirtualClock(START)
    lacks = frozenset({FieldType.FLOAT, FieldType.BINARY, FieldType.LOCAL_TIME})
    refuses = TargetContract.refuses | {"target.check"}
    dates = (dt.date(1, 1, 2), dt.date(1969, 12, 31), dt.date(9999, 12, 31))
    instants = (
        dt.datetime(1, 1, 1, tzinfo=dt.UTC),
        dt.datetime(1969, 12, 31, 23, 59, 59, 999_000, tzinfo=dt.UTC),
        dt.datetime(2024, 2, 29, 12, 0, 0, 1_000, tzinfo=dt.UTC),
        dt.datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=dt.UTC),
    )
    """In milliseconds. The first day of the year 1 begins in China before the year 1 does in UTC."""

    @pytest.fixture
    def connector(self, tmp_path: Path) -> Iterator[Connector]:
        settings = SimulatorSettings.of({"key_field": OUR_FIELD, "invalid_rows": "shown", "empty_text": "text"})
        simulator = Simulator(self.clock, settings, tenant_folder(tmp_path))
        yield Keyed(connect_to(InProcess(simulator, self.clock), self.clock, at_once=4, **CONTRACT))
        simulator.close()


class TestByFunction(OurKeyLaws):
    """Where changes go many in a call, by a function in the tenant."""

    clock = VirtualClock(START)
    lacks = TestFxiaoke.lacks
    refuses = TestFxiaoke.refuses
    seed = TargetContract.seed

    @pytest.fixture
    def connector(self, tmp_path: Path) -> Iterator[Connector]:
        told = {"key_field": OUR_FIELD, "invalid_rows": "shown", "empty_text": "text", "bulk_function": "on"}
        simulator = Simulator(self.clock, SimulatorSettings.of(told), tenant_folder(tmp_path))
        way = InProcess(simulator, self.clock)
        inner = connect_to(way, self.clock, at_once=4, bulk="changeover_bulk__c", bulk_rows=40, **CONTRACT)
        inner.describe()
        yield Keyed(inner)
        assert not way.bodies("/create"), "none goes alone"
        simulator.close()
