"""Databases and files that do not wait for the disk.

What a process has handed to the system outlives the process; only a power cut takes what is not on the disk yet, and no
test makes one. That the product does wait is asked of the product's own settings: tests/runs.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

OFF = "pragma synchronous = off"


class _Hasty(sqlite3.Connection):
    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        super().execute(OFF)

    def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
        return super().execute(OFF if sql.startswith("pragma synchronous") else sql, *arguments)


@contextmanager
def hasty() -> Iterator[None]:
    """In this process, until the end of the block."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _file: None)
        for module in (sqlite3, sqlite3.dbapi2):
            patch.setattr(module, "connect", partial(sqlite3.connect, factory=_Hasty))
        yield
