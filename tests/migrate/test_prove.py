"""The first record of each target object proves what the ledger's protocol stands on; and what the target does by
itself waits for somebody's word."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from changeover.connectors.change import ChangeKind
from changeover.connectors.errors import InputError
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.schema import Schema
from changeover.connectors.secrets import Secrets
from changeover.connectors.testing.hostile import ProcessDied
from changeover.migrate.run import Order, plan
from changeover.migrate.undoing.take_back import undo

from .firms import LEVELS, ONE, Keyless, Tried
from .proving import Busy, BusyWithDeals, Forgets, Hides, Keeps, fact, go, graded, made, ours, proving, reports


def test_the_first_record_goes_alone_and_its_key_once_more(tmp_path: Path) -> None:
    with proving(tmp_path, MemoryConnector) as world:
        report = go(world)
        first = "old:firm:f1"
        assert made(world, "account")[:2] == [("create", first, "acked"), ("create", first, "exists")]
        assert [key for kind, key, _ in made(world, "account")[2:] if kind == "create" and key == first] == []
        assert graded(report) == {name: ("proven", []) for name in ("account", "contact", "deal")}
        assert fact(report, "fact.degraded") is None


def test_a_proof_is_made_once_for_a_ledger(tmp_path: Path) -> None:
    with proving(tmp_path, MemoryConnector) as world:
        go(world)
        before = len(made(world, "deal"))
        world.source.seed("deal", [{"id": "d9", "title": "later", "amount": "1.00", "number": "N8"}])
        go(world)
        assert made(world, "deal")[before:] == [("create", "old:deal:d9", "acked")]


def test_a_plan_and_an_undo_prove_nothing(tmp_path: Path) -> None:
    with proving(tmp_path, Tried) as world:
        plan(world.project, Order(), Secrets(), world.clock, lambda _tick: None)
        assert world.record.arrived == []
        go(world)
        before = len(world.ask("select 1 from operation where kind = 'prove'"))
        undo(world.project, 1, True, Secrets(), world._target_line.clock, lambda _tick: None)
        assert len(world.ask("select 1 from operation where kind = 'prove'")) == before


def test_where_the_first_record_is_refused_the_next_one_proves(tmp_path: Path) -> None:
    rows = {**LEVELS, "deal": [{**LEVELS["deal"][3], "id": "d0"}, LEVELS["deal"][0]]}
    with proving(tmp_path, MemoryConnector, rows) as world:
        report = go(world)
        first, second = "old:deal:d0", "old:deal:d1"
        assert made(world, "deal") == [
            ("create", first, "rejected"), ("create", second, "acked"), ("create", second, "exists"),
        ]  # fmt: skip
        assert graded(report)["deal"] == ("proven", [])


def test_a_second_record_of_our_own_making_is_taken_away_and_told(tmp_path: Path) -> None:
    with proving(tmp_path, Keyless) as world:
        report = go(world)
        assert made(world, "contact") == [
            ("create", "old:person:p1", "acked"),
            ("create", "old:person:p1", "acked"),
            ("delete", "old:person:p1", "acked"),
        ]
        (known,) = world.ask("select target_key from record where our_key = 'old:person:p1'")
        assert list(world.target._tables["contact"].records) == [known[0]]
        assert graded(report)["contact"] == ("degraded", ["degraded.twice"])
        for each in (report, *reports(world)):
            assert fact(each, "fact.degraded") == {"objects": "contact", "count": 1}, each.verb


def test_a_refusal_for_another_reason_proves_nothing_of_our_key(tmp_path: Path) -> None:
    """The target takes our key twice, but this record's tax number only once."""
    with proving(tmp_path, Keyless) as world:
        assert graded(go(world))["account"] == ("unproven", [])


class Undeletable(Keyless):
    def __init__(self, schema: Schema, **given: Any) -> None:
        super().__init__(schema, **given)
        self.capabilities = replace(self.capabilities, deletes=False)


def test_a_second_record_that_cannot_be_deleted_is_listed(tmp_path: Path) -> None:
    with proving(tmp_path, Undeletable) as world:
        report = go(world)
        (known,) = world.ask("select target_key from record where our_key = 'old:person:p1'")
        [double] = set(world.target._tables["contact"].records) - {known[0]}
        [told] = [each for each in report.causes if each.text.code == "proof.double_left"]
        assert (told.text.params["object"], told.text.params["keys"], told.keys) == ("contact", double, ("p1",))
        assert not any(change.kind is ChangeKind.DELETE for change, _ in world.record.arrived)


# What the target does by itself


def test_what_the_target_does_by_itself_stops_its_object_until_it_is_accepted(tmp_path: Path) -> None:
    with proving(tmp_path, Busy) as world:
        report = go(world)
        assert (report.exit_code, report.verdict.code) == (1, "run.effects")
        assert [key for _, key, outcome in made(world, "account") if outcome == "acked"] == ["old:firm:f1"]
        assert made(world, "contact") == made(world, "deal") == []
        assert report.next_steps[0].startswith("changeover run --execute --accept account --project ")
        told = {each.text.code: each.text.params for each in report.causes}
        assert told["proof.field"]["field"] == "city"
        assert (told["proof.records"]["object"], told["proof.records"]["count"]) == ("deal", 1)
        again = go(world)
        assert (again.exit_code, len(made(world, "account"))) == (1, 2)
        assert [each.read for each in again.counts if each.mapping == "account"] == [0], "it is not even read"
        assert go(world, accept=["account"]).verdict.code != "run.effects"
        assert len(ours(world, "account")) == 4
        world.source.seed("firm", [{"id": "f7", "name": "later", "city": "长沙"}])
        assert go(world).verdict.code != "run.effects"
        assert "old:firm:f7" in ours(world, "account")


def test_what_does_not_depend_on_it_goes_on(tmp_path: Path) -> None:
    with proving(tmp_path, BusyWithDeals) as world:
        report = go(world)
        assert report.verdict.code == "run.effects"
        assert len(ours(world, "account")) == 4
        assert list(ours(world, "contact")) == ["old:person:p1"]
        assert list(ours(world, "deal")) == ["old:deal:d1"]


def test_nothing_is_accepted_that_was_not_found(tmp_path: Path) -> None:
    with proving(tmp_path, MemoryConnector) as world:
        with pytest.raises(InputError, match=r"proof\.nothing_found"):
            go(world, accept=["account"])
        with pytest.raises(InputError, match=r"proof\.accept_executes"):
            plan(world.project, Order(accept=["account"]), Secrets(), world.clock, lambda _tick: None)


# Ordeals


def test_a_record_is_put_through_every_ordeal_and_is_as_it_was(tmp_path: Path) -> None:
    with proving(tmp_path, Tried, ONE) as world:
        assert graded(go(world))["account"] == ("proven", [])
        [record] = [each for each in world.target._tables["account"].records.values() if each.our_key]
        assert (record.values["city"], record.locked, record.binned) == ("北京", False, False)
        steps = [row[0] for row in world.ask("select bucket from operation where kind = 'prove' order by batch")]
        assert steps == [
            "twice", "owner", "owner_back", "lock", "lock_back", "soft_delete", "twice", "soft_delete_back",
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "reason"),
    [(Hides, "degraded.owner"), (Forgets, "degraded.twice_after_delete")],
)
def test_an_ordeal_that_loses_our_key_degrades_the_object(tmp_path: Path, kind: type[Tried], reason: str) -> None:
    with proving(tmp_path, kind, ONE) as world:
        report = go(world)
        assert graded(report)["account"] == ("degraded", [reason])
        assert fact(report, "fact.degraded") == {"objects": "account", "count": 1}
        [record] = [each for each in world.target._tables["account"].records.values() if each.our_key]
        assert (record.values["city"], record.values["tax_no"], record.binned) == ("北京", "T1", False)


def test_what_cannot_be_taken_back_is_told(tmp_path: Path) -> None:
    with proving(tmp_path, Keeps, ONE) as world:
        [told] = [each for each in go(world).causes if each.text.code == "proof.not_taken_back"]
        assert told.text.params["ordeal"] == "@ordeal.lock"


@pytest.mark.parametrize("verb", ["run", "undo"])
def test_a_process_that_dies_in_an_ordeal_leaves_enough_to_take_it_back(tmp_path: Path, verb: str) -> None:
    """Whatever is typed next; the cells lie sealed, the ledger knows none of them."""
    with proving(tmp_path, Tried, ONE) as world:

        def owner_is_gone() -> bool:
            records = world.target._tables["account"].records.values()
            return any(each.values["city"] is None for each in records if each.our_key)

        for number in range(20, 60):
            world.begin()
            world.mortality.born(number)
            with pytest.raises(ProcessDied):
                go(world)
            if owner_is_gone():
                break
        assert owner_is_gone()
        world.mortality.born()
        if verb == "run":
            assert graded(go(world))["account"] == ("proven", [])
            assert ours(world, "account")["old:firm:f1"]["city"] == "北京"
        else:
            undone = undo(world.project, 1, True, Secrets(), world._target_line.clock, lambda _tick: None)
            assert (undone.exit_code, undone.extra["deleted"]) == (0, 1)
        assert world.ask("select 1 from operation where state in ('intent', 'unknown')") == []
        assert not any(
            "北京" in str(row) for row in world.ask("select told from proof union all select told from event")
        )
