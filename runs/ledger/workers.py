"""Who is at work on the ledger: the coordinator, and the workers of its run. All times are by the store's clock."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from . import events, permits
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


_NOT_LEFT = "select w.id, w.epoch, w.role, w.name, w.began, w.seen from worker w where w.ended is null"


def enlist(ledger: Ledger, name: str, role: str = WORKER) -> int:
    """Begin to work under the ledger's epoch. Returns the worker's number. A coordinator has taken the ledger over
    before: the one that had it is dead."""
    for each in _not_left(ledger) if role == COORDINATOR else []:
        if each.role == COORDINATOR:
            left(ledger, each.id)
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
    permits.over(ledger, worker)


def at_work(ledger: Ledger, within: dt.timedelta) -> list[Worker]:
    """Those of the latest coordinator's run, itself included, that were heard of within this time."""
    now = ledger.now()
    return [each for each in _of_latest(ledger) if now - each.seen <= within]


def silent(ledger: Ledger, within: dt.timedelta) -> list[Worker]:
    """Those of any run that have not left, and were not heard of for longer: dead, stopped, or cut off."""
    now = ledger.now()
    return [each for each in _not_left(ledger) if now - each.seen > within]


def coordinator(ledger: Ledger) -> Worker | None:
    """Whoever has the ledger now and lets others work with it; None where nobody does. A worker follows its epoch."""
    return next((each for each in _of_latest(ledger) if each.role == COORDINATOR), None)


def _of_latest(ledger: Ledger) -> list[Worker]:
    return _listed(ledger, f"{_NOT_LEFT} and w.epoch = (select epoch from control) order by w.id")  # noqa: S608


def _not_left(ledger: Ledger) -> list[Worker]:
    return _listed(ledger, f"{_NOT_LEFT} order by w.id")


def _listed(ledger: Ledger, asked: str) -> list[Worker]:
    return [
        Worker(number, epoch, role, name, dt.datetime.fromisoformat(began), dt.datetime.fromisoformat(seen))
        for number, epoch, role, name, began, seen in ledger.db.execute(asked)
    ]
