"""The target of a dry run: it answers what is, and only says what it would do."""

from __future__ import annotations

from ...connectors.change import Batch, Change, ChangeKind, Outcome, OutcomeState
from ...connectors.forwarding import Forwarding, layer_of
from ...connectors.port import Connector
from ..pace.foretold import Foretold

UNBORN = "(new) "
"""Before our key: the target key of a record that a run would create."""


class Rehearsal(Forwarding):
    """A connector in front of the real target that lets every read through and no write. foretold: the calls that it
    saves."""

    def __init__(self, target: Connector) -> None:
        super().__init__(target)
        self.foretold = Foretold(target)

    def write(self, batch: Batch) -> list[Outcome]:
        self.foretold.write(batch)
        own = [Outcome(change.our_key, OutcomeState.ACKED, _key(change)) for change in batch.changes]
        carried = ((some.object, each) for change in batch.changes for some in change.details for each in some.changes)
        return own + [Outcome(each.our_key, OutcomeState.ACKED, _key(each), object=name) for name, each in carried]

    def prepare(self) -> None:
        """Nothing: room for our key is made by a run."""

    def record_url(self, object_name: str, key: str) -> str | None:
        return None if key.startswith(UNBORN) else super().record_url(object_name, key)

    def close(self) -> None:
        """Nothing: the real target is closed by whoever opened it."""


def _key(change: Change) -> str:
    return UNBORN + change.our_key if change.kind is ChangeKind.CREATE else change.target_key or ""


def foretold_of(target: Connector) -> Foretold:
    """Where the calls are counted that a dry run saves; nobody asks where nothing is in front of the target."""
    rehearsal = layer_of(target, Rehearsal)
    return Foretold(target) if rehearsal is None else rehearsal.foretold
