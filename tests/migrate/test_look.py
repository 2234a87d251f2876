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
from changeover.migrate.loading import look

from .filed import Contracts, Wire, schema

NAMES = [f"name {number}" for number in range(7)]


class Blind(MemoryConnector):
    """It writes whatever it is told. then: what happens once, after a write."""

    def __init__(self, **given: object) -> None:
        super().__init__(schema("deal"), name="new", **given)  # type: ignore[arg-type]
        self.capabilities = replace(self.capabilities, compare_and_set=False)
        self.then: Callable[[], None] | None = None

    def write(self, batch: Batch) -> list[Outcome]:
        outcomes = super().write(Batch(batch.object, tuple(replace(each, expect=None) for each in batch.changes)))
        if (then := self.then) is not None:
            self.then = None
            then()
        return outcomes


class Moved(Contracts):
    """Moved once, and every name is another in the source since. A chunk has all of them, a call two."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (self.folder / "mappings" / "contract.yaml").write_text(
            "mapping: contract\nfrom: contract\nto: deal\nfields: {name: name}\ndrop: {papers: not asked for}\n",
            "utf-8",
        )
        project = self.folder / "changeover.yaml"
        project.write_text(project.read_text("utf-8").replace("chunk: 3", "chunk: 100"), "utf-8")
        self.new = self.blind = Blind(clock=self.clock)
        self.target = Wire(self.new)
        for name in NAMES:
            self.contract(name)
        assert self.run().exit_code == 0
        for number in range(len(NAMES)):
            self.old.edit("contract", str(number + 1), {"name": f"new {number}"}, "somebody")

    def edit_last(self) -> None:
        self.new.edit("deal", str(len(NAMES)), {"name": "theirs"}, "li.na")

    def names(self) -> list[object]:
        keys = [str(number + 1) for number in range(len(NAMES))]
        return self.new.find("deal", (KEY,), [(key,) for key in keys], ("name",)).frame["name"].tolist()


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

    def long_after() -> None:
        world.clock.sleep(look.SECONDS + 1)
        world.edit_last()

    world.blind.then = long_after
    [counts] = world.run().counts
    assert world.names() == EXPECTED
    assert (counts.buckets["updated"], counts.buckets["conflicted"]) == (6, 1)


def test_an_edit_while_an_undo_deletes_others_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look, "SHARE", 3)
    world = Moved(tmp_path)
    world.blind.then = world.edit_last
    report = world.undo(1)
    assert (report.exit_code, report.extra["deleted"], report.extra["spared"]) == (1, len(NAMES) - 1, 1)
    assert world.names() == ["theirs"]
