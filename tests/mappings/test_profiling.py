"""Measures of whole columns: right in one chunk and in many, flat in memory, and without a cell in what is kept."""

from __future__ import annotations

import json
import random

import pandas as pd
import pyarrow as pa
import pytest
from changeover.connectors.chunk import Chunk
from changeover.connectors.schema import Field, FieldType, ObjectSchema
from changeover.mappings.profiling.distinct import BOUND, CANDIDATES, Distinct, Frequent
from changeover.mappings.profiling.measure import ObjectMeasure
from changeover.mappings.profiling.profile import FieldProfile, Kind, ObjectProfile, profile_from_json

T = FieldType


def measured(
    fields: tuple[Field, ...], columns: dict[str, list[object]], size: int = 1000, **audit: str
) -> ObjectProfile:
    measure = ObjectMeasure(ObjectSchema("t", (fields[0].name,), fields), **audit)
    count = len(next(iter(columns.values())))
    for start in range(0, count, size):
        part = {name: pa.array(cells[start : start + size]) for name, cells in columns.items()}
        frame = pa.table(part).to_pandas(types_mapper=pd.ArrowDtype)
        measure.take(Chunk("t", frame, [str(start + row) for row in range(len(frame))]))
    return measure.profile()


def one(cells: list[object], kind: FieldType = T.TEXT, size: int = 1000) -> FieldProfile:
    return measured((Field("f", kind),), {"f": cells}, size).fields[0]


def test_null_and_empty_are_not_filled_and_blanks_are() -> None:
    found = one(["a", None, "", " ", "ab"])
    assert (found.filled, found.distinct, found.longest) == (3, 3, 2)


def test_a_field_that_is_never_filled_says_so() -> None:
    found = one([None, "", None])
    assert (found.filled, found.distinct, found.longest, found.kind, found.top) == (0, 0, 0, None, ())


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_chunks_make_no_difference(size: int) -> None:
    chance = random.Random(5)
    cells: list[object] = [chance.choice(["甲", "乙", "丙丁", None, ""]) for _ in range(60)]
    assert one(cells, size=size) == one(cells, size=60)


def test_the_longest_is_counted_in_characters() -> None:
    assert one(["ab", "沈阳市🙂"]).longest == 4


def test_lowest_and_highest_are_numbers_not_texts() -> None:
    found = one(["9", "10", "x", "-2.50", None], T.DECIMAL, size=2)
    assert (found.lowest, found.highest) == ("-2.5", "10")


def test_days_and_times_have_a_lowest_and_a_highest() -> None:
    assert (one(["2024-02-29", "1999-01-01"], T.DATE).lowest, one(["2024-02-29"], T.DATE).highest) == (
        "1999-01-01",
        "2024-02-29",
    )
    assert one(["2024-01-01 08:00:00", "2024-01-01 07:59:59"], T.LOCAL_TIME).lowest == "2024-01-01 07:59:59"


def test_up_to_the_bound_different_cells_are_counted_exactly() -> None:
    found = one([f"v{row % BOUND}" for row in range(2 * BOUND)], size=3000)
    assert (found.distinct, found.exact) == (BOUND, True)


def test_beyond_it_they_are_estimated_and_it_is_said() -> None:
    distinct = Distinct()
    for start in range(0, 200_000, 20_000):
        distinct.take(pa.array([f"v{row}" for row in range(start, start + 20_000)]))
        distinct.take(pa.array([f"v{row}" for row in range(start, start + 20_000)]))
    assert not distinct.exact
    assert abs(distinct.count() - 200_000) < 10_000


def test_the_most_frequent_survive_a_flood_of_others() -> None:
    frequent = Frequent()
    for start in range(0, 5 * CANDIDATES, CANDIDATES):
        cells = ["often", "less often", *(f"{start + row}" for row in range(CANDIDATES))]
        frequent.take(pa.array(cells), pa.array([300, 100, *[1] * CANDIDATES]))
    assert frequent.top(5) == (("often", 1500), ("less often", 500))
    assert frequent.all() is None, "not all of them are known any more"


def test_a_cell_that_occurs_once_is_not_frequent() -> None:
    assert one(["a", "b", "b", "c"]).top == (("b", 2),)


KINDS = {
    Kind.PHONE: ["13900001111", "024-88880000", "+86 139 0000 1111", "(024)88880000 转 12", "400-555-0000"],
    Kind.EMAIL: ["li@example.cn", " wang.wei@mail.example.com "],
    Kind.DATE: ["2024-02-29", "2024/2/9", "2024年2月9日", "20240229", "2024-02-29 10:00:00"],
    Kind.NUMBER: ["1,234.50", "-3", "¥12", "3.5 万元", "20%"],
    Kind.URL: ["https://example.cn/a", "www.example.com"],
    Kind.HTML: ["<p>a</p>", "a &nbsp; b", "x<br/>y"],
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_told_by_nearly_all_cells(kind: Kind) -> None:
    assert one([*KINDS[kind], None]).kind is kind
    assert one([*KINDS[kind], *["没有", "某某"] * 4]).kind is not kind


def test_spellings_of_yes_and_no_are_a_boolean_and_one_of_them_alone_is_not() -> None:
    assert one(["是", "否", "Y", "N", None] * 5).kind is Kind.BOOLEAN
    assert one([0, 1, 1] * 5, T.INTEGER).kind is Kind.BOOLEAN
    assert one(["Y"] * 9).kind is None


def test_few_short_cells_again_and_again_are_a_picklist() -> None:
    assert one(["企业", "医院", "药店"] * 10).kind is Kind.PICKLIST
    assert one(["1", "2", "3"] * 10).kind is Kind.PICKLIST
    assert one([f"公司{row}" for row in range(30)]).kind is None


def test_when_a_field_was_used_last_and_by_whom() -> None:
    fields = (Field("f", T.TEXT), Field("at", T.LOCAL_TIME), Field("by", T.TEXT))
    cells: dict[str, list[object]] = {
        "f": ["a", "b", "c", None, ""],
        "at": ["2020-05-01 10:00:00", "2021-05-01 10:00:00", None, "2024-05-01 10:00:00", "2024-06-01 10:00:00"],
        "by": ["u1", "u2", "u2", "u9", None],
    }
    for size in (1, 2, 5):
        found = measured(fields, cells, size, modified_at="at", modified_by="by").fields[0]
        assert (found.last_used, found.writers) == ("2021-05-01 10:00:00", 2)
        assert found.written_by == (("u2", 2), ("u1", 1))


def test_what_is_kept_holds_no_cell_and_comes_back() -> None:
    fields = (Field("f", T.TEXT, "名称"), Field("n", T.INTEGER), Field("by", T.TEXT))
    cells: dict[str, list[object]] = {"f": ["沈阳安康"] * 3, "n": [4711] * 3, "by": ["ZhangSan"] * 3}
    found = measured(fields, cells, modified_by="by")
    text = json.dumps(found.to_json(), ensure_ascii=False)
    assert [cell for cell in ("沈阳安康", "4711", "ZhangSan") if cell in text] == []
    back = profile_from_json(json.loads(text))
    assert back.to_json() == found.to_json()
    assert [each.name for each in back.fields] == ["f", "n", "by"]


def test_bytes_are_only_counted() -> None:
    found = one([b"\xff\x00", None, b""], T.BINARY)
    assert (found.filled, found.distinct, found.top) == (1, 0, ())
