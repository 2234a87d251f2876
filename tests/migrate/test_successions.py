"""Every owner who was replaced is listed, by plan, run and explain; and reporting lines move as references do."""

from __future__ import annotations

from pathlib import Path

import pytest

from .company import Company, make_company

STAFF = """
mapping: staff
from: t_staff
to: users
match: [mail]
fields:
  mail: yx
  phone: sj
  manager_id: {from: zg, reference: staff}
"""


@pytest.fixture
def company(tmp_path: Path) -> Company:
    company = make_company(tmp_path / "move")
    company.old("alter table t_staff add column bm text")
    company.old("alter table t_staff add column zg text")
    company.old("update t_staff set bm = '销售一部' where gh = 'w2'")
    company.old("insert into t_staff (gh, yx, zg) values ('w4', 'four@old.example', 'w5'), ('w5', null, 'w1')")
    company.rewrite(
        "changeover.yaml",
        ("phone: sj}", "phone: sj, department: bm, manager: zg}"),
        ("  successor: li.na@new.example", "  successors: {销售一部: wang.fang@old.example}"),
        ("limits:", "  successor: [manager, li.na@new.example]\nlimits:"),
    )
    return company


def test_the_owners_who_were_replaced_are_listed(company: Company) -> None:
    for key, owner in (
        ("A", "w2"),
        ("B", "w2"),
        ("C", "w9"),
        ("D", "w1"),
        ("E", "who@old.example"),
        ("F", None),
        ("G", "w4"),
    ):
        company.customer(key, ywy=owner)
    listed = [
        ("customer", "owner_id", "w2", "1", "people.by_department", 2),
        ("customer", "owner_id", "w4", "1", "people.by_manager", 1),
        ("customer", "owner_id", "w…", "2", "people.by_default", 1),
        ("customer", "owner_id", "w…@…", "2", "people.by_default", 1),
    ]
    assert company.plan().table("table.successions") == listed
    done = company.run()
    assert done.table("table.successions") == listed
    assert [cause.count for cause in done.report.causes if cause.text.code == "people.substituted"] == [5]
    ends = [cause.keys for cause in company.check().report.causes if cause.text.code == "people.line_ends"]
    assert ends == [("w2",)]
    assert dict(company.new("select tax_no, owner_id from customer order by 1")) == {  # type: ignore[arg-type]
        "TAXA": 1, "TAXB": 1, "TAXC": 2, "TAXD": 1, "TAXE": 2, "TAXF": None, "TAXG": 1,
    }  # fmt: skip
    assert company.explain("A").table("table.successions") == [(*listed[0][:5], 1)]
    assert company.explain("D").table("table.successions") == []
    kept = [path.read_bytes() for path in (company.folder / "runs").rglob("*") if path.is_file()]
    assert not any(b"who@old" in content for content in kept)


def test_reporting_lines_are_references_of_people_to_people(company: Company) -> None:
    """People who are there already are adopted, and their managers filled in level by level."""
    company.old("delete from t_staff where gh in ('w4', 'w5')")
    company.new("alter table users add column manager_id integer references users (id)")
    company.old("update t_staff set zg = 'w2' where gh = 'w1'")
    company.old("update t_staff set zg = 'w3' where gh = 'w2'")
    company.old("insert into t_staff (gh, yx, sj) values ('w3', 'li.na@new.example', '13900000000')")
    company.rewrite(
        "changeover.yaml",
        ("{t_customer: {sjkh: t_customer}", "{t_staff: {zg: t_staff}, t_customer: {sjkh: t_customer}"),
    )
    (company.folder / "mappings" / "staff.yaml").write_text(STAFF, encoding="utf-8")
    counts = company.run().counts("staff")
    assert counts == {"read": 3, "adopted": 2, "created": 1, "updated": 1, "unchanged": 1}
    lines = company.new("select a.mail, b.mail from users a left join users b on b.id = a.manager_id order by a.id")
    assert lines == [
        ("wang.fang@old.example", "gone@old.example"),
        ("li.na@new.example", None),
        ("gone@old.example", "li.na@new.example"),
    ]
    assert company.reconcile().code == 0
