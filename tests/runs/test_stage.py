"""The stage: frames come back exactly, or not at all."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from changeover.connectors.errors import DecisionError
from changeover.runs.stage import Stage

KEY, OTHER = b"k" * 32, b"o" * 32


def frame() -> pd.DataFrame:
    columns = {
        "名称": pa.array(["和睦医疗", None, ""]),
        "amount": pa.array([Decimal("12.50"), None, Decimal("-0.01")], pa.decimal128(38, 2)),
        "count": pa.array([2**53 + 1, None, -1]),
        "signed": pa.array([dt.date(2024, 2, 29), None, dt.date(1900, 1, 1)]),
        "at": pa.array([dt.datetime(2024, 1, 1, 8, 0, 0, 1, tzinfo=dt.UTC), None, None], pa.timestamp("us", tz="UTC")),
        "wall": pa.array(["2024-01-01T08:00:00", None, None]).cast(pa.timestamp("us")),
        "body": pa.array([b"\0\xff", None, b""]),
        "yes": pa.array([True, None, False]),
    }
    return pd.DataFrame({name: pd.array(column, dtype=pd.ArrowDtype(column.type)) for name, column in columns.items()})


def test_a_frame_comes_back_with_every_type_and_what_lay_beside_it(tmp_path: Path) -> None:
    Stage(tmp_path / "stage", KEY).put("r1-c1", frame(), {"cursor": "42", "keys": ["甲", "b"], "read": 3})
    back, extra = Stage(tmp_path / "stage", KEY).take("r1-c1")
    pd.testing.assert_frame_equal(back, frame())
    assert extra == {"cursor": "42", "keys": ["甲", "b"], "read": 3}


def test_a_frame_without_rows_or_columns_keeps_its_shape(tmp_path: Path) -> None:
    stage = Stage(tmp_path, KEY)
    stage.put("empty", frame().iloc[:0], {})
    stage.put("bare", pd.DataFrame(index=range(5)), {})
    stage.put("cut", frame().iloc[1:], {})
    pd.testing.assert_frame_equal(stage.take("empty")[0], frame().iloc[:0])
    assert stage.take("bare")[0].shape == (5, 0)
    assert list(stage.take("cut")[0].index) == [0, 1]


def test_names_drop_and_replace(tmp_path: Path) -> None:
    stage = Stage(tmp_path, KEY)
    for name in ("r1-c2", "r1-c1", "r1-c1"):
        stage.put(name, frame(), {"name": name})
    assert stage.names() == ["r1-c1", "r1-c2"]
    stage.drop("r1-c1")
    stage.drop("r1-c1")
    assert stage.names() == ["r1-c2"]
    with pytest.raises(DecisionError, match=r"stage\.missing"):
        stage.take("r1-c1")


def test_the_files_are_the_users_own_and_hide_what_they_hold(tmp_path: Path) -> None:
    Stage(tmp_path / "stage", KEY).put("c1", frame(), {"note": "和睦"})
    [file] = (tmp_path / "stage").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "stage").stat().st_mode & 0o777 == 0o700
    assert "和睦".encode() not in file.read_bytes()
    assert b"amount" not in file.read_bytes()


def test_a_torn_or_changed_file_is_never_read_as_data(tmp_path: Path) -> None:
    stage = Stage(tmp_path, KEY)
    stage.put("c1", frame(), {})
    file = tmp_path / "c1.chunk"
    whole = file.read_bytes()
    spoilt = [whole[:length] for length in range(0, len(whole), 37)]
    spoilt += [whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :] for place in range(0, len(whole), 11)]
    spoilt += [whole + b"\0"]
    for body in spoilt:
        file.write_bytes(body)
        with pytest.raises(DecisionError, match=r"stage\.(damaged|key_lost)"):
            stage.take("c1")
    file.write_bytes(whole)
    pd.testing.assert_frame_equal(stage.take("c1")[0], frame())


def test_a_chunk_is_not_taken_for_another(tmp_path: Path) -> None:
    stage = Stage(tmp_path, KEY)
    stage.put("c1", frame(), {})
    (tmp_path / "c1.chunk").rename(tmp_path / "c2.chunk")
    with pytest.raises(DecisionError, match=r"stage\.damaged"):
        stage.take("c2")


def test_a_lost_key_is_told_from_damage(tmp_path: Path) -> None:
    Stage(tmp_path, KEY).put("c1", frame(), {})
    with pytest.raises(DecisionError, match=r"stage\.key_lost"):
        Stage(tmp_path, OTHER).take("c1")


@pytest.mark.parametrize("name", ["../c1", "a/b", "/etc/x", "", ".c1", "t_客户", "a\0b"])
def test_a_name_is_never_a_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="plain file name"):
        Stage(tmp_path, KEY).put(name, frame(), {})
