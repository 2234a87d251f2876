"""The judgement of whole chunks."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest
from changeover.connectors.cell import arrow_type
from changeover.connectors.finding import Finding, Severity
from changeover.connectors.schema import Field, FieldType
from changeover.mappings.language import Expectation
from changeover.mappings.mapped import MappedChunk, Misfit
from changeover.validators.judge import Judge
from hypothesis import given
from hypothesis import strategies as st

NAME = Field("name", FieldType.TEXT, required=True, length=4)
STAGE = Field("stage", FieldType.CHOICE, choices=("s1", "won"))
AMOUNT = Field("amount", FieldType.DECIMAL, required=True, precision=5, scale=2, minimum="0")
TAX = Field("tax_no", FieldType.TEXT, unique=True)
MOBILE = Field("mobile", FieldType.TEXT, unique=True, length=11)
PARENT = Field("parent_id", FieldType.REFERENCE, references=("customer",))


def codes(found: list[Finding]) -> list[tuple[str, str]]:
    return [(str(each.key), each.code) for each in found]


def test_every_problem_of_every_record_is_told_with_the_place_of_its_rule(mapped):
    chunk = mapped(
        {
            NAME: ["华美诊所", None, "华美诊所上海"],
            STAGE: ["won", "lost", None],
            AMOUNT: [Decimal("1.00"), Decimal("-1000.00"), None],
        }
    )
    lines = {"name": ("mappings/bill.yaml", 5), "amount": ("mappings/bill.yaml", 9)}
    found = Judge([NAME, STAGE, AMOUNT], "bill", "mappings/bill.yaml", lines).judge(chunk)
    assert codes(found) == [
        ("B1", "required.missing"),
        ("B1", "choices.unknown"),
        ("B1", "range.too_many_digits"),
        ("B1", "range.below"),
        ("B2", "length.too_long"),
        ("B2", "required.missing"),
    ]
    assert found[4] == Finding(
        code="length.too_long",
        severity=Severity.BLOCKS,
        params={"field": "name", "limit": 4},
        object="t_bill",
        key="B2",
        field="name",
        mapping="bill",
        file="mappings/bill.yaml",
        line=5,
        sample="华美诊所上海",
    )
    assert (found[1].file, found[1].line) == ("mappings/bill.yaml", None)
    assert [each.sample for each in found[:4]] == [None, "lost", "-1000", "-1000"]


def test_a_cell_that_would_not_fit_is_told_once_and_with_its_source_text(mapped):
    chunk = mapped({AMOUNT: [None, None]}, [Misfit(0, "amount", "type.not_a_number", "十二")])
    found = Judge([AMOUNT], "bill", None, {}).judge(chunk)
    assert codes(found) == [("B0", "type.not_a_number"), ("B1", "required.missing")]
    assert found[0].sample == "十二"
    assert found[0].params == {"field": "amount", "type": "decimal"}


def test_a_misfit_of_a_field_that_is_not_judged_is_never_lost(mapped):
    chunk = mapped({AMOUNT: [None]}, [Misfit(0, "paid", "type.not_a_number", "?")])
    with pytest.raises(ValueError, match="paid"):
        Judge([AMOUNT], "bill", None, {}).judge(chunk)


def test_a_field_that_no_rule_fills_is_not_judged(mapped):
    assert Judge([NAME, AMOUNT], "bill", None, {}).judge(mapped({NAME: ["a"]})) == []


def test_a_value_is_unique_across_chunks_and_free_to_its_own_record(mapped, seen):
    judge = Judge([TAX], "bill", None, {}, seen=seen)
    assert judge.judge(mapped({TAX: ["T1", "T2", None, None]})) == []
    assert judge.judge(mapped({TAX: ["T1", "T2", None, None]})) == []
    [found] = judge.judge(mapped({TAX: ["T3", "T1"]}, start=4))
    assert (found.key, found.code) == ("B5", "unique.duplicate")
    assert found.params == {"field": "tax_no", "holder": "old:t_bill:B0"}
    assert found.sample == "T1"


@pytest.mark.parametrize(
    "expectations",
    [[], [Expectation("matches", {"column": "stage", "regex": "won"}, "m.yaml", 1)]],
    ids=["by the schema", "by the mapping"],
)
def test_a_rejected_record_holds_no_value_and_is_still_told_that_it_is_a_duplicate(mapped, seen, expectations):
    bad = "s1" if expectations else "lost"
    judge = Judge([TAX, STAGE], "bill", None, {}, expectations, seen)
    first = judge.judge(mapped({TAX: ["T1", "T1", "T2"], STAGE: [bad, "won", bad]}))
    assert [key for key, code in codes(first) if code == "unique.duplicate"] == ["B0"]
    assert {key for key, code in codes(first) if code != "unique.duplicate"} == {"B0", "B2"}
    assert judge.judge(mapped({TAX: ["T2"], STAGE: ["won"]}, start=3)) == []


def test_a_warning_does_not_keep_a_record_from_holding_its_value(mapped, seen):
    warns = Expectation("matches", {"column": "stage", "regex": "won", "severity": "warns"}, "m.yaml", 1)
    judge = Judge([TAX, STAGE], "bill", None, {}, [warns], seen)
    [found] = judge.judge(mapped({TAX: ["T1"], STAGE: ["s1"]}))
    assert found.severity is Severity.WARNS
    assert codes(judge.judge(mapped({TAX: ["T1"], STAGE: ["won"]}, start=1))) == [("B1", "unique.duplicate")]


def test_a_record_that_a_second_unique_field_rejects_gives_back_the_first(mapped, seen):
    judge = Judge([TAX, MOBILE], "bill", None, {}, seen=seen)
    found = judge.judge(mapped({TAX: ["T1", "T2"], MOBILE: ["138", "138"]}))
    assert codes(found) == [("B1", "unique.duplicate")]
    assert judge.judge(mapped({TAX: ["T2"], MOBILE: ["139"]}, start=2)) == []


def test_a_record_whose_parent_never_comes_is_held(mapped):
    chunk = mapped({PARENT: ["old:t_customer:1", None, "old:t_customer:9"]})
    lines = {"parent_id": ("mappings/bill.yaml", 12)}
    judge = Judge([PARENT], "bill", "mappings/bill.yaml", lines)
    assert judge.judge(chunk) == []
    [found] = judge.missing_parents(chunk, "parent_id", pa.array([False, True, True]))
    assert (found.key, found.code, found.severity, found.line) == ("B2", "reference.missing", Severity.HOLDS, 12)
    assert found.params == {"field": "parent_id", "parent": "old:t_customer:9"}


RECORDS = st.lists(
    st.tuples(
        st.none() | st.text(alphabet="a华\U0001f600́", max_size=6),
        st.sampled_from([None, "s1", "won", "Won", ""]),
        st.none() | st.decimals("-2000", "2000", places=2),
    ),
    max_size=40,
)


@given(RECORDS)
def test_columns_are_judged_as_records_would_be_one_by_one(records):
    from collections import Counter

    fields = (NAME, STAGE, AMOUNT)
    frame = pd.DataFrame(
        {
            field.name: pd.array([record[place] for record in records], dtype=pd.ArrowDtype(arrow_type(field)))
            for place, field in enumerate(fields)
        }
    )
    keys = [str(number) for number in range(len(records))]
    found = Judge(fields, "bill", None, {}).judge(MappedChunk("bill", "", "t_bill", "statement", frame, keys, keys))

    wanted: Counter[tuple[str, str]] = Counter()
    for key, (name, stage, amount) in zip(keys, records, strict=True):
        wanted[key, "required.missing"] += (name is None) + (amount is None)
        wanted[key, "length.too_long"] += name is not None and len(name) > 4
        wanted[key, "choices.unknown"] += stage not in (None, "s1", "won")
        wanted[key, "range.below"] += amount is not None and amount < 0
        wanted[key, "range.too_many_digits"] += amount is not None and abs(amount) >= 1000
    assert Counter(codes(found)) == +wanted
    assert [each.key for each in found] == sorted((str(each.key) for each in found), key=int)
