"""What the operator asks of a run from another terminal. It is written without the project's lock."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from . import events
from .store import Ledger


class Control(NamedTuple):
    """paused_at: since when runs are to stand still, None where they go on. pace: share of the allowed pace, above 0
    and up to 1; None: as the project says."""

    paused_at: str | None
    pace: float | None


def read(ledger: Ledger) -> Control:
    return Control(*ledger.db.execute("select paused_at, pace from control").fetchone())


def pause(ledger: Ledger, now: dt.datetime) -> bool:
    """Let runs stand still after the batch in flight. False where they do already."""
    return _ask(ledger, now, "paused", "update control set paused_at = ? where paused_at is null", (now.isoformat(),))


def go_on(ledger: Ledger, now: dt.datetime) -> bool:
    """Let runs go on. False where nothing was paused."""
    return _ask(ledger, now, "continued", "update control set paused_at = null where paused_at is not null", ())


def set_pace(ledger: Ledger, now: dt.datetime, share: float | None) -> bool:
    """Let runs take this share of the allowed pace; None: what the project says. False where it is so already."""
    return _ask(
        ledger, now, "pace", "update control set pace = ?1 where coalesce(pace, 0) <> coalesce(?1, 0)", (share,)
    )


def _ask(ledger: Ledger, now: dt.datetime, what: str, statement: str, values: tuple[object, ...]) -> bool:
    with ledger.transaction():
        changed = ledger.db.execute(statement, values).rowcount > 0
        if changed:
            events.note(ledger, now, what, told={"asked": str(values[0])} if values else None)
    return changed
