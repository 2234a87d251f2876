"""Databases keep the contract: SQLite, PostgreSQL, MariaDB."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from changeover.connectors.change import Change, ChangeKind, OutcomeState
from changeover.connectors.clock import SystemClock
from changeover.connectors.pace import Pace
from changeover.connectors.port import Connector, Settings
from changeover.connectors.secrets import Secrets
from changeover.connectors.sql import connect
from changeover.connectors.testing.contract import TargetContract
from changeover.connectors.testing.sample import sample_row, write

from ..servers import fresh_database

SAMPLE = """CREATE TABLE sample (
    id {text}(40) PRIMARY KEY NOT NULL, name {text}(200) NOT NULL, note {long}, code {text}(40) UNIQUE,
    number BIGINT, amount DECIMAL(18, 2), rate DECIMAL(30, 12), ratio DOUBLE PRECISION, active BOOLEAN, born DATE,
    happened {instant}, noted {local}, stage {text}(40) CHECK (stage IN ('open', 'won', 'lost')), body {binary},
    parent {text}(40), FOREIGN KEY (parent) REFERENCES sample (id))"""
PAIR = """CREATE TABLE pair ({left} {text}(40) NOT NULL, {right} BIGINT NOT NULL, label {text}(200),
    PRIMARY KEY ({left}, {right}))"""
WORDS = {"left": '"left"', "right": '"right"'}


def connected(url: str, **words: str) -> Iterator[Connector]:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for left_by_another_test in ("sample", "pair", "changeover_keys"):
            connection.exec_driver_sql(f"DROP TABLE IF EXISTS {left_by_another_test}")
        connection.exec_driver_sql(SAMPLE.format(**words))
        connection.exec_driver_sql(PAIR.format(**WORDS | words))
    connector = connect(Settings("target", "sql", {"url": url}), Secrets(), Pace(SystemClock()), SystemClock())
    yield connector
    connector.close()


@pytest.fixture(scope="module")
def postgres_for_all(postgres: sa.URL) -> Iterator[str]:
    with fresh_database(postgres) as url:
        yield url


@pytest.fixture(scope="module")
def mariadb_for_all(mariadb: sa.URL) -> Iterator[str]:
    with fresh_database(mariadb) as url:
        yield url


class TestSQLite(TargetContract):
    # a SQLite column takes text of any length
    refuses = (TargetContract.refuses | {"target.check"}) - {"target.too_long"}

    @pytest.fixture
    def connector(self, tmp_path: Path) -> Iterator[Connector]:
        url = f"sqlite:///{tmp_path / 'target.db'}"
        yield from connected(url, text="VARCHAR", long="TEXT", instant="TIMESTAMPTZ", local="TIMESTAMP", binary="BLOB")

    def test_decimals_come_back_to_the_last_digit(self, connector: Connector) -> None:
        """SQLite keeps 15 digits of a number with places and 18 of a whole one; what it would cut is refused."""
        exact = ("0", "0.01", "-0.01", "12.50", "100", "1234567.89", "9999999999999.99", "9007199254740993.00")
        self.comes_back(connector, "amount", (None, *map(Decimal, exact)))
        changes = [
            Change(ChangeKind.CREATE, f"ours:{number}", values=sample_row(number + 50, amount=Decimal(amount)))
            for number, amount in enumerate(("9999999999999999.99", "1.00"))
        ]
        outcomes = write(connector, "sample", *changes)
        refused = outcomes["ours:0"]
        assert (refused.state, refused.code, refused.field) == (
            OutcomeState.REJECTED,
            "target.out_of_range",
            "amount",
        )
        assert outcomes["ours:1"].state is OutcomeState.ACKED

    def test_many_places_come_back(self, connector: Connector) -> None:
        """Of twelve places as many come back as 15 digits leave."""
        rates = ("0.000000000001", "123.123456789012", "-0.1", "0.300000000000", "1")
        self.comes_back(connector, "rate", (None, *map(Decimal, rates)))


class TestPostgreSQL(TargetContract):
    refuses = TargetContract.refuses | {"target.check"}

    @pytest.fixture
    def connector(self, postgres_for_all: str) -> Iterator[Connector]:
        words = {"long": "TEXT", "instant": "TIMESTAMPTZ", "local": "TIMESTAMP", "binary": "BYTEA"}
        yield from connected(postgres_for_all, text="VARCHAR", **words)


class TestMariaDB(TargetContract):
    refuses = TargetContract.refuses | {"target.check"}
    # what a TIMESTAMP holds
    instants = (
        dt.datetime(1970, 1, 1, 0, 0, 1, tzinfo=dt.UTC),
        dt.datetime(2024, 2, 29, 12, 0, 0, 1, tzinfo=dt.UTC),
        dt.datetime(2038, 1, 19, 3, 14, 7, 999_999, tzinfo=dt.UTC),
    )

    @pytest.fixture
    def connector(self, mariadb_for_all: str) -> Iterator[Connector]:
        words = {"long": "LONGTEXT", "instant": "TIMESTAMP(6) NULL", "local": "DATETIME(6)", "binary": "LONGBLOB"}
        yield from connected(mariadb_for_all, text="VARCHAR", left="`left`", right="`right`", **words)
