"""What lies in the ledger, compared with what the history says of it.

A database notices torn pages and rows that contradict an index. A bit that was flipped in the middle of a row
contradicts nothing: only what is kept twice can be compared. The chained history keeps digests of what each batch was
to do and of what came of it; a line of progress carries its own.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ...connectors.errors import DecisionError
from . import events
from .store import Ledger

Column = Sequence[str | None]
BUCKETS = frozenset({"created", "updated", "unchanged", "rejected", "held", "conflicted", "deleted", "pending"})
"""What a record may count as besides what an operation said."""
ENDED = "case when o.state in ('verified', 'diverged') then 'acked' else o.state end"


class What(NamedTuple):
    """What a batch is to do, column by column, in the order of our keys. sent, written: all of them in a row."""

    our_keys: Column
    kinds: Column
    target_keys: Column
    buckets: Column
    source_keys: Column
    sent: bytes
    written: bytes

    @property
    def digest(self) -> str:
        return digest(*(_joined(column) for column in self[:5]), self.sent.hex().upper(), self.written.hex().upper())


def ended_digest(our_keys: Column, states: Column, codes: Column, fields: Column) -> str:
    """Of how operations ended, in the order of our keys."""
    return digest(_joined(our_keys), _joined(states), _joined(codes), _joined(fields))


def digest(*texts: str) -> str:
    whole = hashlib.sha256()
    for text in texts:
        told = text.encode("utf-8", "surrogatepass")
        whole.update(len(told).to_bytes(8, "big"))
        whole.update(told)
    return whole.hexdigest()


def line_digest(*line: object) -> str:
    """Of one line of a table, short: it is there for bits that flip by themselves."""
    return digest(json.dumps(line, ensure_ascii=False))[:16]


def _joined(column: Column) -> str:
    return "\n".join(text or "" for text in column)


def check(ledger: Ledger) -> None:
    """That it is as it was written: its pages, its history, what the latest run did if it did not come to its end, and
    whatever is open. Raises DecisionError `ledger.damaged`, or `ledger.history_broken` naming the event that is not as
    it was written, or that what lies there contradicts.

    On a server only the history is compared: its pages are its own business.
    """
    ledger.check()
    events.check_chain(ledger)
    if ledger.shared:
        return
    latest = ledger.db.execute("select id, state from run order by id desc limit 1").fetchone()
    runs = {latest[0]} if latest is not None and latest[1] != "finished" else set()
    opened = "select distinct b.run from operation o join batch b on b.id = o.batch where o.state in "
    runs |= {row[0] for row in ledger.db.execute(f"{opened} ('planned', 'intent', 'unknown')")}
    _check_pins(ledger)
    _check_runs(ledger)
    _check_records(ledger)
    _check_proofs(ledger)
    for run in sorted(runs):
        _check_findings(ledger, run)
        _check_adopted(ledger, run)
        check_run(ledger, run)


def check_run(ledger: Ledger, run: int) -> None:
    """Compare every operation of one run with the history. Raises as `check`."""
    if ledger.shared:
        return
    intended, settled = _told(ledger, run, "intended"), _told(ledger, run, "settled")
    batches = ledger.db.execute("select id, not_after, object, source_object from batch where run = ?", (run,))
    for batch, not_after, *names in batches.fetchall():
        _check_time(ledger, not_after)
        event, told = intended.pop(batch, (0, {}))
        count, what, ended = _operations(ledger, batch)
        if (told.get("operations"), told.get("object"), told.get("source"), told.get("keys")) != (count, *names, what):
            _broken(ledger, event)
        event, told = settled.get(batch, (0, {}))
        settled_then = sum(each for name, each in told.items() if isinstance(each, int) and name != "batch")
        if settled_then == count and told["outcomes"] != ended:
            _broken(ledger, event)
    if intended:
        _broken(ledger, min(event for event, _ in intended.values()))


def _told(ledger: Ledger, run: int, what: str) -> dict[int, tuple[int, Mapping[str, str | int]]]:
    """Batch -> (number, text) of the latest event of this sort."""
    rows = ledger.db.execute("select id, told from event where run = ? and what = ? order by id", (run, what))
    events = [(event, json.loads(text)) for event, text in rows]
    return {told["batch"]: (event, told) for event, told in events}


_COLUMNS = ("o.our_key", "o.kind", "o.target_key", "o.bucket", "o.source_key", ENDED, "o.code", "o.field")
_TEXTS = ", ".join(f"group_concat(coalesce({each}, ''), char(10))" for each in _COLUMNS)
_BLOBS = ", ".join(f"group_concat(hex(coalesce({each}, '')), '')" for each in ("o.sent", "o.written"))


def _operations(ledger: Ledger, batch: int) -> tuple[int, str, str]:
    """(how many, digest of what they were to do, digest of how they ended). They lie in the order of their keys."""
    asked = f"select count(*), {_TEXTS}, {_BLOBS} from operation o where o.batch = ?"  # noqa: S608
    row = ledger.db.execute(asked, (batch,)).fetchone()
    count, keys, kinds, targets, buckets, sources, states, codes, fields, sent, written = row
    if not count:
        return 0, "", ""
    return count, digest(keys, kinds, targets, buckets, sources, sent, written), digest(keys, states, codes, fields)


def _check_runs(ledger: Ledger) -> None:
    """Every run meant what its beginning says."""
    begun = ledger.db.execute("select id, run, told from event where what = 'begun'").fetchall()
    rows = ledger.db.execute("select id, verb, mapping_digest, selection, undoes, source_time from run").fetchall()
    known = {row[0]: row[1:] for row in rows}
    for event, run, text in begun:
        told = json.loads(text)
        meant = tuple(told.get(name) for name in ("verb", "mappings", "selection", "undoes", "source_time"))
        if known.pop(run, None) != meant:
            _broken(ledger, event)
    if known:
        _damaged(ledger)


def _check_pins(ledger: Ledger) -> None:
    row = ledger.db.execute("select id, told from event where what = 'pinned' order by id desc limit 1").fetchone()
    there = {role: f"{kind} {of_it}" for role, kind, of_it in ledger.db.execute("select role, kind, id from system")}
    if row is not None and json.loads(row[1]) != there:
        _broken(ledger, row[0])


def _check_records(ledger: Ledger) -> None:
    """Every record names runs, fields, a source and a bucket that there are, and is parked for the cause that was
    written. Looked through once, for there may be millions."""
    sets = ledger.db.execute("select id, object, mapping from fieldset").fetchall()
    known = {
        "run": [row[0] for row in ledger.db.execute("select id from run")],
        "mapping": sorted({row[2] for row in sets}),
        "bucket": sorted(BUCKETS),
    }
    wanted = [f"{name} in ({', '.join('?' * len(values))})" for name, values in known.items()]
    wanted.append("(adopted = 0 or adopted in (select id from run))")
    wanted.append("(fieldset is null or (fieldset, object) in (select id, object from fieldset))")
    name = "replace(replace(source_object, '%', '%25'), ':', '%3A')"  # as it stands in our key
    dot = f"instr({name}, '.')"  # before it the system, where the object's name has it
    apart = f"substr({name}, 1, {dot} - 1) || ':' || substr({name}, {dot} + 1)"
    ours = f"instr(our_key, ':' || {name} || ':' || source_key) > 0"
    ours += f" or instr(our_key, {apart} || ':' || source_key) = 1"
    wanted.append(f"(source_key is null or {ours})")
    strange = ledger.db.execute(
        f"select distinct mapping, bucket, {' and '.join(wanted[3:])} and {wanted[0]} from record "  # noqa: S608
        f"where not ({' and '.join(wanted)})",
        (*known["run"], *(value for values in known.values() for value in values)),
    ).fetchall()
    for mapping, bucket, of_it in strange:
        if not of_it or mapping not in ("", *known["mapping"]) or not (bucket in BUCKETS or _intended(ledger, bucket)):
            _damaged(ledger)
    for our_key, code, waits_for, why in ledger.db.execute(
        "select our_key, code, waits_for, why from record where code is not null"
    ):
        if line_digest(our_key, code, waits_for) != why:
            _damaged(ledger)


def _check_adopted(ledger: Ledger, run: int) -> None:
    """Of a run whose operations are all there: what they adopted counts as adopted by it, and nothing else does."""
    did = (
        f"select o.our_key from operation o join batch b on b.id = o.batch where b.run = ?1 and o.kind = 'adopt' "  # noqa: S608
        f"and {ENDED} = 'acked'"
    )
    stray = f"adopted = ?1 and our_key not in ({did})"
    missed = f"adopted < ?1 and bucket <> 'deleted' and our_key in ({did})"
    if ledger.db.execute(f"select 1 from record where {stray} or {missed} limit 1", (run,)).fetchone():  # noqa: S608
        _damaged(ledger)


def _check_proofs(ledger: Ledger) -> None:
    """Each proof was begun, is of the record on which it was, and came to what the history says."""
    begun, ended, accepted = _of_proofs(ledger, "proving"), _of_proofs(ledger, "proved"), _of_proofs(ledger, "accepted")
    since = min((each.at for each in begun.values()), default="9")  # the history of a ledger may be older than these
    rows = ledger.db.execute("select object, what, our_key, state, result, told, digest, accepted, at from proof")
    for name, what, our_key, state, result, told, found, taken, at in rows.fetchall():
        own, whole = begun.get((name, what)), begun.get((name, "record"))
        if own is None and at >= since:
            _damaged(ledger)
        latest = max((each for each in (own, whole) if each is not None), key=_number, default=None)
        if latest is not None and latest.told["key"] != line_digest(our_key):
            _broken(ledger, latest.number)
        end, came = ended.get((name, what)), (result, found, line_digest(told))
        if (
            end is not None
            and state == "over"
            and (end.told["result"], end.told.get("effects"), end.told.get("told", came[-1])) != came
        ):
            _broken(ledger, end.number)
        said = accepted.get((name, None))
        if said is not None and taken is not None and said.told["effects"] != taken:
            _broken(ledger, said.number)


class _Event(NamedTuple):
    number: int
    at: str
    told: Mapping[str, str | int]


def _number(event: _Event) -> int:
    return event.number


def _of_proofs(ledger: Ledger, sort: str) -> dict[tuple[str | int, str | int | None], _Event]:
    """Object, and what was tried on it where the event says so -> the latest event of this sort."""
    rows = ledger.db.execute("select id, at, told from event where what = ? order by id", (sort,)).fetchall()
    events = [_Event(number, at, json.loads(text)) for number, at, text in rows]
    return {(each.told["object"], each.told.get("what")): each for each in events}


def _intended(ledger: Ledger, bucket: str) -> bool:
    return ledger.db.execute("select 1 from operation where bucket = ? limit 1", (bucket,)).fetchone() is not None


def _check_findings(ledger: Ledger, run: int) -> None:
    rows = ledger.db.execute(
        "select run, mapping, object, key, field, code, severity, params, file, line, digest from finding "
        "where run = ?",
        (run,),
    )
    if any(line_digest(*row[:-1]) != row[-1] for row in rows):
        _damaged(ledger)


def _check_time(ledger: Ledger, text: str) -> None:
    try:
        dt.datetime.fromisoformat(text)
    except ValueError:
        _damaged(ledger)


def _broken(ledger: Ledger, event: int) -> None:
    raise DecisionError("ledger.history_broken", path=str(ledger.place), event=event)


def _damaged(ledger: Ledger) -> None:
    raise DecisionError("ledger.damaged", path=str(ledger.place))
