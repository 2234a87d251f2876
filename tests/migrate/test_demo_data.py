"""The demo's facts against its data: everything is worked out again from the two databases, row by row."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import json
import sqlite3
import unicodedata
from collections import Counter
from decimal import Decimal, InvalidOperation
from pathlib import Path

import pytest
from changeover.connectors.errors import InputError
from changeover.migrate.demo import words
from changeover.migrate.demo.facts import DemoFacts
from changeover.migrate.demo.generate import generate

KEY = {
    "t_customer": "khbh",
    "t_contact": "lxrid",
    "t_sjjh": "sjbh",
    "t_contract": "htbh",
    "t_activity": "hdid",
    "t_statement": "dzdh",
}
REFERENCES = {
    "t_customer": {"sjkh": "t_customer"},
    "t_contact": {"khbh": "t_customer"},
    "t_sjjh": {"khbh": "t_customer", "lxrid": "t_contact"},
    "t_contract": {"khbh": "t_customer", "sjbh": "t_sjjh"},
    "t_activity": {"khbh": "t_customer", "sjbh": "t_sjjh", "lxrid": "t_contact"},
    "t_statement": {"htbh": "t_contract", "khbh": "t_customer"},
}
DATES = {"t_customer": ["jdrq"], "t_contact": ["csrq"], "t_sjjh": ["yjqyrq"], "t_contract": ["qdrq", "ksrq", "jsrq"]}
NUMBERS = {"t_sjjh": ["yjje", "tjrs"], "t_contract": ["htje"], "t_statement": ["ysje"]}
OWNER = {"t_customer": "ywy", "t_sjjh": "ywy", "t_contract": "ywy", "t_activity": "gjr"}
STAGES = {way for ways in words.STAGES.values() for way in ways}
CITY = {way: city.name for city in words.CITIES for way in city.spelled}
NOBODY = "nobody"

Row = dict[str, object]


class Walk:
    """What must become of each record, found by reading the databases alone. codes: (object, code) -> keys."""

    def __init__(self, folder: Path) -> None:
        legacy, crm = open_rows(folder / "legacy.db"), open_rows(folder / "crm.db")
        self.tables = {name: {row[key]: row for row in legacy[name]} for name, key in KEY.items()}
        self.customers = crm["customer"]
        self.users, self.staff = crm["sys_user"], legacy["t_staff"]
        self.listed = dict(csv.reader((folder / "people.csv").read_text(encoding="utf-8").splitlines()[1:]))
        self.codes: dict[tuple[str, str], set[str]] = {}
        self.bucket: dict[str, dict[object, str]] = {}
        self._user_of = {each["gh"]: self._find_user(each) for each in self.staff}
        for name in KEY:
            self._judge(name)
        for name in KEY:
            self._hold_orphans(name)

    def _find_user(self, staff: Row) -> object:
        for user in self.users:
            if user["status"] != "active":
                continue
            if user["mail"] in (self.listed.get(staff["gh"]), staff["yx"]) or user["mobile"] == staff["sj"]:
                return user["user_id"]
        return NOBODY

    def _note(self, name: str, code: str, key: object) -> None:
        self.codes.setdefault((name, code), set()).add(str(key))

    def _judge(self, name: str) -> None:
        found: dict[object, str] = {}
        taxes: set[object] = set()
        for key, row in sorted(self.tables[name].items()):
            if row.get("sfcs") == 1 or row.get("lx") == "系统日志":
                found[key] = "filtered"
                continue
            codes = set()
            codes |= {"type.not_a_date" for field in DATES.get(name, []) if not is_date(row[field])}
            if name == "t_customer" and not str(row["zgrs"]).isdecimal():
                codes.add("type.not_an_integer")
            codes |= {"type.not_a_number" for field in NUMBERS.get(name, []) if not is_number(row[field])}
            if name == "t_sjjh" and row["jd"] not in STAGES:
                codes.add("value.unknown")
            if name == "t_customer" and (tax := plain(row["nsrsbh"])):
                codes |= {"unique.duplicate"} if tax in taxes else set()
                taxes.add(tax)
            found[key] = "rejected" if codes else "created"
            if name == "t_customer" and not codes:
                found[key] = self._match(row)
                codes |= {"match.ambiguous"} if found[key] == "held" else set()
            if name in OWNER and self._user_of[row[OWNER[name]]] == NOBODY:
                codes.add("people.substituted")
            for code in codes:
                self._note(name, code, key)
        self.bucket[name] = found

    def _match(self, row: Row) -> str:
        tax, name, city = plain(row["nsrsbh"]), plain(row["khmc"]), CITY[str(row["ssqy"])]
        met = [each for each in self.customers if tax and each["tax_no"] == tax]
        met = met or [each for each in self.customers if (each["name"], each["city"]) == (name, city)]
        if not met:
            return "created"
        if len(met) > 1:
            return "held"
        there = met[0]
        should = {
            "customer_no": row["khbh"],
            "name": name,
            "tax_no": tax,
            "parent_id": row["sjkh"],
            "kind": next(kind for kind, ways in words.KINDS.items() if row["khlx"] in ways),
            "level": str(plain(row["khjb"])).upper(),
            "city": city,
            "postal_code": row["yzbm"],
            "department_code": row["bmbh"],
            "employees": row["zgrs"],
            "phone": there["phone"] or plain(row["lxdh"]),
            "address": row["dz"],
            "opened_on": row["jdrq"],
            "is_key_account": {"是": 1, "否": 0}[str(row["sfvip"])],
            "owner_id": self._user_of[row["ywy"]],
        }
        return "unchanged" if all(there[field] == value for field, value in should.items()) else "updated"

    def _hold_orphans(self, name: str) -> None:
        """Until nothing changes: a record is held whose parent is not there or did not arrive."""
        moved = True
        while moved:
            moved = False
            for key, row in self.tables[name].items():
                if self.bucket[name][key] not in ("created", "updated", "unchanged"):
                    continue
                for field, parent in REFERENCES[name].items():
                    arrived = self.bucket[parent].get(row[field]) in ("created", "updated", "unchanged")
                    if row[field] is not None and not arrived:
                        self._note(name, "reference.missing", key)
                        self.bucket[name][key] = "held"
                        moved = True


def open_rows(path: Path) -> dict[str, list[Row]]:
    database = sqlite3.connect(path)
    database.row_factory = sqlite3.Row
    names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    rows = {name: [dict(row) for row in database.execute(f"SELECT * FROM {name}")] for name in names}
    database.close()
    return rows


def plain(value: object) -> str | None:
    return None if value is None else unicodedata.normalize("NFKC", str(value)).strip()


def is_date(value: object) -> bool:
    try:
        return value is None or bool(dt.date.fromisoformat(str(value)))
    except ValueError:
        return False


def is_number(value: object) -> bool:
    try:
        return Decimal(str(value)).is_finite()
    except InvalidOperation:
        return False


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DemoFacts]:
    folder = tmp_path_factory.mktemp("demo") / "new"
    return folder, generate(folder, records=6_000)


@pytest.fixture(scope="module")
def walk(made: tuple[Path, DemoFacts]) -> Walk:
    return Walk(made[0])


def test_every_record_ends_in_the_bucket_the_facts_name(made: tuple[Path, DemoFacts], walk: Walk) -> None:
    for expected in made[1].expected.values():
        buckets = walk.bucket[expected.object]
        assert Counter(buckets.values()) == Counter(dict(expected.buckets)), expected.mapping
        assert sum(expected.buckets.values()) == expected.read
        for bucket, keys in expected.keys.items():
            assert keys == {str(key) for key, found in buckets.items() if found == bucket}, (expected.mapping, bucket)


def test_every_finding_is_in_the_facts_and_nothing_else(made: tuple[Path, DemoFacts], walk: Walk) -> None:
    told = {(each.object, code): count for each in made[1].expected.values() for code, count in each.findings.items()}
    assert {at: len(keys) for at, keys in walk.codes.items()} == {at: count for at, count in told.items() if count}


def test_every_planted_defect_is_found_where_it_was_planted(made: tuple[Path, DemoFacts], walk: Walk) -> None:
    _, facts = made
    for each in facts.planted:
        assert each.key in walk.codes[each.object, each.code], each
    assert {each.kind for each in facts.planted} == {
        "missing_parent",
        "duplicate_name",
        "departed_owner",
        "impossible_date",
        "unknown_stage",
        "text_in_number",
        "ambiguous_match",
    }
    assert 0.008 <= len(facts.planted) / facts.records <= 0.013


def test_references_that_miss_are_counted_by_field(made: tuple[Path, DemoFacts], walk: Walk) -> None:
    for expected in made[1].expected.values():
        held = expected.keys["held"]
        counts = dict.fromkeys(REFERENCES[expected.object], 0)
        for key, row in walk.tables[expected.object].items():
            for field, parent in REFERENCES[expected.object].items():
                missing = walk.bucket[parent].get(row[field]) in (None, "held", "rejected", "filtered")
                counts[field] += str(key) in held and row[field] is not None and missing
        assert counts == dict(expected.missing_references), expected.mapping


def test_ninety_four_percent_is_written_off_to_the_cent(made: tuple[Path, DemoFacts], walk: Walk) -> None:
    _, facts = made
    cents = Counter[str]()
    statements = walk.tables["t_statement"].values()
    for row in statements:
        for field in ("ysje", "ssje", "hxje"):
            cents[field] += round(float(str(row[field])) * 100)
    assert cents["hxje"] * 100 == cents["ysje"] * 94
    assert facts.written_off_rate == Decimal("0.94")
    assert sum(row["zt"] == "已核销" for row in statements) / len(statements) == pytest.approx(0.94, abs=0.0005)
    assert (facts.statements.due, facts.statements.received) == (
        Decimal(cents["ysje"]) / 100,
        Decimal(cents["ssje"]) / 100,
    )
    lost = [row for key, row in walk.tables["t_statement"].items() if walk.bucket["t_statement"][key] == "held"]
    assert facts.statements_left_behind.count == len(lost)
    assert facts.statements_left_behind.due == sum((Decimal(str(row["ysje"])) for row in lost), Decimal(0))


def test_account_tree_has_levels_a_cycle_and_parents_behind_their_children(walk: Walk) -> None:
    parents = {key: row["sjkh"] for key, row in walk.tables["t_customer"].items()}
    assert parents["KH000001"] is None
    assert parents["KH000004"] == "KH000005"
    assert parents["KH000005"] == "KH000004"
    assert any(parent and parent > key for key, parent in parents.items())
    deepest = 0
    for key in parents:
        depth, seen = 0, set()
        while (key := parents.get(key)) and key not in seen:
            seen.add(key)
            depth += 1
        deepest = max(deepest, depth)
    assert deepest >= 3


def test_new_crm_is_sound_and_holds_customers_of_every_state(made: tuple[Path, DemoFacts], walk: Walk) -> None:
    folder, facts = made
    crm = sqlite3.connect(folder / "crm.db")
    assert crm.execute("PRAGMA foreign_key_check").fetchall() == []
    customers = crm.execute("SELECT count(*) FROM customer").fetchone()[0]
    assert customers == len(facts.adopted) + facts.target_only["customer"]
    assert crm.execute("SELECT count(*) FROM contact").fetchone()[0] == facts.target_only["contact"]
    crm.close()
    by_id = {row["id"]: row for row in walk.customers}
    pairs = [(walk.tables["t_customer"][key], by_id[int(met)]) for key, met in facts.adopted.items()]
    assert {str(each["customer_no"]) for _, each in pairs} == set(facts.adopted)
    assert any(each["phone"] is None for _, each in pairs)
    assert any(each["tax_no"] is None for _, each in pairs)
    assert any(each["phone"] and each["phone"] != plain(row["lxdh"]) for row, each in pairs)
    assert any(str(plain(row["khjb"])).upper() != each["level"] for row, each in pairs)


def test_duplicates_differ_in_width_and_agree_once_made_plain(made: tuple[Path, DemoFacts], walk: Walk) -> None:
    rows = walk.tables["t_customer"]
    for each in (planted for planted in made[1].planted if planted.kind == "duplicate_name"):
        twins = [key for key, row in rows.items() if plain(row["nsrsbh"]) == plain(rows[each.key]["nsrsbh"])]
        assert len(twins) == 2
        first = next(key for key in twins if key != each.key)
        assert str(first) < each.key
        assert rows[first]["khmc"] != rows[each.key]["khmc"]
        assert plain(rows[first]["khmc"]) == plain(rows[each.key]["khmc"])


def test_staff_meet_users_by_mail_phone_and_list(walk: Walk) -> None:
    mails, phones = {user["mail"] for user in walk.users}, {user["mobile"] for user in walk.users}
    by_list = [each for each in walk.staff if each["gh"] in walk.listed]
    assert by_list
    assert all(each["yx"] not in mails and each["sj"] not in phones for each in by_list)
    assert any(each["yx"] not in mails and each["sj"] in phones for each in walk.staff if each["zt"] == "在职")
    left = [each for each in walk.staff if each["zt"] == "离职"]
    assert {each["yx"] in mails for each in left} == {True, False}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_facts_hold_for_other_seeds_and_the_smallest_size(tmp_path: Path, seed: int) -> None:
    facts = generate(tmp_path, records=2_000, seed=seed)
    walk = Walk(tmp_path)
    for expected in facts.expected.values():
        assert Counter(walk.bucket[expected.object].values()) == Counter(dict(expected.buckets)), expected.mapping


def test_shares_and_the_same_seed(tmp_path: Path) -> None:
    first, second, other = (tmp_path / name for name in ("first", "second", "other"))
    facts = generate(first, records=20_000, seed=7)
    generate(second, records=20_000, seed=7)
    generate(other, records=20_000, seed=8)
    assert digest(first) == digest(second)
    assert all(digest(first)[name] != digest(other)[name] for name in ("legacy.db", "crm.db"))
    assert {each.mapping: each.read for each in facts.expected.values()} == {
        "account": 2_400,
        "contact": 4_800,
        "opportunity": 3_000,
        "contract": 2_600,
        "activity": 3_800,
        "statement": 3_400,
    }
    assert json.loads((first / "planted.json").read_text(encoding="utf-8"))["records"] == 20_000


def digest(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*.*"))}


def test_a_folder_with_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "legacy.db").write_text("precious", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        generate(tmp_path, records=2_000)
    assert caught.value.code == "demo.not_empty"
    assert (tmp_path / "legacy.db").read_text(encoding="utf-8") == "precious"


@pytest.mark.parametrize(("records", "code"), [(1_999, "demo.too_few"), (10_000_001, "demo.too_many")])
def test_a_number_that_makes_no_sound_demo_is_refused(tmp_path: Path, records: int, code: str) -> None:
    with pytest.raises(InputError) as caught:
        generate(tmp_path / "new", records=records)
    assert caught.value.code == code
    assert not (tmp_path / "new").exists()
