"""Moves make hundreds of commits, and nothing here depends on when they reach the disk."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..hasty import hasty
from .kill_at import Launcher
from .sharing import launchers


@pytest.fixture(scope="module", autouse=True)
def _hasty() -> Iterator[None]:
    with hasty():
        yield


@pytest.fixture(scope="session")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    started = Launcher(tmp_path_factory.mktemp("launcher"))
    yield started
    started.close()


@pytest.fixture(scope="module")
def http_launcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    """The same for processes to which the connector of the CRM over HTTP is installed."""
    with launchers(tmp_path_factory.mktemp("launcher"), 1) as [started]:
        yield started
