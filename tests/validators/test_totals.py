"""Business totals: gathered chunk by chunk, compared to the cent."""

from __future__ import annotations

from collections import defaultdict
from decimal import Context, Decimal

import pandas as pd
import pyarrow as pa
import pytest
from changeover.connectors.errors import InputError
from changeover.connectors.schema import Field, FieldType, ObjectSchema, Schema
from changeover.mappings.yaml.strict_yaml import load_model, read_yaml
from changeover.validators.group_sums import LEFT_BEHIND, GroupSums
from changeover.validators.totals import TotalsFile, check_totals, compare_totals, group_sums
from hypothesis import given
from hypothesis import strategies as st

CITY = Field("city", FieldType.TEXT)
AMOUNT = Field("amount", FieldType.DECIMAL, scale=2)
RECEIVED = Field("received", FieldType.TEXT)
BILL = ObjectSchema("t_bill", ("id",), (Field("id", FieldType.TEXT), CITY, AMOUNT, RECEIVED), "对账单")
STATEMENT = ObjectSchema(
    "statement",
    ("id",),
    (
        Field("id", FieldType.TEXT),
        Field("city_name", FieldType.TEXT),
        Field("amount_due", FieldType.DECIMAL, scale=2),
        Field("amount_received", FieldType.DECIMAL, scale=2),
    ),
)
EXACT = Context(prec=400)

TOTALS = """
totals:
  - name: 应收按城市
    source: {object: t_bill, sum: [amount, received], group: [city]}
    target: {object: statement, sum: [amount_due, amount_received], group: [city_name]}
    groups: {"北京市": "北京", "京": "北京"}
  - name: 笔数
    source: {object: t_bill}
    target: {object: statement}
"""


@pytest.fixture
def read(tmp_path):
    def from_text(text: str):
        (tmp_path / "totals.yaml").write_text(text, encoding="utf-8")
        document = read_yaml(tmp_path / "totals.yaml", "totals.yaml")
        return load_model(document, TotalsFile), document

    return from_text


def frame(**columns: list[object]) -> pd.DataFrame:
    return pd.DataFrame(
        {name: pd.Series(pa.array(cells), dtype=pd.ArrowDtype(pa.array(cells).type)) for name, cells in columns.items()}
    )


def keys(size: int) -> list[str]:
    return [f"B{number}" for number in range(size)]


def test_both_sides_agree_group_by_group_and_what_was_left_behind_is_told_by_reason(read):
    file, _ = read(TOTALS)
    total = file.totals[0]
    source, target = group_sums(total.source, BILL), group_sums(total.target, STATEMENT)
    bills = frame(
        city=["北京市", "京", "上海", None, "上海", "上海"],
        amount=["100.10", "0.90", "1000000000000000.01", "5", "7.00", "8.00"],
        received=["1", None, "2.5", "0", "0.5", "0.25"],
    )
    source.add(bills, keys(6), [None, None, None, None, "rejected", "held"])
    target.add(
        frame(
            city_name=["北京", "上海", None, "深圳"],
            amount_due=["101.00", "1000000000000000.00", "5", "0.01"],
            amount_received=["1.00", "2.50", "0", "0"],
        ),
        keys(4),
    )
    told = {(line.group, line.measure): line for line in compare_totals(total, source, target)}
    assert [group for group, measure in told if measure == "count"] == [(None,), ("上海",), ("北京",), ("深圳",)]
    due, received = "amount = amount_due", "received = amount_received"
    assert [measure for group, measure in told if group == ("上海",)] == ["count", due, received]

    beijing = told[("北京",), due]
    assert (beijing.source_total, beijing.left_behind, beijing.expected, beijing.target) == (101, 0, 101, 101)
    assert (beijing.difference, beijing.equal) == (0, True)
    assert (str(beijing.expected), str(beijing.difference)) == ("101", "0")
    assert not told[("北京",), "count"].equal
    assert told[("北京",), "count"].difference == -1

    shanghai = told[("上海",), due]
    assert shanghai.source_total == Decimal("1000000000000015.01")
    assert shanghai.left_behind == 15
    assert shanghai.left_by == {"rejected": 7, "held": 8}
    assert shanghai.expected == Decimal("1000000000000000.01")
    assert (shanghai.difference, shanghai.equal) == (Decimal("-0.01"), False)
    assert told[("上海",), "count"].equal
    assert told[("上海",), received].equal

    assert (told[("深圳",), due].expected, told[("深圳",), due].difference) == (0, Decimal("0.01"))
    assert {type(line.difference) for (_, measure), line in told.items() if measure == "count"} == {int}


def test_counts_alone_need_no_fields(read):
    file, _ = read(TOTALS)
    total = file.totals[1]
    source, target = group_sums(total.source, BILL), group_sums(total.target, STATEMENT)
    source.add(frame(id=["1", "2", "3"]), keys(3), [None, "filtered", None])
    target.add(frame(id=["1", "2"]), keys(2))
    [line] = compare_totals(total, source, target)
    assert (line.group, line.measure, line.source_total, line.left_by) == ((), "count", 3, {"filtered": 1})
    assert (line.expected, line.target, line.equal) == (2, 2, True)


def test_only_what_meets_where_is_counted(read):
    file, _ = read(
        """
totals:
  - name: a
    source: {object: t_bill, sum: [received], where: {city: {in: [北京, 上海]}, amount: {not_equals: "0.00"}}}
    target: {object: statement, sum: [amount_received], where: {city_name: {present: true}}}
"""
    )
    total = file.totals[0]
    source, target = group_sums(total.source, BILL), group_sums(total.target, STATEMENT)
    bills = frame(
        city=["北京", "广州", None, "上海", "上海"],
        amount=["1", "1", "1", "0", "2"],
        received=["?", "1", "2", "4", "8"],
    )
    source.add(bills, keys(5), [None, None, None, None, "held"])
    target.add(frame(city_name=["北京", None, "上海"], amount_received=["1", "2", "8"]), keys(3))
    count, received = compare_totals(total, source, target)
    assert (count.source_total, count.left_by, count.expected, count.target) == (2, {"held": 1}, 1, 2)
    assert (received.source_total, received.expected, received.target) == (8, 0, 9)
    assert [each.key for each in source.named_misfits] == ["B0"]


def test_a_summed_field_called_count_is_not_taken_for_the_count(read):
    file, _ = read("totals: [{name: a, source: {object: s, sum: [count]}, target: {object: s, sum: [count]}}]\n")
    total = file.totals[0]
    described = ObjectSchema("s", (), (Field("count", FieldType.INTEGER),))
    source, target = group_sums(total.source, described), group_sums(total.target, described)
    source.add(frame(count=[3, 4]), keys(2))
    target.add(frame(count=[7]), keys(1))
    lines = compare_totals(total, source, target)
    assert [(line.measure, line.expected, line.target, line.equal) for line in lines] == [
        ("count", 2, 1, False),
        ("count = count", 7, 7, True),
    ]


def test_two_empty_sides_agree(read):
    file, _ = read(TOTALS)
    total = file.totals[0]
    assert compare_totals(total, group_sums(total.source, BILL), group_sums(total.target, STATEMENT)) == []


def test_a_cell_that_is_no_number_is_named_and_adds_nothing():
    sums = GroupSums("t_bill", (), (RECEIVED,))
    sums.add(frame(received=["1.50", "十二", "1,000.00", "２", None, " 2 ", "1_0", "nan", "1e5000"]), keys(9))
    assert sums.moved[()].totals == [Decimal("3.50")]
    assert sums.moved[()].count == 9
    assert sums.misfits == 6
    assert [(each.key, each.sample) for each in sums.named_misfits] == [
        ("B1", "十二"),
        ("B2", "1,000.00"),
        ("B3", "２"),
        ("B6", "1_0"),
        ("B7", "nan"),
        ("B8", "1e5000"),
    ]
    assert {(each.code, each.object, each.field) for each in sums.named_misfits} == {
        ("totals.not_a_number", "t_bill", "received")
    }


def test_floats_are_added_as_the_decimals_they_show():
    sums = GroupSums("t_bill", (), (Field("fee", FieldType.FLOAT),))
    sums.add(frame(fee=[0.1, 0.2, 0.1 + 0.2, 1e-17, 1e30]), keys(5))
    assert sums.moved[()].totals == [Decimal("1000000000000000000000000000000.60000000000000005")]
    assert sums.misfits == 0


def test_more_than_a_128_bit_column_holds_is_added_up_exactly():
    largest = Decimal("9" * 26 + "." + "9" * 12)
    sums = GroupSums("t_bill", (), (Field("fee", FieldType.DECIMAL, scale=12),))
    for _ in range(3):
        sums.add(frame(fee=[largest] * 1000), keys(1000))
    assert sums.moved[()].totals == [EXACT.multiply(largest, Decimal(3000))]


def test_a_reason_that_is_none_is_refused():
    with pytest.raises(ValueError, match="lost"):
        GroupSums("t_bill").add(frame(id=["1"]), keys(1), ["lost"])


def test_groups_of_several_fields_and_kinds_have_canonical_names():
    day, kind = Field("day", FieldType.DATE), Field("kind", FieldType.DECIMAL, scale=1)
    sums = GroupSums("t_bill", (CITY, day, kind))
    sums.add(frame(city=["é", "é", "é"], day=["2024-01-01", "2024-01-01", "soon"], kind=["1.0", "1", "1.00"]), keys(3))
    assert {group: each.count for group, each in sums.moved.items()} == {
        ("é", "2024-01-01", "1"): 2,
        ("é", "soon", "1"): 1,
    }


CENTS = st.integers(-(10**17), 10**17).map(lambda cents: Decimal(cents).scaleb(-2))
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["北京", "上海", "", None]),
        st.none() | CENTS,
        st.none() | CENTS.map(str) | st.sampled_from(["?", "0.1234567890123456789", "1e-3"]),
        st.sampled_from([None, *LEFT_BEHIND]),
    ),
    max_size=30,
)


@given(ROWS, st.data())
def test_any_chunks_give_the_same_sums_as_adding_row_by_row(rows, data):
    sums = GroupSums("t_bill", (CITY,), (AMOUNT, RECEIVED))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=4)))
    for start, end in zip([0, *cuts], [*cuts, len(rows)], strict=True):
        part = rows[start:end]
        chunk = pd.DataFrame(
            {
                "city": pd.array([row[0] for row in part], dtype=pd.ArrowDtype(pa.string())),
                "amount": pd.array([row[1] for row in part], dtype=pd.ArrowDtype(pa.decimal128(20, 2))),
                "received": pd.array([row[2] for row in part], dtype=pd.ArrowDtype(pa.string())),
            }
        )
        sums.add(chunk, keys(len(part)), [row[3] for row in part])

    wanted: dict[object, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
    for city, amount, received, reason in rows:
        added = [Decimal(1), amount or Decimal(0), Decimal(received) if received not in (None, "?") else Decimal(0)]
        wanted[reason, city] = [EXACT.add(*pair) for pair in zip(wanted[reason, city], added, strict=True)]
    found = {
        (reason, *group): [Decimal(each.count), *each.totals]
        for reason, groups in sums.by_reason.items()
        for group, each in groups.items()
    }
    assert found == wanted
    assert sums.misfits == sum(row[2] == "?" for row in rows)


def test_what_the_systems_do_not_have_is_told_with_its_line_and_the_nearest_word(read):
    file, document = read(
        """
totals:
  - name: a
    source: {object: t_bil, sum: [amount]}
    target: {object: statement, sum: [amount_dew]}
  - name: b
    source:
      object: t_bill
      group: [citi]
      where: {amout: {present: true}}
    target: {object: statement, group: [city_name]}
"""
    )
    systems = Schema({"t_bill": BILL}), Schema({"statement": STATEMENT})
    found = check_totals(file, document, *systems)
    assert [(each.code, each.line, each.params.get("field"), each.params["side"]) for each in found] == [
        ("totals.object_unknown", 4, None, "@word.source"),
        ("totals.field_unknown", 5, "amount_dew", "@word.target"),
        ("totals.field_unknown", 9, "citi", "@word.source"),
        ("totals.field_unknown", 10, "amout", "@word.source"),
    ]
    assert [each.params["nearest"] for each in found] == ["t_bill (对账单)", "amount_due", "city", "amount"]


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        (TOTALS.replace("sum: [amount, received]", "sum: [amount]"), "totals.uneven", 3),
        (TOTALS.replace("group: [city]", "group: []"), "totals.uneven", 3),
        (TOTALS.replace("笔数", "应收按城市"), "totals.name_twice", 2),
        (TOTALS.replace("sum: [amount,", "sums: [amount,"), "yaml.unknown_key", 4),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_with_its_line(read, text, code, line):
    with pytest.raises(InputError) as refused:
        read(text)
    assert [(each.code, each.line) for each in refused.value.findings if each.code == code] == [(code, line)]
