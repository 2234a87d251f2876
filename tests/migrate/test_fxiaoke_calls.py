"""Calls to Fxiaoke, foretold by a plan as the run makes them, and by the forecast of an undo."""

from __future__ import annotations

from pathlib import Path

from changeover.connectors.fxiaoke.stages import PATH as STAGE
from changeover.connectors.fxiaoke.teams import ADD, DELETE
from changeover.connectors.secrets import Secrets
from changeover.migrate.undoing import take_back
from changeover.runs.report.model import Report

from .fxiaoke_world import MAPPINGS, FxiaokeWorld
from .test_fxiaoke_bulk import FUNCTION, ON

CREATE, UPDATE, OWNER = (f"/cgi/crm/v2/data/{each}" for each in ("create", "update", "changeOwner"))
BULK = "/cgi/crm/v2/special/function"
ACCOUNTS, DEALS = 30, 40
CHANGES = ({"tel": "1005;1003"}, {"tel": "1005", "name": "x"}, {"owner": "1003"}, {"tel": None})


def told(report: Report, which: str) -> dict[str, int]:
    return dict(report.extra["calls"][which])  # type: ignore[index, call-overload]


def moving(folder: Path, settings: dict[str, str], **options: object) -> FxiaokeWorld:
    """Every third account has a team of two, every third one of one; every deal has a stage."""
    numbers = dict.fromkeys(MAPPINGS, 0) | {"account": ACCOUNTS, "deal": DEALS}
    teams = {"AccountObj": {"team": {"permission": "write"}}}
    world = FxiaokeWorld(
        folder,
        numbers,
        {"stage_by_update": "refused", **settings},
        teams=teams,
        stages="interface",
        **options,
    )
    for name, here, there in (
        ("account", "tel: tel", "team: tel"),
        ("deal", "name: name", "name: name\n  sales_stage: {constant: '2'}"),
    ):
        file = world.folder / "mappings" / f"{name}.yaml"
        file.write_text(file.read_text("utf-8").replace(f"  {here}\n", f"  {there}\n"), "utf-8")
    for place in range(ACCOUNTS):
        team = ("1004;1003", "1003", None)[place % 3]
        world.source.edit("account", f"a{place:06}", {"tel": team}, by="old")
    return world


def moved(world: FxiaokeWorld) -> dict[str, int]:
    """What a run was to call, and did."""
    planned, report = world.plan(), world.run()
    assert report.exit_code == 0
    assert told(report, "made") == told(planned, "predicted") == told(report, "predicted")
    return told(planned, "predicted")


def undone(world: FxiaokeWorld, run: int) -> dict[str, int]:
    """The same of an undo, in its own minute."""
    foretold = take_back.undo(world.project, run, False, Secrets(), world.clock, lambda _tick: None, None)
    world.clock.sleep(60)
    report = world.undo(run)
    assert report.exit_code == 0
    assert told(report, "made") == told(foretold, "predicted") == told(report, "predicted")
    return told(foretold, "predicted")


def test_every_call_is_foretold_with_those_of_proofs_stages_teams_and_owners(tmp_path: Path) -> None:
    world = moving(tmp_path, {}, ordeals=["owner", "lock", "invalid"], ordeal_owner="1005")
    with world.in_process():
        calls = moved(world)
        assert (calls[STAGE], calls[ADD], calls[OWNER]) == (DEALS, 20, 4)
        for place, cells in enumerate(CHANGES):
            world.source.edit("account", f"a{place:06}", dict(cells), by="old")
        calls = moved(world)
        assert (calls[UPDATE], calls[OWNER], calls[ADD], calls[DELETE]) == (1, 1, 2, 3)
        calls = undone(world, 2)
        assert (calls[UPDATE], calls[OWNER], calls[ADD], calls[DELETE]) == (1, 1, 3, 2)
        assert CREATE not in calls
        undone(world, 1)


def test_where_many_rows_go_in_a_call_those_that_do_not_are_foretold(tmp_path: Path) -> None:
    """The function takes neither stages nor teams."""
    world = moving(tmp_path, ON, bulk=FUNCTION, bulk_rows=5, ordeals=[])
    with world.in_process():
        calls = moved(world)
        assert (calls[STAGE], calls[ADD], calls[BULK]) == (DEALS, 20, 1)
        for place in range(12):
            world.source.edit("account", f"a{place:06}", {"name": f"other {place}"}, by="old")
        assert moved(world)[BULK] == 1 + 3, "it is looked for, and takes five rows a call"
