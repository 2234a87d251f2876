"""Calls of a proof whose answer is lost, and creates of an object whose key cannot be asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from changeover.connectors.testing.hostile import Fault, FaultKind, ProcessDied
from changeover.mappings.compile import load_mapping_files

from .firms import PLAIN, Keyless, NoRoom
from .proving import Hides, go, graded, made, ours, proving

TWICE, DELETE = 7, 8
"""The calls by which the second contact comes and goes."""


@pytest.mark.parametrize(
    "fault",
    [Fault(TWICE, FaultKind.LOST_AFTER), Fault(DELETE, FaultKind.LOST_AFTER), Fault(DELETE, FaultKind.LOST_BEFORE)],
)
def test_a_second_record_is_taken_away_though_nobody_answered(tmp_path: Path, fault: Fault) -> None:
    with proving(tmp_path, Keyless, PLAIN) as world:
        world.faults(fault)
        report = go(world)
        assert graded(report)["contact"] == ("degraded", ["degraded.twice"])
        assert [kind for kind, _, _ in made(world, "contact")] == ["create", "create", "delete"]
        [known] = world.ask("select target_key from record where our_key = 'old:person:p1'")
        assert list(world.target._tables["contact"].records) == [known[0]]
        assert world.ask("select 1 from operation where state in ('intent', 'unknown')") == []


def test_where_our_key_is_not_found_any_more_a_create_is_looked_for_by_what_was_written(tmp_path: Path) -> None:
    firms = [{**each, "city": None} if each["id"] == "f3" else each for each in PLAIN["firm"]]
    with proving(tmp_path, Hides, {**PLAIN, "firm": firms}) as world:
        world.faults(Fault(11, FaultKind.LOST_AFTER))
        report = go(world)
        assert graded(report)["account"] == ("degraded", ["degraded.owner"])
        assert [row for row in made(world, "account") if row[1] == "old:firm:f3"] == [
            ("create", "old:firm:f3", "acked")
        ]
        assert ours(world, "account")["old:firm:f3"]["name"] == "second level"
        assert len(world.target._tables["account"].records) == 5


def test_a_create_whose_mapping_is_gone_is_left_to_somebody(tmp_path: Path) -> None:
    """Nobody knows any more what was written."""
    left = "select 1 from operation where object = 'deal' and state = 'intent'"
    with proving(tmp_path, NoRoom, PLAIN) as world:
        before: list[int] = []

        def watch(_effect: str) -> None:
            number = len(world.mortality.effects) + 1
            if number >= 20 and world.ask(left):
                before.append(number)

        world.begin()
        world.mortality.watch = watch
        go(world)
        world.begin()
        world.mortality.watch = lambda _effect: None
        world.mortality.born(before[1])  # it has arrived
        with pytest.raises(ProcessDied):
            go(world)
        assert world.ask(left)
        world.mortality.born()
        text = (world.folder / "mappings" / "deal.yaml").read_text("utf-8")
        (world.folder / "mappings" / "deal.yaml").unlink()
        world.mapping_files = load_mapping_files(world.folder / "mappings")
        go(world)
        assert world.ask("select distinct state, code from operation where object = 'deal'") == [
            ("conflict", "degraded.uncompared")
        ]
        (world.folder / "mappings" / "other.yaml").write_text(text.replace("mapping: deal", "mapping: other"), "utf-8")
        world.mapping_files = load_mapping_files(world.folder / "mappings")
        for _ in range(2):
            counts = {each.mapping: each.buckets for each in go(world).counts}
            assert counts["other"]["conflicted"] == 1, "under another name it is the same record, and may be there"
        assert [our_key for _, our_key, _ in made(world, "deal")].count("old:deal:d1") == 1
        there = world.target._tables["deal"].records
        world.target.remove("deal", next(key for key, each in there.items() if each.values["number"] == "N1"))
        go(world, rejected=True)
        assert "old:deal:d1" in ours(world, "deal")
