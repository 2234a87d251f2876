"""One source record becomes several: branches, what they share, and what is found wrong with them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from changeover.connectors.chunk import Chunk
from changeover.connectors.errors import InputError
from changeover.connectors.finding import Finding, Severity

from .conftest import Project, all_told

Make = Callable[..., Chunk]

FILE = """mapping: account
from: t_customer
where:
  is_test: {equals: false}
fields:
  name: cust_name
  phone: tel
branches:
  company:
    to: customer
    where:
      lvl: {equals: big}
    match: [phone]
    fields:
      amount: {from: amount, transform: number}
    expect:
      - matches: {column: phone, regex: "^1"}
  person:
    to: customer
    where:
      lvl: {equals: small}
    fields:
      name: {from: cust_name, transform: trim}
      parent_id: {from: parent, reference: account.company}
drop:
  owner: nobody cares
"""


def told(findings: list[Finding], *severities: Severity) -> list[tuple[str, str | None, int | None]]:
    wanted = severities or (Severity.BLOCKS,)
    return [(each.code, each.mapping, each.line) for each in findings if each.severity in wanted]


def found(project: Project, *changes: tuple[str, str]) -> list[Finding]:
    text = FILE
    for here, there in changes:
        assert here in text
        text = text.replace(here, there)
    return project.write("account", text).compile()[1]


def refused(project: Project, *changes: tuple[str, str]) -> list[tuple[str, int | None]]:
    with pytest.raises(InputError) as caught:
        found(project, *changes)
    all_told(caught.value.findings)
    return [(each.code, each.line) for each in caught.value.findings]


def test_each_branch_is_a_mapping_of_its_own(project: Project, customers: Make) -> None:
    compiled, findings = project.write("account", FILE).compile()
    assert told(findings) == []
    assert list(compiled) == ["account.company", "account.person"]
    chunk = customers(
        lvl=["big", "small", "small", "odd", "big", "odd"],
        is_test=[False, False, True, False, False, True],
        cust_name=[" a ", " b ", "c", "d", "e", "f"],
        parent=[None, 5, None, None, None, None],
        amount=["1.5"] * 6,
    )
    company, person = (compiled[name].apply(chunk) for name in compiled)
    assert company.our_keys == ["legacy:t_customer:1#company", "legacy:t_customer:5#company"]
    assert person.our_keys == ["legacy:t_customer:2#person"]
    assert list(company.frame.columns) == ["name", "phone", "amount"]
    assert (company.frame["name"][0], person.frame["name"][0]) == (" a ", "b")
    assert person.frame["parent_id"][0] == "legacy:t_customer:5#company"
    assert (company.branch, company.filtered_keys, person.read) == ("company", ["2", "3", "4", "6"], 6)
    assert (compiled["account.company"].match, compiled["account.person"].match) == ((("phone",),), ())
    assert [each.line for each in compiled["account.company"].expectations] == [17]


def test_what_no_branch_takes_is_counted_once(project: Project, customers: Make) -> None:
    """Record 4 is told; 3 and 6 are tests, which the shared condition leaves out on purpose."""
    compiled, _ = project.write("account", FILE).compile()
    chunk = customers(
        lvl=["big", "small", "small", "odd", None, "odd"], is_test=[False, False, True, False, False, True]
    )
    assert [mapping.apply(chunk).untaken for mapping in compiled.values()] == [2, 0]
    open_to_all = FILE.replace("    where:\n      lvl: {equals: small}\n", "")
    compiled, _ = project.write("account", open_to_all).compile()
    assert [mapping.apply(chunk).untaken for mapping in compiled.values()] == [0, 0]


@pytest.mark.parametrize(
    ("outside", "inside", "kept"),
    [
        ("lvl: {in: [big, mid]}", "lvl: {equals: big}", ["1"]),
        ("lvl: {in: [big, mid]}", "lvl: {in: [mid, low]}", ["2"]),
        ("any: [{lvl: {equals: big}}, {lvl: {equals: mid}}]", "any: [{tel: {equals: a}}, {tel: {equals: c}}]", ["1"]),
        ("not: {lvl: {equals: big}}", "not: {tel: {equals: b}}", ["3", "4"]),
        ("all: [{lvl: {not_equals: low}}]", "all: [{tel: {not_equals: a}}]", ["2", "4"]),
    ],
)
def test_what_stands_outside_and_inside_must_both_hold(
    project: Project, customers: Make, outside: str, inside: str, kept: list[str]
) -> None:
    text = FILE.replace("lvl: {equals: big}", inside).replace("is_test: {equals: false}", outside)
    mapping = project.write("account", text).compile()[0]["account.company"]
    chunk = customers(lvl=["big", "mid", "low", None], tel=["a", "b", "c", "d"])
    assert mapping.apply(chunk).source_keys == kept
    rows = [row for row in range(4) if str(row + 1) not in kept]
    assert all(mapping.unmet(chunk, rows))
    assert mapping.unmet(chunk, [int(key) - 1 for key in kept]) == [None] * len(kept)


def test_the_digest_is_each_branchs_own(project: Project) -> None:
    def digests(text: str) -> dict[str, str]:
        return {name: each.digest for name, each in project.write("account", text).compile()[0].items()}

    before = digests(FILE)
    assert before["account.company"] != before["account.person"]
    assert digests(FILE.replace("nobody cares", "nobody does")) == before
    one = digests(FILE.replace("{equals: small}", "{equals: tiny}"))
    assert [name for name in before if one[name] != before[name]] == ["account.person"]
    shared = digests(FILE.replace("equals: false", "equals: true"))
    assert all(shared[name] != before[name] for name in before)
    moved = FILE.replace("where:\n  is_test: {equals: false}\n", "").replace(
        "    where:\n", "    where:\n      is_test: {equals: false}\n"
    )
    assert digests(moved) == before
    others = digests(FILE.replace("  person:", "  human:"))
    assert (others["account.company"], "account.human" in others) == (before["account.company"], True)


def test_findings_name_file_line_and_branch(project: Project) -> None:
    findings = found(project, ("amount: {from: amount", "amuont: {from: amuont"), ("parent_id: {", "parent_idd: {"))
    assert told(findings) == [
        ("mapping.no_target_field", "account.company", 15),
        ("mapping.no_source_field", "account.company", 15),
        ("mapping.no_target_field", "account.person", 24),
    ]
    assert {each.file for each in findings} == {"mappings/account.yaml"}


def test_a_field_of_creation_alone_is_told_of_each_branch_that_would_change_it(project: Project) -> None:
    there = "  phone: tel", "  phone: tel\n  entered_by: {constant: x}"
    assert told(found(project, there)) == [("mapping.not_changeable", "account", 8)]
    inside = "amount: {from: amount", "entered_by: tel\n      amount: {from: amount"
    assert told(found(project, inside)) == [("mapping.not_changeable", "account.company", 15)]


def test_what_all_branches_share_is_told_once(project: Project) -> None:
    findings = found(project, ("  phone: tel", "  phone: tle"), ("is_test: {", "is_tset: {"), ("  owner:", "  ownr:"))
    assert told(findings) == [
        ("mapping.no_source_field", "account", 4),
        ("mapping.no_source_field", "account", 7),
        ("mapping.no_source_field", "account", 26),
    ]


def test_a_branch_that_feeds_too_little_is_told_at_its_own_line(project: Project) -> None:
    findings = found(project, ("  name: cust_name\n", ""))
    assert told(findings) == [("mapping.required_not_fed", "account.company", 13)]


def test_a_field_that_one_branch_uses_is_not_left_over(project: Project) -> None:
    left = [each for each in found(project) if each.code == "mapping.left_over"]
    assert sorted(each.field for each in left) == ["changed", "opened"]
    assert {each.mapping for each in left} == {"account"}
    findings = found(project, ("  owner: nobody cares", "  parent: nobody cares"))
    assert told(findings) == [("mapping.mapped_and_dropped", "account", 26)]


@pytest.mark.parametrize(
    ("here", "there", "wanted"),
    [
        ("from: t_customer\n", "from: t_customer\nto: customer\n", ("mapping.each_branch_says", 3)),
        ("drop:\n", "match: [phone]\ndrop:\n", ("mapping.each_branch_says", 25)),
        ("drop:\n", "expect: []\ndrop:\n", ("mapping.each_branch_says", 25)),
        ("    to: customer\n    where:\n      lvl: {equals: small}\n", "", ("yaml.missing_key", 18)),
        ("  person:\n", "  'per son':\n", ("yaml.malformed", 18)),
        ("    match: [phone]", "    mtch: [phone]", ("yaml.unknown_key", 13)),
        ("drop:\n", "examples: []\ndrop:\n", ("mapping.each_branch_says", 25)),
    ],
)
def test_what_the_language_refuses(project: Project, here: str, there: str, wanted: tuple[str, int]) -> None:
    assert refused(project, (here, there)) == [wanted]


def test_branches_need_fields_and_there_must_be_some(project: Project) -> None:
    alone = "mapping: account\nfrom: t_customer\nbranches:\n  one:\n    to: customer\n"
    with pytest.raises(InputError) as caught:
        project.write("account", alone).compile()
    assert [(each.code, each.line, each.params["path"]) for each in caught.value.findings] == [
        ("yaml.missing_key", 4, "branches.one")
    ]
    with pytest.raises(InputError) as caught:
        project.write("account", "mapping: account\nfrom: t_customer\nbranches: {}\n").compile()
    assert [(each.code, each.line) for each in caught.value.findings] == [("yaml.empty", 3)]


def test_a_reference_names_the_branch(project: Project) -> None:
    findings = found(project, ("reference: account.company", "reference: account"))
    assert told(findings) == [("mapping.reference_no_branch", "account.person", 24)]
    [finding] = [each for each in findings if each.severity is Severity.BLOCKS]
    assert finding.params["branches"] == "account.company, account.person"
    findings = found(project, ("reference: account.company", "reference: account.compny"))
    assert [each.params["nearest"] for each in findings if each.code == "mapping.no_mapping"] == ["account.company"]


def test_the_same_pair_twice_wants_two_branch_names(project: Project) -> None:
    other = (
        "mapping: other\nfrom: t_customer\nbranches:\n  {name}:\n    to: customer\n    fields: {{name: cust_name}}\n"
    )
    project.write("other", other.format(name="third"))
    assert told(found(project)) == []
    project.write("other", other.format(name="person"))
    assert told(found(project)) == [("mapping.same_twice", "other.person", 5)]
    project.write("other", "mapping: other\nfrom: t_customer\nto: customer\nfields: {name: cust_name}\n")
    assert told(found(project)) == [("mapping.same_twice", "other", 3)]
