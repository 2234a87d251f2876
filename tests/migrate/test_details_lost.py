"""Details inside a master whose call gets no answer, or half of one: it comes to the same all the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.testing.hostile import Fault, FaultKind, Operation

from .firms import FAMILIES, Abreast, Mastered, Untold
from .laws import first, prepared

KINDS = (
    FaultKind.LOST_AFTER,
    FaultKind.LOST_BEFORE,
    FaultKind.HALF_DONE,
    FaultKind.HALF_ANSWERED,
    FaultKind.SERVER_ERROR,
    FaultKind.THROTTLED,
)


@pytest.mark.parametrize("target", [Mastered, Abreast, Untold])
def test_at_whatever_call_with_details_it_is_lost(tmp_path: Path, target: type[MemoryConnector]) -> None:
    move = prepared(tmp_path / "move", FAMILIES, target, first)
    with move.world.in_process():
        assert move.trial() == {}
        calls = [
            each.number
            for each in move.world.calls(Operation.WRITE)
            if each.batch and any(change.details for change in each.batch.changes)
        ]
        assert calls
        broken = {
            (number, kind): laws for number in calls for kind in KINDS if (laws := move.trial(Fault(number, kind)))
        }
        assert broken == {}
