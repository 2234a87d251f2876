"""Settle what nobody knows the outcome of, by asking the target (DESIGN §6.6)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from itertools import groupby

import numpy as np
import pyarrow as pa

from ...connectors.port import KEY, OUR_KEY, OurKeyPlace
from ...mappings.compile import CompiledMapping
from ...runs.digest import field_digests, unpack
from ...runs.ledger import operations, records, undone
from ...runs.ledger.operations import OpenOperation, Settled
from ..fingerprint import UNKNOWN, TargetRows, find_rows
from ..session import Session
from .doubles import settled_call
from .parent_names import Former, former_names, holds
from .sweep import sweep, sweeps


def recover(session: Session) -> int:
    """Settle every operation that an earlier process left open, before anything new is sent. Returns how many."""
    return settle_left(session, operations.open_operations(session.ledger))


def settle_left(session: Session, left: Sequence[OpenOperation]) -> int:
    """Settle these, which a process that is gone left open. Returns how many."""
    if left:
        intents = [each for each in left if _state(session, each) == "intent"]
        for (batch, run_id), group in groupby(intents, key=lambda each: (each.batch, each.run)):
            unknown = [Settled(each.our_key, "unknown", code="recover.process_ended") for each in group]
            operations.settle(session.ledger, run_id, batch, "", unknown, session.clock.now())
        for run_id in sorted({each.run for each in left}):
            probe(session, run_id, [each for each in left if each.run == run_id], {})
    return len(left)


def _state(session: Session, operation: OpenOperation) -> str:
    return operations.state_of(session.ledger, operation.batch, operation.our_key)


def probe(
    session: Session,
    run_id: int,
    unknown: Sequence[OpenOperation],
    records_after: Mapping[tuple[int, str], str],
    stale: Collection[tuple[int, str]] = (),
    answered: Collection[tuple[int, str]] = (),
) -> list[Settled]:
    """Ask the target for each unknown operation and settle it: acked, not_sent or conflict.

    It waits until the server can no longer finish the call and a finished one can be seen. records_after: (batch, our
    key) -> what the record is once it is done; where not named, what its intent counts on. stale: what the target
    answered it would not overwrite: done all the same where the call was delivered twice, else a conflict. answered:
    details of masters that were answered for: their call is over.
    """
    over = {*stale, *answered}
    _wait(session, [each for each in unknown if (each.batch, each.our_key) not in over])
    settled: list[Settled] = []
    ordered = sorted(unknown, key=lambda each: (each.object, each.batch))
    for object_name, group in groupby(ordered, key=lambda each: each.object):
        members = list(group)
        answers = _ask(session, object_name, members)
        for batch, batch_group in groupby(members, key=lambda each: each.batch):
            batch_members = list(batch_group)
            told = [
                _with_record(
                    answers[each.our_key], records_after.get((batch, each.our_key)) or _record_after(session, each)
                )
                for each in batch_members
            ]
            told = [_refused(each) if (batch, each.our_key) in stale else each for each in told]
            mapping = _mapping_of(session, batch_members[0])
            operations.settle(session.ledger, run_id, batch, mapping, told, session.clock.now())
            settled += told
    return settled


def _record_after(session: Session, operation: OpenOperation) -> str:
    """What undo puts back of a record does not end what the record waits for."""
    if operation.bucket in (undone.RESTORED, undone.RELEASED, undone.LOOSENED):
        row = records.lookup(session.ledger, operation.object, [operation.our_key]).get(operation.our_key)
        return "pending" if row is not None and row.state == "pending" else "live"
    return "pending" if operation.bucket == "pending" else "live"


def _refused(settled: Settled) -> Settled:
    return settled if settled.state == "acked" else Settled(settled.our_key, "conflict", code="conflict.edited")


def _with_record(settled: Settled, record: str) -> Settled:
    state = "gone" if settled.record == "gone" else record
    return Settled(settled.our_key, settled.state, state, settled.target_key, settled.code)


def _wait(session: Session, unknown: Sequence[OpenOperation]) -> None:
    """Until the slowest call is over for certain and what it did can be seen. A connector that answers for its own
    deadline (server_maximum 0) has ended the call already.

    Deadlines are by the clock of the ledger's server. A ledger in a file has only the host's, which may have been
    another one, or wrong, when they were written; but who wrote them is dead, for we hold the file alone. So what is
    waited for counts from the moment we took it over: the server's maximum at least, and at most our own deadline too.
    """
    able = session.target.capabilities
    if able.server_maximum <= dt.timedelta(0) or not unknown:
        session.wait(able.read_back_lag.total_seconds())
        return
    ledger, after = session.ledger, (able.server_maximum + able.read_back_lag).total_seconds()
    latest = max(dt.datetime.fromisoformat(each.not_after) for each in unknown)
    left = (latest - ledger.by_its_clock(session.clock.now())).total_seconds()
    if not ledger.shared and all(each.batch <= ledger.inherited for each in unknown):
        left = min(max(left, 0.0), float(session.project.spec.limits.deadline))
        after -= session.clock.monotonic() - session.began
    session.wait(left + after)


def _mapping_of(session: Session, operation: OpenOperation) -> str:
    if operation.fieldset is None:
        row = records.lookup(session.ledger, operation.object, [operation.our_key]).get(operation.our_key)
        return row.mapping if row else ""
    return records.fieldset_of(session.ledger, operation.fieldset).mapping


def _ask(session: Session, object_name: str, members: Sequence[OpenOperation]) -> dict[str, Settled]:
    """Our key -> how its operation is settled."""
    room = session.target.capabilities.our_key is not OurKeyPlace.NONE
    answers = {each.our_key: settled_call(session, each) for each in members if each.kind == operations.PROVE}
    if not room:  # there, a release is the ledger's affair alone
        released = [each for each in members if each.kind == "release"]
        answers |= {each.our_key: Settled(each.our_key, "acked", "gone", each.target_key) for each in released}
    made = [each for each in members if each.kind in ("create", "adopt", "release") and room]
    changed = [each for each in members if each.kind in ("update", "delete") or (each.kind == "adopt" and not room)]
    if made:
        present = _target_keys_by_ours(session, object_name, [each.our_key for each in made])
        answers |= {each.our_key: _of_key(each, present.get(each.our_key)) for each in made}
    lost = [each for each in members if each.kind == "create" and (not room or answers[each.our_key].state != "acked")]
    if lost and sweeps(session, object_name):
        for name, group in groupby(sorted(lost, key=partial(_mapping_of, session)), key=partial(_mapping_of, session)):
            answers |= sweep(session, name, list(group))
    for mapping_name, group in groupby(
        sorted(changed, key=lambda e: _mapping_of(session, e)), key=lambda e: _mapping_of(session, e)
    ):
        answers |= _ask_changed(session, mapping_name, object_name, list(group))
    if session.target.capabilities.compare_and_set:  # it may be sent again: what was edited since refuses it
        for each in (each for each in changed if each.kind == "adopt" and answers[each.our_key].state == "conflict"):
            answers[each.our_key] = Settled(each.our_key, "not_sent", code="target.no_answer")
    return answers


def _target_keys_by_ours(session: Session, object_name: str, our_keys: Sequence[str]) -> dict[str, str]:
    size = session.target.capabilities.find_size
    found: dict[str, str] = {}
    for start in range(0, len(our_keys), size):
        values = [(key,) for key in our_keys[start : start + size]]
        chunk = session.target.find(object_name, (OUR_KEY,), values, ())
        found |= {ours: key for ours, key in zip(chunk.our_keys, chunk.keys, strict=True) if ours is not None}
    return found


def _of_key(operation: OpenOperation, target_key: str | None) -> Settled:
    if operation.kind == "release":
        if target_key is None:
            return Settled(operation.our_key, "acked", "gone", operation.target_key)
        return Settled(operation.our_key, "not_sent", code="target.no_answer")
    if target_key is None:
        return Settled(operation.our_key, "not_sent", code="target.no_answer")
    if operation.kind == "adopt" and target_key != operation.target_key:
        return Settled(operation.our_key, "conflict", code="target.taken")
    return Settled(operation.our_key, "acked", target_key=target_key)


def _ask_changed(
    session: Session, mapping_name: str, object_name: str, members: Sequence[OpenOperation]
) -> dict[str, Settled]:
    keys = {each.our_key: each.target_key or "" for each in members}
    mapping = session.maker(mapping_name)
    if mapping is None or mapping.target.name != object_name:
        return {each.our_key: Settled(each.our_key, "conflict", code="recover.mapping_gone") for each in members}
    blind = {each.our_key for each in members if each.kind == "update" and not _visible(session, mapping, each)}
    if blind:
        told = {key: Settled(key, "conflict", code="recover.mapping_gone") for key in blind}
        rest = [each for each in members if each.our_key not in blind]
        return told | (_ask_changed(session, mapping_name, object_name, rest) if rest else {})
    rows = find_rows(session, mapping, KEY, sorted(set(keys.values())))
    answers = {}
    former = former_names(session)
    for each in members:
        row = rows.row_of.get(keys[each.our_key])
        if each.kind == "delete":
            gone = row is None
            answers[each.our_key] = Settled(
                each.our_key, "acked" if gone else "not_sent", "gone" if gone else None, each.target_key
            )
        elif row is None:
            answers[each.our_key] = Settled(each.our_key, "conflict", code="target.gone")
        else:
            answers[each.our_key] = _of_update(session, mapping, each, rows, row, former)
    return answers


def _visible(session: Session, mapping: CompiledMapping, operation: OpenOperation) -> bool:
    """Whether today's mapping still has any of the fields that were written."""
    fields = records.fieldset_of(session.ledger, operation.fieldset or 0).fields
    names = {each.name for each in mapping.target_fields}
    return any(mark and fields[place] in names for place, mark in enumerate(operation.written or b""))


def _of_update(
    session: Session,
    mapping: CompiledMapping,
    operation: OpenOperation,
    rows: TargetRows,
    row: int,
    former: Former,
) -> Settled:
    """Done where every field written holds what was sent, not done where every one holds what it held before: what was
    last read back, or nothing where this process never wrote it."""
    fields = records.fieldset_of(session.ledger, operation.fieldset or 0).fields
    sent = dict(zip(fields, unpack([operation.sent or b""], len(fields))[0], strict=True))
    names = [each.name for each in mapping.target_fields]
    written = [fields[place] for place, mark in enumerate(operation.written or b"") if mark and fields[place] in names]

    def hold(wanted: Mapping[str, np.uint64]) -> bool:
        digests = np.array([[wanted.get(name, UNKNOWN) for name in names]], np.uint64)
        same = holds(session, mapping, rows, [row], digests, former)[0]
        return all(same[names.index(name)] for name in written)

    if written and hold(sent):
        return Settled(operation.our_key, "acked", target_key=operation.target_key)
    record = records.lookup(session.ledger, operation.object, [operation.our_key]).get(operation.our_key)
    if record is not None and record.back is not None and record.fieldset is not None:
        before_fields = records.fieldset_of(session.ledger, record.fieldset).fields
        before = dict(zip(before_fields, unpack([record.back], len(before_fields))[0], strict=True))
        nothing = field_digests([pa.array([None], pa.string())], session.keys.digest)[0, 0]
        if hold({name: before.get(name, UNKNOWN) or nothing for name in written}):
            return Settled(operation.our_key, "not_sent", code="target.no_answer")
    return Settled(operation.our_key, "conflict", code="conflict.edited")
