"""What a process wrote and did not look at any more, before the mapping was changed: what the target made of it is not
taken for somebody's edit, and an edit is."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
from changeover.connectors.cell import Cell
from changeover.connectors.change import ChangeKind
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.port import AuditFields
from changeover.connectors.schema import Field, FieldType, ObjectSchema, Schema
from changeover.connectors.testing.hostile import ProcessDied
from changeover.migrate.settling import readback
from changeover.runs.ledger import operations
from changeover.runs.report.model import Report

from .filed import Contracts, Wire

US = "migration"
OTHERWISE = "name: {from: name, transform: {template: {parts: ['x {1}']}}}"


def shouts(_object: str, _kind: ChangeKind, _key: str, values: Mapping[str, Cell]) -> dict[str, Cell]:
    """The target writes names large, but for the first record's, which proves what it does by itself."""
    return {} if values["name"] == "first" else {"name": str(values["name"]).upper()}


class Unseen(Contracts):
    """told: the target tells who changed a record last."""

    def __init__(self, folder: Path, *, told: bool) -> None:
        super().__init__(folder)
        fields = [
            Field(name, FieldType.TEXT, writable=name in ("name", "note")) for name in ("id", "name", "note", "by")
        ]
        deal = Schema({"deal": ObjectSchema("deal", ("id",), tuple(fields))})
        audit = {"deal": AuditFields(modified_by="by")} if told else None
        self.new = MemoryConnector(deal, clock=self.clock, name="new", audit=audit, acting_user=US, automation=shouts)
        self.target = Wire(self.new)
        self.say("name: name\n  note: {constant: once}")
        self.contract("first")

    def say(self, fields: str) -> None:
        text = f"mapping: contract\nfrom: contract\nto: deal\nfields:\n  {fields}\ndrop: {{papers: not asked for}}\n"
        (self.folder / "mappings" / "contract.yaml").write_text(text, "utf-8")

    def dies_unseen(self, monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
        """Once two records more, or these, are settled, and nothing of them is read back."""
        assert self.run().exit_code == 0
        for name in names or ("one", "two"):
            self.contract(name)

        with monkeypatch.context() as patch:
            patch.setattr(operations, "verify", dies)
            self.dies()

    def names(self) -> list[object]:
        return [self.new.record("deal", key)["name"] for key in ("2", "3")]


def causes(report: Report) -> dict[str, int]:
    return {each.text.code: each.count for each in report.causes}


def test_what_the_target_made_of_it_is_no_edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = Unseen(tmp_path, told=True)
    world.dies_unseen(monkeypatch)
    world.new.edit("deal", "3", {"name": "theirs"}, "li.na")
    world.say(OTHERWISE + "\n  note: {constant: once}")
    report = world.run()
    assert world.names() == ["X ONE", "theirs"]
    assert causes(report) == {"conflict.edited": 1, "readback.diverged": 3}
    assert (report.counts[0].buckets["updated"], report.counts[0].buckets["conflicted"]) == (2, 1)


def test_where_nobody_tells_who_it_was_it_may_have_been_somebody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = Unseen(tmp_path, told=False)
    world.dies_unseen(monkeypatch)
    world.say(OTHERWISE + "\n  note: {constant: once}")
    assert causes(world.run())["conflict.edited"] == 2


def test_a_field_that_is_mapped_no_longer_is_not_told_to_be_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = Unseen(tmp_path, told=True)
    world.dies_unseen(monkeypatch)
    world.say("note: {constant: again}")
    report = world.run()
    assert (report.exit_code, causes(report), report.counts[0].buckets["updated"]) == (0, {}, 3)
    assert world.names() == ["ONE", "TWO"]


def test_what_the_target_had_made_of_a_field_that_was_not_written_is_no_edit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = Unseen(tmp_path, told=False)
    for name in ("one", "two"):
        world.contract(name)
    world.run()
    world.say("name: name\n  note: {constant: again}")
    with monkeypatch.context() as patch:
        patch.setattr(operations, "verify", dies)
        world.dies()
    world.run()
    world.new.edit("deal", "3", {"name": "theirs"}, "li.na")
    for number in (1, 2, 3):
        world.old.edit("contract", str(number), {"name": f"other {number}"}, "somebody")
    assert causes(world.run())["conflict.edited"] == 1
    assert world.names() == ["OTHER 2", "theirs"]


def dies(*_given: object) -> None:
    raise ProcessDied


def test_what_is_looked_at_in_several_pages_is_kept_as_it_was_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of the records are of one batch, and none is as it was sent."""
    world = Unseen(tmp_path, told=True)
    project = world.folder / "changeover.yaml"
    project.write_text(project.read_text("utf-8").replace("chunk: 3", "chunk: 9"), "utf-8")
    world.dies_unseen(monkeypatch, "one", "two", "three")
    monkeypatch.setattr(readback, "PAGE", 1)
    assert causes(world.run()) == {"readback.diverged": 3}
    with closing(sqlite3.connect(world.folder / "runs" / "mock" / "ledger.db")) as ledger:
        asked = "select state, count(*) from operation where kind <> 'prove' group by 1 order by 1"
        assert ledger.execute(asked).fetchall() == [("diverged", 3), ("verified", 1)]
