"""A move into Fxiaoke's simulator by the function that takes many rows a call."""

from __future__ import annotations

from pathlib import Path

import pytest

from .fxiaoke_world import MAPPINGS, FxiaokeWorld, Numbers
from .test_fxiaoke_move import FAULTS, READS, arrives_whole, lost_after, struck_at

ON = {"bulk_function": "on"}
FUNCTION = "changeover_bulk__c"
TINY: Numbers = dict.fromkeys(MAPPINGS, 0) | {"account": 5, "contact": 1, "statement": 2, "line": 2}


def test_a_move_by_the_function_arrives_in_fewer_calls_and_is_proved(tmp_path: Path) -> None:
    numbers = TINY | {"account": 60, "line": 9}
    world = FxiaokeWorld(tmp_path, numbers, ON, bulk=FUNCTION, bulk_rows=25, ordeals=[])
    with world.in_process():
        plan = world.plan()
        before = sum(world.simulator.calls.values())
        report = world.run()
        made = sum(world.simulator.calls.values()) - before
        assert (report.exit_code, world.there(), world.doubled()) == (0, numbers, [])
        assert world.reconcile().verdict.code == "reconcile.equal"
        assert made < sum(numbers.values()), "each is written and read back"
        assert plan.extra["calls"]["predicted"] == report.extra["calls"]["made"]  # type: ignore[index]
        world.source.edit("account", "a000000", {"tel": "999"}, by="old")
        world.source.edit("account", "a000001", {"tel": "111"}, by="old")
        world.way.sent.clear()
        assert world.run().exit_code == 0
        writes = [path for path, _ in world.way.sent if not path.endswith(READS)]
        assert (set(writes), len(writes)) == ({"/cgi/crm/v2/special/function"}, 2), "one only looks whether it is there"
        assert {row["tel"] for row in world.simulator.rows("AccountObj")} >= {"999", "111"}
        assert world.undo(2).verdict.code == "undo.done"
        assert {row["tel"] for row in world.simulator.rows("AccountObj")}.isdisjoint({"999", "111"})


def test_a_call_of_many_rows_that_nobody_answered_makes_each_once(tmp_path: Path) -> None:
    """Whichever it is, those of the proof too."""
    numbers = dict.fromkeys(MAPPINGS, 0) | {"account": 3}
    plain = FxiaokeWorld(tmp_path / "plain", numbers, ON, bulk=FUNCTION, ordeals=[])
    with plain.in_process():
        plain.run()
    calls = len(plain.way.bodies("/function"))
    assert calls >= 4, "one looks whether it is there, and the first record is sent twice"
    for number in range(1, calls + 1):
        world = FxiaokeWorld(tmp_path / str(number), numbers, ON, bulk=FUNCTION, ordeals=[])
        arrives_whole(world, struck_at(number, lost_after), f"call {number}")


def test_without_the_function_a_move_says_so_and_arrives(tmp_path: Path) -> None:
    world = FxiaokeWorld(tmp_path, TINY, bulk=FUNCTION)
    with world.in_process():
        told = [cause.text.code for cause in world.plan().causes]
        assert told.count("fxiaoke.bulk_missing") == 1, "once, not for each object"
        assert (world.run().exit_code, world.there()) == (0, TINY)


@pytest.mark.torture
@pytest.mark.parametrize("fault", list(FAULTS))
def test_every_fault_at_every_call_of_many_rows_leaves_nothing_doubled(tmp_path: Path, fault: str) -> None:
    numbers = TINY | {"account": 8, "deal": 2}
    told = {"bulk": FUNCTION, "bulk_rows": 3, "ordeals": []}
    plain = FxiaokeWorld(tmp_path / "plain", numbers, ON, **told)
    with plain.in_process():
        plain.run()
    for number in range(1, len(plain.way.bodies("/function")) + 1):
        world = FxiaokeWorld(tmp_path / str(number), numbers, ON, **told)
        arrives_whole(world, struck_at(number, FAULTS[fault]), f"{fault} at call {number}")
        with world.in_process():
            assert world.reconcile().verdict.code == "reconcile.equal", f"{fault} at call {number}"
