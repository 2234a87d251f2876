"""Where a target does not compare before it writes, a record is looked at shortly before it is written, however many
are on their way and however long a run stands still."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from changeover.connectors.change import Batch, Outcome
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.port import KEY
from changeover.connectors.schema import Field, FieldType, ObjectSchema, Schema
from changeover.migrate.loading import look

from .filed import Contracts, Wire, schema

NAMES = [f"name {number}" for number in range(7)]


class Blind(MemoryConnector):
    """It writes whatever it is told. then: what happens once, after a write."""

    def __init__(self, described: Schema, **given: object) -> None:
        super().__init__(described, name="new", **given)  # type: ignore[arg-type]
        self.capabilities = replace(self.capabilities, compare_and_set=False)
        self.then: Callable[[], None] | None = None

    def write(self, batch: Batch) -> list[Outcome]:
        outcomes = super().write(Batch(batch.object, tuple(replace(each, expect=None) for each in batch.changes)))
        if (then := self.then) is not None:
            self.then = None
            then()
        return outcomes


class Blindly(Contracts):
    """A chunk has all of them, a call two."""

    def __init__(self, folder: Path, mapping: str, target: Schema) -> None:
        super().__init__(folder)
        (self.folder / "mappings" / "contract.yaml").write_text(
            f"mapping: contract\nfrom: contract\nto: deal\n{mapping}", "utf-8"
        )
        project = self.folder / "changeover.yaml"
        project.write_text(project.read_text("utf-8").replace("chunk: 3", "chunk: 100"), "utf-8")
        self.new = self.blind = Blind(target, clock=self.clock)
        self.target = Wire(self.new)

    def edit_last(self) -> None:
        self.new.edit("deal", str(len(NAMES)), {"name": "theirs"}, "li.na")

    def edit_last_long_after(self) -> None:
        self.clock.sleep(look.SECONDS + 1)
        self.edit_last()

    def names(self) -> list[object]:
        keys = [str(number + 1) for number in range(len(NAMES))]
        return self.new.find("deal", (KEY,), [(key,) for key in keys], ("name",)).frame["name"].tolist()


class Moved(Blindly):
    """Moved once, and every name is another in the source since."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "fields: {name: name}\ndrop: {papers: not asked for}\n", schema("deal"))
        for name in NAMES:
            self.contract(name)
        assert self.run().exit_code == 0
        for number in range(len(NAMES)):
            self.old.edit("contract", str(number + 1), {"name": f"new {number}"}, "somebody")


class There(Blindly):
    """In the target already, without a name."""

    def __init__(self, folder: Path) -> None:
        fields = "fields: {number: number, name: {from: name, write: only_if_empty}}\n"
        super().__init__(folder, f"match: [number]\n{fields}", numbered("deal"))
        self.old = MemoryConnector(numbered("contract"), clock=self.clock, name="old")
        self.source = Wire(self.old)
        for number in range(len(NAMES)):
            self.old.seed("contract", [{"number": str(number), "name": f"new {number}"}])
            self.new.seed("deal", [{"number": str(number), "name": None}])


def numbered(name: str) -> Schema:
    fields = (
        Field("id", FieldType.TEXT, writable=False),
        Field("number", FieldType.TEXT),
        Field("name", FieldType.TEXT),
    )
    return Schema({name: ObjectSchema(name, ("id",), fields)})


EXPECTED = [*(f"new {number}" for number in range(len(NAMES) - 1)), "theirs"]


def test_an_edit_while_others_are_written_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look, "SHARE", 3)
    world = Moved(tmp_path)
    world.blind.then = world.edit_last
    [counts] = world.run().counts
    assert world.names() == EXPECTED
    assert (counts.buckets["updated"], counts.buckets["conflicted"]) == (6, 1)


def test_an_edit_while_the_run_stood_still_stays(tmp_path: Path) -> None:
    world = Moved(tmp_path)
    world.blind.then = world.edit_last_long_after
    [counts] = world.run().counts
    assert world.names() == EXPECTED
    assert (counts.buckets["updated"], counts.buckets["conflicted"]) == (6, 1)


def test_what_is_filled_while_others_are_adopted_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look, "SHARE", 3)
    world = There(tmp_path)
    world.blind.then = world.edit_last
    [counts] = world.run().counts
    assert world.names() == EXPECTED
    assert (counts.adopted, counts.buckets["updated"], counts.buckets["unchanged"]) == (len(NAMES), 6, 1)
    world.undo(1)
    assert [name for name in world.names() if isinstance(name, str)] == ["theirs"]


def test_what_is_filled_while_a_run_that_adopts_stood_still_stays(tmp_path: Path) -> None:
    world = There(tmp_path)
    world.blind.then = world.edit_last_long_after
    [counts] = world.run().counts
    assert world.names() == EXPECTED
    assert (counts.adopted, counts.buckets["updated"], counts.buckets["unchanged"]) == (len(NAMES), 6, 1)


def test_an_edit_while_an_undo_deletes_others_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look, "SHARE", 3)
    world = Moved(tmp_path)
    world.blind.then = world.edit_last
    report = world.undo(1)
    assert (report.exit_code, report.extra["deleted"], report.extra["spared"]) == (1, len(NAMES) - 1, 1)
    assert world.names() == ["theirs"]
