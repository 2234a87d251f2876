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


def test_both_sides_change_what_is_left_alone_or_leads_nowhere(tmp_path: Path) -> None:
    """`wins` is asked of a field that is written only while it is empty, once somebody has emptied it; and of a
    reference that goes without its parent, once somebody has given it one."""
    company = make_company(tmp_path / "project")
    for key in ("P", "Q", "A", "B", "C"):
        company.customer(key, bz="said", sjkh="P" if key in "ABC" else None)
    company.rewrite(
        "mappings/customer.yaml",
        ("write: only_if_empty", "write: only_if_empty, wins: old"),
        ("reference: customer}", "reference: customer, outside: null, wins: new}"),
    )
    company.run()
    company.old("update t_customer set bz = 'said again', sjkh = 'nowhere' where khbh in ('A', 'B', 'C')")
    company.new("update customer set remark = null where tax_no = 'TAXA'")
    company.new("update customer set remark = 'by a user' where tax_no = 'TAXB'")
    company.new(
        "update customer set parent_id = (select id from customer where tax_no = 'TAXQ') where tax_no <= 'TAXB'"
    )
    planned, done = company.plan(), company.run()
    rows = (
        "select c.tax_no, c.remark, p.tax_no from customer c left join customer p on p.id = c.parent_id "
        "where c.tax_no <= 'TAXC' order by 1"
    )
    assert company.new(rows) == [
        ("TAXA", "said again", "TAXQ"),
        ("TAXB", "by a user", "TAXQ"),
        ("TAXC", "said", None),
    ]
    decided = [
        ("A", "parent_id", "wins.side_new"),
        ("A", "remark", "wins.side_old"),
        ("B", "parent_id", "wins.side_new"),
    ]
    for told in (planned, done):
        assert sorted(line[1:] for line in told.table("table.decided_records")) == decided
    compared = company.reconcile()
    assert [(*line[:3], line[4]) for line in compared.table("table.differing_records")] == [
        ("whose.edited", "customer", "B", "remark")
    ]
    assert compared.document["won"] == 2
    assert company.undo(2, execute=True).code == 0
    assert company.new(rows) == [("TAXA", None, "TAXQ"), ("TAXB", "by a user", "TAXQ"), ("TAXC", "said", "TAXP")]


def test_a_successor_who_is_in_the_team_already_is_there_once(tmp_path: Path) -> None:
    """A record for each member: the target takes one of two, and what keeps the other one back is said and stays so."""
    company = make_company(tmp_path / "project")
    company.old("create table t_member (id integer primary key, khbh text, gh text)")
    company.new(
        "create table member (id integer primary key autoincrement, customer_id integer not null references customer "
        "(id), user_id integer not null references users (id), unique (customer_id, user_id))"
    )
    company.old("insert into t_staff values ('w3', 'li.na@new.example', null)")
    company.customer("A")
    company.old("insert into t_member values (?, ?, ?)", [(1, "A", "w1"), (2, "A", "w2"), (3, "A", "w3")])
    rules = "  customer_id: {from: khbh, reference: customer}\n  user_id: {from: gh, people: true}\n"
    mapping = company.folder / "mappings" / "member.yaml"
    mapping.write_text(f"mapping: member\nfrom: t_member\nto: member\nfields:\n{rules}", encoding="utf-8")
    done = company.run()
    assert (done.code, done.counts("member")) == (1, {"read": 3, "created": 2, "rejected": 1})
    assert done.causes()["target.duplicate", "t_member"] == ["3"]
    assert company.new("select user_id from member order by 1") == [(1,), (2,)]
    assert company.run().counts("member") == {"read": 3, "unchanged": 2, "rejected": 1}
