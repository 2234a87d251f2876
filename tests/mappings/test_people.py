"""Who of the target stands for whom of the source."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from changeover.connectors.errors import InputError
from changeover.connectors.finding import Finding, Severity
from changeover.mappings.people import Fate, People, build_people, comparable
from changeover.mappings.people_cells import name_people
from changeover.mappings.people_config import PeopleConfig
from changeover.mappings.people_list import PersonRow, read_people_csv
from changeover.mappings.yaml.strict_yaml import load_model, read_yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from .conftest import all_told

CONFIG = """\
source: {object: staff, email: email, phone: mobile}
target: {object: sys_user, email: mail, phone: phone, active: {field: status, is: [active, 1]}}
match: [email, phone]
"""
STAFF = {
    "1": ("ada@old.cn", "13800000001"),
    "2": (" Bo@Crm.CN ", None),
    "3": (None, "+86 138-0000-0003"),
    "4": ("gone@crm.cn", None),
    "5": ("twice@crm.cn", None),
    "6": (None, None),
    "7": ("moved@old.cn", "13800000099"),
}
USERS = {
    "u1": ("nobody@crm.cn", "138 0000 0001", "active"),
    "u2": ("bo@crm.cn", None, "active"),
    "u3": (None, "0086 13800000003", "1"),
    "u4": ("gone@crm.cn", None, "left"),
    "u5": ("twice@crm.cn", None, "active"),
    "u6": ("TWICE@crm.cn", None, "active"),
    "u7": ("new@crm.cn", None, "active"),
    "u8": ("boss@crm.cn", None, "active"),
}


def config(tmp_path: Path, more: str = "") -> PeopleConfig:
    path = tmp_path / "people.yaml"
    path.write_text(CONFIG + more, "utf-8")
    return load_model(read_yaml(path), PeopleConfig)


def frame(rows: object, *names: str) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(names)).astype(pd.ArrowDtype(pa.string()))


def build(settings: PeopleConfig, *rows: PersonRow) -> tuple[People, list[Finding]]:
    staff = frame(list(STAFF.values()), "email", "mobile")
    users = frame(list(USERS.values()), "mail", "phone", "status")
    people, findings = build_people(settings, staff, list(STAFF), users, list(USERS), rows)
    all_told(findings)
    return people, findings


def found(people: People, *cells: str) -> list[tuple[str | None, Fate]]:
    return [(people.find(cell).target, people.find(cell).fate) for cell in cells]


def test_matching_by_mail_then_phone_and_nobody_guessed(tmp_path: Path) -> None:
    people, findings = build(config(tmp_path))
    assert found(people, "1", "2", "3") == [("u1", Fate.FOUND), ("u2", Fate.FOUND), ("u3", Fate.FOUND)]
    assert found(people, "4", "5", "6", "77") == [(None, Fate.UNKNOWN)] * 4
    assert [(each.code, each.severity, each.key, each.params["count"]) for each in findings] == [
        ("people.ambiguous", Severity.WARNS, "5", 2)
    ]


def test_the_successor_takes_over_from_the_gone_and_the_unknown_but_not_from_the_ambiguous(tmp_path: Path) -> None:
    people, _ = build(config(tmp_path, "successor: Boss@CRM.cn\n"))
    assert found(people, "4", "6", "77") == [("u8", Fate.SUBSTITUTED)] * 3
    assert found(people, "5") == [(None, Fate.UNKNOWN)]
    by_key, _ = build(config(tmp_path, "successor: u8\n"))
    assert found(by_key, "4") == [("u8", Fate.SUBSTITUTED)]


@pytest.mark.parametrize(("name", "count"), [("who@crm.cn", 0), ("gone@crm.cn", 0), ("twice@crm.cn", 2)])
def test_a_successor_who_is_not_one_active_person_blocks(tmp_path: Path, name: str, count: int) -> None:
    _, findings = build(config(tmp_path, f"successor: {name}\n"))
    [finding] = [each for each in findings if each.severity is Severity.BLOCKS]
    assert (finding.code, finding.params["count"]) == ("people.successor_unknown", count)


def test_the_list_wins(tmp_path: Path) -> None:
    rows = [PersonRow("7", "new@crm.cn", 2), PersonRow("ada@old.cn", "u2", 3), PersonRow("5", "u6", 4)]
    people, findings = build(config(tmp_path), *rows)
    assert found(people, "7", "1", "5") == [("u7", Fate.FOUND), ("u2", Fate.FOUND), ("u6", Fate.FOUND)]
    assert findings == []


def test_a_list_that_names_the_gone_leads_to_the_successor(tmp_path: Path) -> None:
    people, _ = build(config(tmp_path, "successor: u8\n"), PersonRow("1", "gone@crm.cn", 2))
    assert found(people, "1") == [("u8", Fate.SUBSTITUTED)]


def test_a_list_with_strangers_says_so(tmp_path: Path) -> None:
    rows = [PersonRow("99", "u1", 2), PersonRow("1", "who@crm.cn", 3), PersonRow("2", "twice@crm.cn", 4)]
    _, findings = build(config(tmp_path, "csv: people.csv\n"), *rows)
    assert [(each.code, each.severity, each.file, each.line) for each in findings if each.line] == [
        ("people.list_no_source", Severity.WARNS, "people.csv", 2),
        ("people.list_unknown", Severity.BLOCKS, "people.csv", 3),
        ("people.list_ambiguous", Severity.BLOCKS, "people.csv", 4),
    ]


def test_a_cell_may_hold_an_address(tmp_path: Path) -> None:
    people, _ = build(config(tmp_path))
    assert found(people, "ADA@old.cn ", "bo@crm.cn", "new@crm.cn", "twice@crm.cn") == [
        ("u1", Fate.FOUND),
        ("u2", Fate.FOUND),
        ("u7", Fate.FOUND),
        (None, Fate.UNKNOWN),
    ]


def test_an_address_that_two_people_of_the_source_share_names_nobody(tmp_path: Path) -> None:
    staff = frame([("desk@x.cn", "13800000001"), ("desk@x.cn", "13800000002")], "email", "mobile")
    users = frame([(None, "13800000001", "active"), (None, "13800000002", "active")], "mail", "phone", "status")
    people, _ = build_people(config(tmp_path), staff, ["1", "2"], users, ["a", "b"])
    assert found(people, "1", "2", "desk@x.cn") == [("a", Fate.FOUND), ("b", Fate.FOUND), (None, Fate.UNKNOWN)]


def test_of_two_with_one_address_the_active_one(tmp_path: Path) -> None:
    staff, users = frame([("a@x.cn", None)], "email", "mobile"), [("a@x.cn", None, "left"), ("a@x.cn", None, "active")]
    people, findings = build_people(
        config(tmp_path), staff, ["1"], frame(users, "mail", "phone", "status"), ["old", "new"]
    )
    assert (found(people, "1"), findings) == ([("new", Fate.FOUND)], [])


def test_a_key_field_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "people.yaml"
    path.write_text("source: {object: s, key: code, email: e}\ntarget: {object: t, key: login, email: e}\n", "utf-8")
    settings = load_model(read_yaml(path), PeopleConfig)
    assert settings.source.fields == ("code", "e")
    people, _ = build_people(
        settings, frame([("007", "a@x")], "code", "e"), ["1"], frame([("ada", "a@x")], "login", "e"), ["9"]
    )
    assert found(people, "007", "1") == [("ada", Fate.FOUND), (None, Fate.UNKNOWN)]


def test_a_whole_column(tmp_path: Path) -> None:
    people, _ = build(config(tmp_path, "successor: u8\n"))
    named = name_people(pa.array(["1", "4", None, "5", "4"]), people, True)
    assert named.keys.to_pylist() == ["u1", "u8", None, None, "u8"]
    assert {code: mask.tolist() for code, mask in named.misfits.items()} == {
        "people.unknown": [False, False, False, True, False]
    }
    assert [(each.code, each.params["count"], each.params["person"]) for each in named.noticed] == [
        ("people.substituted", 2, "4")
    ]
    assert name_people(pa.array(["", " ", None]), people, True).keys.to_pylist() == [None] * 3
    assert name_people(pa.nulls(2, pa.string()), people, True).misfits == {}


@pytest.mark.parametrize(
    ("match", "one", "other"),
    [
        ("email", " Ada@X.cn", "ada@x.CN "),
        ("email", "ａｄａ@x.cn", "ada@x.cn"),
        ("phone", "+86 138-0000-0001", "13800000001"),
        ("phone", "008613800000001", "１３８ 0000 0001"),
        ("phone", "(024) 2390-0001", "02423900001"),
        ("name", " 王  芳", "王 芳"),
        ("number", "Ab1", "aB1"),
    ],
)
def test_what_is_compared(match: str, one: str, other: str) -> None:
    assert comparable(match, one) == comparable(match, other) is not None


@settings(deadline=None)
@given(st.sampled_from(["email", "phone", "name", "number"]), st.none() | st.text(max_size=15))
def test_comparing_is_total_and_settled(match: str, text: str | None) -> None:
    once = comparable(match, text)
    assert once is None or comparable(match, once) == once


def csv_of(tmp_path: Path, raw: str | bytes) -> list[PersonRow]:
    path = tmp_path / "people.csv"
    path.write_bytes(raw if isinstance(raw, bytes) else raw.encode())
    return read_people_csv(path, "people.csv")


def test_the_list_as_a_file(tmp_path: Path) -> None:
    rows = csv_of(tmp_path, '\ufeffname,source,target\r\n王芳,1, u1 \r\n"李,四",2,a@x\r\n')
    assert rows == [PersonRow("1", "u1", 2), PersonRow("2", "a@x", 3)]


@pytest.mark.parametrize(
    ("raw", "code", "params"),
    [
        ("source;target\n", "people.csv_columns", {"file": "people.csv", "line": 1, "missing": "source, target"}),
        ("source\n1\n", "people.csv_columns", {"file": "people.csv", "line": 1, "missing": "target"}),
        ("", "people.csv_columns", {"file": "people.csv", "line": 1, "missing": "source, target"}),
        ("source,target\n1,王".encode("gbk"), "people.csv_not_utf8", {"file": "people.csv", "line": 2}),
    ],
)
def test_a_list_that_is_none(tmp_path: Path, raw: str | bytes, code: str, params: dict[str, object]) -> None:
    with pytest.raises(InputError) as caught:
        csv_of(tmp_path, raw)
    assert (caught.value.code, caught.value.params) == (code, params)


def test_every_wrong_line_of_the_list(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        csv_of(tmp_path, "source,target\n1,u1\n2,\n1,u2\n,\n3\n")
    assert [(each.code, each.line) for each in caught.value.findings] == [
        ("people.csv_empty", 3),
        ("people.csv_twice", 4),
        ("people.csv_empty", 5),
        ("people.csv_empty", 6),
    ]
    with pytest.raises(InputError, match=r"people\.csv_missing"):
        read_people_csv(tmp_path / "none.csv", "none.csv")
    with pytest.raises(InputError, match=r"people\.csv_unreadable"):
        csv_of(tmp_path, 'source,target\n"1,u1\n')


# By whom records are chosen

KEYS = """\
source: {object: staff, email: email}
target: {object: sys_user, email: mail}
"""


def owns(people: People, who: str) -> set[str]:
    cells = ["1", "2", " 2 ", "ADA@old.cn", "bo@crm.cn", "7", "stranger", "", "u2"]
    owner = people.owner(who)
    return {cell for cell in cells if owner.owns(cell)} | ({"nobody"} if owner.owns(None) else set())


@pytest.mark.parametrize(
    ("who", "cells"),
    [
        ("1", {"1", "ADA@old.cn"}),
        ("ada@OLD.cn ", {"1", "ADA@old.cn"}),
        ("u1", {"1", "ADA@old.cn"}),
        ("bo@crm.cn", {"2", " 2 ", "bo@crm.cn"}),  # the same address in both systems
        ("u2", {"2", " 2 ", "bo@crm.cn"}),
        ("7", {"7"}),  # whom nobody follows in the target
        ("u8", set()),
    ],
)
def test_an_owner_is_named_by_key_or_address_of_either_system(tmp_path: Path, who: str, cells: set[str]) -> None:
    people, _ = build(config(tmp_path))
    assert owns(people, who) == cells


def test_who_takes_over_owns_what_they_took_over(tmp_path: Path) -> None:
    people, _ = build(config(tmp_path, "successor: boss@crm.cn\n"))
    assert owns(people, "u8") == owns(people, "boss@crm.cn") == {"7", "stranger", "u2"}
    assert owns(people, "7") == {"7"}


def test_an_owner_nobody_knows_or_two_people_is_refused(tmp_path: Path) -> None:
    people, _ = build(config(tmp_path, "successor: boss@crm.cn\n"))
    with pytest.raises(InputError) as refused:
        people.owner("nobody@at.all")
    assert refused.value.code == "owner.unknown"
    staff, users = frame([["a@old.cn"], ["b@old.cn"]], "email"), frame([["b@old.cn"], ["a@old.cn"]], "mail")
    path = tmp_path / "keys.yaml"
    path.write_text(KEYS, "utf-8")
    crossed, _ = build_people(load_model(read_yaml(path), PeopleConfig), staff, ["1", "2"], users, ["1", "2"])
    with pytest.raises(InputError) as refused:
        crossed.owner("1")
    assert refused.value.code == "owner.several"
    assert crossed.owner("a@old.cn").owns("1")
    assert not crossed.owner("a@old.cn").owns("2")
