"""Conditions: the closed vocabulary of `where` and `when`, nested, with what cannot be told, and what `check` says of
them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pyarrow as pa
import pytest
from changeover.connectors.chunk import Chunk
from changeover.connectors.errors import InputError
from changeover.connectors.finding import Severity

from .conftest import HEAD, Project, all_told

Make = Callable[..., Chunk]

NAME = "fields:\n  name: cust_name\n"


def passing(project: Project, where: str, chunk: Chunk) -> list[str]:
    mapping = project.account("", f"where: {where}\n")
    mapped = mapping.apply(chunk)
    assert mapped.filtered_keys == [key for key in chunk.keys if key not in mapped.source_keys]
    return mapped.source_keys


def problems(project: Project, where: str) -> list[tuple[str, Severity, str | None]]:
    _, findings = project.write("account", f"{HEAD}where: {where}\n{NAME}").compile()
    return [
        (each.code, each.severity, each.field)
        for each in findings
        if "left_over" not in each.code and "too_long" not in each.code
    ]


@pytest.mark.parametrize(
    ("where", "cells", "keys"),
    [
        ("{tel: {matches: '^024-'}}", ["024-1", "010-1", None, ""], ["1"]),
        ("{tel: {matches: '^$'}}", ["024-1", None, ""], ["3"]),
        ("{not: {tel: {matches: '^024-'}}}", ["024-1", "010-1", None], ["2", "3"]),
        ("{any: [{tel: {equals: a}}, {tel: {equals: b}}]}", ["a", "b", "c", None], ["1", "2"]),
        ("{all: [{tel: {not_equals: a}}, {tel: {present: true}}]}", ["a", "b", "", None], ["2"]),
        ("{any: [{tel: {equals: a}}, {not: {tel: {in: [a, b]}}}]}", ["a", "b", "c", None], ["1", "3", "4"]),
        ("{not: {any: [{tel: {equals: a}}, {tel: {equals: b}}]}}", ["a", "b", "c", None], ["3", "4"]),
        ("{tel: {present: true}, any: [{tel: {matches: a}}, {tel: {matches: b}}]}", ["ab", "c", None], ["1"]),
        ("{field: tel, equals: a}", ["a", "b"], ["1"]),
    ],
)
def test_conditions_of_texts(
    project: Project, customers: Make, where: str, cells: list[object], keys: list[str]
) -> None:
    assert passing(project, where, customers(tel=cells)) == keys


@pytest.mark.parametrize(
    ("said", "cells", "keys"),
    [
        ("{at_least: 9}", ["10", "9", "9.00", " 8.5 ", "", None], ["1", "2", "3"]),
        ("{more_than: 9}", ["10", "9", "-1"], ["1"]),
        ("{at_most: '9.5'}", ["10", "9.5", "9.51", None], ["2"]),
        ("{less_than: 0}", ["0", "-0.001"], ["2"]),
        ("{at_least: 1, less_than: 2}", ["1", "2", "1.999999999999"], ["1", "3"]),
        ("{at_least: '2023-02-01'}", ["2023-02-01", "2023-01-31 23:59:59", "2023-02-01 00:00:01"], ["1", "3"]),
    ],
)
def test_limits_of_texts_are_numbers_or_times(
    project: Project, customers: Make, said: str, cells: list[object], keys: list[str]
) -> None:
    assert passing(project, f"{{amount: {said}}}", customers(amount=cells)) == keys


def test_limits_of_typed_fields(project: Project, customers: Make) -> None:
    whole = customers(parent=pa.array([9, 10, None, 2**53 + 1]))
    assert passing(project, "{parent: {more_than: 9}}", whole) == ["2", "4"]
    assert passing(project, f"{{parent: {{more_than: {2**53}}}}}", whole) == ["4"]
    assert passing(project, "{parent: {less_than: '9.5'}}", whole) == ["1"]
    times = customers(changed=[dt.datetime(2023, 1, 5, 8), dt.datetime(2023, 1, 5), None])  # noqa: DTZ001
    assert passing(project, "{changed: {more_than: '2023-01-05'}}", times) == ["1"]


def test_what_cannot_be_told_is_left_out_and_said(project: Project, customers: Make) -> None:
    mapping = project.account("", "where: {amount: {at_least: 5}}\n")
    mapped = mapping.apply(customers(amount=["7", "many", None, "3", "n/a"]))
    assert mapped.source_keys == ["1"]
    assert mapped.filtered_keys == ["2", "3", "4", "5"]
    [finding] = mapped.findings
    assert (finding.code, finding.severity, finding.params["count"]) == ("mapping.where_untold", Severity.WARNS, 2)
    assert (finding.sample, finding.file, finding.line) == ("many", "mappings/account.yaml", 4)
    all_told([finding])


@pytest.mark.parametrize(
    ("where", "keys"),
    [
        ("{not: {amount: {at_least: 5}}}", ["3"]),  # nobody can tell, turned round either
        ("{lvl: {equals: number}, amount: {at_least: 5}}", ["1"]),
        ("{any: [{lvl: {equals: word}}, {amount: {at_least: 5}}]}", ["1", "2"]),
    ],
)
def test_a_first_question_settles_what_could_not_be_told(
    project: Project, customers: Make, where: str, keys: list[str]
) -> None:
    mapping = project.account("", f"where: {where}\n")
    mapped = mapping.apply(customers(lvl=["number", "word", "number"], amount=["7", "many", "3"]))
    assert mapped.source_keys == keys
    assert len(mapped.findings) == (1 if where.startswith("{not") else 0)


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ("{any: {tel: {equals: x}}}", "yaml.not_a_list"),
        ("{any: []}", "yaml.empty"),
        ("{all: [{}]}", "mapping.condition_empty"),
        ("{not: {tel: {}}}", "mapping.condition_empty"),
        ("{any: [{tel: {eqals: x}}]}", "yaml.unknown_key"),
        ("{any: [{field: tel, eqals: x}]}", "yaml.unknown_key"),
        ("{tel: {at_least: [1]}}", "yaml.not_text"),
    ],
)
def test_a_malformed_condition_is_refused_with_its_line(project: Project, where: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        project.write("account", f"{HEAD}where: {where}\n{NAME}").compile()
    [finding] = caught.value.findings
    assert (finding.code, finding.line) == (code, 4)
    if code == "yaml.unknown_key":
        assert finding.params["nearest"] == "equals"


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("{any: [{telf: {equals: x}}, {tel: {equals: z}}]}", ("mapping.no_source_field", "blocks", "telf")),
        ("{not: {lvel: {equals: x}}}", ("mapping.no_source_field", "blocks", "lvel")),
        ("{is_test: {equals: maybe}}", ("mapping.condition_value_type", "warns", "is_test")),
        ("{owner: {in: ['1', x]}}", ("mapping.condition_value_type", "warns", "owner")),
        ("{is_test: {at_least: 1}}", ("mapping.condition_no_order", "blocks", "is_test")),
        ("{owner: {at_least: soon}}", ("mapping.condition_limit_type", "blocks", "owner")),
        ("{amount: {at_least: soon}}", ("mapping.condition_limit_type", "blocks", "amount")),
        ("{amount: {at_least: 1, at_most: '2023-01-01'}}", ("mapping.condition_limits_apart", "blocks", "amount")),
        ("{tel: {matches: '('}}", ("mapping.condition_pattern", "blocks", "tel")),
        ("{tel: {equals: a, in: [b, c]}}", ("mapping.condition_never_met", "blocks", "tel")),
        ("{tel: {in: [a, b], not_in: [b, a]}}", ("mapping.condition_never_met", "blocks", "tel")),
        ("{tel: {equals: a, matches: '^b'}}", ("mapping.condition_never_met", "blocks", "tel")),
        ("{tel: {present: false, matches: a}}", ("mapping.condition_never_met", "blocks", "tel")),
        ("{owner: {at_least: 5, less_than: 5}}", ("mapping.condition_never_met", "blocks", "owner")),
        ("{owner: {equals: 3, at_least: 5}}", ("mapping.condition_never_met", "blocks", "owner")),
        ("{any: [{owner: {present: false, at_least: 5}}]}", ("mapping.condition_never_met", "blocks", "owner")),
    ],
)
def test_check_finds_what_can_never_be_right(project: Project, where: str, found: tuple[str, str, str]) -> None:
    code, severity, field = found
    assert problems(project, where) == [(code, Severity(severity), field)]


@pytest.mark.parametrize(
    "where",
    [
        "{owner: {at_least: 5, at_most: 5}}",
        "{tel: {present: false}}",
        "{tel: {equals: a, in: [a, b]}}",
        "{amount: {at_least: '0.01'}}",
        "{changed: {less_than: '2024-01-01 08:00'}}",
    ],
)
def test_check_lets_pass_what_can_be_met(project: Project, where: str) -> None:
    assert problems(project, where) == []


def test_a_field_called_as_a_key_of_conditions(project: Project) -> None:
    [(code, _, field)] = problems(project, "{all: [{field: any, equals: x}]}")
    assert (code, field) == ("mapping.no_source_field", "any")


def test_fields_under_any_count_as_used(project: Project) -> None:
    mapping = project.account("", "where: {any: [{lvl: {equals: a}}, {not: {tel: {present: true}}}]}\n")
    assert mapping.source_fields == ("cust_name", "lvl", "tel")
    _, findings = project.compile()
    left = {each.field for each in findings if each.code == "mapping.left_over"}
    assert "opened" in left
    assert not left & {"lvl", "tel"}


def test_the_digest_changes_with_what_the_conditions_say(project: Project) -> None:
    def digest(where: str) -> str:
        return project.account("", f"where: {where}\n").digest

    plain = digest("{tel: {equals: a}}")
    assert digest("{field: tel, equals: a}") == plain
    others = ["{not: {tel: {equals: a}}}", "{any: [{tel: {equals: a}}]}", "{tel: {at_least: 1}}", "{tel: {at_most: 1}}"]
    assert len({plain, *map(digest, others)}) == 5
