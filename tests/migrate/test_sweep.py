"""DEGRADED mode: where our key cannot be asked for, digests tell what became of a create, and doubles are listed."""

from __future__ import annotations

from pathlib import Path

import pytest
from changeover.connectors.testing.hostile import Fault, FaultKind
from changeover.migrate.settling import sweep as sweeping

from .firms import ONE, PAIR, PLAIN, Keyless, NoRoom
from .proving import RoomlessShouts, fact, go, graded, made, ours, proving, reports

TWO = {**PLAIN, "deal": [{"id": "d1", "title": "first"}, {"id": "d2", "title": "second"}]}
"""Without a number, which is unique: so a record may be there twice."""


def test_every_report_says_that_a_call_delivered_twice_cannot_be_excluded(tmp_path: Path) -> None:
    with proving(tmp_path, NoRoom) as world:
        report = go(world)
        assert report.exit_code == 1
        for each in (report, *reports(world)):
            assert fact(each, "fact.degraded") == {"objects": "account, contact, deal", "count": 3}, each.verb
            assert graded(each)["deal"] == ("degraded", ["degraded.no_room"])


def test_the_same_key_is_not_sent_twice_where_that_would_double_it(tmp_path: Path) -> None:
    with proving(tmp_path, NoRoom, TWO) as world:
        go(world)
        assert made(world, "deal") == [("create", "old:deal:d1", "acked"), ("create", "old:deal:d2", "acked")]


@pytest.mark.parametrize("fault", [FaultKind.LOST_AFTER, FaultKind.LOST_BEFORE, FaultKind.LATE])
def test_a_lost_answer_is_found_by_what_was_written(tmp_path: Path, fault: FaultKind) -> None:
    with proving(tmp_path, NoRoom, TWO) as world:
        world.faults(Fault(7, fault))
        go(world)
        assert len(made(world, "deal")) == 2
        assert sorted(str(row["title"]) for row in ours(world, "deal").values()) == ["first", "second"]
        assert len(world.target._tables["deal"].records) == 3


def test_where_several_may_be_it_nothing_is_guessed(tmp_path: Path) -> None:
    with proving(tmp_path, NoRoom, TWO) as world:
        firm = {"account_id": None, "amount": None, "number": None}
        keys = world.target.seed("deal", [{"title": "second", **firm}, {"title": "second", **firm}])
        world.faults(Fault(7, FaultKind.LOST_BEFORE))
        report = go(world)
        assert report.exit_code == 1
        [told] = [each for each in report.causes if each.text.code == "degraded.candidates"]
        assert (told.text.params["keys"], told.keys) == (", ".join(keys), ("d2",))
        [(state, code)] = world.ask("select state, code from record where our_key = 'old:deal:d2'")
        assert (state, code) == ("conflicted", "degraded.several")
        before = len(made(world, "deal"))
        counts = {each.mapping: each.buckets["conflicted"] for each in go(world).counts}
        assert (len(made(world, "deal")), counts["deal"]) == (before, 1), "a plain run leaves it to somebody"
        for key in keys:
            world.target.remove("deal", key)
        go(world, rejected=True)
        assert ours(world, "deal").keys() == {"old:deal:d1", "old:deal:d2"}


def test_what_can_be_compared_by_nothing_is_not_taken_for_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "changed_by_target", lambda *_: {"title", "account_id", "amount", "number"})
    with proving(tmp_path, NoRoom, TWO) as world:
        world.faults(Fault(7, FaultKind.LOST_AFTER))
        go(world)
        assert world.ask("select state, code from record where our_key = 'old:deal:d2'") == [
            ("conflicted", "degraded.uncompared")
        ]
        go(world)
        assert len(world.target._tables["deal"].records) == 3


def test_what_the_target_changes_by_itself_is_not_compared(tmp_path: Path) -> None:
    with proving(tmp_path, RoomlessShouts, TWO) as world:
        go(world)
        world.faults(Fault(1, FaultKind.LOST_AFTER))
        go(world, accept=["deal"])
        assert len(made(world, "deal")) == 2
        assert ours(world, "deal").keys() == {"old:deal:d1", "old:deal:d2"}


def test_doubles_are_listed_at_the_end_of_a_run_that_had_doubts_and_never_deleted(tmp_path: Path) -> None:
    with proving(tmp_path, NoRoom, TWO) as world:
        world.faults(Fault(6, FaultKind.TWICE), Fault(7, FaultKind.LOST_BEFORE))
        report = go(world)
        assert (report.verdict.code, report.exit_code) == ("run.doubled", 1)
        known = {key for (key,) in world.ask("select target_key from record where object = 'deal'")}
        held = world.target._tables["deal"].records
        [double] = [key for key, row in held.items() if row.values["title"] == "first" and key not in known]
        [told] = [each for each in report.causes if each.text.code == "degraded.duplicate"]
        assert (told.text.params["object"], told.text.params["key"]) == ("deal", double)


def test_our_key_on_two_records_is_seen_when_it_is_read_back(tmp_path: Path) -> None:
    with proving(tmp_path, Keyless, PAIR) as world:
        world.faults(Fault(7, FaultKind.TWICE))
        report = go(world)
        assert made(world, "contact")[-2:] == [("create", "old:person:p5", "acked")] * 2
        assert (report.verdict.code, report.exit_code) == ("run.doubled", 1)
        [told] = [each for each in report.causes if each.text.code == "degraded.doubled"]
        holders = [
            key for key, row in world.target._tables["contact"].records.items() if row.our_key == "old:person:p5"
        ]
        assert (told.text.params["keys"], told.keys) == (", ".join(sorted(holders)), ("p5",))


def test_adopting_without_room_for_our_key_writes_nothing_but_the_crosswalk(tmp_path: Path) -> None:
    same = {"id": "f6", "name": "旧客户", "parent": None, "chief": None, "tax": "T6", "city": "重庆"}
    rows = {**ONE, "firm": [*ONE["firm"], same]}
    with proving(tmp_path, NoRoom, rows) as world:
        report = go(world)
        assert [each.adopted for each in report.counts if each.mapping == "account"] == [1]
        assert made(world, "account") == [("create", "old:firm:f1", "acked")]
        assert ours(world, "account")["old:firm:f6"]["name"] == "旧客户"
