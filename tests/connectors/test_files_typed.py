"""JSON lines and Parquet: cells on their own types, exactly."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from changeover.connectors.clock import SystemClock
from changeover.connectors.errors import InputError
from changeover.connectors.files import connect
from changeover.connectors.files.connector import FilesConnector
from changeover.connectors.pace import Pace
from changeover.connectors.port import KEY, Settings
from changeover.connectors.schema import FieldType
from changeover.connectors.secrets import Secrets


def open_file(folder: Path, name: str, **options: object) -> FilesConnector:
    objects = {"deal": {"file": name, "key": "id"} | options}
    settings = Settings("export", "files", {"path": ".", "objects": objects}, folder=str(folder))
    return connect(settings, Secrets(), Pace(SystemClock()), SystemClock())


def lines(folder: Path, *records: str, encoding: str = "utf-8") -> FilesConnector:
    (folder / "deal.jsonl").write_bytes("".join(record + "\n" for record in records).encode(encoding))
    return open_file(folder, "deal.jsonl", encoding=encoding)


def columns(connector: FilesConnector) -> dict[str, list[object]]:
    names = connector.describe().objects["deal"].field_names
    (chunk,) = connector.read("deal", names)
    return {name: pa.array(chunk.frame[name]).to_pylist() for name in names}


def types(connector: FilesConnector) -> dict[str, FieldType]:
    return {each.name: each.type for each in connector.describe().objects["deal"].fields}


def test_numbers_are_read_to_the_last_digit(tmp_path: Path) -> None:
    connector = lines(
        tmp_path,
        '{"id": 9007199254740993, "amount": 9999999999999999.99, "huge": 18446744073709551615, "rate": 1e-7}',
        '{"id": 2, "amount": 12.50, "huge": 1, "rate": 1E+2}',
    )
    described = {each.name: each for each in connector.describe().objects["deal"].fields}
    assert described["id"].type is FieldType.INTEGER
    assert (described["amount"].type, described["amount"].precision, described["amount"].scale) == (
        FieldType.DECIMAL,
        18,
        2,
    )
    assert (described["huge"].type, described["huge"].scale) == (FieldType.DECIMAL, 0)
    assert (described["rate"].type, described["rate"].scale) == (FieldType.DECIMAL, 7)
    assert columns(connector) == {
        "id": [2**53 + 1, 2],
        "amount": [Decimal("9999999999999999.99"), Decimal("12.50")],
        "huge": [Decimal(2**64 - 1), Decimal(1)],
        "rate": [Decimal("0.0000001"), Decimal(100)],
    }


def test_texts_of_digits_stay_texts_and_mixtures_become_text(tmp_path: Path) -> None:
    connector = lines(
        tmp_path,
        '{"id": "007", "mixed": 1, "flag": true, "both": true, "nothing": null}',
        '{"id": "008", "mixed": "one", "flag": null, "both": 12.50}',
        '{"id": "009", "mixed": 1.50, "flag": false, "late": "x"}',
    )
    assert types(connector) == {
        "id": FieldType.TEXT,
        "mixed": FieldType.TEXT,
        "flag": FieldType.BOOLEAN,
        "both": FieldType.TEXT,
        "nothing": FieldType.TEXT,
        "late": FieldType.TEXT,
    }
    assert columns(connector) == {
        "id": ["007", "008", "009"],
        "mixed": ["1", "one", "1.50"],
        "flag": [True, None, False],
        "both": ["true", "12.50", None],
        "nothing": [None, None, None],
        "late": [None, None, "x"],
    }


def test_what_is_nested_comes_as_its_json(tmp_path: Path) -> None:
    nested = '{"city": "北京", "geo": [116.40, 39.90], "old": null, "n": {"a": true, "b": "q\\"uote"}}'
    connector = lines(tmp_path, f'{{"id": 1, "address": {nested}, "tags": []}}')
    read = columns(connector)
    assert read["tags"] == ["[]"]
    assert read["address"] == [nested]
    assert json.loads(str(read["address"][0]))["geo"] == [116.4, 39.9]


def test_a_number_beyond_38_digits_comes_as_text(tmp_path: Path) -> None:
    connector = lines(tmp_path, '{"id": 1, "long": ' + "9" * 40 + "}", '{"id": 2, "long": 0.5}')
    assert columns(connector)["long"] == ["9" * 40, "0.5"]


@pytest.mark.parametrize(
    ("record", "line"),
    [
        ('{"id": 1', 2),
        ("[1]", 2),
        ('{"id": 1, "id": 2}', 2),
        ('{"id": 1, "x": {"a": 1, "a": 2}}', 2),
        ('{"id": NaN}', 2),
        ('{"id": "half \\ud83d"}', 2),
        ("7", 2),
    ],
)
def test_a_line_that_is_no_record_is_told(tmp_path: Path, record: str, line: int) -> None:
    connector = lines(tmp_path, '{"id": 0}', record, '{"id": 3}')
    with pytest.raises(InputError) as told:
        connector.describe()
    assert (told.value.code, told.value.params["line"]) == ("files.not_json", line)


def test_lines_in_another_encoding(tmp_path: Path) -> None:
    connector = lines(tmp_path, '{"id": 1, "名称": "上海"}', encoding="gb18030")
    assert columns(connector) == {"id": [1], "名称": ["上海"]}
    with pytest.raises(InputError) as told:
        open_file(tmp_path, "deal.jsonl").describe()
    assert (told.value.code, told.value.params["line"], told.value.params["byte"]) == ("files.wrong_encoding", 1, 11)


def test_blank_lines_and_a_byte_order_mark_are_no_records(tmp_path: Path) -> None:
    connector = lines(tmp_path, '\ufeff{"id": "1"}', "", "  ", '{"id": "2"}')
    assert connector.count("deal") == 2
    chunks = list(connector.read("deal", ["id"], size=1))
    assert [chunk.keys for chunk in chunks] == [["1"], ["2"]]
    assert [each.keys for each in connector.read("deal", ["id"], after=chunks[0].cursor)] == [["2"]]


def test_a_file_that_grows_is_described_anew(tmp_path: Path) -> None:
    connector = lines(tmp_path, '{"id": 1}')
    assert set(types(connector)) == {"id"}
    with (tmp_path / "deal.jsonl").open("a") as stream:
        stream.write('{"id": 2, "more": "x"}\n')
    assert set(types(connector)) == {"id", "more"}


def parquet(folder: Path, **cells: pa.Array) -> FilesConnector:
    pyarrow.parquet.write_table(pa.table(cells), folder / "deal.parquet", row_group_size=2)
    return open_file(folder, "deal.parquet")


def test_parquet_types_become_fields(tmp_path: Path) -> None:
    day, moment = dt.date(2024, 2, 29), dt.datetime(2024, 2, 29, 8, 0, 0, 1)  # noqa: DTZ001
    connector = parquet(
        tmp_path,
        id=pa.array([1], pa.int32()),
        wide=pa.array([2**64 - 1], pa.uint64()),
        money=pa.array([Decimal("12.50")], pa.decimal128(18, 2)),
        vast=pa.array([Decimal("1.5")], pa.decimal256(50, 2)),
        ratio=pa.array([0.5], pa.float32()),
        flag=pa.array([True]),
        day=pa.array([day]),
        instant=pa.array([moment], pa.timestamp("us", "Asia/Shanghai")),
        local=pa.array([moment], pa.timestamp("us")),
        name=pa.array(["上海"]).dictionary_encode(),
        large=pa.array(["x"], pa.large_string()),
        raw=pa.array([b"\x00"]),
        tags=pa.array([["a", "b"]]),
        nothing=pa.nulls(1),
    )
    described = types(connector)
    assert described == {
        "id": FieldType.INTEGER,
        "wide": FieldType.DECIMAL,
        "money": FieldType.DECIMAL,
        "vast": FieldType.TEXT,
        "ratio": FieldType.FLOAT,
        "flag": FieldType.BOOLEAN,
        "day": FieldType.DATE,
        "instant": FieldType.INSTANT,
        "local": FieldType.LOCAL_TIME,
        "name": FieldType.TEXT,
        "large": FieldType.TEXT,
        "raw": FieldType.BINARY,
        "tags": FieldType.TEXT,
        "nothing": FieldType.TEXT,
    }
    read = columns(connector)
    assert read["wide"] == [2**64 - 1]
    assert read["name"] == ["上海"]
    (chunk,) = connector.read("deal", ["name"])
    assert chunk.frame["name"].dtype == pd.ArrowDtype(pa.string())
    assert read["tags"] == ['["a", "b"]']
    assert read["money"] == [Decimal("12.50")]


def test_parquet_resumes_across_row_groups(tmp_path: Path) -> None:
    connector = parquet(tmp_path, id=pa.array([f"{number:03}" for number in range(11)]), n=pa.array(range(11)))
    for size in (1, 2, 3, 11):
        seen: list[str] = []
        for chunk in connector.read("deal", ["n"], size=size):
            seen += chunk.keys
            rest = [key for each in connector.read("deal", ["n"], after=chunk.cursor) for key in each.keys]
            assert seen + rest == [f"{number:03}" for number in range(11)]


def test_parquet_is_searched_by_value(tmp_path: Path) -> None:
    connector = parquet(
        tmp_path,
        id=pa.array([1, 2, 3]),
        money=pa.array([Decimal("12.50"), Decimal("3.00"), None], pa.decimal128(9, 2)),
        name=pa.array(["a", "b", "a"]),
    )
    assert connector.find("deal", ("money",), [(Decimal("12.5"),), (Decimal(3),)], ["name"]).keys == ["1", "2"]
    assert connector.find("deal", ("name", "money"), [("a", Decimal("12.5")), ("a", None)], []).keys == ["1"]
    assert connector.find("deal", (KEY,), [("3",), ("4",)], ["money"]).frame["money"].isna().to_list() == [True]


def test_what_is_no_parquet_is_told(tmp_path: Path) -> None:
    for raw in (b"", b"PAR1 and no more", b"id,name\n1,a\n"):
        (tmp_path / "deal.parquet").write_bytes(raw)
        with pytest.raises(InputError, match=r"files\.not_parquet"):
            open_file(tmp_path, "deal.parquet").describe()


def test_a_parquet_file_cut_off_is_told(tmp_path: Path) -> None:
    connector = parquet(tmp_path, id=pa.array(range(1000)))
    raw = bytearray((tmp_path / "deal.parquet").read_bytes())
    raw[100:400] = bytes(300)
    (tmp_path / "deal.parquet").write_bytes(raw)
    with pytest.raises(InputError, match=r"files\.not_parquet"):
        list(connector.read("deal", ["id"]))


def test_a_key_that_is_not_there_is_told(tmp_path: Path) -> None:
    for connector in (parquet(tmp_path, code=pa.array([1])), lines(tmp_path, '{"code": 1}')):
        with pytest.raises(InputError, match=r"files\.no_key_column.*nearest=code"):
            connector.describe()
