"""Whatever happens between a body's way out of the source and its record in the target, each arrives once, whole, and
nothing is fetched or given to the target that is still there."""

from __future__ import annotations

from pathlib import Path

import pytest
from changeover.connectors.errors import UnavailableError
from changeover.connectors.testing.hostile import ProcessDied
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
    world.target.on_upload = {2: ProcessDied()}
    world.dies()
    arrives(world, fetched=3, uploaded=3)


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
    world.source.breaks_off = {1: True, 2: True, 5: True}
    arrives(world, fetched=6, uploaded=3)


def test_a_source_that_stays_silent_stops_the_run(world: Contracts) -> None:
    world.source.breaks_off = dict.fromkeys((2, 3, 4), True)
    with pytest.raises(UnavailableError):
        world.run()
    arrives(world, fetched=6, uploaded=3)


def test_a_target_that_takes_no_files_for_now_stops_the_run(world: Contracts) -> None:
    world.target.on_upload = {3: UnavailableError("hostile.unreachable")}
    with pytest.raises(UnavailableError):
        world.run()
    arrives(world, fetched=3, uploaded=3)


@pytest.mark.parametrize("harm", ["torn", "changed", "swapped"])
def test_a_body_that_is_harmed_on_disk_is_fetched_again(world: Contracts, harm: str) -> None:
    world.target.on_upload = {1: ProcessDied()}
    world.dies()
    [kept] = [each for each in world.kept if each.suffix == ".body"]
    sealed = kept.read_bytes()
    assert BODY[:30] not in sealed
    halves = sealed[: len(sealed) // 2], sealed[len(sealed) // 2 :]
    kept.write_bytes({"torn": halves[0], "changed": halves[0] + b"x" + halves[1][1:], "swapped": sealed * 2}[harm])
    arrives(world, fetched=4, uploaded=4)  # the call that broke off is one


def test_without_the_data_key_all_is_fetched_and_given_again(world: Contracts) -> None:
    world.target.before_write = [ProcessDied()]
    world.dies()
    world.data_key = "B" * 43 + "="
    arrives(world, fetched=6, uploaded=6)
