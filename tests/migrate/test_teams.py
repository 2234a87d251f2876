"""Departments and teams, moved: found in the new system as owners are, folded, or records of their own."""

from __future__ import annotations

from pathlib import Path

from .company import make_company

OLD = """
create table t_dept (bh text primary key, mc text, sj text);
insert into t_dept values ('D1', '总部', null), ('D2', '销售部', 'D1'), ('D3', '客服部', 'D2'), ('D9', '老部门', 'D1');
create table t_member (id integer primary key, khbh text, gh text, xh integer);
alter table t_customer add column bm text;
alter table t_customer add column xz text;
insert into t_staff values ('w3', 'li.na@new.example', null), ('w4', 'wu.di@new.example', null);
"""
NEW = """
create table unit (id integer primary key autoincrement, name varchar(20), parent_id integer references unit (id));
insert into unit (name) values ('客服部');
alter table customer add column unit_id integer references unit (id);
alter table customer add column team varchar(20);
alter table customer add column former_team varchar(20);
create table member (id integer primary key autoincrement, customer_id integer not null references customer (id),
                     user_id integer not null references users (id), unique (customer_id, user_id));
insert into users values (3, 'wu.di@new.example', null);
"""
UNIT = """
mapping: unit
from: t_dept
to: unit
where: {bh: {not_equals: D9}}
match: [name]
fields:
  name: mc
  parent_id: {from: sj, reference: unit}
"""
FIELDS = """  remark: {from: bz, write: only_if_empty}
  unit_id: {from: bm, department: true, outside: null}
  team: {from: fold.team, people: {separator: ;}}
  former_team: {from: xz, people: {separator: ;, gone: drop}}
"""
REST = """fold:
  team: {from: t_member, by: khbh, order: [xh], line: "{gh}", between: ;}
examples:
  - from: {khbh: K, khmc: One, bm: D3, fold.team: "w1;w9", xz: "w9、w1", sh: X}
    people: {w1: 1, w9: null}
    departments: {D3: 7}
    rejected: people.unknown
  - from: {khbh: K, khmc: One, bm: D3, fold.team: w1, xz: "w9、w1", sh: X}
    people: {w1: 1}
    departments: {D3: 7}
    to: {unit_id: 7, team: "1", former_team: "1"}
"""
MEMBER = """
mapping: member
from: t_member
to: member
fields:
  customer_id: {from: khbh, reference: customer}
  user_id: {from: gh, people: {gone: drop}, outside: skip}
drop: {xh: the new system has no order}
"""


def test_departments_and_teams_move_with_their_records(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    for sql in OLD.split(";\n"):
        company.old(sql)
    for sql in NEW.split(";\n"):
        company.new(sql)
    company.customer("A", bm="D3", xz="w2, w1")
    company.customer("B", bm="客服部", xz="w2")
    company.customer("C", bm="D9")
    company.old(
        "insert into t_member values (?, ?, ?, ?)",
        [(1, "A", "w4", 2), (2, "A", "w2", 1), (3, "A", "w3", 3), (4, "C", "w1", 1)],
    )
    company.rewrite(
        "changeover.yaml",
        ("{t_customer: {sjkh", "{t_dept: {sj: t_dept}, t_customer: {sjkh"),
        (
            "  successor:",
            "  departments: {source: {object: t_dept, name: mc}, target: {object: unit, name: name}}\n  successor:",
        ),
    )
    company.rewrite("mappings/customer.yaml", ("  remark: {from: bz, write: only_if_empty}\n", FIELDS + REST))
    (company.folder / "mappings" / "unit.yaml").write_text(UNIT, encoding="utf-8")
    (company.folder / "mappings" / "member.yaml").write_text(MEMBER, encoding="utf-8")
    assert company.say("check").code == 0
    done = company.run()
    assert done.counts("unit") == {"read": 4, "adopted": 1, "created": 2, "updated": 1, "filtered": 1}
    assert done.counts("member") == {"read": 4, "created": 3, "filtered": 1}
    rows = "select tax_no, u.name, team, former_team from customer c left join unit u on u.id = unit_id order by 1"
    assert company.new(rows) == [
        ("TAXA", "客服部", "2;3", "1"),
        ("TAXB", "客服部", None, None),
        ("TAXC", None, "1", None),
    ]
    assert company.new("select name from member m join customer c on c.id = customer_id where user_id = 2") == [
        ("客户A",)
    ]
    assert done.table("table.successions") == [
        ("customer", "former_team", "w2", None, "people.left_out", 2),
        ("customer", "team", "w2", "2", "people.by_default", 1),
    ]
    assert [cause.count for cause in done.report.causes if cause.text.code == "people.merged"] == [1]
    assert done.table("table.outside") == [
        ("customer", "unit_id", "outside.null", "outside.unknown", 1),
        ("member", "user_id", "outside.skip", "outside.unknown", 1),
    ]
    lines = "select u.name, p.name from unit u left join unit p on p.id = u.parent_id order by 1"
    assert sorted(company.new(lines)) == [("客服部", "销售部"), ("总部", None), ("销售部", "总部")]
    assert (company.reconcile().code, company.run().counts("customer")) == (0, {"read": 3, "unchanged": 3})
    company.old("update t_member set gh = 'w1' where id = 2")
    assert company.run().counts("customer") == {"read": 3, "updated": 1, "unchanged": 2}
    assert company.new("select team from customer where tax_no = 'TAXA'") == [("1;3;2",)]
