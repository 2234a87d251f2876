"""What a plan foresees: people over their cap, and records that the target would take from their owners again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from changeover.connectors.cell import Cell
from changeover.connectors.change import Batch, Change, ChangeKind
from changeover.connectors.clock import VirtualClock
from changeover.connectors.errors import InputError
from changeover.connectors.forwarding import Forwarding
from changeover.connectors.holding import Holding, Recycling
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.memory_table import Record
from changeover.connectors.schema import Field, FieldType, ObjectSchema, Schema
from changeover.migrate.loading.foresight import Foresight
from changeover.runs.report.model import Report, Text

from ..connectors.fxiaoke_kit import START, connected
from .fxiaoke_world import MAPPINGS, FxiaokeWorld

ACCOUNTS = dict.fromkeys(MAPPINGS, 0) | {"account": 6}
DAY = dt.timedelta(days=1)


def world(folder: Path, **options: object) -> FxiaokeWorld:
    """Four customers of 1002, made 20 to 23 days ago, one of 1003, and one of nobody."""
    told = FxiaokeWorld(folder, ACCOUNTS, ordeals=[], pools={"AccountObj": "华东公海"}, **options)
    table = told.source._tables["account"]
    for number, (key, record) in enumerate(list(table.records.items())):
        owner = {4: "1003", 5: None}.get(number, "1002")
        cells = {**record.values, "owner": owner, "made": START - (20 + number) * DAY}
        table.put(key, Record(cells, record.our_key))
    return told


def rows(report: Report, title: str) -> list[tuple[object, ...]]:
    return [row for table in report.tables if table.title.code == title for row in table.rows]


def test_people_over_their_cap_are_listed_with_what_they_own_already(tmp_path: Path) -> None:
    capped = world(tmp_path, caps={"AccountObj": {"*": 3, "1002": 6}})
    with capped.in_process():
        assert rows(capped.plan(), "table.over_cap") == []
        theirs = [
            Change(ChangeKind.CREATE, f"x{one}", values={"name": f"客户{one}", "owner": "1003"}) for one in range(3)
        ]
        connected(capped.way, capped.clock, objects=["AccountObj"]).write(Batch("AccountObj", tuple(theirs)))
        report = capped.plan()
        assert rows(report, "table.over_cap") == [("AccountObj", "1003", 3, 1, 3)]
        assert [each.count for each in report.causes if each.text.code == "foreseen.over_cap"] == [1]
        assert report.extra["foreseen"]["over_cap"][0]["person"] == "1003"  # type: ignore[index, call-overload]
        assert report.exit_code == 0, "it is for people to judge"
        assert capped.run().exit_code == 0
        capped.source.edit("account", "a000004", {"owner": "1002"}, by="old")
        capped.source.edit("account", "a000005", {"owner": "1002"}, by="old")
        assert rows(capped.plan(), "table.over_cap") == [], "four are six"
        capped.source.edit("account", "a000005", {"tel": "1"}, by="old")
        assert rows(capped.plan(), "table.over_cap") == []


def test_records_that_would_be_taken_away_soon_are_listed(tmp_path: Path) -> None:
    rules = [{"days": 24, "since": ["last_modified_time", "create_time"], "pool": "华东公海"}]
    recycled = world(tmp_path, recycling={"AccountObj": rules}, recycling_ahead=2)
    with recycled.in_process():
        report = recycled.plan()
    told = [
        ((START + days * DAY).date().isoformat(), "AccountObj", f"old:account:a00000{4 - days}", owner, "华东公海")
        for days, owner in ((0, "1003"), (1, "1002"), (2, "1002"))
    ]
    assert rows(report, "table.recycled") == told, "the soonest first; what nobody owns is nobody's to lose"
    assert report.extra["foreseen"] == {"over_cap": [], "recycled": {"AccountObj": 3}}
    cause = next(each for each in report.causes if each.text.code == "foreseen.recycled")
    assert (cause.count, cause.text.params["days"]) == (3, 2)
    unknown = world(tmp_path / "unknown", recycling={"AccountObj": [{"days": 1, "since": "followed_time"}]})
    with unknown.in_process(), pytest.raises(InputError) as stopped:
        unknown.plan()
    assert (stopped.value.code, stopped.value.params["field"]) == ("fxiaoke.no_field", "followed_time")


class Keeping(Forwarding):
    """A system whose rules are told."""

    def __init__(self, holding: Holding) -> None:
        fields = (Field("id", FieldType.TEXT), Field("who", FieldType.TEXT), Field("pool", FieldType.TEXT))
        fields += (Field("seen", FieldType.DATE), Field("dealt", FieldType.INSTANT))
        super().__init__(
            MemoryConnector(Schema({"firm": ObjectSchema("firm", ("id",), fields)}), clock=VirtualClock(START))
        )
        self.capabilities = replace(self.capabilities, knows_holding=True)
        self._holding = holding

    def holding(self, object_name: str) -> Holding | None:
        return self._holding

    def owned(self, object_name: str, people: Sequence[str]) -> Mapping[str, int]:
        return dict.fromkeys(people, 1)


def test_each_rule_counts_from_its_own_moments() -> None:
    rules = (
        Recycling("seen", 10, ("dealt", "seen"), ("pool", "p1")),
        Recycling("new", 3, ("dealt",)),
    )
    target = Keeping(Holding("who", {"a": 2}, rules, ahead=5))
    foresight = Foresight(target, target.describe(), START)
    long_ago, today = (START - 30 * DAY).date(), START.date()

    def change(key: str, kind: ChangeKind = ChangeKind.CREATE, **cells: Cell) -> Change:
        return Change(kind, key, None if kind is ChangeKind.CREATE else "t", cells)

    changes = (
        change("seen", who="a", seen=long_ago, dealt=START),
        change("elsewhere", who="a", seen=long_ago, pool="p2"),
        change("here", who="b", seen=long_ago, pool="p1", dealt=None),
        change("nobody", seen=long_ago),
        change("update", ChangeKind.UPDATE, seen=long_ago),
        change("renamed", ChangeKind.UPDATE, id="x", who="a"),
        change("today", who="b", seen=today),
        change("gone", ChangeKind.DELETE, who="a", seen=long_ago),
    )
    for at in (slice(3), slice(3, None)):
        foresight.write(Batch("firm", changes[at]))
    report = foresight.told(Report("plan", Text("plan.ready"), True))
    assert [(row[2], row[4]) for row in rows(report, "table.recycled")] == [
        ("here", "seen"),
        ("update", "seen"),
        ("elsewhere", "new"),
        ("here", "new"),
        ("seen", "new"),
        ("today", "new"),
    ]
    assert rows(report, "table.over_cap") == [("firm", "a", 1, 3, 2)], "deletes give nobody anything"
    calm = Foresight(target, target.describe(), START)
    calm.write(Batch("firm", (change("nobody", seen=long_ago),)))
    for silent in (Foresight(MemoryConnector(Schema({})), Schema({}), START), calm):
        told = silent.told(report)
        assert (told.tables, told.causes) == (report.tables, report.causes)
