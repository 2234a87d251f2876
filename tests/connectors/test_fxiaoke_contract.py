"""The connector to Fxiaoke keeps the contract against the simulator, in this process on a clock of its own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest
from changeover.connectors.clock import VirtualClock
from changeover.connectors.fxiaoke.simulator.settings import Settings as SimulatorSettings
from changeover.connectors.fxiaoke.simulator.simulator import Simulator
from changeover.connectors.port import Connector
from changeover.connectors.schema import FieldType
from changeover.connectors.testing.change_laws import ChangeLaws
from changeover.connectors.testing.contract import TargetContract
from changeover.connectors.testing.file_laws import FileLaws
from changeover.connectors.testing.sample import Row

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
        yield from tenant(self.clock, tmp_path)


class TestFxiaokeShownLate(ChangeLaws):
    """What has changed, where a query shows it seconds later."""

    clock = VirtualClock(START)

    def seed(self, connector: Connector, object_name: str, rows: Iterable[Row]) -> None:
        """No law of changes asks for it."""

    @pytest.fixture
    def connector(self, tmp_path: Path) -> Iterator[Connector]:
        fields = {**CONTRACT["fields"]["sample"], "happened": "last_modified_time"}
        there = {"fields": {**CONTRACT["fields"], "sample": fields}, "read_back_lag": 5.0}
        yield from tenant(self.clock, tmp_path, {"index_lag": "5"}, **there)


class TestFxiaokeByForm(FileLaws):
    """Files by the other way."""

    clock = VirtualClock(START)

    def seed(self, connector: Connector, object_name: str, rows: Iterable[Row]) -> None:
        """No law of files asks for it."""

    @pytest.fixture
    def connector(self, tmp_path: Path) -> Iterator[Connector]:
        yield from tenant(self.clock, tmp_path, upload="media")


def tenant(
    clock: VirtualClock, folder: Path, more: Mapping[str, str] | None = None, **options: object
) -> Iterator[Connector]:
    told = {"key_field": OUR_FIELD, "invalid_rows": "shown", "empty_text": "text", **(more or {})}
    settings = SimulatorSettings.of(told)
    simulator = Simulator(clock, settings, tenant_folder(folder))
    options = {"at_once": 4, "host": "http://localhost", **CONTRACT, **options}
    yield Keyed(connect_to(InProcess(simulator, clock), clock, **options))
    simulator.close()
