"""Prove on the first record that we create of each target object that our key holds there, and see what the target does
by itself, before anything more of the object is sent (DESIGN §6.7)."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...connectors.cell import Cell
from ...connectors.change import Batch, Change, ChangeKind
from ...connectors.errors import DecisionError, InputError
from ...connectors.finding import Finding, Severity
from ...connectors.pace import Action
from ...connectors.port import KEY, OUR_KEY, Ordeal, OurKeyPlace
from ...mappings.compile import CompiledMapping
from ...runs.cells import decode_cells, encode_cells
from ...runs.digest import unpack
from ...runs.ledger import proofs, records, runlog
from ...runs.ledger.operations import Settled
from ...runs.ledger.proofs import EFFECTS, RECORD, TWICE, Told
from ...runs.ledger.records import RecordRow
from ...runs.values import PROOF
from ..fingerprint import find_rows
from ..loading.rehearsal import foretold_of
from ..loading.tally import MappingStop
from ..sending.answer import Planned
from ..session import Session, Tick
from ..undoing.children import references_to
from .grade import DOUBLED, FOUND, NO_ROOM, REFUSED, UNSEEN, grades
from .ordeals import same_key_again, undergo


class EffectsFound(MappingStop):
    """The target changed by itself what nobody has accepted: its object waits for somebody to say that it may."""

    def __init__(self, mapping: str, object_name: str, told: Told) -> None:
        fields, others = told.get("fields"), told.get("records")
        super().__init__(
            "proof.effects",
            mapping=mapping,
            object=object_name,
            fields=len(fields) if isinstance(fields, Sequence) else 0,
            records=sum(others.values()) if isinstance(others, Mapping) else 0,
        )
        self.object = object_name


@dataclass
class First:
    """What became of changes when a proof had to be made first. ended: of the records that went alone. rest: what has
    not been sent yet. stop: why it may not be sent now."""

    rest: Sequence[Planned]
    ended: list[Settled] = field(default_factory=list)
    stop: MappingStop | None = None


def first_alone(
    session: Session,
    mapping: CompiledMapping,
    run_id: int,
    send: Callable[[Sequence[Planned]], list[Settled]],
    planned: Sequence[Planned],
    stopped: Callable[[], bool],
) -> First:
    """Of an object of which nothing was created yet, send one record alone and prove everything on it. One that is
    refused proves nothing: the next one goes, unless a storm has stopped the mapping. A dry run only counts what that
    costs."""
    name = mapping.target.name
    known = proofs.of(session.ledger, name)
    if RECORD in known and known[RECORD].over:
        return First(planned, [], None if session.rehearsal else stop_of(session, mapping))
    first = First(planned)
    for each in [each for each in planned if each.change.kind is ChangeKind.CREATE]:
        key = each.change.our_key
        session.values.put_many([(PROOF, str(run_id), name, key, encode_cells(each.change.values))])
        proofs.begin_anew(session.ledger, name, key, run_id, session.clock.now())
        ended = send([each])
        first.ended += ended
        first.rest = [other for other in first.rest if other is not each]
        if any(settled.state == "acked" for settled in ended):
            if session.rehearsal:
                _foretell(session, mapping, each.change)
            else:
                _prove(session, mapping, key)
                first.stop = stop_of(session, mapping)
            break
        if stopped():
            break
    return first


def take_up(session: Session, mapping: CompiledMapping, run_id: int) -> None:
    """Before anything of this mapping is sent: go on with the proof that an earlier process began on its object. Raises
    EffectsFound where the target did what nobody has accepted yet."""
    if session.rehearsal:
        return
    known = proofs.of(session.ledger, mapping.target.name)
    if RECORD in known and not known[RECORD].over:
        our_key = known[RECORD].our_key
        record = records.lookup(session.ledger, mapping.target.name, [our_key]).get(our_key)
        begun = session.maker(record.mapping) if record is not None and record.target_key is not None else None
        if begun is not None and _cells(session, known[RECORD]) is not None:
            _prove(session, begun, our_key)
    stop = stop_of(session, mapping)
    if stop is not None:
        raise stop


def accept(session: Session, names: Sequence[str]) -> None:
    """Note that what the target was found to do by itself with these objects may be. Raises InputError
    `proof.nothing_found` for an object with which it was not found to do anything."""
    for name in names:
        if not proofs.accept(session.ledger, name, session.clock.now()):
            known = [each.object for each in proofs.everything(session.ledger) if each.digest is not None]
            raise InputError("proof.nothing_found", object=name, known=", ".join(sorted(known)) or "-")


def accepting(names: Sequence[str]) -> str:
    """The options that accept these objects, as they are typed."""
    return "".join(f" --accept {shlex.quote(name)}" for name in names)


def stop_of(session: Session, mapping: CompiledMapping) -> EffectsFound | None:
    """Why nothing more of the mapping's object may be sent before somebody has decided."""
    found = proofs.of(session.ledger, mapping.target.name).get(EFFECTS)
    if found is None or not found.over or not found.unaccepted:
        return None
    return EffectsFound(mapping.name, mapping.target.name, found.told)


def _cells(session: Session, proof: proofs.Proof) -> Mapping[str, Cell] | None:
    """What the first record was made of; None where that is lost with its key: then the next record is proven on."""
    try:
        kept = session.values.get(PROOF, str(proof.run), proof.object, proof.our_key)
    except DecisionError:
        return None
    return None if kept is None else decode_cells(kept)


def _prove(session: Session, mapping: CompiledMapping, our_key: str) -> None:
    """Everything that is not over yet, on the record of this key."""
    name, now = mapping.target.name, session.clock.now
    known = proofs.of(session.ledger, name)
    whole = known[RECORD]
    record = records.lookup(session.ledger, name, [our_key])[our_key]
    able = session.target.capabilities
    if EFFECTS not in known or not known[EFFECTS].over:
        proofs.begin(session.ledger, name, EFFECTS, our_key, whole.run, now())
        _look(session, mapping, record, whole.run)
    if able.our_key is OurKeyPlace.NONE:
        proofs.end(session.ledger, name, RECORD, NO_ROOM, now(), {})
    else:
        if TWICE not in known or not known[TWICE].over:
            proofs.begin(session.ledger, name, TWICE, our_key, whole.run, now())
            result, told = same_key_again(session, record, name, whole.run, _cells(session, whole) or {})
            _tell_double(session, mapping, record, whole.run, result, told)
            proofs.end(session.ledger, name, TWICE, result, now(), told)
        for ordeal in able.ordeals:
            if ordeal.value not in known or not known[ordeal.value].over:
                result, told = undergo(session, ordeal, record, name, whole.run, _cells(session, whole) or {})
                _tell_double(session, mapping, record, whole.run, result, told)
                proofs.end(session.ledger, name, ordeal.value, result, now(), told)
        proofs.end(session.ledger, name, RECORD, REFUSED, now(), {})
    session.values.drop(str(whole.run), PROOF, name)
    graded = next(each for each in grades(proofs.of(session.ledger, name).values(), able))
    (session.degraded if graded.degraded else session.proven if graded.proven else set[str]()).add(name)
    session.tick(Tick("prove", name, 1, 1))


def _look(session: Session, mapping: CompiledMapping, record: RecordRow, run_id: int) -> None:
    """What the target made of the record by itself: mapped fields that are not as sent, and records that refer to it
    and are not ours. An object that refers to it is asked once for each field by which it does."""
    name, target_key = mapping.target.name, record.target_key or ""
    ours = session.target.capabilities.our_key is not OurKeyPlace.NONE
    session.wait(session.target.capabilities.read_back_lag.total_seconds())
    rows = find_rows(session, mapping, OUR_KEY if ours else KEY, [record.our_key if ours else target_key])
    if target_key not in rows.row_of:
        proofs.end(session.ledger, name, EFFECTS, UNSEEN, session.clock.now(), {})
        return
    sent_fields = records.fieldset_of(session.ledger, record.fieldset or 0).fields
    sent = dict(zip(sent_fields, unpack([record.sent or b""], len(sent_fields))[0], strict=True))
    now = dict(zip([each.name for each in mapping.target_fields], rows.digests[rows.row_of[target_key]], strict=True))
    fields = sorted(each for each, digest in now.items() if sent.get(each) and digest != sent[each])
    others = _others(session, name, target_key)
    told: Told = {"fields": fields, "records": others}
    _note(session, run_id, [_of_record(mapping, record, "proof.field", {"field": each}, each) for each in fields])
    _note(
        session,
        run_id,
        [
            _of_record(mapping, record, "proof.records", {"object": other, "count": count}, other)
            for other, count in others.items()
        ],
    )
    digest = proofs.digest_of(told) if fields or others else None
    proofs.end(session.ledger, name, EFFECTS, FOUND if digest else "none", session.clock.now(), told, digest)


def _others(session: Session, object_name: str, target_key: str) -> dict[str, int]:
    """Object -> how many of its records refer to this one and are not ours."""
    found: Counter[str] = Counter()
    for other, name in references_to(session, object_name):
        keys = set(session.target.find(other, (name,), [(target_key,)], ()).keys)
        keys -= records.our_keys(session.ledger, other, sorted(keys)).keys()
        found[other] += len(keys)
    return {other: count for other, count in sorted(found.items()) if count}


def _tell_double(
    session: Session, mapping: CompiledMapping, record: RecordRow, run_id: int, result: str, told: Told
) -> None:
    """What is left behind of a proof in the target, for somebody to clear away."""
    if result == DOUBLED and not told.get("deleted"):
        params = {"object": mapping.target.name, "keys": str(told.get("double", ""))}
        _note(session, run_id, [_of_record(mapping, record, "proof.double_left", params)])
    if told.get("left"):
        params = {"object": mapping.target.name, "key": record.target_key or "", "ordeal": f"@ordeal.{told['left']}"}
        _note(session, run_id, [_of_record(mapping, record, "proof.not_taken_back", params)])


def _of_record(
    mapping: CompiledMapping, record: RecordRow, code: str, params: Mapping[str, str | int], name: str | None = None
) -> Finding:
    file, line = mapping.rule_lines.get(name or "", (mapping.file, None))
    return Finding(
        code,
        Severity.WARNS,
        params,
        object=mapping.source.name,
        key=record.source_key,
        field=name,
        mapping=mapping.name,
        file=file,
        line=line,
    )


def _foretell(session: Session, mapping: CompiledMapping, created: Change) -> None:
    """The calls of a proof on the record that would be created so, where all goes well; then the proof is over."""
    able, foretold, name = session.target.capabilities, foretold_of(session.target), mapping.target.name
    proofs.end(session.ledger, name, RECORD, REFUSED, session.clock.now(), {})
    again = Batch(name, (replace(created, details=()),))
    foretold.find(name, mapping.target_fields)
    for other, _ in references_to(session, name):
        foretold.find(other)
    if able.our_key is OurKeyPlace.NONE:
        return
    foretold.write(again, again=True)
    for ordeal in able.ordeals:
        foretold.find(name, mapping.target.fields)
        foretold.do(Action(ordeal.value), name)
        foretold.find(name)
        if ordeal is Ordeal.SOFT_DELETE:
            foretold.write(again, again=True)


def _note(session: Session, run_id: int, findings: Sequence[Finding]) -> None:
    with session.ledger.transaction():
        runlog.add_findings(session.ledger, run_id, findings)
