"""The laws of a source hold where an org is read by jobs of Bulk, several of them for one object."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from changeover.connectors.port import Connector
from changeover.connectors.testing.contract import SourceContract

from .org_kit import Keyed
from .test_connector_contract import TestSalesforce as ByRest
from .test_connector_contract import org

OPTIONS: dict[str, Any] = {"read_by": "bulk", "bulk_range": 9, "bulk_page": 4}


@pytest.fixture(scope="module")
def for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyed]:
    yield from org(tmp_path_factory.mktemp("org"), **OPTIONS)


class TestSalesforceByBulk(ByRest):
    """An empty text, which no org holds, comes as nothing."""

    def test_null_is_not_empty_text(self, connector: Connector) -> None:
        self.comes_back(connector, "note", (None, " ", "x"))

    def test_a_long_text_comes_back(self, tmp_path: Path) -> None:  # type: ignore[override]
        for connector in org(tmp_path, ("note",), **OPTIONS):
            SourceContract.test_a_long_text_comes_back(self, connector)


del ByRest  # else its laws are tried here once more
