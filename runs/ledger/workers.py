"""Who is at work on the ledger: the coordinator, and the workers of its run. All times are by the store's clock."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from . import events
from .store import Ledger

COORDINATOR, WORKER = "coordinator", "worker"


@dataclass(frozen=True, slots=True)
class Worker:
    """One process. epoch: of the coordinator whose run it works for. name: host and process. seen: when it was last
    heard of."""

    id: int
    epoch: int
    role: str
    name: str
    began: dt.datetime
    seen: dt.datetime


_COLUMNS = "w.id, w.epoch, w.role, w.name, w.began, w.seen"
_AT_WORK = f"select {_COLUMNS} from worker w join control c on c.epoch = w.epoch where w.ended is null"  # noqa: S608


def enlist(ledger: Ledger, name: str, role: str = WORKER) -> int:
    """Begin to work under the ledger's epoch. Returns the worker's number."""
    with ledger.transaction():
        now = ledger.now()
        ((worker,),) = ledger.db.execute(
            "insert into worker (epoch, role, name, began, seen) values (?, ?, ?, ?, ?) returning id",
            (ledger.epoch or 0, role, name, now.isoformat(), now.isoformat()),
        ).fetchall()
        events.note(ledger, now, "enlisted", told={"worker": int(worker), "name": name, "role": role})
    return int(worker)


def seen(ledger: Ledger, worker: int) -> bool:
    """It is still there. False where it has been declared dead meanwhile: then it enlists anew."""
    with ledger.transaction():
        return (
            ledger.db.execute(
                "update worker set seen = ? where id = ? and ended is null", (ledger.now().isoformat(), worker)
            ).rowcount
            > 0
        )


def left(ledger: Ledger, worker: int) -> None:
    """It works no longer: by its own word, or because somebody has seen it dead."""
    with ledger.transaction():
        now = ledger.now()
        if ledger.db.execute(
            "update worker set ended = ? where id = ? and ended is null", (now.isoformat(), worker)
        ).rowcount:
            events.note(ledger, now, "left", told={"worker": worker})


def at_work(ledger: Ledger, within: dt.timedelta) -> list[Worker]:
    """Those of the latest coordinator's run, itself included, that were heard of within this time."""
    now = ledger.now()
    return [each for each in _enlisted(ledger) if now - each.seen <= within]


def silent(ledger: Ledger, within: dt.timedelta) -> list[Worker]:
    """The others of them that have not left: dead, stopped, or cut off."""
    now = ledger.now()
    return [each for each in _enlisted(ledger) if now - each.seen > within]


def coordinator(ledger: Ledger) -> Worker | None:
    """Whoever has the ledger now and lets others work with it; None where nobody does. A worker follows its epoch."""
    return next((each for each in _enlisted(ledger) if each.role == COORDINATOR), None)


def _enlisted(ledger: Ledger) -> list[Worker]:
    rows = ledger.db.execute(f"{_AT_WORK} order by w.id")
    return [
        Worker(number, epoch, role, name, dt.datetime.fromisoformat(began), dt.datetime.fromisoformat(seen))
        for number, epoch, role, name, began, seen in rows
    ]
