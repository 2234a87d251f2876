"""What happened, one line after another, each chained to all before it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping

from ...connectors.errors import DecisionError
from .store import Ledger

BEGINNING = bytes(32)
HEAD = "chain"
"""In the ledger's meta: the chain behind the latest event, so that the end cannot be cut off unnoticed."""


def note(
    ledger: Ledger, now: dt.datetime, what: str, run: int | None = None, told: Mapping[str, str | int] | None = None
) -> None:
    """Append one event; inside the caller's transaction, so that it stands exactly where the thing itself does. told:
    names, numbers and digests; never a field's value."""
    head = ledger.get_meta(HEAD)
    chain = BEGINNING if head is None else bytes.fromhex(head)
    row = (now.isoformat(), ledger.epoch or 0, run, what, json.dumps(dict(told or {}), sort_keys=True))
    chain = _chained(chain, row)
    ledger.db.execute(
        "insert into event (id, at, epoch, run, what, told, chain) "
        "values ((select coalesce(max(id), 0) + 1 from event), ?, ?, ?, ?, ?, ?)",
        (*row, chain),
    )
    ledger.set_meta(HEAD, chain.hex())


def check_chain(ledger: Ledger) -> int:
    """How many events there are. Raises DecisionError `ledger.history_broken` naming the first that is not as it was
    written, or the end where events are missing there.

    Others may append meanwhile, so that each line brings the head as it was at the moment of all of them."""
    chain, number, head = BEGINNING, 0, ledger.get_meta(HEAD)
    latest = "(select value from meta where name = ?)"
    asked = f"select id, at, epoch, run, what, told, chain, {latest} from event order by id"  # noqa: S608 - our own
    try:
        for event, *row, kept, then in ledger.db.stream(asked, (HEAD,)):
            head, chain, number = then, _chained(chain, row), number + 1
            if chain != kept or event != number:
                raise DecisionError("ledger.history_broken", path=str(ledger.place), event=number)
    except ledger.db.error as error:  # a text that is none any more
        raise DecisionError("ledger.history_broken", path=str(ledger.place), event=number + 1) from error
    if (head or BEGINNING.hex()) != chain.hex():
        raise DecisionError("ledger.history_broken", path=str(ledger.place), event=number + 1)
    return number


def _chained(chain: bytes, row: object) -> bytes:
    return hashlib.sha256(chain + json.dumps(row, ensure_ascii=False).encode()).digest()
