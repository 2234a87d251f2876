"""Stubs: records that stand in the target for parents which do not move, so that their children need not go without.

A stub lies under our key of the very record for which it stands. So one that a thousand children ask for is made once,
and where its record is moved after all it is found by its key and becomes that record by an update. What tells a stub
from a record is the fieldset under which the ledger has it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa

from ...connectors.chunk import Chunk, split_key
from ...connectors.port import KEY
from ...mappings.compile import CompiledMapping
from ...mappings.mapped import branch_suffix, make_our_key
from ...runs.ledger import records, runlog
from ...runs.ledger.claims import Claims
from ...runs.report.model import Table, Text
from ...validators.judge import Judge
from ..fingerprint import find_rows, known_digests
from ..proving.prove import take_up
from ..session import Session
from ..settling.authors import changed_by_others
from .load import ObjectLoad
from .parked import find_pieces
from .tally import StormWatch

SHOWN_KEYS = 5


Made: TypeAlias = Mapping[str, tuple[int, Sequence[str]]]
"""Stubs of one mapping that a run has made, or tried to: what became of them -> how many, and the keys of the first few
records for which they stand."""


def make_stubs(
    session: Session, run_id: int, claims: Claims, wanted: Mapping[str, Collection[str]], insist: bool
) -> None:
    """Make those that are not there yet. wanted: mapping -> our keys. insist: also what the target refused before.
    Raises the MappingStop that stopped it."""
    for maker, keys in wanted.items():
        parent = session.mappings[maker]
        there = records.target_keys(session.ledger, parent.target.name, sorted(keys))
        missing = sorted(set(keys) - there.keys())
        if missing and parent.stub is not None:
            take_up(session, parent, run_id)
            limits = session.project.spec.limits
            storm = StormWatch(parent.stub.name, limits.stop_after_alike, limits.stop_share)
            for chunk in stub_chunks(session, parent.stub, missing):
                _make(session, run_id, claims, parent, parent.stub, chunk, storm, insist)


def _make(
    session: Session,
    run_id: int,
    claims: Claims,
    parent: CompiledMapping,
    stub: CompiledMapping,
    chunk: Chunk,
    storm: StormWatch,
    insist: bool,
) -> None:
    mapped = stub.apply(chunk, session.people)
    judge = Judge(stub.target_fields, stub.name, stub.file, stub.rule_lines, (), claims)
    findings = judge.judge(mapped)
    loaded = ObjectLoad(session, stub, run_id, storm, judge, insist=insist).load(mapped, findings, wait=False)
    rejected = [key for key, bucket in zip(mapped.our_keys, loaded.buckets, strict=True) if bucket == "rejected"]
    if rejected:  # their values are free for others
        claims.release_records(stub.target.name, rejected)
    with session.ledger.transaction():
        records.park(session.ledger, run_id, stub.name, stub.source.name, stub.target.name, loaded.parked)
        runlog.add_findings(session.ledger, run_id, [*mapped.findings, *findings, *loaded.findings])
    _know_the_rest(session, parent, stub, mapped.our_keys)
    if loaded.stopped is not None:
        raise loaded.stopped


def know_left(session: Session) -> None:
    """The same of those that an earlier process made and was stopped before it had looked: their records may come
    before anybody asks for a stub again. Of one that somebody has changed meanwhile, as the target says, everything
    else is taken for somebody's; where it does not say, what somebody edited cannot be told from what it filled."""
    for parent in session.mappings.values():
        stub = parent.stub
        if stub is None or len(stub.target_fields) == len(parent.target_fields):
            continue
        name, fields = parent.target.name, [each.name for each in stub.target_fields]
        number = records.fieldset(session.ledger, name, stub.name, stub.digest, fields)
        if left := records.known_as(session.ledger, name, number):
            _know_the_rest(session, parent, stub, left, time_has_passed=True)


def _know_the_rest(
    session: Session,
    parent: CompiledMapping,
    stub: CompiledMapping,
    our_keys: Sequence[str],
    *,
    time_has_passed: bool = False,
) -> None:
    """What the target has put into the fields that a stub leaves alone: else its record, when it comes after all, would
    find somebody's edits there, and undo would not see them."""
    if session.rehearsal:
        return
    name, fields = parent.target.name, [each.name for each in parent.target_fields]
    known = {key: row for key, row in records.lookup(session.ledger, name, our_keys).items() if row.target_key}
    if not known:
        return
    number = records.fieldset(session.ledger, name, stub.name, stub.digest, fields)
    target = find_rows(session, parent, KEY, [row.target_key or "" for row in known.values()])
    there = [row for row in known.values() if row.target_key in target.row_of]
    sent, back = known_digests(session, there, fields, number)
    now = target.digests[[target.row_of[row.target_key or ""] for row in there]]
    theirs = np.zeros(len(there), dtype=bool)
    if time_has_passed:
        theirs = changed_by_others(session, name, [row.target_key or "" for row in there])
    back = np.where((back == 0) & ~theirs[:, None], now, back)
    told = [
        (number, sent[place].tobytes(), back[place].tobytes(), row.run, row.our_key) for place, row in enumerate(there)
    ]
    with session.ledger.transaction():
        records.rebase(session.ledger, name, told)


def stub_chunks(session: Session, stub: CompiledMapping, our_keys: Sequence[str]) -> Iterator[Chunk]:
    """The source's records of these keys; of those that are not there, all that is known: their keys."""
    before, behind = make_our_key(stub.system, stub.source.name, ""), branch_suffix(stub.branch)
    keys = [each.removeprefix(before).removesuffix(behind) for each in our_keys]
    for wanted, chunk in find_pieces(session.source, stub, keys, stub.source_fields):
        if len(chunk):
            yield chunk
        absent = sorted(set(wanted) - set(chunk.keys))
        if absent:
            yield _by_key(stub, absent)


def _by_key(stub: CompiledMapping, keys: Sequence[str]) -> Chunk:
    parts = [split_key(key, len(stub.source.key)) for key in keys]
    columns = {name: [each[place] for each in parts] for place, name in enumerate(stub.source.key)}
    frame = pd.DataFrame(
        {
            name: pd.Series(columns.get(name, [None] * len(keys)), dtype=pd.ArrowDtype(pa.string()))
            for name in stub.source_fields
        },
        index=pd.RangeIndex(len(keys)),
    )
    return Chunk(stub.source.name, frame, list(keys))


def made_by(session: Session, run_id: int) -> dict[str, Made]:
    """By mapping, the stubs that this run has made or tried to make."""
    found: dict[str, Made] = {}
    for name, mapping in session.mappings.items():
        if mapping.stub is not None:
            under = (mapping.target.name, mapping.stub.name, SHOWN_KEYS)
            found[name] = records.settled_under(session.ledger, run_id, *under)
    return {name: made for name, made in found.items() if made}


def stubs_table(made: Mapping[str, Made]) -> tuple[Table, ...]:
    """Stubs by mapping and what became of them, with the first few keys; no table where there are none."""
    rows = tuple(
        (name, Text(f"bucket.{bucket}"), number, ", ".join(keys))
        for name, each in made.items()
        for bucket, (number, keys) in each.items()
    )
    columns = ("column.mapping", "column.state", "column.number", "column.old")
    return (Table(Text("table.stubs"), columns, rows),) if rows else ()


def stubs_told(made: Mapping[str, Made]) -> list[dict[str, object]]:
    """The same for the JSON document."""
    return [
        {"mapping": name, "state": bucket, "count": number, "first": list(keys)}
        for name, each in made.items()
        for bucket, (number, keys) in each.items()
    ]
