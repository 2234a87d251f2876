"""Moves make hundreds of commits, and nothing here depends on when they reach the disk."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ...hasty import hasty


@pytest.fixture(scope="module", autouse=True)
def _hasty() -> Iterator[None]:
    with hasty():
        yield
