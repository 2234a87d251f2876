"""The parts of the mapping language tried with each other: what one of them does another one has to reckon with."""

from __future__ import annotations

from pathlib import Path

from .company import Company, make_company
from .test_linking import LINKS, NEW, OLD, links, remarks
from .test_stubs import STUB


def linked(folder: Path, *, stub: bool = False) -> Company:
    """Customers in whose remarks addresses are rewritten; orders whose customer is a stub where it has to be."""
    company = make_company(folder / "project", chunk=2)
    company.rewrite("changeover.yaml", ("\npeople:", LINKS), ("production: false", NEW))
    rule = "remark: {from: bz, write: only_if_empty}"
    company.rewrite("mappings/customer.yaml", (rule, "remark: {from: bz, rewrite_links: true}"))
    if stub:
        company.new("alter table customer add column level text default 'new'")
        once = "kind: {constant: legacy}\n  modified_by: {constant: me, write: only_create}\n  level: {constant: A}"
        company.rewrite("mappings/customer.yaml", ("fields:\n", STUB), ("kind: {constant: legacy}", once))
        company.rewrite("mappings/order.yaml", ("reference: customer}", "reference: customer, outside: stub}"))
    return company


def test_an_address_leads_to_a_record_and_not_to_what_stands_for_it(tmp_path: Path) -> None:
    """Whether the stub is made before the text is read, or behind it; until the record comes."""
    company = linked(tmp_path, stub=True)
    company.customer("C0", zt="test")
    company.customer("C1", bz=f"{OLD}/kh/C0 {OLD}/kh/C9")
    company.order(1, "C0")
    company.order(2, "C9")
    told = company.run()
    stays = {"C1": f"{OLD}/kh/C0 {OLD}/kh/C9"}
    assert (told.code, links(told), remarks(company)) == (0, {"left_out": 1, "absent": 1}, stays)
    assert company.reconcile().verdict == "reconcile.equal"
    again = company.run()
    assert (again.counts("customer"), links(again)) == (
        {"read": 2, "unchanged": 1, "filtered": 1},
        {"left_out": 1, "absent": 1},
    )
    company.customer("C9")
    told = company.run()
    assert told.counts("customer") == {"read": 3, "updated": 2, "filtered": 1}
    assert remarks(company) == {"C1": f"{OLD}/kh/C0 t_customer:C9"}
    assert company.reconcile().verdict == "reconcile.equal"


def test_what_an_undo_makes_a_stub_again_is_one(tmp_path: Path) -> None:
    company = linked(tmp_path, stub=True)
    company.order(1, "C9")
    company.run()
    company.customer("C9")
    assert company.run().counts("customer") == {"read": 1, "updated": 1}
    assert company.undo(2, execute=True).code == 0
    company.old("delete from t_customer")
    assert company.reconcile().verdict == "reconcile.equal"
    told = company.run()
    assert told.table("table.outside") == [("order", "customer_id", "outside.stub", "outside.absent", 1)]
    company.customer("C9")
    assert company.run().counts("customer") == {"read": 1, "updated": 1}
    assert company.new("select kind, level, modified_by from customer") == [("legacy", "A", "me")]
    assert company.reconcile().verdict == "reconcile.equal"
    for number in (5, 1):
        assert company.undo(number, execute=True).code == 0
    assert company.new("select * from customer") == []
