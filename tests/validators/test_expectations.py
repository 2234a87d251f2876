"""Expectations of Great Expectations on mapped chunks."""

from __future__ import annotations

import datetime as dt
import inspect
import logging
import warnings
from decimal import Decimal

import pytest
from changeover.connectors.errors import InputError
from changeover.connectors.finding import Severity
from changeover.connectors.schema import Field, FieldType
from changeover.mappings.language import Expectation
from changeover.mappings.mapped import Misfit
from changeover.validators.judge import Judge

NAME = Field("name", FieldType.TEXT)
ALIAS = Field("alias", FieldType.TEXT)
AMOUNT = Field("amount", FieldType.DECIMAL, scale=2)
PAID = Field("paid", FieldType.DECIMAL, scale=2)
VISITS = Field("visits", FieldType.INTEGER)
RATE = Field("rate", FieldType.FLOAT)
ACTIVE = Field("active", FieldType.BOOLEAN)
SIGNED = Field("signed_on", FieldType.DATE)
MADE = Field("made_at", FieldType.INSTANT)
SEEN = Field("seen_at", FieldType.LOCAL_TIME)

COLUMNS = {
    NAME: ["Hua Mei", "华美诊所", None, "", "x\U0001f600"],
    ALIAS: ["Hua Mei", "华美", None, "", "y"],
    AMOUNT: [Decimal("0.10"), Decimal("1000000000000000.01"), None, Decimal("-5.00"), Decimal("1.00")],
    PAID: [Decimal("0.20"), Decimal("1000000000000000.02"), None, Decimal("-5.00"), Decimal("0.30")],
    VISITS: [1, 2**53 + 1, None, -4, 0],
    RATE: [0.1, 1e300, None, -0.5, 0.3],
    ACTIVE: [True, False, None, True, True],
    SIGNED: [dt.date(2020, 1, 1), dt.date(2024, 2, 29), None, dt.date(1900, 1, 1), dt.date(2030, 1, 1)],
    MADE: [dt.datetime(2020, 1, 1, tzinfo=dt.UTC)] * 2 + [None] + [dt.datetime(1990, 1, 1, tzinfo=dt.UTC)] * 2,
    SEEN: [dt.datetime(2020, 1, 1)] * 2 + [None] + [dt.datetime(1990, 1, 1)] * 2,  # noqa: DTZ001
}


FIRST_LINE = 40


def judged(chunk, *declared):
    file = "mappings/bill.yaml"
    expectations = [Expectation(*each, file, line) for line, each in enumerate(declared, start=FIRST_LINE)]
    return Judge(list(COLUMNS), "bill", file, {}, expectations).judge(chunk)


BETWEEN = "expect_column_values_to_be_between"
IN_SET = "expect_column_values_to_be_in_set"


CASES = [
    (BETWEEN, {"column": "amount", "min_value": 0.1}, [3]),
    (BETWEEN, {"column": "amount", "min_value": "0.1"}, [3]),
    (BETWEEN, {"column": "amount", "min_value": Decimal("0.11"), "max_value": 10**15}, [0, 1, 3]),
    (BETWEEN, {"column": "amount", "max_value": Decimal("1000000000000000.01"), "strict_max": True}, [1]),
    (BETWEEN, {"column": "visits", "max_value": 2**53}, [1]),
    (BETWEEN, {"column": "rate", "min_value": 0.1, "max_value": 0.3}, [1, 3]),
    (BETWEEN, {"column": "signed_on", "min_value": "2000-01-01", "max_value": dt.date(2029, 12, 31)}, [3, 4]),
    (BETWEEN, {"column": "made_at", "min_value": dt.datetime(2000, 1, 1, tzinfo=dt.UTC)}, [3, 4]),
    (BETWEEN, {"column": "seen_at", "min_value": "2000-01-01T00:00:00"}, [3, 4]),
    (IN_SET, {"column": "name", "value_set": ["Hua Mei", "华美诊所", ""]}, [4]),
    (IN_SET, {"column": "amount", "value_set": ["0.1", 1, -5]}, [1]),
    (IN_SET, {"column": "rate", "value_set": ["0.1", "1e300"]}, [3, 4]),
    (IN_SET, {"column": "visits", "value_set": [1, "9007199254740993", 0]}, [3]),
    (IN_SET, {"column": "signed_on", "value_set": ["2020-01-01", "2030-01-01"]}, [1, 3]),
    (IN_SET, {"column": "made_at", "value_set": ["2020-01-01T08:00:00+08:00"]}, [3, 4]),
    (
        "expect_column_pair_values_to_be_in_set",
        {"column_A": "amount", "column_B": "name", "value_pairs_set": [["0.1", "Hua Mei"], [-5, ""]]},
        [1, 4],
    ),
    (
        "expect_column_pair_values_to_be_in_set",
        {"column_A": "amount", "column_B": "amount", "value_pairs_set": [["0.1", "0.10"]]},
        [1, 3, 4],
    ),
    (BETWEEN, {"column": "made_at", "min_value": "2000-01-01T00:00:00+08:00"}, [3, 4]),
    (IN_SET, {"column": "active", "value_set": [True]}, [1]),
    ("expect_column_values_to_not_be_null", {"column": "amount"}, [2]),
    ("expect_column_values_to_be_null", {"column": "name"}, [0, 1, 3, 4]),
    ("expect_column_values_to_match_regex", {"column": "name", "regex": r"^\S*$"}, [0]),
    ("expect_column_value_lengths_to_be_between", {"column": "name", "min_value": 2, "max_value": 4}, [0, 3]),
    ("expect_column_pair_values_to_be_equal", {"column_A": "name", "column_B": "alias"}, [1, 4]),
    ("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "paid", "column_B": "amount"}, [3, 4]),
    (
        "expect_column_pair_values_a_to_be_greater_than_b",
        {"column_A": "paid", "column_B": "amount", "or_equal": True},
        [4],
    ),
    (
        "expect_multicolumn_sum_to_equal",
        {"column_list": ["amount", "paid"], "sum_total": Decimal("2000000000000000.03")},
        [0, 3, 4],
    ),
    ("expect_multicolumn_sum_to_equal", {"column_list": ["amount", "paid"], "sum_total": 0.3}, [1, 3, 4]),
    ("expect_select_column_values_to_be_unique_within_record", {"column_list": ["name", "alias"]}, [0, 3]),
]
"""Expectations, and the rows that do not meet them."""


def test_the_records_that_do_not_meet_it_are_named(mapped, subtests, capfd, caplog):
    """All at once: a call of Great Expectations costs as much for many as for one."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        told = judged(mapped(COLUMNS), *((name, arguments) for name, arguments, _ in CASES))
    assert capfd.readouterr() == ("", "")
    assert [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING] == []
    for line, (name, arguments, rows) in enumerate(CASES, start=FIRST_LINE):
        with subtests.test(expectation=name, **arguments):
            found = [each for each in told if each.line == line]
            assert [each.key for each in found] == [f"B{row}" for row in rows]
            assert {(each.code, each.params["expectation"]) for each in found} == {("expectation.failed", name)}


def test_a_finding_says_where_the_expectation_stands_and_what_was_in_the_cell(mapped):
    [found] = judged(mapped(COLUMNS), (BETWEEN, {"column": "amount", "min_value": 0, "severity": "warns"}))
    assert found.severity is Severity.WARNS
    assert found.params == {"field": "amount", "expectation": BETWEEN}
    assert (found.object, found.key, found.field, found.mapping) == ("t_bill", "B3", "amount", "bill")
    assert (found.file, found.line, found.sample) == ("mappings/bill.yaml", 40, "-5")


def test_no_decimal_makes_it_read_the_sources_of_the_stack(mapped, monkeypatch):
    monkeypatch.setattr(inspect, "getouterframes", lambda *_: pytest.fail("each costs as much as a small chunk"))
    arguments = {"column": "amount", "min_value": "0.11", "max_value": 10**15}
    assert [each.key for each in judged(mapped(COLUMNS), (BETWEEN, arguments))] == ["B0", "B1", "B3"]


def test_several_expectations_of_one_class_are_each_judged(mapped):
    found = judged(
        mapped(COLUMNS),
        (BETWEEN, {"column": "amount", "min_value": 0}),
        (BETWEEN, {"column": "amount", "min_value": 0}),
        (BETWEEN, {"column": "signed_on", "max_value": dt.date(2029, 1, 1)}),
        (BETWEEN, {"column": "visits", "min_value": 1}),
    )
    assert [(each.key, each.line) for each in found] == [
        ("B3", 40),
        ("B3", 41),
        ("B3", 43),
        ("B4", 42),
        ("B4", 43),
    ]


def test_two_columns_are_both_named(mapped):
    arguments = {"column_A": "name", "column_B": "alias"}
    found = judged(mapped(COLUMNS), ("expect_column_pair_values_to_be_equal", arguments))
    assert [each.params["field"] for each in found] == ["name, alias", "name, alias"]
    assert [each.sample for each in found] == ["华美诊所", "x\U0001f600"]


def test_a_cell_that_would_not_fit_is_not_told_again_as_null(mapped):
    chunk = mapped({AMOUNT: [None, None]}, [Misfit(0, "amount", "type.not_a_number", "twelve")])
    expectation = Expectation("expect_column_values_to_not_be_null", {"column": "amount"}, "m.yaml", 1)
    found = Judge([AMOUNT], "bill", None, {}, [expectation]).judge(chunk)
    assert [(each.key, each.code) for each in found] == [("B0", "type.not_a_number"), ("B1", "expectation.failed")]


def test_a_check_that_breaks_stops_the_operator_and_tells_no_cell(mapped, capfd):
    arguments = {"column": "name", "json_schema": {"type": "object"}}
    with pytest.raises(InputError) as broken:
        judged(
            mapped(COLUMNS),
            (BETWEEN, {"column": "amount", "min_value": 0}),
            ("expect_column_values_to_match_json_schema", arguments),
            ("expect_column_values_to_not_be_null", {"column": "name"}),
        )
    assert broken.value.code == "expectation.broken"
    assert broken.value.params == {
        "expectation": "expect_column_values_to_match_json_schema",
        "mapping": "bill",
        "problem": "JSONDecodeError",
    }
    assert capfd.readouterr() == ("", "")


def test_a_judge_refuses_what_cannot_be_asked_with_every_problem():
    with pytest.raises(InputError) as refused:
        Judge(
            [NAME],
            "bill",
            None,
            {},
            [Expectation("matches", {"column": "x", "regex": "a"}, "m.yaml", 1), Expectation("m", {}, "m.yaml", 1)],
        )
    assert refused.value.code == "expectation.refused"
    assert refused.value.params == {"mapping": "bill", "count": 2}
    assert [each.code for each in refused.value.findings] == ["expectation.column_unknown", "expectation.unknown"]


def test_an_empty_chunk_meets_every_expectation(mapped):
    assert judged(mapped({field: [] for field in COLUMNS}), (BETWEEN, {"column": "amount", "min_value": 0})) == []
