"""No clobber: what users changed in the target is never written over, and is listed where it stands in the way."""

from __future__ import annotations

from pathlib import Path

from .company import Company, make_company

LOG = """
create trigger logged after update on customer begin insert into visit (customer_id, note) values (new.id,
  (new.name is not old.name) || (new.revenue is not old.revenue) || (new.opened_on is not old.opened_on)); end;
"""


def make_moved(folder: Path, *keys: str) -> Company:
    company = make_company(folder)
    for key in keys:
        company.customer(key, khmc=f"old {key}", je="10.00")
    assert company.run().code == 0
    return company


def source(company: Company, key: str, **cells: object) -> None:
    sets = ", ".join(f"{name} = ?" for name in cells)
    company.old(f"update t_customer set {sets} where khbh = ?", (*cells.values(), key))


def target(company: Company, key: str, **cells: object) -> None:
    sets = ", ".join(f"{name} = ?" for name in cells)
    company.new(f"update customer set {sets} where tax_no = ?", (*cells.values(), f"TAX{key}"))


def row(company: Company, key: str) -> tuple[object, ...]:
    (found,) = company.new("select name, revenue, remark from customer where tax_no = ?", (f"TAX{key}",))
    return found


def test_only_what_nobody_else_changed_is_written(tmp_path: Path) -> None:
    company = make_moved(tmp_path / "move", "A", "B", "C", "D", "E")
    source(company, "A", je="11.00")  # changed in the source alone
    source(company, "B", je="12.00")  # the user changed another field
    target(company, "B", name="edited B", remark="call first")
    source(company, "C", khmc="new C", je="13.00")  # the user changed the same field
    target(company, "C", name="edited C")
    source(company, "D", khmc="agreed")  # both sides came to the same
    target(company, "D", name="agreed")
    target(company, "E", name="edited E")  # changed in the target alone
    planned, done = company.plan(), company.run()
    assert done.counts("customer") == {"read": 5, "updated": 2, "unchanged": 2, "conflicted": 1}
    assert planned.counts("customer") == done.counts("customer")
    assert [row(company, key) for key in "ABCDE"] == [
        ("old A", 11, None),
        ("edited B", 12, "call first"),
        ("edited C", 10, None),
        ("agreed", 10, None),
        ("edited E", 10, None),
    ]
    assert done.code == planned.code == 1
    assert [(each.text.code, each.field, each.keys) for each in done.report.causes] == [
        ("conflict.edited", "name", ("C",))
    ]
    again = company.run()
    assert again.counts("customer") == {"read": 5, "unchanged": 4, "conflicted": 1}
    assert again.causes() == done.causes()
    assert row(company, "C") == ("edited C", 10, None)


def test_a_conflict_ends_when_either_side_gives_way(tmp_path: Path) -> None:
    company = make_moved(tmp_path / "move", "A", "B", "C")
    for key in "ABC":
        source(company, key, khmc=f"new {key}")
        target(company, key, name=f"edited {key}")
    assert company.run().counts("customer") == {"read": 3, "conflicted": 3}
    target(company, "A", name="old A")  # the user takes the edit back
    source(company, "B", khmc="old B")  # the source takes its change back
    target(company, "C", name="new C")  # the user types what the source says
    done = company.run()
    assert (done.code, done.counts("customer")) == (0, {"read": 3, "updated": 1, "unchanged": 2})
    assert [row(company, key)[0] for key in "ABC"] == ["new A", "edited B", "new C"]
    source(company, "C", khmc="newer C")  # the base is what both agreed upon
    assert company.run().counts("customer") == {"read": 3, "updated": 1, "unchanged": 2}
    assert [row(company, key)[0] for key in "ABC"] == ["new A", "edited B", "newer C"]


def test_a_record_deleted_in_the_target_is_reported_and_not_made_again(tmp_path: Path) -> None:
    company = make_moved(tmp_path / "move", "A", "B", "C")
    source(company, "A", je="11.00")
    company.new("delete from customer where tax_no <> 'TAXC'")
    done = company.run()
    assert (done.code, done.counts("customer")) == (1, {"read": 3, "conflicted": 1, "unchanged": 2})
    assert done.causes() == {("target.gone", "t_customer"): ["A"]}
    assert company.new("select tax_no from customer") == [("TAXC",)]
    compared = company.reconcile()
    told = [line[:3] + line[4:5] for line in compared.table("table.differing_records")]
    assert told == [("whose.edited", "customer", key, "difference.deleted") for key in "AB"]


def test_users_may_delete_all_of_an_object(tmp_path: Path) -> None:
    company = make_moved(tmp_path / "move", "A", "B")
    company.order(1, "A")
    company.run()
    company.new("delete from orders")
    assert company.run().code == 0  # not taken for another system
    company.new("delete from customer")
    assert company.run().counts("customer") == {"read": 2, "unchanged": 2}
    assert company.reconcile().document["differences"] == 3


def test_a_field_of_the_first_write_alone_is_never_written_again(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.rewrite("mappings/customer.yaml", ("only_if_empty", "only_create"))
    company.customer("A", bz="first")
    company.customer("B", bz=None)
    company.run()
    assert [row(company, key)[2] for key in "AB"] == ["first", None]
    for key in "AB":
        source(company, key, bz="second")
    assert company.run().counts("customer") == {"read": 2, "unchanged": 2}
    assert [row(company, key)[2] for key in "AB"] == ["first", None]
    compared = company.reconcile()
    assert compared.verdict == "reconcile.equal"  # what the policy leaves alone is no difference
    assert compared.causes() == {}


def test_a_field_that_is_written_only_if_empty(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.customer("A", bz="first")
    company.customer("B", bz=None)
    company.customer("C", bz=None)
    company.customer("D", bz="first")
    company.run()
    for key in "ABCD":
        source(company, key, bz="second")
    target(company, "C", remark="users wrote it")
    target(company, "D", remark=None)  # emptied on purpose, for all that can be known
    done = company.run()
    assert done.counts("customer") == {"read": 4, "updated": 1, "unchanged": 2, "conflicted": 1}
    assert [row(company, key)[2] for key in "ABCD"] == ["first", "second", "users wrote it", None]
    assert done.causes() == {("conflict.edited", "t_customer"): ["D"]}


def test_a_changed_mapping_updates_what_it_must_and_only_that(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.rewrite("mappings/customer.yaml", ("  opened_on: rq\n", ""))
    for key in ("a", "B", "c"):
        company.customer(key, khmc=key, sh=f"TAX{key}")
    company.run()
    company.new(LOG)
    target(company, "c", name="edited")
    company.new("delete from visit")
    company.rewrite("mappings/customer.yaml", ("  revenue: je\n", "  revenue: je\n  opened_on: rq\n"))
    done = company.run()
    assert (done.code, done.counts("customer")) == (0, {"read": 3, "updated": 3})
    touched = "select c.tax_no, v.note from visit v join customer c on c.id = v.customer_id order by 1"
    assert company.new(touched) == [("TAXB", "001"), ("TAXa", "001"), ("TAXc", "001")]
    company.new("delete from visit")
    company.rewrite("mappings/customer.yaml", ("transform: trim}", "transform: [trim, upper]}"))
    done = company.run()
    assert company.new(touched) == [("TAXa", "100")]
    assert [row(company, key)[0] for key in "aBc"] == ["A", "B", "edited"]
    assert done.counts("customer")["updated"] == 1


def test_a_new_field_that_users_filled_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.rewrite("mappings/customer.yaml", ("  revenue: je\n", ""))
    for key in "AB":
        company.customer(key, je="10.00")
    company.run()
    target(company, "A", revenue=99)
    company.rewrite("mappings/customer.yaml", ("  opened_on: rq\n", "  opened_on: rq\n  revenue: je\n"))
    done = company.run()
    assert (done.code, done.counts("customer")) == (1, {"read": 2, "updated": 1, "conflicted": 1})
    assert [(each.text.code, each.field, each.keys) for each in done.report.causes] == [
        ("conflict.edited", "revenue", ("A",))
    ]
    assert [row(company, key)[1] for key in "AB"] == [99, 10]
