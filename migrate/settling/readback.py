"""Read back what was written: the target's own word that it is there, and what it made of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from ...connectors.finding import Finding, Severity
from ...connectors.port import KEY, OUR_KEY, OurKeyPlace
from ...mappings.compile import CompiledMapping
from ...runs.digest import pack, unpack
from ...runs.ledger import operations, records, runlog
from ...runs.ledger.operations import Unverified
from ..fingerprint import UNKNOWN, Digests, Marks, find_rows
from ..loading.rehearsal import UNBORN, foretold_of
from ..loading.tally import chosen
from ..noted import finding_of
from ..session import Session
from .authors import changed_by_us

PAGE = 5_000
DOUBLED = "degraded.doubled"
"""Of a record: there are two of it in the target."""


@dataclass(frozen=True, slots=True)
class Written:
    """Records that the target acknowledged in these batches: a row each. sent: digests of all fields. written: which of
    them this write touched. before: the digests last read back, kept for the fields it did not touch."""

    our_keys: Sequence[str]
    source_keys: Sequence[str]
    target_keys: Sequence[str]
    batches: Sequence[int]
    sent: Digests
    written: Marks
    before: Digests
    as_sent: Marks


def read_back(session: Session, mapping: CompiledMapping, done: Written, run_id: int) -> list[Finding]:
    """Compare the target's rows with what was sent and keep the digests as read. Findings: `readback.diverged` for each
    field that the target holds differently, `readback.missing` for a record that it acknowledged and does not show;
    they are in the ledger before the operations count as read back."""
    if not done.our_keys:
        return []
    if session.rehearsal:
        _foresee(session, mapping, done)
        return []
    session.wait(session.target.capabilities.read_back_lag.total_seconds())
    there, now, doubled = _look(session, mapping, done)
    off = done.written & (now != done.sent)
    names = [each.name for each in mapping.target_fields]
    findings = [*doubled, *_findings(mapping, names, done, there, off)]
    back = np.where(done.written, now, done.before)
    _keep(session, mapping, done, there & ~off.any(axis=1), back, findings, run_id)
    return findings


def read_back_left(session: Session, run_id: int, verbs: Sequence[str] = ("run", "undo")) -> None:
    """Read back what earlier processes wrote and were stopped before they could look at it; findings go to this run.
    verbs: of the runs that wrote it.

    Time has passed since: a field that is not as it was sent may have been changed by the target or by somebody. It is
    told, and taken for somebody's, so that nobody's edit is written over; but for a record of which the target tells
    that nobody has changed it since we did. Fields that today's mapping does not have are taken to be as sent. What an
    adopted record held in fields that were left to it only the dead process knew: it is what it holds now."""
    left = operations.unverified(session.ledger, verbs)
    if left:
        session.wait(session.target.capabilities.read_back_lag.total_seconds())
    for (object_name, number), group in groupby(left, key=lambda each: (each.object, each.fieldset)):
        fieldset = records.fieldset_of(session.ledger, number)
        mapping = session.maker(fieldset.mapping)
        if mapping is None or mapping.target.name != object_name:
            continue
        for page in _pages(list(group)):
            done = _written(page, len(fieldset.fields))
            there, seen, doubled = _look(session, mapping, done)
            names = [each.name for each in mapping.target_fields]
            now = _in_order(seen, names, fieldset.fields)
            agreed = now == done.sent
            off = done.written & ~agreed & np.array([name in names for name in fieldset.fields])
            before = np.where(_left_to_it(page, done, mapping, fieldset.fields), now, done.before)
            back = np.where(agreed, now, np.where(done.written, done.sent, before))
            if theirs := chosen(there & off.any(axis=1)):
                ours = changed_by_us(session, object_name, [done.target_keys[row] for row in theirs])
                by_target = np.zeros_like(there)
                by_target[theirs] = ours
                back = np.where(off & by_target[:, None], now, back)
            findings = [*doubled, *_findings(mapping, fieldset.fields, done, there, off)]
            _keep(session, mapping, done, there & ~off.any(axis=1), back, findings, run_id)


def _left_to_it(page: Sequence[Unverified], done: Written, mapping: CompiledMapping, fields: Sequence[str]) -> Marks:
    adopted = np.array([each.kind == "adopt" for each in page])
    known = np.array([name not in mapping.unwritten for name in fields])
    left: Marks = adopted[:, None] & known & (done.before == UNKNOWN)
    return left


def _pages(members: Sequence[Unverified]) -> Iterator[list[Unverified]]:
    """So many at a time, whole batches only: a batch counts as read back once any of it is kept."""
    page: list[Unverified] = []
    for _, batch in groupby(members, key=lambda each: each.batch):
        if len(page) >= PAGE:
            yield page
            page = []
        page += batch
    yield page


def _written(page: Sequence[Unverified], fields: int) -> Written:
    return Written(
        our_keys=[each.our_key for each in page],
        source_keys=[each.source_key or "" for each in page],
        target_keys=[each.target_key for each in page],
        batches=sorted({each.batch for each in page}),
        sent=unpack([each.sent for each in page], fields),
        written=np.array([list(each.written) for each in page], dtype=bool),
        before=unpack([each.back or bytes(8 * fields) for each in page], fields),
        as_sent=np.zeros(len(page), dtype=bool),
    )


def _in_order(digests: Digests, names: Sequence[str], wanted: Sequence[str]) -> Digests:
    """The columns that are wanted; unknown (0) where today's mapping has no such field."""
    ordered = np.zeros((len(digests), len(wanted)), np.uint64)
    for column, name in enumerate(wanted):
        if name in names:
            ordered[:, column] = digests[:, names.index(name)]
    return ordered


def _foresee(session: Session, mapping: CompiledMapping, done: Written) -> None:
    """What only a dry run knows, and has written over what was there before, holds the one and else the other. Nothing
    is looked at, and that it would be is counted."""
    foretold_of(session.target).find(mapping.target.name, mapping.target_fields, len(done.our_keys))
    over = [row for row, key in enumerate(done.target_keys) if key.startswith(UNBORN) and done.before[row].any()]
    if over:
        back = pack(np.where(done.written, done.sent, done.before)[over])
        rows = [(done.our_keys[row], digests, True) for row, digests in zip(over, back, strict=True)]
        operations.verify(session.ledger, mapping.target.name, rows, sorted(set(done.batches)))


def _look(session: Session, mapping: CompiledMapping, done: Written) -> tuple[Marks, Digests, list[Finding]]:
    """(which of these records the target shows, their digests in the order of the mapping's fields, those that are
    there more than once)."""
    ours = session.target.capabilities.our_key is not OurKeyPlace.NONE
    keys = done.our_keys if ours else done.target_keys
    rows = find_rows(session, mapping, OUR_KEY if ours else KEY, list(keys))
    place_of = {key: row for row, key in enumerate(rows.our_keys if ours else rows.keys)}
    twice = [key for key, number in Counter(rows.our_keys).items() if number > 1] if ours else []
    if twice:  # the record that we know counts
        place_of |= {rows.our_keys[row]: row for row, key in enumerate(rows.keys) if key in done.target_keys}
    places = np.array([place_of.get(key, -1) for key in keys])
    there = places >= 0
    now = np.zeros((len(keys), len(mapping.target_fields)), np.uint64)
    now[there] = rows.digests[places[there]]
    holders = {each: [key for row, key in enumerate(rows.keys) if rows.our_keys[row] == each] for each in twice}
    return there, now, [_doubled(mapping, done, each or "", keys) for each, keys in holders.items()]


def _doubled(mapping: CompiledMapping, done: Written, our_key: str, holders: Sequence[str]) -> Finding:
    """Our key lies on several records: a call was delivered twice."""
    return Finding(
        DOUBLED,
        Severity.WARNS,
        {"object": mapping.target.name, "keys": ", ".join(sorted(holders))},
        object=mapping.source.name,
        key=done.source_keys[done.our_keys.index(our_key)],
        mapping=mapping.name,
    )


def _keep(
    session: Session,
    mapping: CompiledMapping,
    done: Written,
    equal: Marks,
    back: Digests,
    findings: Sequence[Finding],
    run_id: int,
) -> None:
    if findings:
        with session.ledger.transaction():
            runlog.add_findings(session.ledger, run_id, findings)
    told = chosen(~(equal & done.as_sent))
    rows = [(done.our_keys[row], packed, bool(equal[row])) for row, packed in zip(told, pack(back[told]), strict=True)]
    operations.verify(session.ledger, mapping.target.name, rows, done.batches)


def _findings(mapping: CompiledMapping, names: Sequence[str], done: Written, there: Marks, off: Marks) -> list[Finding]:
    found = []
    for row in chosen(~there | off.any(axis=1)):
        source_key = done.source_keys[row]
        if not there[row]:
            found.append(
                Finding(
                    "readback.missing",
                    Severity.WARNS,
                    {"object": mapping.target.name},
                    object=mapping.source.name,
                    key=source_key,
                    mapping=mapping.name,
                )
            )
            continue
        for column in chosen(off[row]):
            field = names[column]
            found.append(finding_of(mapping, "readback.diverged", Severity.WARNS, source_key, field, {"field": field}))
    return found
