"""A mapping is checked in full against both schemas before any record moves."""

from __future__ import annotations

import pytest
from changeover.connectors.errors import InputError
from changeover.connectors.finding import Finding, Severity

from .conftest import HEAD, SHANGHAI, Project

NAME = "fields:\n  name: cust_name\n"


def problems(findings: list[Finding], *severities: Severity) -> list[tuple[str, int | None]]:
    return [(each.code, each.line) for each in findings if each.severity in (severities or (Severity.BLOCKS,))]


def check(project: Project, text: str, **options: object) -> list[Finding]:
    compiled, findings = project.write("account", text).compile(**options)  # type: ignore[arg-type]
    blocked = any(each.severity is Severity.BLOCKS for each in findings)
    assert ("account" in compiled) is not blocked
    return findings


def test_a_right_mapping_has_nothing_that_blocks(project: Project) -> None:
    text = f"""{HEAD}where:
  is_test: {{equals: false}}
match: [name]
fields:
  name: cust_name
  phone: {{from: tel, transform: [trim, {{cut: {{length: 20}}}}]}}
  level: {{from: lvl, values: {{甲: A, 乙: B}}, otherwise: {{default: C}}}}
  amount: {{from: amount, transform: number}}
  parent_id: {{from: parent, reference: account}}
  owner_id: {{from: owner, people: true}}
  opened_on: opened
  changed_at: changed
  staff: {{constant: 3}}
"""
    findings = check(project, text)
    assert [(each.code, each.severity) for each in findings] == [("mapping.may_be_too_long", Severity.WARNS)]


def test_every_problem_comes_at_once_each_with_its_line(project: Project) -> None:
    text = f"""{HEAD}where:
  is_tset: {{equals: "0"}}
match: [phone]
fields:
  name: cust_nam
  phnoe: tel
  cid: id
  level: {{constant: D}}
  parent_id: {{from: parent, reference: acount}}
drop:
  lvl: 旧级别
  lvvl: 旧级别
"""
    findings = check(project, text)
    assert problems(findings) == [
        ("mapping.no_source_field", 5),
        ("mapping.match_not_mapped", 6),
        ("mapping.no_source_field", 8),
        ("mapping.no_target_field", 9),
        ("mapping.not_writable", 10),
        ("mapping.value_choice", 11),
        ("mapping.no_mapping", 12),
        ("mapping.no_source_field", 15),
    ]
    nearest = {(each.code, each.line): each.params.get("nearest") for each in findings}
    assert nearest["mapping.no_source_field", 8] == "cust_name (客户名称)"
    assert nearest["mapping.no_target_field", 9] == "phone (电话)"
    assert nearest["mapping.no_mapping", 12] == "account"
    assert {each.file for each in findings} == {"mappings/account.yaml"}


def test_a_label_finds_its_field(project: Project) -> None:
    [finding] = [each for each in check(project, f"{HEAD}fields:\n  name: 客户名\n") if each.line == 5]
    assert finding.params["nearest"] == "cust_name (客户名称)"


def test_unknown_objects(project: Project) -> None:
    findings = check(project, f"mapping: account\nfrom: t_custmer\nto: customers\n{NAME}")
    assert [(each.code, each.line, each.params["nearest"]) for each in findings] == [
        ("mapping.no_source_object", 2, "t_customer"),
        ("mapping.no_target_object", 3, "customer"),
    ]


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("phone: {from: tel, transform: trmi}", "mapping.no_transform"),
        ("phone: {from: tel, transform: {pad: {width: 3, sdie: left}}}", "mapping.wrong_argument"),
        ("phone: {from: tel, transform: {pad: {width: '3'}}}", "mapping.wrong_argument"),
        ("phone: {from: tel, transform: {regex_extract: {pattern: '('}}}", "mapping.wrong_argument"),
        ("phone: {from: tel, transform: {join: {separator: '-'}}}", "mapping.nothing_to_join"),
        ("phone: {from: [tel, lvl]}", "mapping.several_sources"),
        ("phone: {from: [tel, lvl], transform: trim}", "mapping.several_sources"),
        ("phone: {constant: x, from: tel}", "mapping.constant_with_more"),
        ("phone: {transform: trim}", "mapping.nothing_from"),
        ("phone: {default: x}", "mapping.nothing_from"),
        ("level: {from: lvl, values: {a: A}}", "mapping.otherwise_missing"),
        ("level: {from: lvl, otherwise: keep}", "mapping.otherwise_alone"),
        ("level: {from: lvl, values: {a: Z}, otherwise: reject}", "mapping.value_choice"),
        ("level: {from: lvl, values: {a: A}, otherwise: {default: Z}}", "mapping.value_choice"),
        ("level: {from: lvl, default: Z}", "mapping.value_choice"),
        ("phone: {constant: 12345678901234567890x}", "mapping.value_too_long"),
        ("opened_on: {constant: '2023-02-30'}", "mapping.value_type"),
        ("amount: {constant: 1.005}", "mapping.value_type"),
        ("amount: {from: amount, default: ''}", "mapping.value_type"),
        ("amount: {constant: 123456789.5}", "mapping.value_range"),
        ("staff: {constant: 1001}", "mapping.value_range"),
        ("staff: {constant: -1}", "mapping.value_range"),
        ("parent_id: parent", "mapping.raw_reference"),
        ("parent_id: {from: parent, default: '1'}", "mapping.raw_reference"),
        ("parent_id: {from: parent, reference: account, people: true}", "mapping.reference_and_people"),
        ("parent_id: {from: parent, reference: account, default: '1'}", "mapping.default_with_reference"),
        ("parent_id: {from: [parent, owner], reference: account}", "mapping.reference_key_parts"),
        ("owner_id: {from: owner, reference: account}", "mapping.reference_elsewhere"),
        ("phone: {from: tel, reference: account}", "mapping.not_a_reference"),
        ("opened_on: {from: owner, people: true}", "mapping.people_elsewhere"),
        ("changed_at: {from: changed, zone: Asia/Shanhai}", "mapping.zone_unknown"),
        ("opened_on: parent", "mapping.never_fits"),
        ("amount: changed", "mapping.never_fits"),
    ],
)
def test_rules_that_cannot_work(project: Project, rule: str, code: str) -> None:
    assert problems(check(project, f"{HEAD}{NAME}  {rule}\n")) == [(code, 6)]


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        ("entered_by: tel", 6),
        ("entered_by: {constant: x}", 6),
        ("entered_by: {from: tel, write: only_if_empty}", 6),
        ("entered_by:\n    from: tel\n    write: only_if_empty", 8),
        ("entered_by: {first: [tel, lvl]}", 6),
        ("entered_by: {cases: [{when: {lvl: {equals: x}}, constant: b}, {from: tel}]}", 6),
        ("entered_by: {from: tel, wins: old}", 6),
        ("entered_by: {from: tel, write: only_create}", None),
        ("entered_by: {first: [tel, lvl], write: only_create}", None),
        ("entered_by: {from: tel, compare_only: true}", None),
    ],
)
def test_a_field_of_creation_alone_is_written_by_it_alone(project: Project, rule: str, line: int | None) -> None:
    found = problems(check(project, f"{HEAD}{NAME}  {rule}\n"))
    assert found == ([] if line is None else [("mapping.not_changeable", line)])


def test_an_argument_that_there_is_not_is_told_beside_those_that_there_are(project: Project) -> None:
    rule = "phone: {from: [tel, lvl], transform: {join: {with: '-'}}}"
    [finding] = [each for each in check(project, f"{HEAD}{NAME}  {rule}\n") if each.severity is Severity.BLOCKS]
    assert finding.params["problem"] == "with is none of its arguments (separator)"


def test_people_need_to_be_configured(project: Project) -> None:
    text = f"{HEAD}{NAME}  owner_id: {{from: owner, people: true}}\n"
    assert problems(check(project, text, people=False)) == [("mapping.no_people", 6)]
    assert problems(check(project, text)) == []


def test_a_wall_clock_time_needs_a_zone(project: Project) -> None:
    text = f"{HEAD}{NAME}  changed_at: changed\n"
    assert problems(check(project, text, zone=None)) == [("mapping.no_zone", 6)]
    assert problems(check(project, text, zone=SHANGHAI)) == []
    assert (
        problems(check(project, text.replace("changed\n", "{from: changed, zone: Asia/Shanghai}\n"), zone=None)) == []
    )


def test_required_fields(project: Project) -> None:
    assert problems(check(project, f"{HEAD}fields:\n  phone: {{constant: x}}\n")) == [("mapping.required_not_fed", 4)]
    warned = check(project, f"{HEAD}fields:\n  name: tel\n")
    assert ("mapping.required_may_be_null", 5) in problems(warned, Severity.WARNS)
    defaulted = check(project, f"{HEAD}fields:\n  name: {{from: tel, default: 无}}\n")
    assert "mapping.required_may_be_null" not in [each.code for each in defaulted]


@pytest.mark.parametrize(
    ("condition", "warned"),
    [
        ("present: true", False),
        ("equals: x", False),
        ("in: [a, b]", False),
        ('equals: ""', True),
        ('in: [x, ""]', True),
        ("present: false", True),
        ("not_equals: x", True),
        ("not_in: [x]", True),
    ],
)
def test_a_required_field_whose_source_where_demands_is_never_null(
    project: Project, condition: str, warned: bool
) -> None:
    found = check(project, f"{HEAD}where: {{tel: {{{condition}}}}}\nfields:\n  name: tel\n")
    assert ("mapping.required_may_be_null" in [each.code for each in found]) is warned


def test_what_is_neither_mapped_nor_dropped_is_named(project: Project) -> None:
    text = f"{HEAD}{NAME}drop:\n  tel: 不再使用\n  cust_name: 重复\n"
    findings = check(project, text)
    assert problems(findings) == [("mapping.mapped_and_dropped", 8)]
    left = {each.field for each in findings if each.code == "mapping.left_over"}
    assert left == {"lvl", "amount", "parent", "owner", "opened", "changed", "is_test"}


def test_two_mappings_of_one_pair_of_objects(project: Project) -> None:
    project.write("account", f"{HEAD}{NAME}").write("client", f"{HEAD}{NAME}".replace("account", "client"))
    _, findings = project.compile()
    assert problems(findings) == [("mapping.same_twice", 3)]


def test_a_parent_whose_source_is_unknown_blocks_without_a_crash(project: Project) -> None:
    project.write("account", f"{HEAD}{NAME}".replace("t_customer", "t_nothing"))
    project.write(
        "line", "mapping: line\nfrom: t_line\nto: line\nfields:\n  customer_id: {from: cust, reference: account}\n"
    )
    compiled, findings = project.compile()
    assert compiled == {}
    assert problems(findings) == [("mapping.no_source_object", 2)]


def test_files_are_read_all_or_none(project: Project) -> None:
    project.write("account", f"{HEAD}{NAME}  phone: 12\n").write("b", "mapping: c\nfrom: s\nto: t\nfields: {a: b}\n")
    project.write("c", "a: no\n").write(
        "d", "mapping: d\nfrom: s\nto: t\nfields: {a: b}\nexpect:\n  - {a: {}, b: {}}\n"
    )
    (project.folder / "e.yml").write_text("a: 1")
    with pytest.raises(InputError) as caught:
        project.compile()
    assert [(each.file, each.line, each.code) for each in caught.value.findings] == [
        ("mappings/account.yaml", 6, "mapping.rule_form"),
        ("mappings/b.yaml", 1, "mapping.name_is_not_file"),
        ("mappings/c.yaml", 1, "yaml.trap_boolean"),
        ("mappings/d.yaml", 6, "mapping.expect_form"),
        ("mappings/e.yml", None, "mapping.suffix"),
    ]


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("phone: {from: tel, otherwise: rejct}", "mapping.otherwise_form"),
        ("phone: {from: tel, transform: [3]}", "mapping.transform_form"),
        ("phone: {from: tel, transform: {pad: {width: 1}, trim: {}}}", "mapping.transform_form"),
        ("phone: {from: tel, wirte: always}", "yaml.unknown_key"),
        ("phone: {from: tel, write: sometimes}", "yaml.not_one_of"),
        ("phone: {from: tel, people: 1}", "yaml.not_true_or_false"),
        ("phone: {from: tel, default: [x]}", "yaml.not_text"),
        ("phone: {from: []}", "yaml.empty"),
        ("phone:", "mapping.rule_form"),
    ],
)
def test_rules_that_are_no_rules(project: Project, rule: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        check(project, f"{HEAD}{NAME}  {rule}\n")
    assert [(each.code, each.line) for each in caught.value.findings] == [(code, 6)]


def test_a_condition_must_say_something(project: Project) -> None:
    with pytest.raises(InputError) as caught:
        check(project, f"{HEAD}where:\n  tel: {{}}\n{NAME}")
    assert [(each.code, each.line) for each in caught.value.findings] == [("mapping.condition_empty", 5)]
