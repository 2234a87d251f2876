"""Reconcile: every difference is told by whose it is, what is explained is none, and totals agree to the cent."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from .company import Company, Told, make_company

AUTOMATIONS = """
create trigger upper_case after insert on customer when new.name like 'auto%' begin
  update customer set name = upper(name), modified_by = 'workflow' where id = new.id; end;
create trigger silent after insert on customer when new.name like 'silent%' begin
  update customer set name = upper(name) where id = new.id; end;
"""
TOTALS = """
totals:
  - name: revenue by kind
    source: {object: t_customer, sum: [je], where: {zt: {not_equals: test}}}
    target: {object: customer, sum: [revenue]}
  - name: orders
    source: {object: t_order, sum: [je]}
    target: {object: orders, sum: [amount]}
"""


def script(company: Company, text: str) -> None:
    database = sqlite3.connect(company.crm)
    database.executescript(text)
    database.close()


def differing(told: Told) -> dict[object, tuple[object, ...]]:
    """Old key (our key where it has none) -> whose, what, by, at of each difference."""
    rows = told.table("table.differing_records")
    assert len({row[2] for row in rows}) == len(rows) == told.document["differences"]
    return {row[2]: (str(row[0]).removeprefix("whose."), *row[4:]) for row in rows}


def edit(company: Company, key: str, sets: str) -> None:
    company.new(f"update customer set {sets} where tax_no = 'TAX{key}'")


def test_each_class_is_told_apart(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    script(company, AUTOMATIONS)
    company.new("insert into customer (name, tax_no) values ('of the users', 'THEIRS')")
    for key in ("EQUAL", "EDITED", "NAMELESS", "AGAIN", "SOURCE", "DELETED", "GONE", "KEYLESS", "OUT"):
        company.customer(key)
    company.customer("AUTO", khmc="auto")
    company.customer("SILENT", khmc="silent")
    first = company.run()
    assert (first.verdict, first.code) == ("run.diverged", 1)  # what the triggers made of it was seen at once
    edit(company, "EDITED", "revenue = 2, modified_by = 'li.na', modified_at = '2024-05-06 07:08:09'")
    edit(company, "NAMELESS", "revenue = 3")
    edit(company, "AGAIN", "revenue = 4, modified_by = 'changeover'")
    company.old("update t_customer set je = '5.00' where khbh = 'SOURCE'")
    company.new("delete from customer where tax_no = 'TAXDELETED'")
    company.old("delete from t_customer where khbh = 'GONE'")
    company.old("update t_customer set zt = 'test' where khbh = 'OUT'")
    keys = "select target_key from changeover_keys where our_key like '%KEYLESS'"
    company.new(f"delete from changeover_keys where target_key = ({keys})")
    company.new("insert into changeover_keys values ('customer', 'legacy:t_customer:STRAY', '1')")
    company.customer("LATE")
    told = company.reconcile()
    assert told.code == 1
    assert differing(told) == {
        "EDITED": ("edited", "revenue", "li.na", "2024-05-06 07:08:09"),
        "NAMELESS": ("edited", "revenue", None, None),
        "DELETED": ("edited", "difference.deleted", None, None),
        "AUTO": ("automation", "name", "workflow", None),
        "SILENT": ("automation", "name", None, None),
        "AGAIN": ("automation", "revenue", "changeover", None),
        "SOURCE": ("source_moved", "revenue", None, None),
        "OUT": ("source_moved", "difference.left_out", None, None),
        "GONE": ("source_moved", "difference.left_source", None, None),
        "LATE": ("source_moved", "difference.not_moved", None, None),
        "KEYLESS": ("wrong", "difference.key_lost", None, None),
        "legacy:t_customer:STRAY": ("wrong", "difference.unknown_record", None, None),
    }
    assert told.document["differences_by"] == {
        "wrong": 2,
        "edited": 3,
        "automation": 3,
        "computed": 0,
        "source_moved": 4,
        "mapping_moved": 0,
        "taken_back": 0,
    }
    assert told.table("table.compared") == [("customer", 11, 1, 10, 0), ("order", 0, 0, 0, 0)]
    assert company.reconcile("t_customer:EDITED,EQUAL").document["differences"] == 1


def test_what_was_taken_back_is_not_laid_to_the_source(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.customer("A")
    company.run()
    company.undo(1, execute=True)
    company.customer("LATE")
    assert differing(company.reconcile()) == {
        "A": ("taken_back", "difference.undone", None, None),
        "LATE": ("source_moved", "difference.not_moved", None, None),
    }


def test_a_changed_mapping_is_told_from_a_changed_source(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.customer("A", khmc="lower")
    company.customer("B", khmc="UPPER")
    company.run()
    company.rewrite("mappings/customer.yaml", ("transform: trim}", "transform: [trim, upper]}"))
    assert differing(company.reconcile()) == {"A": ("mapping_moved", "name", None, None)}
    company.run()
    assert company.reconcile().verdict == "reconcile.equal"


def test_rejected_held_and_filtered_are_explained_and_users_records_are_no_difference(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.new("insert into customer (name, tax_no, revenue) values ('theirs', 'THEIRS', 77), ('theirs too', null, 8)")
    company.customer("GOOD", je="10.10")
    company.customer("FILTERED", zt="test", je="1.00")
    company.customer("REJECTED", khmc=None, je="2.00")
    company.customer("HELD", sjkh="REJECTED", je="4.00")
    company.order(1, "GOOD", je="0.10")
    company.order(2, "HELD", je="0.20")
    (company.folder / "totals.yaml").write_text(TOTALS, encoding="utf-8")
    done = company.run()
    assert (done.verdict, done.document["totals_equal"]) == ("run.left_behind", True)
    before = company.new("select * from customer where name like 'theirs%'")
    told = company.reconcile()
    assert (told.code, told.verdict) == (0, "reconcile.equal")
    assert told.document["differences"] == 0
    assert told.document["explained"] == 4
    assert told.document["theirs"] == {"customer": 2, "orders": 0}
    assert company.new("select * from customer where name like 'theirs%'") == before
    assert told.table("table.compared") == [("customer", 4, 1, 0, 3), ("order", 2, 1, 0, 1)]
    assert [row[:8] for row in told.table("table.totals")] == [
        ("revenue by kind", None, "word.count", 3, 2, 1, 1, 0),
        ("revenue by kind", None, "je = revenue", "16.10", "6.00", "10.10", "10.10", "0.00"),
        ("orders", None, "word.count", 2, 1, 1, 1, 0),
        ("orders", None, "je = amount", "0.30", "0.20", "0.10", "0.10", "0.00"),
    ]


def test_one_cent_is_found(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    (company.folder / "totals.yaml").write_text(TOTALS, encoding="utf-8")
    for number in range(1, 4):
        company.customer(f"C{number}", je="33.33")
        company.order(number, f"C{number}", je="99.99")
    assert company.run().document["totals_equal"] is True
    company.new("update orders set amount = amount + 0.01 where id = (select max(id) from orders)")
    told = company.reconcile()
    assert (told.code, told.document["totals_equal"], told.document["differences"]) == (1, False, 1)
    assert [row[0::7] for row in told.table("table.totals_off")] == [("orders", "0.01")]
    again = company.run()
    assert (again.code, again.verdict, again.counts("order")) == (1, "run.totals_differ", {"read": 3, "unchanged": 3})
