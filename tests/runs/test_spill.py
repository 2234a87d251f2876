"""Rows on their way through the disk."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from changeover.runs.sealing import SealBrokenError
from changeover.runs.spill import Spill, drop_spills, open_spill

KEY = b"\1" * 32


def rows(*cells: str) -> pa.Table:
    return pa.table({"name": pa.array(cells)})


def filled(folder: Path) -> Spill:
    spill = Spill(folder, "some-1", KEY)
    spill.put(0, "left", rows("a", "b"))
    spill.put(1, "left", rows("c"))
    spill.put(0, "right", rows("d"))
    spill.put(0, "left", rows("e"))
    spill.seal({"partitions": 2})
    return spill


def test_what_was_put_in_comes_out_by_partition_and_label(tmp_path: Path) -> None:
    filled(tmp_path)
    spill = open_spill(tmp_path, "some-1", KEY)
    assert spill is not None
    assert spill.told == {"partitions": 2}
    names = {label: [each["name"].to_pylist() for each in tables] for label, tables in spill.take(0).items()}
    assert names == {"left": [["a", "b"], ["e"]], "right": [["d"]]}
    assert [each["name"].to_pylist() for each in spill.take(1)["left"]] == [["c"]]
    assert spill.take(2) == {}


def test_what_was_not_sealed_is_not_there(tmp_path: Path) -> None:
    Spill(tmp_path, "some-1", KEY).put(0, "left", rows("a"))
    assert open_spill(tmp_path, "some-1", KEY) is None
    assert open_spill(tmp_path, "other", KEY) is None
    assert open_spill(tmp_path, "../some-1", KEY) is None


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    filled(tmp_path)
    assert open_spill(tmp_path, "some-1", b"\2" * 32) is None


def test_a_partition_that_was_changed_or_moved_is_refused(tmp_path: Path) -> None:
    spill = Spill(tmp_path, "some-1", KEY)
    spill.put(0, "left", rows("a"))
    spill.put(1, "left", rows("b"))
    first, second = (tmp_path / "some-1" / f"{number}.part" for number in (0, 1))
    body = first.read_bytes()
    for wrong in (body[:-1], body[:20] + bytes([body[20] ^ 1]) + body[21:], second.read_bytes()):
        first.write_bytes(wrong)
        with pytest.raises(SealBrokenError):
            spill.take(0)


def test_spills_are_dropped_by_the_beginning_of_their_name(tmp_path: Path) -> None:
    filled(tmp_path)
    Spill(tmp_path, "other-1", KEY)
    drop_spills(tmp_path, "some-")
    assert [path.name for path in tmp_path.iterdir()] == ["other-1"]
