"""Fields that a target takes at creation only, and those that a mapping writes once: what an update leaves out, and
what is owed to a record all the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from changeover.connectors.schema import ObjectSchema
from changeover.connectors.sql.connector import SqlConnector

from .company import Company, make_company
from .test_circles import crossed

ONCE = "last_order: {from: zhdd, reference: order, write: only_create}"


def take_once(monkeypatch: pytest.MonkeyPatch, company: Company, *names: str) -> None:
    """The target says of these fields of its customers that it takes them at creation only, and holds to it."""
    told = SqlConnector.describe

    def only_once(each: ObjectSchema) -> ObjectSchema:
        fields = (replace(one, changeable=one.name not in names) for one in each.fields)
        return replace(each, fields=tuple(fields)) if each.name == "customer" else each

    monkeypatch.setattr(
        SqlConnector,
        "describe",
        lambda self: replace(schema := told(self), objects={n: only_once(o) for n, o in schema.objects.items()}),
    )
    company.new(
        f"create trigger once before update of {', '.join(names)} on customer begin select raise(abort, 'once'); end"
    )


def test_a_reference_of_the_first_write_that_had_to_wait_is_filled(tmp_path: Path) -> None:
    """It belongs to the creation, and no later change of the source is written."""
    company = crossed(tmp_path / "move", 5)
    company.rewrite("mappings/customer.yaml", ("last_order: {from: zhdd, reference: order}", ONCE))
    assert company.run().code == 0
    assert company.new("select count(*) from customer c join orders o on o.id = c.last_order") == [(5,)]
    company.old("update t_customer set zhdd = 1 where zhdd = 0")
    assert company.run().counts("customer") == {"read": 5, "unchanged": 5}
    assert company.new("select count(distinct last_order) from customer") == [(5,)]


def test_what_had_to_wait_is_not_written_to_a_record_that_was_there(tmp_path: Path) -> None:
    company = crossed(tmp_path / "move", 2)
    company.rewrite("mappings/customer.yaml", ("last_order: {from: zhdd, reference: order}", ONCE))
    company.new("insert into customer (name, tax_no) values ('theirs', 'TAXC00')")
    assert company.run().code == 0
    assert company.new("select tax_no, last_order is null from customer order by tax_no") == [
        ("TAXC00", 1),
        ("TAXC01", 0),
    ]


def test_a_later_change_of_the_source_is_told_and_not_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever wins other fields; and an edit in the target is one all the same."""
    company = make_company(tmp_path / "move")
    take_once(monkeypatch, company, "remark")
    company.rewrite("changeover.yaml", ("limits:", "wins: old\nlimits:"))
    company.rewrite("mappings/customer.yaml", ("only_if_empty", "only_create"))
    company.new("insert into customer (name, tax_no, remark) values ('theirs', 'TAXT', 'theirs')")
    for number in range(6):
        company.customer(f"C{number}", bz="first")
    company.customer("T", bz="ours")
    assert company.run().code == 0
    assert company.reconcile().causes() == {("reconcile.taken_once", "t_customer"): ["T"]}
    company.old("update t_customer set bz = 'second', je = '2' where khbh <> 'T'")
    company.new("drop trigger once")
    company.new("update customer set remark = 'edited' where tax_no = 'TAXC5'")
    company.new("create trigger once before update of remark on customer begin select raise(abort, 'once'); end")
    done = company.run()
    assert (done.code, done.counts("customer")) == (0, {"read": 7, "updated": 6, "unchanged": 1})
    compared = company.reconcile()
    assert [(each.text.code, each.field, each.line, each.count, each.keys) for each in compared.report.causes] == [
        ("reconcile.taken_once", "remark", 16, 6, ("C0", "C1", "C2", "C3", "C4"))
    ]
    told = [line[:3] + line[4:5] for line in compared.table("table.differing_records")]
    assert told == [("whose.edited", "customer", "C5", "remark")]
    assert company.undo(2, execute=True).code == 0
    assert company.new("select distinct revenue from customer where tax_no <> 'TAXT'") == [(1000.5,)]


def test_a_circle_of_records_is_not_cut_where_the_target_takes_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = make_company(tmp_path / "move")
    take_once(monkeypatch, company, "parent_id")
    company.rewrite("mappings/customer.yaml", ("reference: customer}", "reference: customer, write: only_create}"))
    for key, parent in (("A", "B"), ("B", "A"), ("C", "A"), ("ROOT", None), ("LEAF", "ROOT")):
        company.customer(key, sjkh=parent)
    done = company.run()
    assert (done.code, done.counts("customer")) == (1, {"read": 5, "created": 2, "held": 3})
    assert done.causes() == {("reference.missing", "t_customer"): ["A", "B", "C"]}
    company.old("update t_customer set sjkh = null where khbh in ('A', 'LEAF')")
    assert company.run().counts("customer") == {"read": 5, "created": 3, "unchanged": 2}
    assert company.new("select count(*) from customer where parent_id is null") == [(2,)], "A and ROOT"
    compared = company.reconcile()
    assert (compared.verdict, compared.causes()) == (
        "reconcile.equal",
        {("reconcile.taken_once", "t_customer"): ["LEAF"]},
    )


def test_a_record_goes_without_it_where_a_stub_stands_already(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    company = make_company(tmp_path / "move")
    take_once(monkeypatch, company, "modified_by")
    stub = "stub:\n  name: khbh\n  kind: {constant: stub}\nfields:\n  modified_by: {constant: me, write: only_create}\n"
    company.rewrite("mappings/customer.yaml", ("fields:\n", stub))
    company.rewrite("mappings/order.yaml", ("reference: customer}", "reference: customer, outside: stub}"))
    company.order(1, "A")
    company.order(2, "B")
    company.customer("B")
    told = company.say("check", "--json", "--no-data").document
    warned = {(each["code"], each["field"]) for each in told["findings"] if each["severity"] == "warns"}  # type: ignore[attr-defined]
    assert ("stub.goes_without", "modified_by") in warned
    assert company.run().code == 0
    company.customer("A")
    assert company.run().counts("customer") == {"read": 2, "updated": 1, "unchanged": 1}
    assert company.new("select name, kind, modified_by from customer order by name") == [
        ("客户A", "legacy", None),
        ("客户B", "legacy", "me"),
    ]
    compared = company.reconcile()
    assert (compared.verdict, compared.causes()) == (
        "reconcile.equal",
        {("reconcile.taken_once", "t_customer"): ["A"]},
    )
    company.rewrite("mappings/customer.yaml", ("kind: {constant: stub}", "modified_by: khbh"))
    told = company.say("check", "--json", "--no-data").document
    wrong = [each["code"] for each in told["findings"] if each["severity"] == "blocks"]  # type: ignore[attr-defined]
    assert wrong == ["stub.not_changeable"]
