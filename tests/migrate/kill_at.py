"""Runs the real command in processes that kill themselves (SIGKILL) at a chosen commit.

Started once, it loads what the command loads, and then forks a process for every order, a JSON line on its standard
input: {"words": [...], "folder": ..., "home": ..., "out": file, "kill": ["ledger" | "target", "before" | "after", n] or
null}. It answers each with the process's wait status as a line. `before` is just before the n-th commit reaches the
database, `after` just behind it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def kill_at(side: str, when: str, number: int) -> None:
    """Let this process die at its n-th commit to the ledger or to the target."""
    passed = 0

    def reached() -> None:
        nonlocal passed
        passed += 1
        if passed == number:
            os.kill(os.getpid(), signal.SIGKILL)

    if side == "ledger":
        _watch_ledger(when, reached)
    elif when == "before":
        import sqlalchemy as sa

        sa.event.listen(sa.Engine, "commit", lambda _connection: reached())
    else:
        _after_write(reached)


def _watch_ledger(when: str, reached) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    from changeover.runs.ledger.store import Ledger

    transaction = Ledger.transaction

    @contextmanager
    def watched(self: Ledger) -> Iterator[None]:
        with transaction(self):
            yield
            if when == "before":
                reached()
        if when == "after":
            reached()

    Ledger.transaction = watched  # type: ignore[method-assign]


def _after_write(reached) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    from changeover.connectors.change import Batch, Outcome
    from changeover.connectors.sql.connector import SqlConnector

    write = SqlConnector.write

    def watched(self: SqlConnector, batch: Batch) -> list[Outcome]:
        outcomes = write(self, batch)
        reached()
        return outcomes

    SqlConnector.write = watched  # type: ignore[method-assign]
