"""A move into Fxiaoke's simulator by the real loader: it arrives, it doubles nothing whatever call goes unanswered, and
it takes the time that the limits of the interfaces allow."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from changeover.connectors.change import Batch, Change, ChangeKind
from changeover.connectors.fxiaoke.transport import Answered, NoAnswerError, NotSentError
from changeover.connectors.memory_table import Record
from changeover.connectors.pace import Rate

from ..connectors.fxiaoke_kit import START, Strike, connected
from .acting import Acts, acting
from .fxiaoke_world import FOLDED, FULL, MAPPINGS, SMALL, FxiaokeWorld, Numbers

TINY: Numbers = dict.fromkeys(MAPPINGS, 0) | {"account": 2, "contact": 1, "statement": 1}
LINES: Numbers = TINY | {"contact": 0, "statement": 2, "line": 2}
READS = ("/query", "/get", "/list", "/describe", "/token")
Fault = Callable[[Callable[[], Answered]], Answered]


def lost_after(act: Callable[[], Answered]) -> Answered:
    act()
    raise NoAnswerError("ReadTimeout")


def lost_before(_act: Callable[[], Answered]) -> Answered:
    raise NoAnswerError("ConnectionReset")


def refused(_act: Callable[[], Answered]) -> Answered:
    raise NotSentError("ConnectionRefused")


def gateway_error(act: Callable[[], Answered]) -> Answered:
    act()
    return 502, {}, b"<html>Bad Gateway</html>"


def answering(code: int) -> Fault:
    return lambda _act: (200, {}, b'{"errorCode": %d, "errorMessage": "x"}' % code)


def struck_at(number: int, fault: Fault, *, creates: bool = False) -> Strike:
    """The n-th call that writes, or creates, meets this fault."""
    left = number

    def strike(path: str, act: Callable[[], Answered]) -> Answered:
        nonlocal left
        if path.endswith(READS) or (creates and not path.endswith("/create")):
            return act()
        left -= 1
        return fault(act) if left == 0 else act()

    return strike


def test_a_move_arrives_and_is_proved(tmp_path: Path) -> None:
    world = FxiaokeWorld(tmp_path)
    with world.in_process():
        report = world.run()
        assert (report.exit_code, world.there(), world.doubled()) == (0, SMALL, [])
        assert world.reconcile().verdict.code == "reconcile.equal"
        again = world.run()
        assert again.verdict.params["created"] == 0
    made = world.simulator.rows("AccountObj")[0]
    assert (made["created_by"], made["owner"]) == ('["1002"]', '["1002"]')
    assert made["create_time"] == 1_456_732_800_000, "when it was made in the old system"
    assert {row["lock_status"] + row["life_status"] for row in world.simulator.rows("AccountObj")} == {"0normal"}


def test_changes_follow_users_are_spared_and_all_is_taken_back(tmp_path: Path) -> None:
    world = FxiaokeWorld(tmp_path, TINY | {"account": 3, "line": 2}, ordeals=[])

    def accounts() -> list[tuple[object, object]]:
        return [(row["tel"], row["owner"]) for row in world.simulator.rows("AccountObj")]

    with world.in_process():
        world.run()
        first, edited, third = accounts()
        world.source.edit("account", "a000000", {"tel": "999", "owner": "1003"}, by="old")
        world.source.edit("account", "a000001", {"tel": "111"}, by="old")
        key = world.simulator.rows("AccountObj")[1]["_id"]
        theirs = Change(ChangeKind.UPDATE, "-", str(key), {"tel": "by a user"})
        connected(world.way, world.clock, objects=["AccountObj"]).write(Batch("AccountObj", (theirs,)))
        changed = world.run()
        assert (changed.exit_code, [cause.text.code for cause in changed.causes]) == (1, ["conflict.edited"])
        assert accounts() == [("999", '["1003"]'), ("by a user", edited[1]), third]
        assert world.undo(2).verdict.code == "undo.done"
        assert accounts() == [first, ("by a user", edited[1]), third]
        assert world.undo(1).verdict.params["spared"] == 1
    assert world.there() == dict.fromkeys(MAPPINGS, 0) | {"account": 1}, "what a user has edited stays"


def test_an_undo_is_foretold_with_the_two_calls_of_each_delete(tmp_path: Path) -> None:
    world = FxiaokeWorld(tmp_path, SMALL)
    with world.in_process():
        world.run()
        told = world.undo(1).extra["calls"]
    assert isinstance(told, dict)
    made = {path: number for path, number in told["made"].items() if path.endswith(("/invalid", "/delete"))}
    assert sum(made.values()) == 2 * sum(SMALL.values())
    assert told["made"] == told["predicted"]


def test_lines_go_inside_their_statement(tmp_path: Path) -> None:
    """All but the first line, which proves what is to be proven of its object, and one with its statement's proof."""
    numbers = TINY | {"statement": 4, "line": 9}
    folded = FxiaokeWorld(tmp_path / "folded", numbers, find_size=3)
    apart = FxiaokeWorld(tmp_path / "apart", numbers, details=0)
    for world in (folded, apart):
        with world.in_process():
            assert (world.run().exit_code, world.there(), world.doubled()) == (0, numbers, [])
            assert world.reconcile().verdict.code == "reconcile.equal"
    saved = len(apart.way.bodies("/create")) - len(folded.way.bodies("/create"))
    assert saved >= 6, "nine lines, of which those of the first statement go alone"


def test_a_plan_foretells_the_calls_that_lines_save(tmp_path: Path) -> None:
    world = FxiaokeWorld(tmp_path, TINY | {"statement": 10, "line": 30}, ordeals=[])
    with world.in_process():
        foretold = world.plan().extra["calls"]
        made = world.run().extra["calls"]
    assert isinstance(foretold, dict)
    assert isinstance(made, dict)
    assert made["made"]["/cgi/crm/custom/v2/data/create"] < 20, "of forty records"
    assert made["made"] == foretold["predicted"] == made["predicted"]


def test_an_empty_text_of_the_source_is_an_empty_field(tmp_path: Path) -> None:
    """Of the first record, too, which would else be said to be changed by the tenant itself."""
    world = FxiaokeWorld(tmp_path, TINY)
    table = world.source._tables["account"]
    for key, record in list(table.records.items()):
        table.put(key, Record({**record.values, "tel": ""}, record.our_key))
    with world.in_process():
        told = world.run()
        assert (told.exit_code, told.causes, world.there()) == (0, (), TINY)
        assert world.reconcile().verdict.code == "reconcile.equal"


def test_what_the_administrator_has_not_made_stops_it_first(tmp_path: Path) -> None:
    world = FxiaokeWorld(tmp_path, TINY, {"key_field": ""})
    with world.in_process():
        assert world.until_it_ends(1) is None
    assert not [path for path, _ in world.way.sent if not path.endswith(READS)], "nothing was written"


def arrives_whole(world: FxiaokeWorld, strike: Strike, told: str) -> None:
    world.way.strike = strike
    with world.in_process():
        report = world.until_it_ends()
        assert report is not None, told
        assert report.exit_code == 0, told
        assert (world.doubled(), world.there()) == ([], world.numbers), told


def test_a_create_that_nobody_answered_is_made_once(tmp_path: Path) -> None:
    """Whichever create it is, those of the proof too."""
    plain = FxiaokeWorld(tmp_path / "plain", LINES, ordeals=[])
    with plain.in_process():
        plain.run()
    creates = len(plain.way.bodies("/create"))
    assert creates == 8, "five records alone, one inside another, and three once more"
    for number in range(1, creates + 1):
        world = FxiaokeWorld(tmp_path / str(number), LINES, ordeals=[])
        arrives_whole(world, struck_at(number, lost_after, creates=True), f"create {number}")


FAULTS: dict[str, Fault] = {
    "lost_after": lost_after,
    "lost_before": lost_before,
    "gateway_error": gateway_error,
    "not_sent": refused,
    **{str(code): answering(code) for code in (-1, -2, 50009, 14001, 30004, 20016, 20005)},
}


@pytest.mark.torture
@pytest.mark.parametrize("fault", list(FAULTS))
def test_every_fault_at_every_call_leaves_nothing_doubled(tmp_path: Path, fault: str) -> None:
    plain = FxiaokeWorld(tmp_path / "plain", SMALL)
    with plain.in_process():
        plain.run()
    writes = sum(not path.endswith(READS) for path, _ in plain.way.sent)
    for number in range(1, writes + 1):
        world = FxiaokeWorld(tmp_path / str(number), SMALL)
        arrives_whole(world, struck_at(number, FAULTS[fault]), f"{fault} at write {number}")
        with world.in_process():
            assert world.reconcile().verdict.code == "reconcile.equal", f"{fault} at write {number}"


def measured(folder: Path, numbers: Numbers) -> tuple[float, float, float]:
    """With answers after 150 ms and a call at a time for each object, the limits are what it waits for. Returns what
    the run took against what the limit of its busiest interface takes, the same against what the plan foretold, and
    its calls against those that the plan foretold."""
    acts = Acts(START)
    world = FxiaokeWorld(folder, numbers, {"packs": "9"}, takes=0.15, ordeals=[], clock=acts, at_once=2)
    with world.in_process(), acting(lambda: acts):
        plan, planned = world.plan(), world.clock.now()
        before, began = sum(world.simulator.calls.values()), world.clock.monotonic()
        report = world.run()
    took = world.clock.monotonic() - began
    assert (report.exit_code, world.there(), world.doubled()) == (0, numbers, [])
    rate = Rate(100, 20.0)
    longest = max(max(0, number - rate.calls) / rate.per_second for number in world.simulator.calls.values())
    foreseen = (dt.datetime.fromisoformat(str(plan.extra["finish"])) - planned).total_seconds()
    predicted = sum(plan.extra["calls"]["predicted"].values())  # type: ignore[index]
    made = sum(world.simulator.calls.values()) - before
    return took / longest, took / foreseen, made / predicted


def test_a_move_takes_the_time_that_its_busiest_interface_allows(tmp_path: Path) -> None:
    """Of 1,030 records the first burst and the proofs are still a good part."""
    against_limit, against_plan, calls = measured(tmp_path, {name: number // 100 for name, number in FULL.items()})
    assert against_limit <= 1.15, "one object after another takes 1.33"
    assert against_plan == pytest.approx(1, abs=0.15)
    assert calls == pytest.approx(1, abs=0.002)


@pytest.mark.torture
@pytest.mark.parametrize("numbers", [FULL, FOLDED], ids=["apart", "folded"])
def test_the_whole_move_takes_the_time_that_its_busiest_interface_allows(tmp_path: Path, numbers: Numbers) -> None:
    """103,000 records, as many as the reference moves have."""
    against_limit, against_plan, calls = measured(tmp_path, numbers)
    assert against_limit <= 1.05
    assert against_plan == pytest.approx(1, abs=0.05)
    assert calls == pytest.approx(1, abs=0.001)
