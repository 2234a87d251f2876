"""Proofs: what was tried once on the first record that a ledger created of each target object (DESIGN §6.7)."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from . import events
from .sound import line_digest
from .store import Ledger

RECORD: Final = "record"
"""The whole proof: of which record it is, and whether it is over."""
EFFECTS: Final = "effects"
"""What the target changed by itself."""
TWICE: Final = "twice"
"""The same key a second time. Ordeals have their own names."""

Told: TypeAlias = Mapping[str, str | int | Sequence[str] | Mapping[str, int]]
"""Names of fields and objects, keys, numbers and codes; never a cell."""


@dataclass(frozen=True, slots=True)
class Proof:
    """One thing that was tried on the record of our key. over: else it was begun, and may still have to be taken back.
    result: what came of it. told: what there is to say of it. run: that tried it. digest: of the effects found;
    accepted: of the effects that somebody accepted."""

    object: str
    what: str
    our_key: str
    over: bool
    result: str | None
    told: Told = field(default_factory=dict)
    run: int = 0
    at: str = ""
    digest: str | None = None
    accepted: str | None = None

    @property
    def unaccepted(self) -> bool:
        """Whether the target changed something by itself that nobody has accepted."""
        return self.digest is not None and self.digest != self.accepted


_COLUMNS = "object, what, our_key, state, result, told, run, at, digest, accepted"


def of(ledger: Ledger, object_name: str) -> dict[str, Proof]:
    """What was tried on this object, by its name."""
    rows = ledger.db.execute(f"select {_COLUMNS} from proof where object = ? order by what", (object_name,))  # noqa: S608
    return {row[1]: _proof(ledger, row) for row in rows}


def everything(ledger: Ledger) -> list[Proof]:
    """What was tried on every object."""
    rows = ledger.db.execute(f"select {_COLUMNS} from proof order by object, what")  # noqa: S608
    return [_proof(ledger, row) for row in rows]


def _proof(ledger: Ledger, row: Sequence[str | int | None]) -> Proof:
    name, what, our_key, state, result, told, run, at, digest, accepted = row
    return Proof(
        str(name),
        str(what),
        str(our_key),
        state == "over",
        _text(result),
        ledger.parsed(str(told)),
        int(run or 0),
        str(at),
        _text(digest),
        _text(accepted),
    )


def _text(cell: str | int | None) -> str | None:
    return None if cell is None else str(cell)


def begin(ledger: Ledger, object_name: str, what: str, our_key: str, run_id: int, now: dt.datetime) -> None:
    """Note durably that this is being tried, before anything of it is sent. What was accepted stays accepted."""
    with ledger.transaction():
        ledger.db.execute(
            "insert into proof (object, what, our_key, state, run, at) values (?, ?, ?, 'begun', ?, ?) "
            "on conflict (object, what) do update set our_key = excluded.our_key, state = 'begun', result = null, "
            "told = '{}', run = excluded.run, at = excluded.at, digest = null",
            (object_name, what, our_key, run_id, now.isoformat()),
        )
        _note_begun(ledger, object_name, what, our_key, run_id, now)


def begin_anew(ledger: Ledger, object_name: str, our_key: str, run_id: int, now: dt.datetime) -> None:
    """Begin the whole proof on this record; what was tried on another one is forgotten, but for what was accepted."""
    with ledger.transaction():
        ledger.db.execute("delete from proof where object = ? and what <> ?", (object_name, EFFECTS))
        ledger.db.execute(
            "update proof set our_key = ?, state = 'begun', result = null, told = '{}', digest = null, run = ?, at = ? "
            "where object = ?",
            (our_key, run_id, now.isoformat(), object_name),
        )
        ledger.db.execute(
            "insert into proof (object, what, our_key, state, run, at) values (?, ?, ?, 'begun', ?, ?)",
            (object_name, RECORD, our_key, run_id, now.isoformat()),
        )
        _note_begun(ledger, object_name, RECORD, our_key, run_id, now)


def _note_begun(ledger: Ledger, object_name: str, what: str, our_key: str, run_id: int, now: dt.datetime) -> None:
    told = {"object": object_name, "what": what, "key": line_digest(our_key)}
    events.note(ledger, now, "proving", run_id, told)


def end(
    ledger: Ledger, object_name: str, what: str, result: str, now: dt.datetime, told: Told, digest: str | None = None
) -> None:
    """What came of it."""
    text = json.dumps(told, sort_keys=True)
    with ledger.transaction():
        ledger.db.execute(
            "update proof set state = 'over', result = ?, told = ?, at = ?, digest = ? where object = ? and what = ?",
            (result, text, now.isoformat(), digest, object_name, what),
        )
        row = ledger.db.execute("select run from proof where object = ? and what = ?", (object_name, what)).fetchone()
        noted: dict[str, str | int] = {"object": object_name, "what": what, "result": result}
        noted["told"] = line_digest(text)
        events.note(ledger, now, "proved", int(row[0]), noted | ({} if digest is None else {"effects": digest}))


def accept(ledger: Ledger, object_name: str, now: dt.datetime) -> bool:
    """Accept what the target changed by itself, as it was found; false where nothing was."""
    found = of(ledger, object_name).get(EFFECTS)
    if found is None or found.digest is None:
        return False
    if found.unaccepted:
        with ledger.transaction():
            ledger.db.execute(
                "update proof set accepted = digest, accepted_at = ? where object = ? and what = ?",
                (now.isoformat(), object_name, EFFECTS),
            )
            events.note(ledger, now, "accepted", found.run, {"object": object_name, "effects": found.digest})
    return True


def digest_of(told: Told) -> str:
    """Of effects: the same as long as the same was found."""
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def forget(ledger: Ledger, object_name: str, what: str) -> None:
    """It was begun and taken back again: it is to be tried anew."""
    with ledger.transaction():
        ledger.db.execute("delete from proof where object = ? and what = ?", (object_name, what))
