"""A record at which the target breaks off does not keep a run from going on."""

from __future__ import annotations

from pathlib import Path

import pytest
from changeover.connectors.change import Batch, Outcome, OutcomeState
from changeover.runs.report.model import Report

from .moving import World


def counted(report: Report, mapping: str) -> dict[str, int]:
    [told] = [each for each in report.counts if each.mapping == mapping]
    return {bucket: number for bucket, number in told.buckets.items() if number}


def test_it_is_held_and_named_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call with it comes to nothing; the others of its batch and what comes after it move."""
    world = World(tmp_path / "move")
    write = world.target.write

    def breaks_off(batch: Batch) -> list[Outcome]:
        if any(each.our_key == "old:deal:d2" for each in batch.changes):
            return [Outcome(each.our_key, OutcomeState.UNKNOWN, code="target.no_answer") for each in batch.changes]
        return write(batch)

    with world.in_process():
        with monkeypatch.context() as patch:
            patch.setattr(world.target, "write", breaks_off)
            report = world.run()
        assert (report.exit_code, counted(report, "deal")) == (1, {"created": 1, "held": 1, "rejected": 2})
        assert [each.keys for each in report.causes if each.text.code == "target.undone"] == [("d2",)]
        assert counted(world.run(), "deal") == {"created": 1, "unchanged": 1, "rejected": 2}
