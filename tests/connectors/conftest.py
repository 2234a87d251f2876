"""The databases of `sql_kit`, new for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .sql_kit import Kit, kit, sqlite_url


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[Kit]:
    with kit(sqlite_url(tmp_path)) as opened:
        yield opened


@pytest.fixture
def pg(postgres_url: str) -> Iterator[Kit]:
    with kit(postgres_url) as opened:
        yield opened


@pytest.fixture
def my(mariadb_url: str) -> Iterator[Kit]:
    with kit(mariadb_url) as opened:
        yield opened


@pytest.fixture
def opened(request: pytest.FixtureRequest, database: str) -> Kit:
    """The one that the test's `database` names."""
    found: Kit = request.getfixturevalue(database)
    return found
