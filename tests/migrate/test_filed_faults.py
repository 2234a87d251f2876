"""Whatever happens between a body's way out of the source and its record in the target, each arrives once, whole, and
nothing is fetched or given to the target that is still there."""

from __future__ import annotations

from pathlib import Path

import pytest
from changeover.connectors.errors import UnavailableError
from changeover.connectors.testing.hostile import ProcessDied
from changeover.connectors.testing.hostile_files import FileFaultKind
from changeover.migrate.filing.filing import MOVED

from .filed import Contracts

BODY = b"\r\n\0" * 500_000


@pytest.fixture
def world(tmp_path: Path) -> Contracts:
    made = Contracts(tmp_path)
    made.contract("one", a=BODY, b=b"2")
    made.contract("two", a=b"3")
    return made


ARRIVED = {"one": {"a.pdf": BODY, "b.pdf": b"2"}, "two": {"a.pdf": b"3"}}


def arrives(world: Contracts, *, fetched: int, uploaded: int) -> None:
    """The next run ends well, and by then there were so many bodies fetched and uploads made."""
    report = world.run()
    assert (report.exit_code, report.counts[0].buckets["created"]) == (0, 2)
    assert world.there() == ARRIVED
    assert (len(world.source.fetched), len(world.target.uploaded)) == (fetched, uploaded)
    assert world.kept == []
    [told] = report.extra["files"]  # type: ignore[misc]
    assert told[MOVED] == 3
    assert world.reconcile().exit_code == 0


def test_death_between_upload_and_record(world: Contracts) -> None:
    world.target.before_write = [ProcessDied()]
    world.dies()
    assert (world.there(), len(world.target.uploaded)) == ({}, 3)
    arrives(world, fetched=3, uploaded=3)


def test_death_once_the_record_is_there(world: Contracts) -> None:
    world.target.after_write = [ProcessDied()]
    world.dies()
    arrives(world, fetched=3, uploaded=3)


def test_death_before_an_upload(world: Contracts) -> None:
    world.target.script = {(True, 2): FileFaultKind.UPLOAD_DIES_BEFORE}
    world.dies()
    arrives(world, fetched=3, uploaded=4)  # the call that came to nothing is one


def test_an_upload_that_the_target_has_forgotten_is_made_again(world: Contracts) -> None:
    world.target.before_write = [ProcessDied()]
    world.dies()
    world.clock.sleep(4 * 24 * 3600)
    arrives(world, fetched=3, uploaded=6)


def test_an_upload_that_gets_too_old_while_others_are_made_is_made_again(world: Contracts) -> None:
    upload = world.new.upload

    def slow(*given: object) -> object:
        world.clock.sleep(40 * 3600)
        return upload(*given)  # type: ignore[arg-type]

    world.new.upload = slow  # type: ignore[method-assign, assignment]
    report = world.run()
    assert (report.exit_code, world.there()) == (0, ARRIVED)
    assert len(world.source.fetched) == 3


def test_a_body_whose_line_breaks_is_asked_for_again(world: Contracts) -> None:
    world.source.script = {(False, call): FileFaultKind.BODY_BREAKS for call in (1, 2, 5)}
    arrives(world, fetched=6, uploaded=3)


def test_a_source_that_stays_silent_stops_the_run(world: Contracts) -> None:
    world.source.script = {(False, call): FileFaultKind.BODY_BREAKS for call in (2, 3, 4)}
    with pytest.raises(UnavailableError):
        world.run()
    arrives(world, fetched=6, uploaded=3)


def test_a_target_that_takes_no_files_for_now_stops_the_run(world: Contracts) -> None:
    world.target.script = {(True, 3): FileFaultKind.UPLOAD_UNREACHABLE}
    with pytest.raises(UnavailableError):
        world.run()
    arrives(world, fetched=3, uploaded=4)


@pytest.mark.parametrize("harm", ["torn", "changed", "swapped"])
def test_a_body_that_is_harmed_on_disk_is_fetched_again(world: Contracts, harm: str) -> None:
    world.target.script = {(True, 1): FileFaultKind.UPLOAD_DIES_BEFORE}
    world.dies()
    [kept] = [each for each in world.kept if each.suffix == ".body"]
    sealed = kept.read_bytes()
    assert BODY[:30] not in sealed
    halves = sealed[: len(sealed) // 2], sealed[len(sealed) // 2 :]
    kept.write_bytes({"torn": halves[0], "changed": halves[0] + b"x" + halves[1][1:], "swapped": sealed * 2}[harm])
    arrives(world, fetched=4, uploaded=5)  # one that came to nothing, one that broke off


def test_without_the_data_key_all_is_fetched_and_given_again(world: Contracts) -> None:
    world.target.before_write = [ProcessDied()]
    world.dies()
    world.data_key = "B" * 43 + "="
    arrives(world, fetched=6, uploaded=6)


@pytest.mark.parametrize("kind", FileFaultKind)
def test_whatever_happens_to_one_call_each_body_arrives_once(tmp_path: Path, kind: FileFaultKind) -> None:
    """A file that is refused or gone goes with the next run, for by then it is neither."""
    world = Contracts(tmp_path)
    for name in ("one", "two"):
        world.contract(name, a=b"1" * 70, b=b"2")
    side = world.target if kind.of_upload else world.source
    side.script = {(kind.of_upload, 3): kind}
    told = []
    for _ in range(3):
        try:
            told.append(world.run())
        except (ProcessDied, UnavailableError):
            continue
    left = [cause.text.code for report in told for cause in report.causes if cause.text.code.startswith("file.")]
    lost = {FileFaultKind.UPLOAD_REFUSED: ["file.refused"], FileFaultKind.BODY_GONE: ["file.gone"]}
    assert left == lost.get(kind, [])
    if kind is FileFaultKind.BODY_CHANGED:  # of one size, and the source tells no checksum: nobody can know
        return
    assert world.there() == {name: {"a.pdf": b"1" * 70, "b.pdf": b"2"} for name in ("one", "two")}
    assert (told[-1].exit_code, world.new.count("deal"), world.kept) == (0, 2, [])
    assert len(world.target.uploaded) <= (6 if kind is FileFaultKind.UPLOAD_REFUSED else 5) + (
        kind is FileFaultKind.BODY_GONE
    )
    assert world.reconcile(files=True).exit_code == 0


def test_a_body_that_is_not_what_the_source_says_is_asked_for_again(tmp_path: Path) -> None:
    world = Contracts(tmp_path, checksum="sha256")
    world.contract("one", a=b"1" * 70)
    world.source.script = {(False, 1): FileFaultKind.BODY_CHANGED}
    assert (world.run().exit_code, world.there()) == (0, {"one": {"a.pdf": b"1" * 70}})
