"""What has changed in a database since a moment, by either kind of time, late commits among it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from changeover.connectors.change import Batch, Change, ChangeKind, OutcomeState
from changeover.connectors.changes import TellsChanges, reading_at
from changeover.connectors.clock import SystemClock
from changeover.connectors.errors import InputError
from changeover.connectors.pace import Pace
from changeover.connectors.port import OUR_KEY, Connector, Settings
from changeover.connectors.secrets import Secrets
from changeover.connectors.sql import connect
from changeover.connectors.testing.change_laws import ChangeLaws
from changeover.connectors.testing.sample import Row, keys_of, sample_row

from .sql_kit import EVERY, Kit

SHANGHAI = ZoneInfo("Asia/Shanghai")
TYPES = {
    "instant": {"sqlite": "timestamptz", "postgresql": "timestamptz", "mysql": "timestamp(6) null"},
    "local": {"sqlite": "timestamp", "postgresql": "timestamp", "mysql": "datetime(6)"},
}
AUDIT = {"sample": {"modified_at": "happened"}}


def told_by(opened: Kit, kind: str, zone: str | None = "Asia/Shanghai") -> Connector:
    name = {"mariadb": "mysql"}.get(opened.engine.dialect.name, opened.engine.dialect.name)
    opened.sql(
        "create table if not exists sample (id varchar(40) primary key, name varchar(200) not null, note varchar(20), "
        f"happened {TYPES[kind][name]})"
    )
    settings = Settings("crm", "sql", {"url": opened.url, "audit": AUDIT}, zone=zone)
    return connect(settings, Secrets(), Pace(SystemClock()), SystemClock())


@EVERY
@pytest.mark.parametrize("kind", ["instant", "local"])
class TestSqlChanges(ChangeLaws):
    def seed(self, connector: Connector, object_name: str, rows: Iterable[Row]) -> None:
        """No law of changes asks for it."""

    @pytest.fixture
    def connector(self, opened: Kit, kind: str) -> Iterator[Connector]:
        self.kit, self.kind = opened, kind
        connector = told_by(opened, kind)
        yield connector
        connector.close()

    def touch(self, connector: Connector, number: int, at: dt.datetime, note: str = "") -> None:
        """The database keeps the time that it is given."""
        happened = at if self.kind == "instant" else at.astimezone(SHANGHAI).replace(tzinfo=None)
        found = connector.find("sample", (OUR_KEY,), [(f"ours:{number}",)], []).keys
        values = {"note": note, "happened": happened}
        change = Change(ChangeKind.CREATE, f"ours:{number}", values=sample_row(number, **values))
        if found:
            change = Change(ChangeKind.UPDATE, f"ours:{number}", found[0], values)
        [outcome] = connector.write(Batch("sample", (change,)))
        assert outcome.state is OutcomeState.ACKED

    def late(self, connector: Connector) -> None:
        """A transaction that notes its time and stays open."""
        self.writer = self.kit.engine.connect()
        self.open = self.writer.begin()
        at = connector.now()
        happened = at if self.kind == "instant" else at.astimezone(SHANGHAI).replace(tzinfo=None)
        if self.kit.engine.dialect.name in ("mysql", "mariadb") and self.kind == "instant":
            self.writer.exec_driver_sql("set time_zone = '+00:00'")
            happened = at.replace(tzinfo=None)
        row = {"a": "s0001", "b": "late", "c": happened if self.kit.engine.dialect.name != "sqlite" else str(happened)}
        self.writer.execute(sa.text("insert into sample (id, name, happened) values (:a, :b, :c)"), row)

    def seen_now(self, connector: Connector) -> None:
        self.open.commit()
        self.writer.close()


def test_times_as_sqlite_finds_them_written(lite: Kit) -> None:
    connector = told_by(lite, "local")
    lite.sql(
        "insert into sample values ('1', 'a', '', '2024-02-29T08:00'), ('2', 'b', '', '2024-02-29 08:00:00.250'), "
        "('3', 'c', '', '2024-02-29 07:59:59'), ('4', 'd', '', 'soon'), ('5', 'e', '', null)"
    )
    since = dt.datetime(2024, 2, 29, 0, 0, 0, 250_000, tzinfo=dt.UTC)
    changed = connector.changed("sample", ["name"], since)  # type: ignore[attr-defined]
    assert keys_of(changed) == ["1", "2", "4"], "one too many rather than one too few"
    connector.close()


def test_without_a_time_or_its_zone_nothing_is_told(lite: Kit) -> None:
    for zone, audit, code in ((None, AUDIT, "changes.no_zone"), ("UTC", {}, "changes.no_time")):
        told_by(lite, "local").close()
        settings = Settings("crm", "sql", {"url": lite.url, "audit": audit}, zone=zone)
        connector = connect(settings, Secrets(), Pace(SystemClock()), SystemClock())
        tells: TellsChanges = connector  # type: ignore[assignment]
        with pytest.raises(InputError) as told:
            tells.changed("sample", ["name"], dt.datetime(2024, 1, 1, tzinfo=dt.UTC))
        assert told.value.code == code
        connector.close()


def test_a_clock_that_is_put_back_hides_no_change() -> None:
    """At 01:00 UTC on 2024-10-27 Berlin goes from 03:00 back to 02:00."""
    berlin, before = ZoneInfo("Europe/Berlin"), dt.datetime(2024, 10, 27, 0, 40, tzinfo=dt.UTC)
    later = [before + dt.timedelta(minutes=step) for step in range(600)]
    told = reading_at(before, berlin)
    assert all(each.astimezone(berlin).replace(tzinfo=None) >= told for each in later)
    summer = dt.datetime(2024, 7, 1, 12, tzinfo=dt.UTC)
    assert reading_at(summer, berlin) == dt.datetime(2024, 7, 1, 14)  # noqa: DTZ001
