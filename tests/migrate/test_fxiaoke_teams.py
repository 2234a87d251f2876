"""Teams that move into Fxiaoke with their records."""

from __future__ import annotations

import json
from pathlib import Path

from .fxiaoke_world import MAPPINGS, FxiaokeWorld


def test_a_team_moves_follows_and_is_taken_back(tmp_path: Path) -> None:
    """In whatever order the old system has its members."""
    numbers = dict.fromkeys(MAPPINGS, 0) | {"account": 3}
    world = FxiaokeWorld(tmp_path, numbers, ordeals=[], teams={"AccountObj": {"team": {"permission": "write"}}})
    file = world.folder / "mappings" / "account.yaml"
    file.write_text(file.read_text("utf-8").replace("  tel: tel\n", "  team: tel\n"), "utf-8")
    for key, team in (("a000000", "1004;1003"), ("a000001", ""), ("a000002", "1003")):
        world.source.edit("account", key, {"tel": team}, by="old")

    def teams() -> list[list[str]]:
        told = [json.loads(str(row["relevant_team"])) for row in world.simulator.rows("AccountObj")]
        return [[one for each in team for one in each["teamMemberEmployee"]] for team in told]

    with world.in_process():
        assert (world.run().exit_code, teams()) == (0, [["1002", "1003", "1004"], ["1002"], ["1002", "1003"]])
        assert world.reconcile().verdict.code == "reconcile.equal"
        world.source.edit("account", "a000000", {"tel": "1005;1003"}, by="old")
        world.source.edit("account", "a000002", {"tel": "1003;1003"}, by="old")
        again = world.run()
        assert (again.exit_code, again.verdict.params["updated"]) == (0, 1)
        assert teams() == [["1002", "1003", "1005"], ["1002"], ["1002", "1003"]]
        assert world.reconcile().verdict.code == "reconcile.equal"
        assert world.undo(2).verdict.code == "undo.done"
        assert [sorted(each) for each in teams()] == [["1002", "1003", "1004"], ["1002"], ["1002", "1003"]]
        assert (world.undo(1).verdict.code, world.there()["account"]) == ("undo.done", 0)
