"""Several people in one cell, and departments: as the language says them and as columns get them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from changeover.connectors.chunk import Chunk
from changeover.connectors.errors import InputError
from changeover.connectors.finding import Finding, Severity
from changeover.mappings.compile import CompiledMapping, compile_mappings, load_mapping_files
from changeover.mappings.departments import Departments, DepartmentsOfSide, build_departments
from changeover.mappings.mutations import mutations
from changeover.mappings.people import Fate, People, Person
from changeover.mappings.people_config import DepartmentsConfig
from changeover.mappings.people_list import PersonRow
from changeover.mappings.reverse import reverse

from .conftest import SHANGHAI, SOURCE, TARGET, Project, all_told

Make = Callable[..., Chunk]
KNOWN = {
    "a": Person("1", Fate.FOUND),
    "b": Person("2", Fate.FOUND),
    "b2": Person("2", Fate.FOUND),
    "left": Person("1", Fate.SUBSTITUTED, steps=2),
    "lost": Person(None, Fate.UNKNOWN),
}
TEAM = "remark: {from: tel, people: {separator: ;}}\n"


def people() -> People:
    known = People(KNOWN, {}, Person("9", Fate.SUBSTITUTED))
    known.departments = {"sales": "10", "hr": "20"}.get
    return known


def mapping(project: Project, rule: str) -> CompiledMapping:
    project.write("account", f"mapping: account\nfrom: t_customer\nto: customer\nfields:\n  name: cust_name\n  {rule}")
    files = load_mapping_files(project.folder)
    compiled, findings = compile_mappings(files, SOURCE, TARGET, "legacy", SHANGHAI, True, departments=True)
    all_told(findings)
    assert "account" in compiled, findings
    return compiled["account"]


def told(mapping: CompiledMapping, chunk: Chunk, field: str = "remark") -> tuple[list[Any], list[Any], list[Any]]:
    """(cells, misfits, what was noticed)."""
    mapped = mapping.apply(chunk, people())
    all_told(mapped.findings)
    noticed = [
        (each.code, each.params["count"], each.params.get("person"), each.params.get("steps"))
        for each in mapped.findings
    ]
    cells = [None if cell is pd.NA else cell for cell in mapped.frame[field].tolist()]
    return cells, [(each.row, each.code, each.sample) for each in mapped.misfits], noticed


def test_each_of_several_people_is_found_like_an_owner(project: Project, customers: Make) -> None:
    cells = ["b、 a", "b;left;a", "left,b,b2", None, " ; ", "a;lost", "a;who", "left,b,b2"]
    assert told(mapping(project, TEAM), customers(tel=cells)) == (
        ["2;1", "2;1", "1;2", None, None, None, "1;9", "1;2"],
        [(5, "people.unknown", "a;lost")],
        [
            ("people.substituted", 3, "left", 2),
            ("people.substituted", 1, "w…", 0),
            ("people.merged", 3, None, None),
        ],
    )


def test_a_team_goes_on_without_those_who_left(project: Project, customers: Make) -> None:
    rule = 'remark: {from: tel, people: {separator: " / ", separators: ["+"], gone: drop}}\n'
    assert told(mapping(project, rule), customers(tel=["left+b+a", "who+lost", "b;x"])) == (
        ["2 / 1", None, None],
        [],
        [
            ("people.dropped", 1, "b…", None),
            ("people.dropped", 1, "left", None),
            ("people.dropped", 1, "lost", None),
            ("people.dropped", 1, "w…", None),
        ],
    )


def test_nobody_takes_over_from_one_who_left(project: Project, customers: Make) -> None:
    found = mapping(project, "owner_id: {from: owner, people: {gone: drop}, outside: skip}\n")
    assert told(found, customers(owner=pa.array(["a", "left", "who", None])), "owner_id") == (
        ["1", None, None, None],
        [(1, "people.unknown", "left"), (2, "people.unknown", "who")],
        [],
    )
    assert found.owner_fields == ("owner",)
    assert mapping(project, TEAM).owner_fields == ()


def test_a_department_is_found_too(project: Project, customers: Make) -> None:
    rule = "staff: {from: lvl, department: true}\n"
    cells, misfits, noticed = told(mapping(project, rule), customers(lvl=["hr", "it", None, "sales", " "]), "staff")
    assert (cells, misfits, noticed) == ([20, None, None, 10, None], [(1, "people.department_unknown", "it")], [])


def test_what_it_means_and_what_examples_must_notice(project: Project) -> None:
    rules = (
        "owner_id: {from: owner, people: true}\n",
        "owner_id: {from: owner, people: {gone: drop}}\n",
        "owner_id: {from: owner, department: true}\n",
        TEAM,
        TEAM.replace("separator: ;", "separator: ;, separators: [x]"),
        TEAM.replace("separator: ;", "separator: ;, gone: drop"),
    )
    compiled = [mapping(project, rule) for rule in rules]
    assert len({each.digest for each in compiled}) == len(rules)
    assert [
        {each.code for each in mutations(one) if each.code.startswith(("mutation.p", "mutation.d"))} for one in compiled
    ] == [
        {"mutation.people"},
        {"mutation.people", "mutation.people_form"},
        {"mutation.department"},
        *[{"mutation.people", "mutation.people_form"}] * 3,
    ]
    ways_back = [
        {each.code for each in reverse(one, {}, people()).one_way if each.field != "name"} for one in compiled[1:]
    ]
    assert ways_back == [{"reverse.rule_form"}] * 5


@pytest.mark.parametrize("said", ["{}", "{separators: [x]}", "{gone: replace, separators: [x]}"])
def test_what_is_no_form_of_people(project: Project, said: str) -> None:
    with pytest.raises(InputError) as refused:
        project.account(f"  remark: {{from: tel, people: {said}}}\n")
    assert [each.code for each in refused.value.findings] == ["mapping.people_form"]
    all_told(refused.value.findings)


@pytest.mark.parametrize(
    ("rule", "codes"),
    [
        ("owner_id: {from: owner, people: {separator: ;}}", {"mapping.team_elsewhere"}),
        ("level: {from: lvl, department: true}", {"mapping.people_elsewhere", "mapping.no_departments"}),
        (
            "owner_id: {from: owner, department: true, people: true}",
            {"mapping.reference_and_people", "mapping.no_departments"},
        ),
    ],
)
def test_what_cannot_be_worked_off(project: Project, rule: str, codes: set[str]) -> None:
    _, findings = project.write(
        "account", f"mapping: account\nfrom: t_customer\nto: customer\nfields:\n  name: cust_name\n  {rule}\n"
    ).compile()
    assert {each.code for each in findings if each.severity is Severity.BLOCKS} == codes


# Which department is which

OLD = [
    ("1", "S1", "销售部"),
    ("2", None, "市 场"),
    ("3", None, "财务部"),
    ("4", None, "总部"),
    ("5", "X9", "分部"),
    ("6", None, "分部"),
]
NEW = [
    ("10", "s1", "Sales", "yes"),
    ("20", None, "市　场", "yes"),
    ("30", None, "财务部", "yes"),
    ("31", None, "财务部", "yes"),
    ("40", None, "总部", "no"),
    ("41", "HQ", "总部", "no"),
    ("50", "x9", "Branch", "yes"),
]
SIDES = {
    "source": {"object": "dept", "code": "c", "name": "n"},
    "target": {"object": "unit", "code": "c", "name": "n", "active": {"field": "on", "is": ["yes"]}},
}


def frame(rows: list[tuple[str | None, ...]], *names: str) -> pd.DataFrame:
    return pd.DataFrame([row[1:] for row in rows], columns=list(names)).astype(pd.ArrowDtype(pa.string()))


def departments(source: bool, *rows: PersonRow) -> tuple[Departments, list[Finding]]:
    said = DepartmentsConfig.model_validate(
        {**SIDES, "csv": "departments.csv"} if source else {"target": SIDES["target"]}
    )
    old = DepartmentsOfSide(said.source, frame(OLD, "c", "n"), [row[0] for row in OLD]) if said.source else None
    new = DepartmentsOfSide(said.target, frame(NEW, "c", "n", "on"), [row[0] for row in NEW])
    built, findings = build_departments(said, old, new, rows)
    all_told(findings)
    return built, findings


def test_departments_by_code_then_name_and_none_guessed() -> None:
    """Of the target's two of one name none is taken, nor one that is there no longer, nor of the source's two."""
    found, findings = departments(True)
    cells = ["1", " s1 ", "销售部", "2", "市 场", "3", "4", "5", "x9", "分部", "6", "Branch", "HQ", "10", "who"]
    assert [found.find(cell) for cell in cells] == [
        *["10"] * 3, "20", "20", None, None, "50", "50", None, None, "50", None, None, None
    ]  # fmt: skip
    assert findings == []


def test_where_the_old_system_has_only_their_names() -> None:
    found, _ = departments(False, PersonRow(" 財務 ", "31", 2))
    assert [found.find(cell) for cell in ("sales", "S1", "財務", "财务部", "1")] == ["10", "10", "31", None, None]


def test_the_list_of_departments_wins() -> None:
    rows = [
        PersonRow("1", "Branch", 2),
        PersonRow("财务部", "31", 3),
        PersonRow("4", "总部", 4),
        PersonRow("7", "10", 5),
    ]
    found, findings = departments(True, *rows)
    assert [found.find(cell) for cell in ("1", "S1", "3", "4")] == ["50", "50", "31", None]
    assert [(each.code, each.severity, each.file, each.line) for each in findings] == [
        ("people.department_unlisted", Severity.BLOCKS, "departments.csv", 4),
        ("people.department_nowhere", Severity.WARNS, "departments.csv", 5),
    ]
