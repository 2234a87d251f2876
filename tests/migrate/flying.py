"""What tests of several calls under way share."""

from __future__ import annotations

from collections.abc import Callable

from changeover.connectors.testing.hostile import Fault, FaultKind
from changeover.runs.ledger.operations import Settled

from .sending import Sending

NUMBERS = range(20)


def faults(kind: FaultKind, *calls: int) -> list[Fault]:
    return [Fault(call, kind) for call in calls]


def all_done(rig: Sending, ended: list[Settled], number: int = len(NUMBERS)) -> None:
    """Each once, and nothing is left open."""
    assert len({each.our_key for each in ended}) == len(ended) == number
    assert rig.line.inner.count("sample") == number
    assert rig.operations()["acked"] == number
    assert not rig.operations().keys() - {"acked", "not_sent"}


def nothing_open(rig: Sending) -> None:
    assert not rig.operations().keys() & {"intent", "unknown", "planned"}


def codes(rig: Sending) -> list[str]:
    return [row[0] for row in rig.session.ledger.db.execute("select distinct code from operation where code <> ''")]


def after(number: int, happens: Callable[[], None]) -> Callable[[int], int]:
    """Of a Held: the first is always answered, and before the n-th answer something happens."""
    left = iter(range(number, -1_000_000, -1))

    def choose(_number: int) -> int:
        if next(left) == 1:
            happens()
        return 0

    return choose
