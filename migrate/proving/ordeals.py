"""The calls of a proof: the same key twice, and the ordeals of a record, each with its intent first and taken back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final, cast

from ...connectors.cell import Cell
from ...connectors.cell import cast as typed
from ...connectors.change import Batch, Change, ChangeKind, Outcome
from ...connectors.errors import DecisionError
from ...connectors.port import KEY, Connector, Ordeal, UndergoesOrdeals
from ...runs.cells import decode_cells, encode_cells
from ...runs.ledger import proofs, records
from ...runs.ledger.operations import PROVE, Intent, Settled
from ...runs.ledger.proofs import TWICE, Told
from ...runs.ledger.records import RecordRow
from ...runs.values import PROOF
from ..fingerprint import arrow_column
from ..loading.rehearsal import Rehearsal
from ..sending.answer import EXISTS, Planned
from ..sending.caller import Inline
from ..sending.send import Sender
from ..session import Session
from ..settling.doubles import UNDOUBLE, keys_of
from .grade import DOUBLED, FOUND, LOST, REFUSED, UNTOLD

NOT_TRIED: Final = "not_tried"
"""What came of an ordeal that the system does not let us do."""
BACK: Final = "_back"


def same_key_again(
    session: Session, record: RecordRow, object_name: str, run_id: int, cells: Mapping[str, Cell]
) -> tuple[str, Told]:
    """Create the record once more under the same key; (what came of it, what there is to say). A second record is
    deleted again by its own key, never the first one."""
    change = Change(ChangeKind.CREATE, record.our_key, None, cells)
    ended = _call(session, object_name, run_id, change, record.target_key, TWICE)
    if ended.state == "acked" and ended.target_key != record.target_key:
        return DOUBLED, _without_doubles(session, record, object_name, run_id, {ended.target_key or ""})
    if ended.state == "rejected" and ended.code != EXISTS and _refused_by_a_field(session, object_name, cells):
        return UNTOLD, {"code": ended.code or ""}
    return REFUSED, {"code": ended.code or ""}


def _refused_by_a_field(session: Session, object_name: str, cells: Mapping[str, Cell]) -> bool:
    """Whether the record has a unique field of its own, for which the target refuses it whatever it makes of our
    key."""
    described = session.target_schema.objects[object_name]
    unique = {each.name for each in described.fields if each.unique} | set(described.key)
    return any(cells.get(name) is not None for name in unique)


def _without_doubles(
    session: Session, record: RecordRow, object_name: str, run_id: int, doubles: set[str] | None = None
) -> Told:
    """Delete what else carries our key, however often the call arrived; not before all of it can be seen."""
    session.wait(session.target.capabilities.read_back_lag.total_seconds())
    keys = {*keys_of(session, object_name, record.our_key), *(doubles or ())} - {record.target_key or ""}
    left = set()
    for key in sorted(keys):
        change = Change(ChangeKind.DELETE, record.our_key, key)
        able = session.target.capabilities.deletes
        if not able or _call(session, object_name, run_id, change, key, UNDOUBLE).state != "acked":
            left.add(key)
    return {"double": ", ".join(sorted(left or keys)), "deleted": int(not left)}


def undergo(
    session: Session, ordeal: Ordeal, record: RecordRow, object_name: str, run_id: int, cells: Mapping[str, Cell]
) -> tuple[str, Told]:
    """Put the record through an ordeal, see whether our key is still found, and take it back; (what came of it, what
    there is to say). What the record held before is kept sealed first, and the ledger says that it is under way."""
    before = _before(session, object_name, record.target_key or "")
    place = (PROOF, str(run_id), object_name, f"{record.our_key} {ordeal.value}")
    session.values.put_many([(*place, encode_cells(before))])
    proofs.begin(session.ledger, object_name, ordeal.value, record.our_key, run_id, session.clock.now())
    able = _able(session)
    key = record.target_key or ""
    put = partial(able.put_through, ordeal, object_name, record.our_key, key)
    done = _at(session, record, object_name, run_id, ordeal.value, put)
    if done.state != "acked":
        return NOT_TRIED, {"code": done.code or ""}
    session.wait(session.target.capabilities.read_back_lag.total_seconds())
    result = FOUND if key in keys_of(session, object_name, record.our_key) else LOST
    told: dict[str, str | int] = {}
    if ordeal is Ordeal.SOFT_DELETE:
        again, said = same_key_again(session, record, object_name, run_id, cells)
        told |= {name: value for name, value in said.items() if isinstance(value, str | int)}
        result = DOUBLED if again == DOUBLED else result
    back = _taken_back(session, ordeal, record, object_name, run_id, before)
    if back.state != "acked":
        told |= {"left": ordeal.value}
    return result, told


def take_back_left(session: Session) -> None:
    """Take back what a proof was at when its process ended: the record is as it was, and what of it was doubled is
    gone. The proof itself is gone on with when its object's turn comes."""
    for proof in proofs.everything(session.ledger):
        if proof.over or proof.what not in (TWICE, *Ordeal):
            continue
        record = records.lookup(session.ledger, proof.object, [proof.our_key]).get(proof.our_key)
        if record is not None and record.target_key is not None:
            doubles = _without_doubles(session, record, proof.object, proof.run)
            if proof.what != TWICE:
                before = _kept(session, proof)
                _taken_back(session, Ordeal(proof.what), record, proof.object, proof.run, before)
            if doubles["double"]:
                proofs.end(session.ledger, proof.object, proof.what, DOUBLED, session.clock.now(), doubles)
                continue
        proofs.forget(session.ledger, proof.object, proof.what)


def _taken_back(
    session: Session, ordeal: Ordeal, record: RecordRow, object_name: str, run_id: int, before: Mapping[str, Cell]
) -> Settled:
    key, able = record.target_key or "", _able(session)
    ended = _at(
        session,
        record,
        object_name,
        run_id,
        ordeal.value + BACK,
        lambda: able.take_back(ordeal, object_name, record.our_key, key, before),
    )
    session.wait(session.target.capabilities.read_back_lag.total_seconds())
    return ended


def _able(session: Session) -> UndergoesOrdeals:
    return cast(UndergoesOrdeals, session.target)


def _before(session: Session, object_name: str, target_key: str) -> dict[str, Cell]:
    """Every cell of the record as it is."""
    fields = session.target_schema.objects[object_name].fields
    chunk = session.target.find(object_name, (KEY,), [(target_key,)], [each.name for each in fields])
    if not len(chunk):
        return {}
    columns = [typed(arrow_column(chunk.frame, each.name), each, session.target_zone)[0] for each in fields]
    return {each.name: column[0].as_py() for each, column in zip(fields, columns, strict=True)}


def _kept(session: Session, proof: proofs.Proof) -> dict[str, Cell]:
    try:
        kept = session.values.get(PROOF, str(proof.run), proof.object, f"{proof.our_key} {proof.what}")
    except DecisionError:  # the data key is lost; the connector takes back what it can
        return {}
    return {} if kept is None else decode_cells(kept)


def _call(
    session: Session, object_name: str, run_id: int, change: Change, target_key: str | None, which: str
) -> Settled:
    intent = Intent(change.our_key, PROVE, target_key, None, None, which)
    [ended] = Sender(session, run_id).send("", object_name, None, None, [Planned(change, intent)])
    return ended


def _at(
    session: Session, record: RecordRow, object_name: str, run_id: int, which: str, call: Callable[[], Outcome]
) -> Settled:
    """A call that is no write, made and settled like one."""
    at = replace(session, target=_Undergoing(session.target, call), caller=Inline())
    at.breaker = session.breaker
    change = Change(ChangeKind.UPDATE, record.our_key, record.target_key)
    return _call(at, object_name, run_id, change, record.target_key, which)


class _Undergoing(Rehearsal):
    """The target as the sender sees it during an ordeal: whatever is written, this is what happens."""

    def __init__(self, target: Connector, call: Callable[[], Outcome]) -> None:
        super().__init__(target)
        self._call = call

    def write(self, batch: Batch) -> list[Outcome]:
        return [self._call()]
