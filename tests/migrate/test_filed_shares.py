"""Files of many records at a time, of records that wait, that are there already, that the target refuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from changeover.connectors.change import Batch, Outcome, OutcomeState
from changeover.connectors.errors import InputError
from changeover.connectors.held_file import HeldFile, cell_of
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.schema import Field, FieldType, ObjectSchema, Schema
from changeover.connectors.testing.hostile import ProcessDied
from changeover.connectors.testing.hostile_files import FileFaultKind
from changeover.migrate.filing import filing

from .filed import Contracts, schema
from .test_filed import codes, files

LARGE = b"x" * 1_000


@pytest.fixture
def three(tmp_path: Path) -> Contracts:
    world = Contracts(tmp_path, largest=5_000)
    for name in ("one", "two", "three"):
        world.contract(name, a=LARGE, b=b"b")
    return world


THREE = {name: {"a.pdf": LARGE, "b.pdf": b"b"} for name in ("one", "two", "three")}


def lying(world: Contracts) -> list[int]:
    """How many bodies lie in the store at each upload from now on."""
    told: list[int] = []
    upload = world.new.upload

    def listening(*given: object) -> object:
        told.append(sum(each.suffix == ".body" for each in world.kept))
        return upload(*given)  # type: ignore[arg-type]

    world.new.upload = listening  # type: ignore[method-assign, assignment]
    return told


@pytest.mark.parametrize(
    ("share", "most"), [({}, 6), ({"SHARE_BYTES": 1_500}, 2), ({"SHARE_ROWS": 2}, 4), ({"SHARE_BYTES": 1}, 2)]
)
def test_no_more_than_a_share_of_the_bodies_lies_here_at_a_time(
    three: Contracts, share: Mapping[str, int], most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, number in share.items():
        monkeypatch.setattr(filing, name, number)
    told = lying(three)
    report = three.run()
    assert (report.exit_code, three.there(), max(told), three.kept) == (0, THREE, most, [])


def test_no_more_files_are_given_once_the_mapping_has_stopped(
    three: Contracts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filing, "SHARE_ROWS", 1)
    settings = three.folder / "changeover.yaml"
    said = settings.read_text("utf-8")
    settings.write_text(said.replace("{chunk: 3,", "{chunk: 3, stop_after_alike: 2, stop_share: 0.1,"), "utf-8")
    write = three.target.write

    def refuses(batch: Batch) -> list[Outcome]:
        return [Outcome(each.our_key, OutcomeState.REJECTED, code="target.refused") for each in batch.changes]

    three.target.write = refuses  # type: ignore[method-assign]
    three.change("3", HeldFile("file-5", "a.pdf", 5_001), three.old.hold("c.pdf", b"c"))
    report = three.run()
    assert report.verdict.code == "run.stopped"
    assert (len(three.source.fetched), codes(report), report.extra["files"]) == (4, {}, []), "of the third nobody knows"
    three.target.write = write  # type: ignore[method-assign]
    settings.write_text(said, "utf-8")
    report = three.run()
    assert (codes(report), report.counts[0].buckets["created"], three.there()) == (
        {"file.too_large": 1},
        1,
        {"three": {"c.pdf": b"c"}},
    )


def test_a_target_that_forgets_nothing_is_given_nothing_twice(tmp_path: Path) -> None:
    world = Contracts(tmp_path, days=None)
    world.contract("one", a=b"1")
    world.target.before_write = [ProcessDied()]
    world.dies()
    world.clock.sleep(400 * 24 * 3600)
    assert (world.run().exit_code, world.there(), world.target.uploaded) == (0, {"one": {"a.pdf": b"1"}}, ["a.pdf"])


def test_a_file_that_is_forgotten_and_not_taken_again_keeps_its_record_back(tmp_path: Path) -> None:
    """Until somebody asks for it again."""
    world = Contracts(tmp_path)
    world.contract("one", a=b"1", b=b"2")
    upload = world.new.upload

    def slow(*given: object) -> object:
        world.clock.sleep(72 * 3600)
        return upload(*given)  # type: ignore[arg-type]

    world.new.upload = slow  # type: ignore[method-assign, assignment]
    world.target.script = {(True, 3): FileFaultKind.UPLOAD_REFUSED}
    report = world.run()
    assert (report.exit_code, report.counts[0].buckets["rejected"], world.there()) == (1, 1, {})
    assert [cause.text.code for cause in report.causes] == ["target.file"]


def test_files_of_a_record_that_is_there_already(tmp_path: Path) -> None:
    world = Contracts(tmp_path)
    mapping = world.folder / "mappings" / "contract.yaml"
    mapping.write_text(mapping.read_text("utf-8").replace("fields:", "match: [name]\nfields:"), "utf-8")
    world.contract("alike", a=b"1")
    world.contract("other", a=b"22")
    world.contract("new", n=b"3")
    for name in ("alike", "other"):
        world.new.seed("deal", [{"name": name, "papers": cell_of([world.new.hold("a.pdf", b"1")])}])
    report = world.run()
    assert (report.exit_code, report.counts[0].adopted) == (0, 2)
    assert report.counts[0].buckets | {"unchanged": 1, "updated": 1, "created": 1} == report.counts[0].buckets
    assert (len(world.target.uploaded), files(report)["moved"]) == (2, 2)
    assert world.there() == {"alike": {"a.pdf": b"1"}, "other": {"a.pdf": b"22"}, "new": {"n.pdf": b"3"}}
    assert world.undo(report.extra["run"]).exit_code == 0
    assert world.there() == {"alike": {"a.pdf": b"1"}, "other": {"a.pdf": b"1"}}


def of_two(name: str) -> Schema:
    described = schema(name).objects[name]
    part = Field("part_of", FieldType.REFERENCE, references=(name,))
    return Schema({name: ObjectSchema(name, ("id",), (*described.fields, part))})


def test_files_of_a_record_that_waits_for_its_parent_are_counted_when_it_goes(tmp_path: Path) -> None:
    world = Contracts(tmp_path, "}\n  part_of: {from: part_of, reference: contract", largest=100)
    for side, name, called in ((world.old, "contract", "old"), (world.new, "deal", "new")):
        MemoryConnector.__init__(side, of_two(name), clock=world.clock, name=called, largest_file=100)
    (whole,) = world.contract("child", a=b"1")
    world.contract("parent", p=b"2")
    world.contract("nobody's", n=b"3", big=LARGE)
    world.change("1", whole, world.old.hold("big.pdf", LARGE))
    world.old.edit("contract", "1", {"part_of": "2"}, "somebody")
    world.old.edit("contract", "3", {"part_of": "9"}, "somebody")
    report = world.run()
    assert (report.counts[0].buckets["created"], report.counts[0].buckets["held"]) == (2, 1)
    assert files(report) == {"moved": 2, "bytes": 2, "left": {"file.too_large": 2}}
    assert world.there() == {"child": {"a.pdf": b"1"}, "parent": {"p.pdf": b"2"}}


def test_bodies_are_compared_of_files_that_both_sides_have(three: Contracts) -> None:
    three.run()
    theirs = three.new.hold("theirs.pdf", b"x")
    three.new.edit("deal", "1", {"papers": cell_of([HeldFile("upload-1", "a.pdf", len(LARGE)), theirs])}, "li.na")
    told = three.reconcile(files=True)
    assert (told.exit_code, told.extra["bodies"], told.extra["differences_by"]["edited"]) == (1, 5, 1)  # type: ignore[index]
    own = next(each for each, kept in three.old.files.items() if kept.name == "a.pdf")
    three.old.files[own] = replace(three.old.files[own], body=LARGE[:-1] + b"y")
    told = three.reconcile(files=True)
    assert (told.exit_code, told.extra["differences_by"]["wrong"]) == (1, 1)  # type: ignore[index]
    three.target.capabilities = replace(three.target.capabilities, holds_files=False)
    with pytest.raises(InputError, match=r"file\.no_bodies"):
        three.reconcile(files=True)
