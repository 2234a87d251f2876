"""Details inside a master whose call gets no answer, or half of one: it comes to the same all the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.testing.hostile import Fault, FaultKind, Operation, ProcessDied

from .firms import FAMILIES, FAMILY, Abreast, Keyless, Mastered
from .laws import first, prepared
from .proving import BusyWithDeals, go, ours, proving

KINDS = (FaultKind.LOST_AFTER, FaultKind.LOST_BEFORE, FaultKind.THROTTLED)


@pytest.mark.parametrize("target", [Mastered, Abreast])
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


class Twofold(Keyless, Mastered):
    """It takes our key twice."""


def test_what_is_found_out_on_the_first_master_keeps_the_others_from_carrying(tmp_path: Path) -> None:
    rows = {**FAMILIES, "firm": [{**each, "tax": None} for each in FAMILIES["firm"]]}
    move = prepared(tmp_path / "move", rows, Twofold, first)
    with move.world.in_process():
        assert move.trial() == {}
        sent = [change for call in move.world.calls(Operation.WRITE) if call.batch for change in call.batch.changes]
        assert not any(each.details for each in sent)
        assert len(move.world.ask("select 1 from record where object = 'account' and target_key is not null")) > 3


@pytest.mark.parametrize(("city", "number"), [("nowhere", 4), ("北京", 2)])
def test_the_first_that_is_taken_proves_and_so_does_its_first_detail(tmp_path: Path, city: str, number: int) -> None:
    """Where the very first is refused, and where nobody is left behind the first."""
    rows = {name: records[:number] for name, records in FAMILIES.items()}
    rows["firm"] = [{**rows["firm"][0], "city": city}, *rows["firm"][1:]]
    rows["person"] = [each for each in rows["person"] if each["firm"] == "f2"]
    move = prepared(tmp_path / "move", {**rows, "deal": []}, Mastered, first)
    with move.world.in_process():
        assert move.trial() == {}
        there = {key for (key,) in move.world.ask("select our_key from record where target_key is not null")}
    assert ("old:firm:f1" in there, {"old:firm:f2", "old:person:p2"} <= there) == (city != "nowhere", True)


class ShoutsInside(BusyWithDeals, Mastered):
    """It writes every deal's title its own way."""


def test_what_a_dead_process_would_have_found_on_the_first_detail_keeps_the_others_from_going(tmp_path: Path) -> None:
    """The masters go without them, their mapping waits for somebody's word."""
    rows = {**FAMILY, "firm": [*FAMILY["firm"], FAMILIES["firm"][2]]}
    with proving(tmp_path, ShoutsInside, rows) as world:

        def watch(effect: str) -> None:
            if effect == "answer" and world.ask("select 1 from proof where object = 'deal'"):
                world.mortality.dies_at = len(world.mortality.effects) + 1

        world.mortality.watch = watch
        with pytest.raises(ProcessDied):
            go(world)
        world.mortality.watch = lambda _effect: None
        world.mortality.born()
        report = go(world)
        assert (report.exit_code, report.verdict.code) == (1, "run.effects")
        assert any("--accept deal" in step for step in report.next_steps)
        assert (len(ours(world, "account")), len(ours(world, "deal"))) == (3, 1)
        assert go(world, accept=["deal"]).verdict.code == "run.diverged"
        assert len(ours(world, "deal")) == 3
