"""Tasks about an account, a contact or another task: one reference field whose records several mappings make."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from changeover.connectors.errors import InputError

from .company import Company

LEGACY = """
create table t_account (code text primary key, name text, origin_kind text, origin text);
create table t_contact (code text primary key, name text, firm text, left_us text);
create table t_task (id integer primary key, subject text, what_kind text, what text);
"""
# as a CRM's, the target's keys are told apart by themselves
TARGET = """
create table account (id text primary key default ('a' || lower(hex(randomblob(6)))), name varchar(20) not null,
                      origin text);
create table contact (id text primary key default ('c' || lower(hex(randomblob(6)))), name varchar(20) not null,
                      firm text references account (id));
create table task (id text primary key default ('t' || lower(hex(randomblob(6)))), subject varchar(20) not null,
                   about text, about_kind varchar(10));
"""
PROJECT = """
project: kinds
default: mock
environments:
  mock:
    source: {connector: sql, name: legacy, url: "sqlite:///legacy.db"}
    target:
      connector: sql
      name: crm
      url: "sqlite:///crm.db"
      references: {task: {about: [account, contact, task]}, account: {origin: [account, task]}}
limits: {chunk: 3, batch: 20}
"""
ABOUT = "{from: what, reference: {by: what_kind, of: {Firm: account, Person: contact, Task: task}}}"
MAPPINGS = {
    "account": "from: t_account\nto: account\nfields: {name: name}\ndrop: {origin: not yet, origin_kind: not yet}\n",
    "contact": "from: t_contact\nto: contact\nwhere: {left_us: {present: false}}\n"
    "fields: {name: name, firm: {from: firm, reference: account}}\n",
    "task": f"""from: t_task
to: task
fields:
  subject: subject
  about: {ABOUT}
  about_kind: {{from: what_kind, values: {{Firm: account, Person: contact, Task: task}}, otherwise: reject}}
""",
}


@pytest.fixture
def made(tmp_path: Path) -> Company:
    """An account and a contact whose keys read the same, 1; tasks about either, about the task after them, and about
    nothing."""
    company = Company(tmp_path / "project")
    (company.folder / "mappings").mkdir(parents=True)
    for path, script in ((company.legacy, LEGACY), (company.crm, TARGET)):
        database = sqlite3.connect(path)
        database.executescript(script)
        database.close()
    (company.folder / "changeover.yaml").write_text(PROJECT, encoding="utf-8")
    for name, text in MAPPINGS.items():
        (company.folder / "mappings" / f"{name}.yaml").write_text(f"mapping: {name}\n{text}", encoding="utf-8")
    company.old("insert into t_account values (?, ?, null, null)", [("1", "north"), ("2", "south")])
    company.old("insert into t_contact values (?, ?, ?, null)", [("1", "wang", "2"), ("3", "li", "1")])
    for row in ((1, "Firm", "1"), (2, "Person", "1"), (3, "Task", "5"), (4, None, None), (5, "Person", "3")):
        task(company, *row)
    return company


def task(company: Company, number: int, kind: str | None, about: str | None) -> None:
    company.old("insert into t_task values (?, ?, ?, ?)", (number, f"t{number}", kind, about))


def about(company: Company) -> dict[object, object]:
    """Task -> the name of what it is about."""
    return dict(
        company.new(
            "select t.subject, coalesce(a.name, c.name, o.subject, t.about) from task t "
            "left join account a on a.id = t.about left join contact c on c.id = t.about "
            "left join task o on o.id = t.about"
        )  # type: ignore[arg-type]
    )


ALL = {"t1": "north", "t2": "wang", "t3": "t5", "t4": None, "t5": "li"}


def test_each_record_refers_to_what_its_kind_says(made: Company) -> None:
    checked = made.say("check", "--json")
    assert checked.code == 0, checked.out
    planned, said = made.say("plan", "--json"), made.say("run", "--execute", "--json")
    assert said.code == 0, said.out
    assert planned.counts("task") == said.counts("task") == {"read": 5, "created": 5}
    assert about(made) == ALL
    assert made.new("select about_kind from task order by subject")[:3] == [("account",), ("contact",), ("task",)]
    assert made.run().counts("task") == {"read": 5, "unchanged": 5}
    assert made.reconcile().verdict == "reconcile.equal"
    (row,) = [row for row in made.explain("t_task:2").table("table.fields") if row[0] == "about"]
    assert (row[1], row[4]) == ("what, what_kind", "legacy:t_contact:1")

    assert made.undo(1, execute=True).code == 0
    assert about(made) == {}


EXAMPLES = """examples:
  - {from: {subject: x, what_kind: Person, what: '9'}, to: {about: 'contact:9'}}
  - {from: {subject: x, what_kind: Deal, what: '9'}, rejected: reference.kind_unknown}
"""


def test_examples_name_the_mapping_that_makes_the_parent(made: Company) -> None:
    made.rewrite("mappings/task.yaml", ("to: task\n", f"to: task\n{EXAMPLES}"))
    assert made.check().code == 0
    made.rewrite("mappings/task.yaml", ("'contact:9'", "'account:9'"))
    with pytest.raises(InputError) as raised:
        made.check()
    assert [(each.code, each.field) for each in raised.value.findings] == [("example.differs", "about")]


def test_the_build_sheet_names_all_that_a_field_refers_to(made: Company) -> None:
    made.new("alter table task drop column about")
    made.rewrite("changeover.yaml", ("task: {about: [account, contact, task]}, ", ""))
    assert '"account, contact, task"' in made.say("check", "--build-sheet", "-", "--lang", "en").out


def test_the_key_alone_may_say_the_kind(made: Company) -> None:
    made.old("update t_account set code = '001' || code")
    made.old("update t_contact set code = '0012' || code, firm = '001' || firm")
    made.old("update t_task set what = case what_kind when 'Firm' then '001' else '0012' end || what where id <> 3")
    made.old("delete from t_task where id = 3")
    made.rewrite("mappings/task.yaml", (ABOUT, '{from: what, reference: {prefix: {"001": account, "0012": contact}}}'))
    assert made.run().counts("task") == {"read": 4, "created": 4}
    assert about(made) == {name: what for name, what in ALL.items() if name != "t3"}
    assert made.reconcile().verdict == "reconcile.equal"


@pytest.mark.parametrize("kind", ["Deal", None, "firm"])
def test_a_kind_that_nobody_names_is_rejected_until_somebody_does(made: Company, kind: str | None) -> None:
    task(made, 6, kind, "1")
    told = made.run()
    assert told.code == 1
    assert told.counts("task") == {"read": 6, "created": 5, "rejected": 1}
    assert told.causes()["reference.kind_unknown", "t_task"] == ["6"]
    made.old("update t_task set what_kind = 'Firm' where id = 6")
    assert made.run(rejected=True).counts("task") == {"read": 1, "created": 1}
    assert about(made)["t6"] == "north"


def test_a_task_waits_for_its_parent_whatever_its_kind(made: Company) -> None:
    """Account 9 and contact 9: each is waited for by its own tasks only."""
    task(made, 6, "Firm", "9")
    task(made, 7, "Person", "9")
    task(made, 8, "Task", "99")
    checked = made.check()
    assert sorted(checked.causes()["reference.nowhere", "t_task"]) == ["6", "7", "8"]
    told = made.run()
    assert told.counts("task") == {"read": 8, "created": 5, "held": 3}
    assert dict(made.ledger("select our_key, waits_for from record where state = 'held'")) == {  # type: ignore[arg-type]
        "legacy:t_task:6": "legacy:t_account:9",
        "legacy:t_task:7": "legacy:t_contact:9",
        "legacy:t_task:8": "legacy:t_task:99",
    }
    made.old("insert into t_contact values ('9', 'zhao', null, null)")
    assert made.run().counts("task") == {"read": 8, "created": 1, "unchanged": 5, "held": 2}
    assert about(made)["t7"] == "zhao"


def test_a_mended_parent_brings_what_waited_for_it(made: Company) -> None:
    """Contact 3 has a name that is too long; task 5 waits for it, and task 3 for task 5."""
    made.old("update t_contact set name = ? where code = '3'", ("l" * 21,))
    assert made.run().counts("task") == {"read": 5, "created": 3, "held": 2}
    made.old("update t_contact set name = 'li' where code = '3'")
    told = made.run(rejected=True, code="length.too_long")
    assert (told.counts("contact"), told.counts("task")) == ({"read": 1, "created": 1}, {"read": 2, "created": 2})
    assert about(made) == ALL


def test_what_is_left_out_is_outside_for_its_own_kind_only(made: Company) -> None:
    made.rewrite("mappings/task.yaml", ("Task: task}}}", "Task: task}}, outside: null}"))
    made.old("update t_contact set left_us = 'yes' where code = '1'")
    told = made.run()
    assert told.counts("task") == {"read": 5, "created": 5}
    assert about(made) == ALL | {"t2": None}
    assert set(told.table("table.outside")) == {("task", "about", "outside.null", "outside.left_out", 1)}
    assert made.reconcile().verdict == "reconcile.equal"


def test_one_task_brings_what_it_is_about(made: Company) -> None:
    done = made.run("t_task:3")
    assert done.counts("task") == {"read": 2, "created": 2}
    assert about(made) == {"t3": "t5", "t5": "li"}
    assert made.new("select name from account") == [("north",)]
    assert made.new("select name from contact") == [("li",)]


def test_a_contact_brings_its_tasks_and_not_those_of_the_account_of_that_key(made: Company) -> None:
    made.run("t_contact:1", children=True)
    assert about(made) == {"t2": "wang"}
    made.run("t_contact:3", children=True)
    assert about(made) == {"t2": "wang", "t3": "t5", "t5": "li"}


def test_the_kind_changes(made: Company) -> None:
    """The key stays as it reads, and is another record's."""
    made.run()
    made.old("update t_task set what_kind = 'Firm' where id = 2")
    assert made.run().counts("task") == {"read": 5, "updated": 1, "unchanged": 4}
    assert about(made) == ALL | {"t2": "north"}
    assert made.reconcile().verdict == "reconcile.equal"
    assert made.undo(2, execute=True).code == 0
    assert about(made) == ALL


def test_an_edit_of_the_target_is_seen(made: Company) -> None:
    made.run()
    made.new("update task set about = (select id from account where name = 'south') where subject = 't2'")
    made.old("update t_task set what_kind = 'Firm' where id = 2")
    assert made.run().counts("task") == {"read": 5, "conflicted": 1, "unchanged": 4}
    assert about(made)["t2"] == "south"


def test_a_record_that_was_in_the_target_before_is_found_as_the_parent(made: Company) -> None:
    """An adopted parent changes its name: from the target's key to ours."""
    made.rewrite("mappings/contact.yaml", ("to: contact\n", "to: contact\nmatch: [name]\n"))
    made.new("insert into contact (id, name) values ('c1', 'wang')")
    made.rewrite("mappings/task.yaml", ("to: task\n", "to: task\nmatch: [subject]\n"))
    made.new("insert into task (subject, about, about_kind) values ('t2', 'c1', 'contact')")
    assert made.run().code == 0
    assert about(made) == ALL
    assert made.reconcile().verdict == "reconcile.equal"
    assert made.undo(1, execute=True).code == 0
    assert about(made) == {"t2": "wang"}


def test_a_parent_that_is_let_go_is_no_edit_of_the_task(made: Company) -> None:
    made.rewrite("mappings/contact.yaml", ("to: contact\n", "to: contact\nmatch: [name]\n"))
    made.new("insert into contact (id, name) values ('c1', 'wang')")
    made.run("t_contact:1")
    made.run("t_task:2")
    assert made.undo(1, execute=True).code == 0
    assert made.new("select name, firm from contact") == [("wang", None)]
    assert made.undo(2, execute=True).code == 0
    assert about(made) == {}


def test_in_a_circle_only_what_comes_later_is_waited_for_in_the_target(made: Company) -> None:
    """An account comes from a task, loaded after it, or from another account: which is not there is waited for."""
    made.rewrite(
        "mappings/account.yaml",
        (
            "fields: {name: name}\ndrop: {origin: not yet, origin_kind: not yet}",
            "fields: {name: name, origin: {from: origin, reference: {by: origin_kind, of: {F: account, T: task}}}}",
        ),
    )
    made.old("update t_account set origin_kind = 'T', origin = '5' where code = '1'")
    made.old(
        "insert into t_account values ('3', 'east', 'F', '2'), ('4', 'west', 'F', 'nowhere'), ('0', 'mid', 'F', '3')"
    )
    made.old("insert into t_account values ('5', 'ring', 'F', '6'), ('6', 'rong', 'F', '5')")
    told = made.run()
    assert told.counts("account") == {"read": 7, "created": 6, "held": 1}
    assert told.counts("task") == {"read": 5, "created": 5}
    origins = made.new(
        "select a.name, coalesce(t.subject, o.name) from account a left join task t on t.id = a.origin "
        "left join account o on o.id = a.origin order by a.name"
    )
    assert origins == [
        ("east", "south"),
        ("mid", "east"),
        ("north", "t5"),
        ("ring", "rong"),
        ("rong", "ring"),
        ("south", None),
    ]
    assert made.reconcile().verdict == "reconcile.equal"
    assert made.undo(1, execute=True).code == 0
    assert made.new("select count(*) from account") == [(0,)]


def test_cases_may_refer_to_mappings_of_their_own(made: Company) -> None:
    cases = (
        "{cases: [{when: {what_kind: {equals: Firm}}, from: what, reference: account}, "
        "{when: {what_kind: {equals: Person}}, from: what, reference: contact}, {from: what, reference: task}]}"
    )
    made.rewrite("mappings/task.yaml", (ABOUT, cases))
    assert made.run().code == 0
    assert about(made) == ALL
    assert made.reconcile().verdict == "reconcile.equal"
    made.old("insert into t_account values ('7', 'far', null, null)")
    task(made, 7, "Firm", "7")
    assert made.run("t_account:7", children=True).counts("task") == {"read": 1, "created": 1}
    assert made.undo(1, execute=True).code == 0
