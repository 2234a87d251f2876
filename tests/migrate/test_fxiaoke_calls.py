"""Calls of stages, teams, owners and adoptions in Fxiaoke, foretold by the plan as the run makes them."""

from __future__ import annotations

from pathlib import Path

from changeover.connectors.fxiaoke.stages import PATH as STAGE
from changeover.connectors.fxiaoke.teams import ADD, DELETE
from changeover.runs.report.model import Report

from .fxiaoke_world import MAPPINGS, FxiaokeWorld
from .test_fxiaoke_bulk import FUNCTION, ON

CREATE, UPDATE, OWNER = (f"/cgi/crm/v2/data/{each}" for each in ("create", "update", "changeOwner"))
GET, BULK = "/cgi/crm/v2/data/get", "/cgi/crm/v2/special/function"
ACCOUNTS, DEALS = 30, 40


def told(report: Report, which: str, *paths: str) -> dict[str, int]:
    calls = report.extra["calls"][which]  # type: ignore[index, call-overload]
    return {path: calls.get(path, 0) for path in paths}


def moving(folder: Path, settings: dict[str, str], **options: object) -> FxiaokeWorld:
    """Every third account has a team of two, every third one of one; every deal has a stage."""
    numbers = dict.fromkeys(MAPPINGS, 0) | {"account": ACCOUNTS, "deal": DEALS}
    teams = {"AccountObj": {"team": {"permission": "write"}}}
    world = FxiaokeWorld(
        folder,
        numbers,
        {"stage_by_update": "refused", **settings},
        ordeals=[],
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


def test_what_a_record_takes_besides_its_own_call_is_foretold(tmp_path: Path) -> None:
    world = moving(tmp_path, {})
    paths = (CREATE, UPDATE, OWNER, STAGE, ADD, DELETE, GET)
    with world.in_process():
        planned, report = world.plan(), world.run()
        assert report.exit_code == 0
        assert told(report, "made", *paths) == told(planned, "predicted", *paths)
        assert told(planned, "predicted", STAGE, ADD) == {STAGE: DEALS, ADD: 20}
        for place, cells in enumerate(
            ({"tel": "1005;1003"}, {"tel": "1005", "name": "x"}, {"owner": "1003"}, {"tel": None})
        ):
            world.source.edit("account", f"a{place:06}", cells, by="old")
        planned, report = world.plan(), world.run()
    assert (report.exit_code, report.verdict.params["updated"]) == (0, 4)
    assert told(report, "made", *paths) == told(planned, "predicted", *paths)


def test_where_many_rows_go_in_a_call_those_that_do_not_are_foretold(tmp_path: Path) -> None:
    """The function takes neither stages nor teams."""
    world = moving(tmp_path, ON, bulk=FUNCTION, bulk_rows=5)
    with world.in_process():
        planned, report = world.plan(), world.run()
    assert report.exit_code == 0
    foreseen, made = told(planned, "predicted", STAGE, ADD), told(report, "made", STAGE, ADD)
    assert foreseen == made == {STAGE: DEALS, ADD: 20}
    proofs = 2
    [created] = told(report, "made", CREATE).values()
    assert told(planned, "predicted", CREATE, BULK) == {CREATE: created - proofs, BULK: 2 * proofs}
