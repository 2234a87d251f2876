"""Files go with their records: bodies whole, counted before they go, told where they stay behind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from changeover.connectors.held_file import HeldFile
from changeover.connectors.memory import MemoryConnector
from changeover.migrate.sources.several import Sources
from changeover.runs.report.model import Report

from .filed import Contracts, schema

LARGE = bytes(range(256)) * 9_000


def codes(report: Report) -> dict[str, int]:
    return {cause.text.code: cause.count for cause in report.causes if cause.text.code.startswith("file.")}


def files(report: Report) -> dict[str, object]:
    [told] = report.extra["files"]  # type: ignore[misc]
    assert isinstance(told, dict)
    return {key: told[key] for key in ("moved", "bytes", "left")}


def test_bodies_arrive_with_their_records_and_once(tmp_path: Path) -> None:
    world = Contracts(tmp_path, checksum="sha256")
    world.contract("one", a=b"1", b=LARGE)
    world.contract("none")
    world.contract("empty", e=b"")
    world.contract("two", a=b"2")
    moved = {"moved": 4, "bytes": len(LARGE) + 2, "left": {}}
    planned = world.plan()
    assert (planned.exit_code, files(planned), world.source.fetched, world.target.uploaded) == (0, moved, [], [])
    first = world.run()
    assert (first.exit_code, files(first)) == (0, moved)
    assert world.there() == {
        "one": {"a.pdf": b"1", "b.pdf": LARGE},
        "none": {},
        "empty": {"e.pdf": b""},
        "two": {"a.pdf": b"2"},
    }
    assert (len(world.source.fetched), len(world.target.uploaded), world.kept) == (4, 4, [])
    again = world.run()
    assert (again.exit_code, again.counts[0].buckets["unchanged"], again.extra["files"]) == (0, 4, [])
    assert (len(world.target.uploaded), world.reconcile().exit_code) == (4, 0)


def test_an_update_gives_what_is_new_and_undo_what_was(tmp_path: Path) -> None:
    world = Contracts(tmp_path)
    a, _ = world.contract("one", a=b"1", b=b"2")
    world.contract("other", o=b"o")
    world.run()
    c = world.old.hold("c.pdf", b"3")
    world.change("1", a, c)
    second = world.run()
    assert (second.exit_code, files(second)["moved"]) == (0, 2)
    assert world.there() == {"one": {"a.pdf": b"1", "c.pdf": b"3"}, "other": {"o.pdf": b"o"}}
    assert world.undo(second.extra["run"]).exit_code == 0
    assert world.there()["one"] == {"a.pdf": b"1", "b.pdf": b"2"}


def test_somebodys_file_is_not_written_over(tmp_path: Path) -> None:
    world = Contracts(tmp_path)
    (a,) = world.contract("one", a=b"1")
    world.run()
    theirs = world.new.hold("theirs.pdf", b"x")
    world.new.edit("deal", "1", {"papers": f'[{{"id":"{theirs.id}","name":"theirs.pdf","size":1}}]'}, "li.na")
    world.change("1", a, world.old.hold("b.pdf", b"2"))
    report = world.run()
    assert (report.exit_code, report.counts[0].buckets["conflicted"]) == (1, 1)
    assert world.there() == {"one": {"theirs.pdf": b"x"}}


@pytest.mark.parametrize("reject", [False, True])
def test_what_cannot_go_stays_behind_and_is_told(tmp_path: Path, reject: bool) -> None:
    world = Contracts(tmp_path, ", lost_file: reject" if reject else "", largest=1_000)
    world.contract("large", a=b"1", big=LARGE)
    gone, _ = world.contract("gone", g=b"1", h=b"22")
    world.contract("well", w=b"1")
    body = world.old.files.pop(gone.id)
    bad = world.contract("bad", x=b"1")[0]
    world.change("4", HeldFile(bad.id, bad.name, 2), world.old.hold("y.pdf", b"y"))
    planned = world.plan()
    assert codes(planned) == {"file.too_large": 1}  # of the others nobody knows yet
    assert planned.verdict.code == ("plan.ready_with_left" if reject else "plan.files_stay")
    report = world.run()
    left = {"file.too_large": 1, "file.gone": 1, "file.differs": 1}
    assert (codes(report), files(report)["left"]) == (left, left)
    without = {"large": {"a.pdf": b"1"}, "gone": {"h.pdf": b"22"}, "bad": {"y.pdf": b"y"}, "well": {"w.pdf": b"1"}}
    assert world.there() == ({"well": {"w.pdf": b"1"}} if reject else without)
    told = (report.exit_code, report.verdict.code, report.counts[0].buckets["rejected"])
    assert told == ((1, "run.left_behind", 3) if reject else (0, "run.files_stayed", 0))
    compared = world.reconcile()
    assert (compared.exit_code, codes(compared)) == (0, left)
    fetched = len(world.source.fetched)
    assert (codes(world.plan()), len(world.source.fetched)) == (left, fetched)
    again = world.run()
    assert (codes(again), again.counts[0].buckets["updated"]) == (left, 0)
    world.old.files[gone.id] = body
    later = world.run()
    assert codes(later) == {"file.too_large": 1, "file.differs": 1}
    assert world.there()["gone"] == {"g.pdf": b"1", "h.pdf": b"22"}
    assert world.reconcile().exit_code == 0


def test_reconcile_reads_bodies_where_it_is_asked_to(tmp_path: Path) -> None:
    world = Contracts(tmp_path)
    world.contract("one", a=LARGE, b=b"b")
    world.contract("two", a=b"1")
    world.contract("three", a=b"1", b=b"b")
    world.run()
    fetched = len(world.source.fetched)
    assert (world.reconcile().extra["bodies"], len(world.source.fetched)) == (0, fetched)
    well = world.reconcile(files=True)
    assert (well.exit_code, well.extra["bodies"], well.extra["differences"]) == (0, 5, 0)
    other = next(key for key, kept in world.new.files.items() if kept.body == LARGE)
    world.new.files[other] = replace(world.new.files[other], body=LARGE[:-1] + b"x")
    gone = next(key for key, kept in world.new.files.items() if kept.body == b"b" and key != "upload-2")
    del world.new.files[gone]
    assert world.reconcile().exit_code == 0, "names and sizes are as they were"
    wrong = world.reconcile(files=True)
    assert (wrong.exit_code, wrong.extra["differences_by"]["wrong"], wrong.extra["bodies"]) == (1, 2, 5)  # type: ignore[index]
    told = {
        str(row[2]): row[4]
        for table in wrong.tables
        if table.title.code == "table.differing_records"
        for row in table.rows
    }
    assert told == {"1": "papers", "3": "papers"}


def test_each_of_several_sources_gives_its_own_bodies() -> None:
    one, other = (MemoryConnector(schema("contract"), name=name) for name in ("one", "other"))
    sources = Sources({"one": one, "other": other})
    files = [system.hold("a.pdf", body) for system, body in ((one, b"1"), (other, b"2"))]
    assert sources.capabilities.holds_files
    assert b"".join(sources.body("one.contract", files[0])) == b"1"
    assert b"".join(sources.body("other.contract", files[1])) == b"2"
