"""Rules with `when`, `cases` and `first`: which case fills a record, what becomes of the rest, what `check` finds."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest
from changeover.connectors.chunk import Chunk
from changeover.connectors.errors import InputError
from changeover.connectors.finding import Severity
from changeover.mappings.mutations import mutations
from changeover.mappings.people import Fate, People, Person

from .conftest import HEAD, Project, ZoneInfo

Make = Callable[..., Chunk]


def filled(project: Project, field: str, rule: str, chunk: Chunk, people: People | None = None) -> list[object]:
    mapped = project.account(f"  {field}: {rule}\n").apply(chunk, people)
    return [None if cell is pd.NA else cell for cell in mapped.frame[field].tolist()]


def codes(project: Project, rule: str) -> list[tuple[str, str | None]]:
    _, findings = project.write("account", f"{HEAD}fields:\n  name: cust_name\n  {rule}\n").compile()
    return [(each.code, each.field) for each in findings if each.severity is Severity.BLOCKS]


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ("{constant: A, when: {lvl: {equals: x}}}", ["A", None, None]),
        ("{constant: A, when: {lvl: {equals: x}}, default: B}", ["A", "B", "B"]),
        ("{cases: [{constant: A, when: {lvl: {equals: x}}}, {constant: B}]}", ["A", "B", "B"]),
        ("{cases: [{when: {lvl: {equals: x}}, constant: A}]}", ["A", None, None]),
        ("{cases: [{when: {lvl: {present: true}}, from: lvl, transform: upper}], default: C}", ["A", "B", "C"]),
    ],
)
def test_cases_go_by_their_conditions(project: Project, customers: Make, rule: str, wanted: list[object]) -> None:
    rule = rule.replace("equals: x", "equals: a")
    assert filled(project, "level", rule, customers(lvl=["a", "b", None])) == wanted


def test_first_takes_the_first_that_has_a_value(project: Project, customers: Make) -> None:
    chunk = customers(tel=["1", "", None, None], lvl=["a", "b", "c", ""])
    assert filled(project, "remark", "{first: [tel, lvl]}", chunk) == ["1", "b", "c", None]
    assert filled(project, "remark", "{first: [tel, lvl, {constant: none}]}", chunk) == ["1", "b", "c", "none"]
    assert filled(project, "remark", "{first: [tel, lvl], default: none}", chunk) == ["1", "b", "c", "none"]


def test_cases_keep_a_null_where_first_goes_on(project: Project, customers: Make) -> None:
    chunk = customers(tel=[None, "1"], lvl=["a", "b"])
    two = "[{from: tel, when: {lvl: {present: true}}}, lvl]"
    assert filled(project, "remark", f"{{cases: {two}}}", chunk) == [None, "1"]
    assert filled(project, "remark", f"{{first: {two}}}", chunk) == ["a", "1"]


def test_cases_within_cases(project: Project, customers: Make) -> None:
    rule = (
        "{cases: [{when: {owner: {equals: 1}}, first: [tel, lvl]}, {constant: other}], when: {amount: {present: true}}}"
    )
    chunk = customers(owner=[1, 1, 2, 1], tel=["t", None, "t", "t"], lvl=["l"] * 4, amount=["1", "1", "1", None])
    assert filled(project, "remark", rule, chunk) == ["t", "l", "other", None]


def test_only_the_case_that_was_taken_has_misfits(project: Project, customers: Make) -> None:
    rule = "{cases: [{when: {lvl: {equals: number}}, from: amount}, {from: tel, transform: number}]}"
    chunk = customers(lvl=["number", "word", "number"], amount=["1", "bad", "worse"], tel=["x", "2", "3"])
    mapped = project.account(f"  amount: {rule}\n").apply(chunk)
    assert mapped.frame["amount"].tolist() == [Decimal("1.00"), Decimal("2.00"), pd.NA]
    assert [(each.row, each.code, each.sample) for each in mapped.misfits] == [(2, "type.not_a_number", "worse")]


def test_first_does_not_cover_up_a_misfit(project: Project, customers: Make) -> None:
    mapped = project.account("  amount: {first: [amount, tel], default: 0}\n").apply(
        customers(amount=["bad", None, None], tel=["1", "2", None])
    )
    assert mapped.frame["amount"].tolist() == [pd.NA, Decimal("2.00"), Decimal("0.00")]
    assert [(each.row, each.code, each.sample) for each in mapped.misfits] == [(0, "type.not_a_number", "bad")]


def test_a_condition_that_cannot_be_told_is_a_misfit(project: Project, customers: Make) -> None:
    rule = "{cases: [{when: {amount: {at_least: 5}}, constant: A}, {constant: B}]}"
    mapped = project.account(f"  level: {rule}\n").apply(customers(amount=["7", "many", None, "1"]))
    assert mapped.frame["level"].tolist() == ["A", pd.NA, "B", "B"]
    assert [(each.row, each.code, each.sample) for each in mapped.misfits] == [(1, "value.untold", "many")]


def test_references_and_people_by_cases(project: Project, customers: Make) -> None:
    rule = "{first: [{from: parent, reference: account}, {from: owner, reference: account}]}"
    chunk = customers(parent=pa.array([7, None]), owner=pa.array([1, 2]))
    mapping = project.account(f"  parent_id: {rule}\n")
    assert mapping.references == {"parent_id": ("account",)}
    assert mapping.apply(chunk).frame["parent_id"].tolist() == ["legacy:t_customer:7", "legacy:t_customer:2"]
    known = {"1": Person("u1", Fate.FOUND), "2": Person("u9", Fate.SUBSTITUTED)}
    people = People(known, {}, Person(None, Fate.UNKNOWN))
    rule = "{from: owner, people: true, when: {parent: {present: false}}}"
    mapping = project.account(f"  owner_id: {rule}\n")
    mapped = mapping.apply(chunk, people)
    assert mapped.frame["owner_id"].tolist() == [pd.NA, "u9"]
    assert [each.params["count"] for each in mapped.findings] == [1]
    assert mapping.owners(chunk) == [None, "2"]


def test_a_trace_shows_the_case_with_its_line(project: Project, customers: Make) -> None:
    rule = """
    cases:
      - {when: {lvl: {equals: x}}, constant: none}
      - {when: {lvl: {equals: z}}, from: tel, transform: [trim, upper]}
    default: C
"""
    mapping = project.account(f"  remark:{rule}")
    [_, second] = mapping.trace(customers(lvl=["z"], tel=[" b "]))
    assert [(each.name, each.text) for each in second.steps][0:3] == [("case 2", "B"), ("trim", "b"), ("upper", "B")]
    assert (second.result, second.line, second.sources) == ("B", 9, (("tel", " b "), ("lvl", "z")))
    [_, neither] = mapping.trace(customers(lvl=["w"], tel=[" b "]))
    assert [each.name for each in neither.steps] == ["default"]
    assert (neither.result, neither.line, neither.sources) == ("C", 6, (("lvl", "w"),))


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("phone: {cases: [tel], first: [lvl]}", "mapping.cases_and_first"),
        ("phone: {cases: [tel], from: lvl}", "mapping.cases_with_more"),
        ("phone: {first: [tel], constant: x}", "mapping.cases_with_more"),
        ("phone: {cases: [tel, lvl]}", "mapping.case_never_reached"),
        ("phone: {first: [{constant: x}, lvl]}", "mapping.case_never_reached"),
        ("phone: {first: [tel, {from: lvl, write: only_create}]}", "mapping.case_with_more"),
        ("phone: {first: [tell]}", "mapping.no_source_field"),
        ("phone: {first: [tel, {from: lvl, transform: trmi}]}", "mapping.no_transform"),
        ("level: {cases: [{constant: Z, when: {tel: {equals: a}}}, {constant: A}]}", "mapping.value_choice"),
        ("level: {first: [lvl], default: Z}", "mapping.value_choice"),
        ("phone: {first: [{}, tel]}", "mapping.nothing_from"),
        ("phone: {constant: x, default: z}", "mapping.constant_with_more"),
        ("phone: {from: tel, when: {tle: {equals: x}}}", "mapping.no_source_field"),
        ("phone: {first: [{from: tel, when: {tel: {matches: '('}}}]}", "mapping.condition_pattern"),
        ("parent_id: {first: [{from: parent, reference: account}, {constant: x}]}", "mapping.cases_refer_apart"),
        ("parent_id: {first: [{from: parent, reference: account}], default: x}", "mapping.default_with_reference"),
    ],
)
def test_check_finds_what_is_wrong_with_cases(project: Project, rule: str, code: str) -> None:
    assert codes(project, rule) == [(code, rule.partition(":")[0])]


def test_a_problem_is_told_on_the_line_of_its_case(project: Project) -> None:
    rule = "  phone:\n    first:\n      - tel\n      - from: lvl\n        transform: trmi\n"
    _, findings = project.write("account", f"{HEAD}fields:\n  name: cust_name\n{rule}").compile()
    [line] = [each.line for each in findings if each.code == "mapping.no_transform"]
    assert line == 10
    with pytest.raises(InputError) as caught:
        project.write("account", f"{HEAD}fields:\n  name:\n    first:\n      - {{fromm: lvl}}\n").compile()
    [finding] = caught.value.findings
    assert (finding.code, finding.line, finding.params["nearest"]) == ("yaml.unknown_key", 7, "from")


@pytest.mark.parametrize(
    ("rule", "may"),
    [
        ("{first: [lvl, tel]}", True),
        ("{first: [lvl, cust_name]}", False),
        ("{cases: [{when: {lvl: {present: true}}, from: cust_name}, cust_name]}", False),
        ("{cases: [{when: {lvl: {present: true}}, from: cust_name}]}", True),
        ("{from: cust_name, when: {lvl: {present: true}}}", True),
        ("{from: cust_name, when: {lvl: {present: true}}, default: x}", False),
    ],
)
def test_a_required_field_that_no_case_may_fill(project: Project, rule: str, may: bool) -> None:
    _, findings = project.write("account", f"{HEAD}fields:\n  name: {rule}\n").compile()
    assert ("mapping.required_may_be_null" in {each.code for each in findings}) is may


def test_fields_of_cases_are_read_and_count_as_mapped(project: Project) -> None:
    mapping = project.account("  remark: {first: [tel, {from: lvl, when: {owner: {present: true}}}]}\n")
    assert mapping.source_fields == ("cust_name", "tel", "lvl", "owner")
    _, findings = project.compile()
    assert not {"tel", "lvl", "owner"} & {each.field for each in findings if each.code == "mapping.left_over"}


def test_the_digest_changes_with_a_case(project: Project) -> None:
    rules = (
        "{first: [tel, lvl]}",
        "{first: [lvl, tel]}",
        "{cases: [tel]}",
        "{from: tel, when: {lvl: {equals: a}}}",
        "tel",
    )
    assert len({project.account(f"  remark: {rule}\n").digest for rule in rules}) == len(rules)


def test_each_mutation_of_a_case_can_be_noticed(project: Project, customers: Make) -> None:
    rule = "{cases: [{when: {lvl: {equals: a}}, from: tel, transform: upper}, {constant: c}]}"
    mapping = project.account(f"  remark: {rule}\n")
    chunk = customers(lvl=["a", "b"], tel=["t", "u"])
    plain = str(mapping.apply(chunk).frame["remark"].tolist())
    made = [each for each in mutations(mapping) if each.field == "remark"]
    codes = ["mutation.transform", "mutation.source", "mutation.when", "mutation.constant"]
    assert [each.code for each in made] == codes
    for each in made:
        assert str(each.mapping.apply(chunk).frame["remark"].tolist()) != plain, each.code


def test_the_digest_changes_with_the_zone_by_which_a_condition_is_judged(project: Project) -> None:
    def digest(rule: str, zone: str) -> str:
        _, findings = project.write("account", f"{HEAD}fields:\n  name: {rule}\n").compile()
        assert not [each for each in findings if each.severity is Severity.BLOCKS]
        return project.compile(zone=ZoneInfo(zone))[0]["account"].digest

    timed = "{from: cust_name, zone: UTC, when: {changed: {at_least: '2024-01-01'}}, default: x}"
    assert digest(timed, "Asia/Shanghai") != digest(timed, "Asia/Tokyo")
