"""An owner who goes without a successor: the record goes back into its pool, and out of it again."""

from __future__ import annotations

from pathlib import Path

from changeover.connectors.fxiaoke.transport import NoAnswerError

from ..connectors.fxiaoke_tenant import at
from .fxiaoke_world import MAPPINGS, FxiaokeWorld

POOL = "64a000000000000000000001"
ACCOUNTS = dict.fromkeys(MAPPINGS, 0) | {"account": 2}


def owners(world: FxiaokeWorld) -> list[tuple[object, object, object]]:
    return [(row["owner"], row["high_seas_id"], row["tel"]) for row in world.simulator.rows("AccountObj")]


def test_a_record_that_loses_its_owner_goes_back_into_its_pool_and_comes_out_of_it(tmp_path: Path) -> None:
    world = FxiaokeWorld(tmp_path, ACCOUNTS, ordeals=[], pools={"AccountObj": "华东公海"}, back_reason="2")
    with world.in_process():
        world.run()
        first = owners(world)
        assert first[0][:2] == ('["1002"]', None)
        world.source.edit("account", "a000000", {"owner": None, "tel": "9"}, by="old")
        world.way.strike = at("/cgi/crm/v2/data/return", [NoAnswerError("ReadTimeout")])
        assert world.run().exit_code == 0, "the answer is lost, and asked for"
        assert owners(world) == [(None, POOL, "9"), first[1]]
        assert world.simulator.rows("AccountObj")[0]["back_reason"] == "2"
        assert world.run().verdict.params["updated"] == 0
        world.source.edit("account", "a000000", {"owner": "1003"}, by="old")
        assert world.run().exit_code == 0
        assert owners(world)[0] == ('["1003"]', None, "9"), "and it is in the pool no longer"
        assert world.undo(4).verdict.code == "undo.done"
        assert world.undo(2).verdict.code == "undo.done"
        assert owners(world) == first


def test_without_a_pool_it_is_rejected_and_said_why(tmp_path: Path) -> None:
    world = FxiaokeWorld(tmp_path, ACCOUNTS, ordeals=[])
    with world.in_process():
        world.run()
        world.source.edit("account", "a000001", {"owner": None}, by="old")
        told = world.run()
    assert [(each.text.code, each.count) for each in told.causes if each.count] == [("target.no_pool", 1)]
    assert (told.exit_code, owners(world)[1][0]) == (1, '["1002"]')
