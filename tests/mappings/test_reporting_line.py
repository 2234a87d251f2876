"""Who takes over from people who left, up their reporting line."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from changeover.connectors.errors import InputError
from changeover.connectors.finding import Finding, Severity
from changeover.mappings.people import Fate, People, build_people
from changeover.mappings.people_config import PeopleConfig
from changeover.mappings.people_list import PersonRow, read_people_csv
from changeover.mappings.reporting_line import ReportingLine
from changeover.mappings.yaml.strict_yaml import load_model, read_yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from .conftest import all_told

CONFIG = """\
source: {object: staff, email: email, department: dept, manager: boss}
target: {object: sys_user, email: mail, active: {field: status, is: [active]}}
successors: {Sales: dora@crm.cn}
successor: [manager, all@crm.cn]
"""
STAFF = [  # key, e-mail, department, manager
    ("top", "top@x.cn", None, None),
    ("mid", "mid@x.cn", "Sales", "top"),
    ("low", "low@x.cn", "Sales", " MID@x.cn "),
    ("a", "a@x.cn", "Sales", "b"),
    ("b", "b@x.cn", None, "c"),
    ("c", "c@x.cn", None, "b"),
    ("lost", "lost@x.cn", "Sales", "who"),
    ("gone", "gone@x.cn", None, "top2"),
    ("top2", "top2@x.cn", None, None),
    ("self", "self@x.cn", None, "self"),
    ("two", "two@x.cn", None, "top"),
    ("under", "under@x.cn", None, "two"),
]
USERS = [
    ("u1", "top@x.cn", "active"),
    ("u2", "mid@x.cn", "left"),
    ("u3", "dora@crm.cn", "active"),
    ("u4", "all@crm.cn", "active"),
    ("u5", "two@x.cn", "active"),
    ("u6", "two@x.cn", "active"),
]


def config(tmp_path: Path, text: str = CONFIG) -> PeopleConfig:
    path = tmp_path / "people.yaml"
    path.write_text(text, "utf-8")
    return load_model(read_yaml(path), PeopleConfig)


def build(settings: PeopleConfig, *rows: PersonRow) -> tuple[People, list[Finding]]:
    kind = pd.ArrowDtype(pa.string())
    staff = pd.DataFrame([each[1:] for each in STAFF], columns=["email", "dept", "boss"]).astype(kind)
    users = pd.DataFrame([each[1:] for each in USERS], columns=["mail", "status"]).astype(kind)
    people, findings = build_people(
        settings,
        staff[[*settings.source.fields]],
        [each[0] for each in STAFF],
        users,
        [each[0] for each in USERS],
        rows,
    )
    all_told(findings)
    return people, findings


def heirs(people: People, *names: str) -> dict[str, tuple[str | None, str, int]]:
    found = {name: people.find(name) for name in names}
    return {name: (each.target, each.department, each.steps) for name, each in found.items()}


def test_the_first_one_up_the_line_who_is_still_there_before_department_and_default(tmp_path: Path) -> None:
    people, findings = build(config(tmp_path))
    assert people.find("top").fate is Fate.FOUND
    assert heirs(people, "mid", "low", "LOW@x.cn", "a", "b", "lost", "gone", "under", "stranger") == {
        "mid": ("u1", "", 1),
        "low": ("u1", "", 2),
        "LOW@x.cn": ("u1", "", 2),
        "a": ("u3", "Sales", 0),
        "b": ("u4", "", 0),
        "lost": ("u3", "Sales", 0),
        "gone": ("u4", "", 0),
        "under": ("u1", "", 2),
        "stranger": ("u4", "", 0),
    }
    told = {(each.code, each.key, each.params.get("count")) for each in findings}
    assert {each.severity for each in findings} == {Severity.WARNS}
    ends = {("people.line_ends", key, None) for key in ("a", "b", "c", "lost", "gone", "top2", "self")}
    assert told == ends | {
        ("people.ambiguous", "two", 2),
        ("people.manager_unknown", "lost", None),
        ("people.manager_circle", "b", 2),
        ("people.manager_circle", "self", 1),
    }


def test_the_people_list_names_managers_too_and_wins(tmp_path: Path) -> None:
    rows = [PersonRow("lost", "", 2, "mid"), PersonRow("a@x.cn", "u2", 3, "top@x.cn"), PersonRow("mid", "u4", 4)]
    people, findings = build(config(tmp_path), *rows)
    assert heirs(people, "lost", "a", "low") == {"lost": ("u4", "", 1), "a": ("u1", "", 1), "low": ("u4", "", 1)}
    wrong = [PersonRow("lost", "", 2, "who"), PersonRow("nobody", "", 3, "mid")]
    _, findings = build(config(tmp_path, f"{CONFIG}csv: people.csv\n"), *wrong)
    assert {(each.code, each.severity, each.file, each.line) for each in findings if each.line} == {
        ("people.list_no_manager", Severity.BLOCKS, "people.csv", 2),
        ("people.list_no_source", Severity.WARNS, "people.csv", 3),
    }


def test_managers_of_the_list_alone(tmp_path: Path) -> None:
    text = CONFIG.replace(", manager: boss", "").replace("[manager, all@crm.cn]", "manager\ncsv: people.csv")
    people, _ = build(config(tmp_path, text), PersonRow("gone", "", 2, "mid"), PersonRow("mid", "", 3, "top"))
    assert heirs(people, "gone", "stranger") == {"gone": ("u1", "", 2), "stranger": (None, "", 0)}
    _, findings = build(config(tmp_path, text), PersonRow("gone", "u1", 2))
    assert ("people.no_manager", Severity.BLOCKS) in {(each.code, each.severity) for each in findings}


@pytest.mark.parametrize(
    ("here", "there", "code"),
    [
        (", manager: boss", "", "people.no_manager"),
        ("[manager, all@crm.cn]", "all@crm.cn", "people.manager_unused"),
        ("[manager, all@crm.cn]", "[all@crm.cn, manager]", "people.successor_form"),
        ("[manager, all@crm.cn]", "[manager, manager]", "people.successor_form"),
        ("[manager, all@crm.cn]", "[manager]", "people.successor_form"),
    ],
)
def test_what_goes_together(tmp_path: Path, here: str, there: str, code: str) -> None:
    with pytest.raises(InputError) as refused:
        config(tmp_path, CONFIG.replace(here, there))
    assert [each.code for each in refused.value.findings] == [code]
    all_told(refused.value.findings)


def test_the_column_of_managers_counts_only_where_they_take_over(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("source,target,manager\n1,u1,\n2,, 7 \n", "utf-8")
    assert read_people_csv(path, "people.csv", managers=True) == [
        PersonRow("1", "u1", 2),
        PersonRow("2", "", 3, "7"),
    ]
    with pytest.raises(InputError) as refused:
        read_people_csv(path, "people.csv")
    assert [(each.code, each.line) for each in refused.value.findings] == [("people.csv_empty", 3)]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.none() | st.integers(0, 7), min_size=8, max_size=8))
def test_every_line_ends_and_every_circle_is_told_once(above: list[int | None]) -> None:
    line = ReportingLine(above)
    ways = [list(line.up(row)) for row in range(8)]
    round_again = {row for row, way in enumerate(ways) if above[way[-1] if way else row] == row}
    told = list(line.circles("staff", [str(row) for row in range(8)]))
    assert sum(int(each.params["count"]) for each in told) == len(round_again)
    assert {int(each.key or "") for each in told} <= round_again
    assert all(len(set(way)) == len(way) and row not in way for row, way in enumerate(ways))
