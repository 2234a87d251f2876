"""Who takes over from people who left: the successor of their department, else everybody's; each told by name."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from changeover.connectors.errors import InputError
from changeover.connectors.finding import Finding
from changeover.mappings.people import Fate, People, build_people
from changeover.mappings.people_config import PeopleConfig
from changeover.mappings.people_list import PersonRow
from changeover.mappings.yaml.strict_yaml import load_model, read_yaml

from .conftest import all_told

CONFIG = """\
source: {object: staff, email: email, number: nr, department: dept}
target: {object: sys_user, email: mail, number: nr, active: {field: status, is: [active]}}
match: [number, email]
successors: {销售一部: one@crm.cn, 销售二部: u2}
successor: all@crm.cn
"""
STAFF = [
    ("here", "here@old.cn", "E7", "销售一部"),
    ("left", "left@old.cn", "E8", "销售一部"),
    ("never", "never@old.cn", None, " 销售二部 "),
    ("other", "other@old.cn", None, "财务部"),
    ("nowhere", None, None, None),
]
USERS = [
    ("u0", "new@crm.cn", "e7", "active"),
    ("u1", "one@crm.cn", None, "active"),
    ("u2", "two@crm.cn", None, "active"),
    ("u3", "all@crm.cn", None, "active"),
    ("u8", "left@crm.cn", "E8", "gone"),
]


def build(tmp_path: Path, text: str = CONFIG, *rows: PersonRow) -> tuple[People, list[Finding]]:
    path = tmp_path / "people.yaml"
    path.write_text(text, "utf-8")
    config = load_model(read_yaml(path), PeopleConfig)
    kind = pd.ArrowDtype(pa.string())
    staff = pd.DataFrame([each[1:] for each in STAFF], columns=["email", "nr", "dept"]).astype(kind)
    users = pd.DataFrame([each[1:] for each in USERS], columns=["mail", "nr", "status"]).astype(kind)
    people, findings = build_people(
        config, staff, [each[0] for each in STAFF], users, [each[0] for each in USERS], rows
    )
    all_told(findings)
    return people, findings


def test_by_department_else_everybodys(tmp_path: Path) -> None:
    people, findings = build(tmp_path)
    assert findings == []
    told = {name: people.find(name) for name in ("here", "left", "never", "other", "nowhere", "stranger")}
    assert {name: (each.target, each.fate, each.department) for name, each in told.items()} == {
        "here": ("u0", Fate.FOUND, ""),
        "left": ("u1", Fate.SUBSTITUTED, "销售一部"),
        "never": ("u2", Fate.SUBSTITUTED, "销售二部"),
        "other": ("u3", Fate.SUBSTITUTED, ""),
        "nowhere": ("u3", Fate.SUBSTITUTED, ""),
        "stranger": ("u3", Fate.SUBSTITUTED, ""),
    }
    assert people.find("NEVER@old.cn").target == "u2"


def test_a_listed_person_who_left_goes_to_the_department_too(tmp_path: Path) -> None:
    people, _ = build(tmp_path, CONFIG, PersonRow("never", "u8", 2))
    assert people.find("never").target == "u2"


def test_without_a_successor_of_all_the_others_stay_unknown(tmp_path: Path) -> None:
    people, _ = build(tmp_path, CONFIG.replace("successor: all@crm.cn\n", ""))
    assert (people.find("left").target, people.find("other").fate) == ("u1", Fate.UNKNOWN)


def test_a_successor_who_is_not_one_active_person_blocks(tmp_path: Path) -> None:
    _, findings = build(tmp_path, CONFIG.replace("one@crm.cn", "left@crm.cn"))
    assert [(each.code, each.params["successor"]) for each in findings] == [("people.successor_unknown", "left@crm.cn")]


def test_a_department_of_nobody_is_told(tmp_path: Path) -> None:
    _, findings = build(tmp_path, CONFIG.replace("销售二部", "销售二步"))
    assert [(each.code, each.params["nearest"]) for each in findings] == [("people.department_unseen", "销售二部")]


def test_departments_need_their_field(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        build(tmp_path, CONFIG.replace(", department: dept", ""))
    assert [each.code for each in refused.value.findings] == ["people.no_department"]


def test_by_which_name_a_report_knows_them(tmp_path: Path) -> None:
    """By the key of the source; never by an address."""
    people, _ = build(tmp_path)
    told = [people.known_as(each) for each in ("left", "LEFT@old.cn", "stranger ", "who@else.cn")]
    assert told == ["left", "left", "s…", "w…@…"]
