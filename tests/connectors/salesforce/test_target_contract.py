"""The connector to Salesforce keeps the contract of a target against the simulator, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from changeover.connectors.port import Connector
from changeover.connectors.salesforce.simulator import Fault, FaultKind, Faults
from changeover.connectors.testing.contract import TargetContract
from changeover.connectors.testing.find_laws import AWKWARD, LISTS
from changeover.connectors.testing.ordeal_laws import OrdealLaws
from changeover.connectors.testing.sample import sample_row

from .target_kit import KeyedTarget, org
from .test_connector_contract import TestSalesforce as AsSource


@pytest.fixture(scope="module")
def for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyedTarget]:
    yield from org(tmp_path_factory.mktemp("org"))


@pytest.fixture(scope="module")
def in_bad_weather(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyedTarget]:
    faults = [
        Fault("*/composite/sobjects", FaultKind.EXPIRED, every=3),
        Fault("*/query", FaultKind.UNAVAILABLE, every=4),
        Fault("*/query", FaultKind.CUT, every=7),
        Fault("*", FaultKind.BARE, every=2),
    ]
    for each in org(tmp_path_factory.mktemp("org"), faults=Faults(faults), at_once=1):
        yield each
        assert each.struck > 100


class TestSalesforceAsTarget(TargetContract):
    """Of what the laws try the org cuts the space around a text, and knows no empty one."""

    lacks, dates, instants = AsSource.lacks, AsSource.dates, AsSource.instants
    refuses = TargetContract.refuses | {"target.check"}

    @pytest.fixture
    def connector(self, for_all: KeyedTarget) -> Connector:
        for_all.empty()
        return for_all

    def test_full_width_stays_full_width(self, connector: Connector) -> None:
        """Full-width and half-width letters stay different texts."""
        self.comes_back(connector, "note", ("ＡＢＣ（１）", "ABC(1)", "a　b", "a b"))

    def test_space_and_line_ends_come_back(self, connector: Connector) -> None:
        """Those within a text."""
        self.comes_back(connector, "note", ("tab\tinside", "two\nlines", "cr\r\nlf", "two  blanks"))

    def test_null_is_not_empty_text(self, connector: Connector) -> None:
        """There is no empty text."""
        self.comes_back(connector, "note", (None, "x"))

    def test_find_is_exact(self, connector: Connector) -> None:
        """Another case, an accent, or a full-width letter is another value."""
        texts = ("Acme", "acme", "Acmé", "Ａｃｍｅ", "Ac me")
        self.seed(connector, "sample", [sample_row(number, name=text) for number, text in enumerate(texts)])
        for number, text in enumerate(texts):
            assert connector.find("sample", ("name",), [(text,)], []).keys == [f"s{number:04}"], f"by {text!r}"

    def test_find_takes_values_as_they_are(self, connector: Connector) -> None:
        """Quotes, %, _, commas and backslashes are letters, not commands, patterns or the end of a value."""
        texts = [f"<{each}>" for each in (*AWKWARD, *LISTS)]
        self.seed(connector, "sample", [sample_row(number, name=text) for number, text in enumerate([*texts, "<axb>"])])
        for number, text in enumerate(texts):
            assert connector.find("sample", ("name",), [(text,)], []).keys == [f"s{number:04}"], f"by {text!r}"

    def test_many_places_come_back(self, connector: Connector) -> None:
        """Eighteen digits in all, whatever of them are places."""
        rates = ("0.000000000001", "123456.123456789012", "-0.1", "0.300000000000", "1")
        self.comes_back(connector, "rate", (None, *map(Decimal, rates)))

    def test_integers_come_back(self, connector: Connector) -> None:
        """Of eighteen digits."""
        self.comes_back(connector, "number", (None, 0, 1, -1, 2**31, -(2**31) - 1, 2**53 + 1, 10**18 - 1, 1 - 10**18))

    def test_booleans_come_back(self, connector: Connector) -> None:
        """A box is ticked or not."""
        self.comes_back(connector, "active", (True, False))

    def test_a_long_text_comes_back(self, tmp_path: Path) -> None:  # type: ignore[override]
        """In a long text area, by which no org can be searched."""
        for connector in org(tmp_path, long=("note",)):
            self.comes_back(connector, "note", ("长" * 20_000, "line\n" * 4_000 + "end"))


class TestSalesforceInBadWeather(OrdealLaws):
    """What is written where every third call that writes finds its session over, and questions come to nothing."""

    lacks, refuses = TestSalesforceAsTarget.lacks, TestSalesforceAsTarget.refuses

    @pytest.fixture
    def connector(self, in_bad_weather: KeyedTarget) -> Connector:
        in_bad_weather.empty()
        return in_bad_weather

    def seed(self, connector: Connector, object_name: str, rows: object) -> None:
        """None of these laws asks for it."""
