"""The calls of an undo that follow once all is judged, told before they are made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ...connectors.cell import Cell
from ...connectors.change import Batch, Change, ChangeKind
from ...connectors.port import OurKeyPlace
from ..pace.foretold import Foretold
from ..session import Session
from .children import references_to
from .undo_judge import Judged, PutBack


class Costs:
    """As `Undo.go` makes them where all goes well. Whatever is written is judged once more before."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._foretold = Foretold(session.target)

    def put_back(self, name: str, judged: Judged) -> None:
        """Where the target has no room for our key, a release is a change like any other, or none."""
        keyless = self._session.target.capabilities.our_key is OurKeyPlace.NONE
        released = [each for each in judged.releases if each.values] if keyless else judged.releases
        for backs in (judged.releases, judged.restores):
            self._look(name, len(backs))
        self._send(name, [_change(each, ChangeKind.UPDATE if keyless else ChangeKind.RELEASE) for each in released])
        self._send(name, [_change(each, ChangeKind.UPDATE) for each in judged.restores])
        for read_back in (judged.restores, released if keyless else ()):
            self._look(name, len(read_back))

    def delete(self, name: str, going: Mapping[str, str]) -> None:
        """going: target key -> our key. Children are looked for once more."""
        for child_object, _ in references_to(self._session, name):
            self._foretold.find(child_object, (), len(going))
        self._look(name, len(going))
        self._send(name, [Change(ChangeKind.DELETE, our_key, key) for key, our_key in going.items()])

    def loosen(self, name: str, emptied: Mapping[str, Mapping[str, Cell]], going: Mapping[str, str]) -> None:
        """emptied: target key -> references that are emptied. going: target key -> our key."""
        self._send(name, [Change(ChangeKind.UPDATE, going[key], key, cells) for key, cells in emptied.items()])
        self._look(name, len(emptied))

    def taken(self) -> Counter[str]:
        """Those since the last time, by interface."""
        return self._foretold.taken()

    def _look(self, name: str, records: int) -> None:
        """At all that is mapped."""
        makers = [each for each in self._session.mappings.values() if each.target.name == name]
        self._foretold.find(name, makers[0].target_fields if makers else (), records)

    def _send(self, name: str, changes: Sequence[Change]) -> None:
        size = min(self._session.project.spec.limits.batch, self._session.target.capabilities.batch_size)
        for start in range(0, len(changes), size):
            self._foretold.write(Batch(name, tuple(changes[start : start + size])))


def _change(back: PutBack, kind: ChangeKind) -> Change:
    return Change(kind, back.member.our_key, back.member.target_key, back.values, back.now)
