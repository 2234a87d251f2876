"""What `expect` declares, checked before anything runs."""

from __future__ import annotations

import subprocess
import sys

import pytest
from changeover.connectors.finding import Severity
from changeover.connectors.schema import Field, FieldType
from changeover.mappings.language import Expectation
from changeover.validators.declared import check_expectations

FIELDS = (
    Field("name", FieldType.TEXT),
    Field("amount", FieldType.DECIMAL, scale=2),
    Field("paid", FieldType.DECIMAL, scale=2),
    Field("signed_on", FieldType.DATE),
    Field("made_at", FieldType.INSTANT),
    Field("seen_at", FieldType.LOCAL_TIME),
)


def problems(name: str, **arguments: object) -> list[tuple[str, dict[str, str | int]]]:
    found = check_expectations([Expectation(name, arguments, "mappings/bill.yaml", 31)], FIELDS, "bill")
    for each in found:
        assert (each.severity, each.mapping, each.file, each.line) == (
            Severity.BLOCKS,
            "bill",
            "mappings/bill.yaml",
            31,
        )
        assert each.params["expectation"] == name
    return [(each.code, {key: told for key, told in each.params.items() if key != "expectation"}) for each in found]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("matches", {"column": "name", "regex": "^华"}),
        ("between", {"column": "amount", "min": 0}),
        ("between", {"column": "amount", "min": "0.01", "max": 10.5, "severity": "warns"}),
        ("between", {"column": "made_at", "min": "2020-01-01T00:00:00+08:00"}),
        ("expect_column_values_to_be_between", {"column": "amount", "min_value": 0, "severity": "blocks"}),
        ("expect_column_pair_values_to_be_equal", {"column_A": "name", "column_B": "name"}),
        ("expect_multicolumn_sum_to_equal", {"column_list": ["amount", "paid"], "sum_total": 3}),
        ("expect_column_values_to_match_json_schema", {"column": "name", "json_schema": {"type": "object"}}),
    ],
)
def test_what_can_be_asked_has_no_problem(name, arguments):
    assert problems(name, **arguments) == []


@pytest.mark.parametrize(
    ("name", "arguments", "code", "params"),
    [
        ("match", {"column": "name", "regex": "a"}, "expectation.unknown", {"nearest": "matches"}),
        (
            "expect_column_values_to_be_betwen",
            {"column": "amount"},
            "expectation.unknown",
            {"nearest": "expect_column_values_to_be_between"},
        ),
        (
            "exepct_column_values_to_be_null",
            {"column": "amount"},
            "expectation.unknown",
            {"nearest": "expect_column_values_to_be_null"},
        ),
        (
            "matches",
            {"column": "nmae", "regex": "a"},
            "expectation.column_unknown",
            {"column": "nmae", "nearest": "name"},
        ),
        (
            "expect_column_values_to_be_null",
            {"column": "amont"},
            "expectation.column_unknown",
            {"column": "amont", "nearest": "amount"},
        ),
        (
            "matches",
            {"column": "amount", "regex": "1"},
            "expectation.column_unfit",
            {"column": "amount", "type": "decimal"},
        ),
        (
            "between",
            {"column": "amount", "minimum": 1, "max": 2},
            "expectation.argument_unknown",
            {"argument": "minimum", "nearest": "min"},
        ),
        (
            "expect_column_values_to_be_between",
            {"column": "amount", "min": 1},
            "expectation.argument_unknown",
            {"argument": "min", "nearest": "min_value"},
        ),
        ("matches", {"column": "name"}, "expectation.argument_missing", {"argument": "regex"}),
        ("between", {"column": "amount"}, "expectation.argument_missing", {"argument": "min, max"}),
        (
            "expect_column_values_to_match_regex_list",
            {"column": "name"},
            "expectation.argument_missing",
            {"argument": "regex_list"},
        ),
        (
            "between",
            {"column": "amount", "max": "many"},
            "expectation.argument_wrong",
            {"argument": "max", "problem": "decimal"},
        ),
        (
            "between",
            {"column": "signed_on", "min": "2023-02-30"},
            "expectation.argument_wrong",
            {"argument": "min", "problem": "date"},
        ),
        (
            "between",
            {"column": "made_at", "min": "2020-01-01 00:00:00"},
            "expectation.argument_wrong",
            {"argument": "min", "problem": "instant"},
        ),
        (
            "between",
            {"column": "seen_at", "min": "2020-01-01T00:00:00+08:00"},
            "expectation.argument_wrong",
            {"argument": "min", "problem": "local_time"},
        ),
        (
            "between",
            {"column": "amount", "min": 1, "severity": "critical"},
            "expectation.argument_wrong",
            {"argument": "severity", "problem": "blocks | warns"},
        ),
        ("expect_table_row_count_to_equal", {"value": 3}, "expectation.of_the_whole", {}),
        ("expect_column_sum_to_be_between", {"column": "amount", "min_value": 0}, "expectation.of_the_whole", {}),
        ("expect_column_values_to_be_unique", {"column": "name"}, "expectation.of_others", {}),
        ("expect_column_values_to_be_of_type", {"column": "name", "type_": "str"}, "expectation.of_storage", {}),
        (
            "expect_column_values_to_be_null",
            {"column": "name", "mostly": 0.9},
            "expectation.argument_of_the_whole",
            {"argument": "mostly"},
        ),
        (
            "expect_column_values_to_be_null",
            {"column": "name", "row_condition": "amount > 0"},
            "expectation.argument_of_the_whole",
            {"argument": "row_condition"},
        ),
    ],
)
def test_what_cannot_be_asked_is_told_with_the_nearest_right_word(name, arguments, code, params):
    assert problems(name, **arguments) == [(code, params)]


@pytest.mark.parametrize(
    ("name", "arguments", "argument"),
    [
        ("matches", {"column": "name", "regex": "(a"}, "regex"),
        ("matches", {"column": "name", "regex": r"(?<=a)b"}, "regex"),
        ("between", {"column": "amount", "min": True}, "min"),
        ("expect_column_values_to_be_between", {"column": "amount", "min_value": "lots"}, "min_value"),
        ("expect_column_values_to_be_in_set", {"column": "amount", "value_set": ["lots"]}, "value_set"),
        ("expect_column_values_to_be_in_set", {"column": "signed_on", "value_set": ["2023-02-30"]}, "value_set"),
    ],
)
def test_a_wrong_argument_is_named_with_what_is_wrong(name, arguments, argument):
    [(code, params), *others] = problems(name, **arguments)
    assert code == "expectation.argument_wrong"
    assert params["argument"] == argument
    assert params["problem"]
    assert others == []


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("expect_column_values_to_match_regex", {"column": "name", "regex": "(a"}),
        ("expect_column_values_to_match_like_pattern", {"column": "name", "like_pattern": "a%"}),
        ("expect_column_values_to_be_between", {"column": "name", "min_value": 3}),
        ("expect_column_values_to_be_between", {"column": "made_at", "min_value": "2020-01-01"}),
    ],
)
def test_an_expectation_that_breaks_on_a_typical_record_is_found_before_the_run(name, arguments, capfd):
    [(code, params)] = problems(name, **arguments)
    assert code == "expectation.breaks"
    assert params["problem"]
    assert capfd.readouterr() == ("", "")


def test_among_others_it_is_the_one_that_breaks_that_is_named():
    names = {"column": "name"}
    found = check_expectations(
        [
            Expectation("expect_column_values_to_not_be_null", names, "m.yaml", 1),
            Expectation("expect_column_values_to_be_between", names | {"min_value": 3}, "m.yaml", 2),
            Expectation("expect_column_values_to_be_null", {"column": "nmae"}, "m.yaml", 3),
            Expectation("expect_column_values_to_be_between", {"column": "amount", "min_value": 3}, "m.yaml", 4),
            Expectation("expect_column_values_to_match_like_pattern", names | {"like_pattern": "a%"}, "m.yaml", 5),
        ],
        FIELDS,
    )
    assert [(each.line, each.code) for each in found] == [
        (2, "expectation.breaks"),
        (3, "expectation.column_unknown"),
        (5, "expectation.breaks"),
    ]


def test_every_problem_of_every_expectation_is_told_at_once():
    found = check_expectations(
        [
            Expectation("matches", {"colum": "name", "regex": "("}, "m.yaml", 1),
            Expectation("between", {"column": "amount", "min": 0}, "m.yaml", 2),
            Expectation("betwen", {"column": "amount"}, "m.yaml", 3),
            Expectation("expect_column_values_to_be_null", {"column": "name", "mostly": 1, "x": 2}, "m.yaml", 4),
        ],
        FIELDS,
    )
    assert [(each.line, each.code) for each in found] == [
        (1, "expectation.argument_missing"),
        (1, "expectation.argument_wrong"),
        (1, "expectation.argument_unknown"),
        (3, "expectation.unknown"),
        (4, "expectation.argument_of_the_whole"),
        (4, "expectation.argument_unknown"),
    ]


def test_great_expectations_is_imported_only_where_a_mapping_declares_one():
    program = """
import sys
from changeover.connectors.schema import Field, FieldType
from changeover.mappings.language import Expectation
from changeover.validators.declared import check_expectations
from changeover.validators.judge import Judge
fields = [Field("name", FieldType.TEXT)]
matches = [Expectation("matches", {"column": "name", "regex": "a"}, "m.yaml", 1)]
assert check_expectations(matches, fields) == []
Judge(fields, "account", None, {}, matches)
assert "great_expectations" not in sys.modules
check_expectations([Expectation("expect_column_values_to_be_null", {"column": "name"}, "m.yaml", 1)], fields)
assert "great_expectations" in sys.modules
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
