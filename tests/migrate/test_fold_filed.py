"""Children that become a file of their parent: made by us, moved as any other file, changed when a child is."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from changeover.connectors.errors import InputError
from changeover.connectors.held_file import HeldFile, cell_of, files_in
from changeover.connectors.port import KEY
from changeover.connectors.secrets import Secrets
from changeover.connectors.testing.hostile import ProcessDied
from changeover.migrate.prepare import prepare
from changeover.migrate.session import open_session
from changeover.migrate.sources import folded, made_files

from .test_filed import codes, files
from .timelines import BOM, Timelines

ONE = BOM + "2024-01-01: first\r\nand more\r\n2024-03-01 李娜: second".encode()
TWO = BOM + "2024-02-01 王芳: 联通".encode()


def mark(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:8]


def buckets(report: object) -> dict[str, int]:
    return {name: number for name, number in report.counts[0].buckets.items() if number}  # type: ignore[attr-defined]


@pytest.mark.parametrize("checksum", ["", "sha256"])
def test_children_become_a_file_of_their_parent(tmp_path: Path, checksum: str) -> None:
    """Run; a child changed into one of the same length, another parent's only child deleted; run again; undone.
    Where the target tells no checksums the file's name tells that it is another."""
    world = Timelines(tmp_path, checksum=checksum)

    def named(name: str, body: bytes) -> list[tuple[str, bytes]]:
        return [(f"Timeline {name}.txt" if checksum else f"Timeline {name}-{mark(body)}.txt", body)]

    world.filled()
    moved = {"moved": 2, "bytes": len(ONE) + len(TWO), "left": {}}
    planned = world.plan()
    assert (planned.exit_code, files(planned), world.target.uploaded) == (0, moved, [])
    first = world.run()
    assert (first.exit_code, files(first), buckets(first)) == (0, moved, {"created": 3})
    before = {"one": named("one", ONE), "two": named("two", TWO), "three": []}
    assert (world.told(), world.kept) == (before, [])
    assert world.source.fetched == [], "nothing is asked of the source for them"
    compared = world.reconcile(files=True)
    assert (compared.exit_code, compared.extra["bodies"]) == (0, 2)
    assert (buckets(world.run()), len(world.target.uploaded)) == ({"unchanged": 3}, 2)
    world.old.edit("visit", "1", {"text": "SECOND"}, "somebody")
    world.old.remove("visit", "3")
    assert world.reconcile().extra["differences_by"]["source_moved"] == 2  # type: ignore[index]
    third = world.run()
    assert (third.exit_code, buckets(third)) == (0, {"updated": 2, "unchanged": 1})
    changed = ONE.replace(b"second", b"SECOND")
    assert world.told() == {"one": named("one", changed), "two": [], "three": []}
    assert world.reconcile(files=True).exit_code == 0
    assert world.undo(third.extra["run"]).exit_code == 0
    assert world.told() == before
    assert buckets(world.run()) == {"updated": 2, "unchanged": 1}
    assert world.told()["one"] == named("one", changed)


def test_what_is_made_and_what_is_there_go_into_one_field(tmp_path: Path) -> None:
    world = Timelines(tmp_path, "{from: [papers, fold.history]}", checksum="sha256")
    a, _ = world.contract("one", a=b"1", b=b"2")
    world.contract("two", c=b"3")
    world.visit("1", None, None, "said")
    assert world.run().exit_code == 0
    made = ("Timeline one.txt", BOM + b": said")
    assert world.told() == {"one": [("a.pdf", b"1"), ("b.pdf", b"2"), made], "two": [("c.pdf", b"3")]}
    assert world.source.fetched == ["a.pdf", "b.pdf", "c.pdf"]
    world.change("1", a)
    world.visit("2", None, None, "new")
    assert buckets(world.run()) == {"updated": 2}
    assert world.told() == {
        "one": [("a.pdf", b"1"), made],
        "two": [("c.pdf", b"3"), ("Timeline two.txt", BOM + b": new")],
    }
    assert world.reconcile(files=True).exit_code == 0
    world.old.edit("contract", "1", {"papers": "no list"}, "somebody")
    assert world.run().counts[0].buckets["rejected"] == 1


def test_what_is_written_in_the_target_stays(tmp_path: Path) -> None:
    world = Timelines(tmp_path)
    world.filled()
    world.run()
    theirs = world.new.hold("theirs.txt", b"x")
    world.new.edit("deal", "1", {"papers": cell_of([HeldFile(theirs.id, "theirs.txt", 1)])}, "li.na")
    world.visit("1", "2024-04-01", None, "more")
    report = world.run()
    assert (report.exit_code, buckets(report)) == (1, {"conflicted": 1, "unchanged": 2})
    assert world.told()["one"] == [("theirs.txt", b"x")]


def test_texts_are_made_a_few_parents_at_a_time_and_again_where_there_is_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(made_files, "ROOM", 30)
    world = Timelines(tmp_path, find_size=2)
    for place in range(6):
        world.contract(f"c{place}")
        world.visit(str(place + 1), None, None, "x" * 10 + str(place))
    assert world.run().exit_code == 0
    assert [body for told in world.told().values() for _, body in told] == [
        BOM + b": " + b"x" * 10 + str(place).encode() for place in range(6)
    ]
    each_chunk = [2, 1]  # of three contracts
    assert world.source.asked == [*each_chunk, 2, 1, *each_chunk, 2, 1]


def test_the_more_children_there_are_the_fewer_parents_are_asked_for_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folded, "CHILDREN", 4)
    monkeypatch.setattr(folded, "FIRST", 2)
    world = Timelines(tmp_path)
    for place, visits in enumerate((2, 2, 1, 1, 1, 1, 0, 0, 0)):
        world.contract(f"c{place}")
        for number in range(visits):
            world.visit(str(place + 1), None, None, f"{number}")
    assert world.run().exit_code == 0
    assert world.source.asked == [2, 1, 3, 3], "two with two each; then four of one each, of three in a chunk"
    assert [len(told) for told in world.told().values()] == [1] * 6 + [0] * 3


def test_what_is_asked_for_between_a_chunk_and_its_bodies_makes_none_of_them_again(tmp_path: Path) -> None:
    """As for parents that are looked up by a rule with `outside`."""
    world = Timelines(tmp_path)
    world.filled()
    with world._in_process() as project, open_session(project, Secrets(), world.clock) as session:
        prepare(session)
        source = session.source
        [chunk] = source.read("contract", ["fold.history"])
        source.find("contract", (KEY,), [("2",)], ["fold.history"])
        asked = len(world.source.asked)
        [one] = files_in(chunk.frame["fold.history"][0])
        assert b"".join(source.body("contract", one)) == ONE  # type: ignore[attr-defined]
        assert len(world.source.asked) == asked


def test_a_child_that_changes_on_the_way_is_told_and_comes_with_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where its body has to be made again, it is another one than was promised."""
    monkeypatch.setattr(made_files, "ROOM", 0)
    world = Timelines(tmp_path)
    world.filled()
    find = world.old.find

    def then(*given: object) -> object:
        found = find(*given)  # type: ignore[arg-type]
        if given[0] == "visit":
            world.old.edit("visit", "3", {"text": "other"}, "somebody")
            world.old.find = find  # type: ignore[method-assign]
        return found

    world.old.find = then  # type: ignore[method-assign, assignment]
    report = world.run()
    assert (report.exit_code, codes(report), world.told()["two"]) == (0, {"file.differs": 1}, [])
    again = world.run()
    assert (again.exit_code, codes(again), buckets(again)) == (0, {}, {"updated": 1, "unchanged": 2})
    assert world.told()["two"][0][1] == BOM + "2024-02-01 王芳: other".encode()
    assert world.reconcile(files=True).exit_code == 0


@pytest.mark.parametrize("after", [False, True])
def test_death_between_body_and_record_doubles_nothing(tmp_path: Path, after: bool) -> None:
    world = Timelines(tmp_path)
    world.filled()
    if after:
        world.target.after_write = [ProcessDied()]
    else:
        world.target.before_write = [ProcessDied()]
    world.dies()
    assert world.kept
    assert (world.run().exit_code, len(world.target.uploaded), world.kept) == (0, 2, [])
    assert [len(told) for told in world.told().values()] == [1, 1, 0]
    assert world.reconcile(files=True).exit_code == 0


def test_one_that_is_too_large_stays_behind_until_most_cuts_it(tmp_path: Path) -> None:
    world = Timelines(tmp_path, "{from: fold.history, lost_file: reject}", largest=40)
    world.filled()
    report = world.run()
    assert (codes(report), buckets(report)) == ({"file.too_large": 1}, {"created": 2, "rejected": 1})
    world.rewrite("    file:", "    most: 1\n    file:")
    mended = world.run()
    assert (codes(mended), buckets(mended)) == ({}, {"created": 1, "unchanged": 2})
    cut = next(each for each in mended.causes if each.text.code == "fold.too_many")
    assert (cut.keys, cut.text.params) == (("1",), {"name": "fold.history", "kept": 1, "lines": 2})
    assert world.told()["one"][0][1] == BOM + "2024-03-01 李娜: second".encode()


def test_explain_tells_how_many_children_went_into_it(tmp_path: Path) -> None:
    world = Timelines(tmp_path)
    world.filled()
    world.run()
    tables = {table.title.code: table for table in world.explain("contract:1").tables}
    assert tables["table.folded"].rows == (("fold.history", "visit", 2, 2, "mappings/contract.yaml:5"),)
    row = next(row for row in tables["table.fields"].rows if row[0] == "papers")
    assert f"Timeline one-{mark(ONE)}.txt" in str(row[4])


def test_another_name_is_another_mapping_and_what_it_writes_is_foretold(tmp_path: Path) -> None:
    world = Timelines(tmp_path)
    world.filled()
    world.run()
    shutil.copytree(world.folder / "mappings", world.folder / "before" / "mappings")
    world.rewrite('"Timeline {name}.txt"', '["往来记录", " {id}", ".txt"]')
    told = world.diff(world.folder / "before" / "mappings")
    assert told.extra["records"] == {"contract": {"updated": ["1", "2"]}}
    assert world.reconcile().extra["differences_by"]["mapping_moved"] == 2  # type: ignore[index]
    assert buckets(world.run()) == {"updated": 2, "unchanged": 1}
    assert world.told()["one"][0][0] == f"往来记录 1-{mark(ONE)}.txt"


@pytest.mark.parametrize(
    ("here", "there", "code", "line"),
    [
        ("Timeline {name}.txt", "Timeline {name}", "fold.no_ending", 10),
        ("Timeline {name}.txt", "Timeline {nam}.txt", "mapping.no_source_field", 10),
        ('    file: "Timeline {name}.txt"\n', "", "fold.is_text", 12),
        ("  name: name\n", "  name: fold.history\n", "fold.is_file", 12),
        ("papers: fold.history", "papers: {from: [fold.history, name]}", "mapping.files_from", 13),
        ("papers: fold.history", "papers: {from: fold.history, transform: trim}", "mapping.files_from", 13),
        ("{papers: not asked for}", "{papers: not asked for, id: neither}", "mapping.mapped_and_dropped", 14),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_read(
    tmp_path: Path, here: str, there: str, code: str, line: int
) -> None:
    world = Timelines(tmp_path)
    world.rewrite("{name}.txt", "{name} {id}.txt") if "id:" in there else None
    world.rewrite(here, there)
    with pytest.raises(InputError) as raised:
        world.plan()
    assert (code, line) in {(each.code, each.line) for each in raised.value.findings}
    assert world.source.asked == []
