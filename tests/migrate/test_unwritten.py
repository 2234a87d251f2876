"""Fields that are never written: used to find records, or compared with what the target makes of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from changeover.connectors.errors import InputError

from .company import Company, make_company
from .test_reconcile import differing

RULE = "  remark: {from: bz, write: only_if_empty}\n"


def make(folder: Path, *rules: str) -> Company:
    """A company whose new customers have twice the revenue by a formula, and a number of visits that somebody keeps."""
    company = make_company(folder)
    company.new("alter table customer add column twice numeric(18, 2) generated always as (revenue * 2) virtual")
    company.new("alter table customer add column visits integer")
    company.old("alter table t_customer add column je2 decimal(18, 2)")
    company.old("alter table t_customer add column visits integer")
    company.rewrite("mappings/customer.yaml", (RULE, "".join(f"  {rule}\n" for rule in rules)))
    return company


def test_a_formula_is_never_written_and_always_compared(tmp_path: Path) -> None:
    company = make(tmp_path / "move", "twice: {from: je2, compare_only: true}")
    company.customer("RIGHT", je="10.00", je2="20.00")
    company.customer("WRONG", je="10.00", je2="21.00")
    company.customer("BAD", je="10.00", je2="twenty")
    assert company.plan().counts("customer") == {"read": 3, "created": 3}
    done = company.run()
    assert (done.counts("customer"), done.verdict) == ({"read": 3, "created": 3}, "run.done")
    assert done.causes()["type.not_a_number", "t_customer"] == ["BAD"]
    told = company.reconcile()
    computed = ("computed", "twice", None, None)
    assert (told.code, differing(told)) == (1, {"WRONG": computed, "BAD": computed})
    assert not any("run --execute" in step for step in told.report.next_steps)
    company.old("update t_customer set je2 = '20' where khbh = 'WRONG'")
    company.old("update t_customer set je2 = '22' where khbh = 'RIGHT'")
    assert company.run().counts("customer") == {"read": 3, "unchanged": 3}
    assert differing(company.reconcile()) == {"RIGHT": computed, "BAD": computed}
    company.old("update t_customer set je = '11' where khbh = 'RIGHT'")
    assert company.run().counts("customer") == {"read": 3, "updated": 1, "unchanged": 2}
    assert differing(company.reconcile()) == {"BAD": computed}
    company.undo(3, execute=True)
    assert company.undo(1, execute=True).code == 0
    assert company.new("select * from customer") == []


def test_a_writable_field_that_is_compared_only_is_left_alone(tmp_path: Path) -> None:
    company = make(tmp_path / "move", "visits: {from: visits, compare_only: true}")
    company.customer("A", visits=3)
    assert company.run().code == 0
    assert company.new("select visits from customer") == [(None,)]
    assert set(differing(company.reconcile())) == {"A"}
    company.new("update customer set visits = 3")
    assert company.reconcile().code == 0
    assert company.run().counts("customer") == {"read": 1, "unchanged": 1}
    said = company.say("reconcile")
    assert said.code == 0
    company.new("update customer set visits = 4")
    said = company.say("reconcile")
    assert said.code == 1
    assert "computed otherwise by the target" in said.out
    # what somebody counted since is no edit that would be spared
    assert company.undo(1, execute=True).code == 0
    assert company.new("select * from customer") == []


def test_a_field_that_only_finds_records(tmp_path: Path) -> None:
    company = make(tmp_path / "move", "remark: {from: bz, write: never}")
    company.rewrite("mappings/customer.yaml", ("match: [tax_no]", "match: [remark]"))
    company.new("insert into customer (name, remark) values ('theirs', 'R1')")
    company.customer("OLD", bz="R1")
    company.customer("NEW", bz="R2")
    counts = {"read": 2, "adopted": 1, "created": 1, "updated": 1}
    assert company.run().counts("customer") == counts
    rows = "select name, remark from customer order by id"
    assert company.new(rows) == [("客户OLD", "R1"), ("客户NEW", None)]
    company.old("update t_customer set bz = 'other'")
    assert company.run().counts("customer") == {"read": 2, "unchanged": 2}
    assert company.reconcile().code == 0
    company.new("update customer set remark = 'by a user'")
    assert company.reconcile().code == 0
    company.undo(1, execute=True)
    assert company.new(rows) == [("theirs", "by a user")]


def test_a_field_that_was_written_once_stays_as_it_is(tmp_path: Path) -> None:
    company = make(tmp_path / "move", "remark: bz")
    company.customer("A", bz="first")
    assert company.run().code == 0
    company.rewrite("mappings/customer.yaml", ("remark: bz", "remark: {from: bz, write: never}"))
    company.old("update t_customer set bz = 'second', je = '2.00'")
    assert company.run().counts("customer") == {"read": 1, "updated": 1}
    assert company.new("select remark from customer") == [("first",)]
    assert company.reconcile().code == 0


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("twice: je2", "mapping.not_writable"),
        ("visits: {from: visits, compare_only: true, write: only_create}", "mapping.compared_and_written"),
        ("parent_id: {from: sjkh, reference: customer, compare_only: true}", "mapping.compared_reference"),
        ("name: {from: khmc, write: never}", "mapping.required_not_fed"),
        ("visits: {first: [{from: visits, compare_only: true}]}", "mapping.case_with_more"),
    ],
)
def test_check_refuses_what_contradicts(tmp_path: Path, rule: str, code: str) -> None:
    company = make(tmp_path / "move", rule)
    lines = (company.folder / "mappings" / "customer.yaml").read_text("utf-8").splitlines(keepends=True)
    name = rule.partition(":")[0]
    first = [each for each in lines if not each.startswith(f"  {name}:")]
    (company.folder / "mappings" / "customer.yaml").write_text("".join([*first, f"  {rule}\n"]), "utf-8")
    with pytest.raises(InputError) as caught:
        company.check()
    assert code in {each.code for each in caught.value.findings}


def test_check_wonders_at_a_rule_that_does_nothing(tmp_path: Path) -> None:
    company = make(tmp_path / "move", "remark: {from: bz, write: never}", "twice: {from: je2, write: never}")
    company.rewrite("mappings/customer.yaml", ("match: [tax_no]", "match: [remark]"))
    told = [each for each in company.check().report.causes if each.text.code == "mapping.never_used"]
    assert [each.text.params["name"] for each in told] == ["twice"]


def test_a_mapping_may_write_nothing(tmp_path: Path) -> None:
    """It adopts what is there, and makes empty records of the rest."""
    company = make_company(tmp_path / "move")
    text = "mapping: note\nfrom: t_customer\nto: visit\nmatch: [note]\nfields: {note: {from: khmc, write: never}}\n"
    (company.folder / "mappings" / "note.yaml").write_text(text, encoding="utf-8")
    company.new("insert into visit (id, note) values (7, '客户A')")
    company.customer("A")
    company.customer("B")
    assert company.run().counts("note") == {"read": 2, "adopted": 1, "unchanged": 1, "created": 1}
    assert company.new("select id, note from visit order by id") == [(7, "客户A"), (8, None)]
    assert company.run().counts("note") == {"read": 2, "unchanged": 2}
