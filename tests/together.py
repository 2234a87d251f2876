"""Which files go to the same worker."""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

TOGETHER = {"tests/validators/test_expectations.py": "tests/validators/test_declared.py"}
"""File -> the file that it goes with: what both load, Great Expectations, takes longer than all their tests."""


class Together(LoadFileScheduling):
    """Whole files, as `--dist loadfile` has them."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return TOGETHER.get(file, file)


def scheduler(config: pytest.Config, log: Producer) -> Together | None:
    return Together(config, log) if config.getvalue("dist") == "loadfile" else None
