"""The deed of an undo: what it sends to the target, each thing written down first like any other operation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from ...connectors.cell import Cell, arrow_type
from ...connectors.change import Change, ChangeKind
from ...connectors.chunk import Chunk
from ...connectors.port import OurKeyPlace
from ...connectors.schema import FieldType
from ...mappings.compile import CompiledMapping
from ...runs.digest import pack
from ...runs.ledger import operations, records, undone
from ...runs.ledger.operations import Intent, Settled
from ..fingerprint import TargetRows, known_digests, marked
from ..sending.answer import Planned
from ..sending.send import Sender
from ..session import Session
from ..settling.readback import Written, read_back
from .undo_judge import Member, PutBack


class Writer:
    """Writes for one undo."""

    def __init__(self, session: Session, undo_run: int) -> None:
        self._session = session
        self._run = undo_run

    def restore(
        self, mapping: CompiledMapping, backs: Sequence[PutBack], bucket: str = undone.RESTORED
    ) -> dict[str, Settled]:
        """Write these values and read them back; our key -> how it ended."""
        ended: dict[str, Settled] = {}
        for maker in mapping.with_stub:  # what was a stub is one again
            mine = [each for each in backs if each.member.stub == (maker is not mapping)]
            ended |= self._restore(mapping, maker, mine, bucket) if mine else {}
        return ended

    def _restore(
        self, mapping: CompiledMapping, maker: CompiledMapping, backs: Sequence[PutBack], bucket: str
    ) -> dict[str, Settled]:
        session, name = self._session, mapping.target.name
        fields = [each.name for each in mapping.target_fields]
        fieldset = records.fieldset(session.ledger, name, maker.name, maker.digest, fields)
        sent, before = known_digests(session, [each.member.known for each in backs], fields, fieldset)
        written = np.array([[field in each.values for field in fields] for each in backs], dtype=bool)
        sent = np.where(written, self._digests(mapping, backs), sent)
        planned = [
            Planned(
                Change(ChangeKind.UPDATE, each.member.our_key, each.member.target_key, each.values, each.now),
                Intent(each.member.our_key, ChangeKind.UPDATE, each.member.target_key, digests, marks, bucket),
                "pending" if each.member.known.state == "pending" else "live",
            )
            for each, digests, marks in zip(backs, pack(sent), marked(written), strict=True)
        ]
        sender = Sender(session, self._run)
        ended = {each.our_key: each for each in sender.send(maker.name, name, None, fieldset, planned)}
        done = [place for place, each in enumerate(backs) if ended[each.member.our_key].state == "acked"]
        theirs = np.array([[field in each.edited for field in fields] for each in backs], dtype=bool)
        members = [backs[place].member for place in done]
        told = Written(
            our_keys=[each.our_key for each in members],
            source_keys=[each.known.source_key or "" for each in members],
            target_keys=[each.target_key for each in members],
            batches=sender.batches,
            sent=sent[done],
            written=(written & ~theirs)[done],  # what is somebody's was not written by us as far as the next run knows
            before=before[done],
            as_sent=np.zeros(len(done), dtype=bool),
        )
        read_back(session, mapping, told, self._run)
        return ended

    def _digests(self, mapping: CompiledMapping, backs: Sequence[PutBack]) -> np.ndarray:
        """What these values will look like in the target."""
        columns = {}
        for each in mapping.target_fields:
            kind = pa.string() if each.type is FieldType.REFERENCE else arrow_type(each)
            cells = pa.array([back.values.get(each.name) for back in backs], kind)
            columns[each.name] = pd.arrays.ArrowExtensionArray(cells)
        frame = pd.DataFrame(columns, index=pd.RangeIndex(len(backs)))
        keys = [each.member.target_key for each in backs]
        return TargetRows(self._session, mapping, Chunk(mapping.target.name, frame, keys)).digests

    def release(self, mapping: CompiledMapping, backs: Sequence[PutBack]) -> dict[str, Settled]:
        """Take our key off these records and put their values back; our key -> how it ended. Where the target has no
        room for our key, only the ledger lets them go."""
        if not backs:
            return {}
        if self._session.target.capabilities.our_key is OurKeyPlace.NONE:
            ended = self.restore(mapping, [each for each in backs if each.values], undone.RELEASED)
            free = [each for each in backs if not each.values or ended[each.member.our_key].state == "acked"]
            return ended | self._let_go(mapping, free)
        fields = [each.name for each in mapping.target_fields]
        marks = marked(np.array([[field in each.values for field in fields] for each in backs], dtype=bool))
        planned = [
            Planned(
                Change(ChangeKind.RELEASE, each.member.our_key, each.member.target_key, each.values, each.now or None),
                self._release_intent(each.member, written, undone.RELEASED),
                "gone",
            )
            for each, written in zip(backs, marks, strict=True)
        ]
        return self._send(mapping, planned)

    def _let_go(self, mapping: CompiledMapping, backs: Sequence[PutBack]) -> dict[str, Settled]:
        """A release of which the target need not know. An intent that a dead process left is settled the same way."""
        ended: dict[str, Settled] = {}
        size = self._session.project.spec.limits.batch
        for start in range(0, len(backs), size):
            session, name = self._session, mapping.target.name
            now = session.clock.now()
            members = [each.member for each in backs[start : start + size]]
            intents = [self._release_intent(each, None, undone.RELEASED) for each in members]
            batch = operations.intend(session.ledger, self._run, name, None, None, intents, now, now - now)
            settled = [Settled(each.our_key, "acked", "gone", each.target_key) for each in members]
            operations.settle(session.ledger, self._run, batch, mapping.name, settled, now)
            ended |= {each.our_key: each for each in settled}
        return ended

    @staticmethod
    def _release_intent(member: Member, written: bytes | None, bucket: str) -> Intent:
        return Intent(member.our_key, ChangeKind.RELEASE, member.target_key, None, written, bucket)

    def loosen(self, mapping: CompiledMapping, backs: Sequence[PutBack]) -> dict[str, Settled]:
        """Empty the references by which these records, which will be deleted too, hold others."""
        return self.restore(mapping, backs, undone.LOOSENED)

    def delete(self, mapping: CompiledMapping, going: Sequence[tuple[Member, dict[str, Cell]]]) -> dict[str, Settled]:
        """Delete these records while they hold these cells; our key -> how it ended."""
        planned = [
            Planned(
                Change(ChangeKind.DELETE, each.our_key, each.target_key, {}, cells),
                Intent(each.our_key, ChangeKind.DELETE, each.target_key, None, None, "deleted"),
                "gone",
            )
            for each, cells in going
        ]
        return self._send(mapping, planned)

    def _send(self, mapping: CompiledMapping, planned: Sequence[Planned]) -> dict[str, Settled]:
        if not planned:
            return {}
        sender = Sender(self._session, self._run)
        return {each.our_key: each for each in sender.send(mapping.name, mapping.target.name, None, None, planned)}
