"""Undo: what it says beforehand is what it does; what users did since stays."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest
from changeover.connectors.change import Batch, Outcome
from changeover.connectors.errors import DecisionError, InputError, UnavailableError
from changeover.connectors.sql.connector import SqlConnector
from changeover.migrate.sending.send import Sender

from .company import Company, Told, make_company
from .test_input import cut_off


def names(company: Company) -> list[object]:
    return [name for (name,) in company.new("select name from customer order by name")]


def spared(told: Told) -> dict[tuple[object, object], object]:
    """(object, old key) -> why."""
    return {(each[0], str(each[1]).partition(":")[2]): each[3] for each in told.table("table.spared")}


def same_deed(company: Company, run_id: int) -> Told:
    """Undo, having compared what it said with what it did."""
    forecast = company.undo(run_id)
    assert forecast.verdict == "undo.forecast"
    before = company.new("select * from customer"), company.new("select * from orders")
    assert (company.new("select * from customer"), company.new("select * from orders")) == before
    done = company.undo(run_id, execute=True)
    assert done.table("table.undo") == forecast.table("table.undo")
    assert spared(done) == spared(forecast)
    return done


def test_what_was_created_goes_leaves_first_and_cycles_too(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move", batch=2)
    company.new("insert into customer (name, kind) values ('theirs', 'own')")
    pairs = (("A", None), ("B", "A"), ("C", "B"), ("P", "Q"), ("Q", "P"), ("R", "Q"), ("S", "S"))
    for key, parent in pairs:
        company.customer(key, sjkh=parent)
        company.order(ord(key), key)
    assert company.run().code == 0
    done = same_deed(company, 1)
    assert (done.code, done.verdict) == (0, "undo.done")
    assert done.table("table.undo") == [("orders", 7, 0, 0, 0, 0), ("customer", 7, 0, 0, 0, 0)]
    assert names(company) == ["theirs"]
    assert company.new("select count(*) from orders") == [(0,)]
    assert company.new("select count(*) from changeover_keys") == [(0,)]
    again = company.run()
    assert (again.code, again.counts("customer")) == (0, {"read": 7, "created": 7})
    assert again.counts("order") == {"read": 7, "created": 7}
    assert company.reconcile().verdict == "reconcile.equal"


def test_what_users_edited_or_hung_something_on_is_spared_and_its_parents_too(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    for key, parent in (("A", None), ("B", "A"), ("C", "A"), ("D", None), ("E", None), ("F", None), ("G", None)):
        company.customer(key, sjkh=parent)
    company.order(1, "D")
    company.order(2, "E")
    company.run()
    company.new("update customer set name = 'edited', revenue = 5 where tax_no = 'TAXB'")
    company.new("insert into visit (customer_id, note) select id, 'theirs' from customer where tax_no = 'TAXF'")
    company.new("update orders set amount = 99 where customer_id = (select id from customer where tax_no = 'TAXE')")
    company.new("delete from customer where tax_no = 'TAXG'")
    done = same_deed(company, 1)
    assert (done.code, done.verdict) == (1, "undo.done_sparing")
    assert spared(done) == {
        ("orders", "2"): "undo.edited",
        ("customer", "B"): "undo.edited",
        ("customer", "A"): "undo.children",  # B stays and hangs on it
        ("customer", "E"): "undo.children",  # an order that was edited stays
        ("customer", "F"): "undo.children",  # a visit that is not ours
        ("customer", "G"): "undo.gone",
    }
    told = [cell for table in done.report.tables for row in table.rows for cell in row]
    fields = {each.params["fields"] for each in told if getattr(each, "code", "") == "undo.edited"}  # type: ignore[union-attr]
    assert fields == {"amount", "name, revenue"}
    assert names(company) == ["edited", "客户A", "客户E", "客户F"]
    assert company.new("select o.amount, c.tax_no from orders o join customer c on c.id = o.customer_id") == [
        (99, "TAXE")
    ]


def test_records_of_two_objects_that_hold_each_other(tmp_path: Path) -> None:
    """Customers name their best order, orders their customer: the optional reference is cut, and emptied by undo."""
    company = make_company(tmp_path / "move", chunk=3, batch=2)
    company.new("alter table customer add column best_order integer references orders (id)")
    company.old("alter table t_customer add column zj integer")
    company.rewrite(
        "mappings/customer.yaml", ("  revenue: je\n", "  revenue: je\n  best_order: {from: zj, reference: order}\n")
    )
    for key, parent, best in (("A", None, 2), ("B", "A", 1), ("C", "D", None), ("D", "C", 4), ("E", None, 9)):
        company.customer(key, sjkh=parent, zj=best)
    for number, key in ((1, "A"), (2, "A"), (3, "C"), (4, "D")):
        company.order(number, key)
    planned, done = company.plan(), company.run()
    assert planned.counts("customer") == done.counts("customer") == {"read": 5, "created": 4, "pending": 1}
    assert done.causes() == {("reference.pending", "t_customer"): ["E"]}
    company.order(9, "E")
    assert company.run().counts("customer") == {"read": 5, "updated": 1, "unchanged": 4}
    best_orders = "select c.tax_no, o.id from customer c join orders o on o.id = c.best_order order by 1"
    assert company.new(best_orders) == [("TAXA", 3), ("TAXB", 1), ("TAXD", 5), ("TAXE", 6)]
    assert company.reconcile().verdict == "reconcile.equal"
    assert same_deed(company, 2).table("table.undo") == [("orders", 1, 0, 0, 0, 0), ("customer", 0, 1, 0, 1, 0)]
    assert same_deed(company, 1).table("table.undo") == [("orders", 4, 0, 0, 0, 0), ("customer", 5, 0, 0, 0, 0)]
    assert names(company) == []


def test_what_is_put_back_lets_go_of_its_parent(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.new("insert into customer (name, tax_no) values ('theirs', 'TAXA')")
    company.customer("A", sjkh="P")  # adopted, and hung under a parent that the same run made
    company.customer("B")
    company.customer("P")
    company.run()
    company.customer("Q")
    company.old("update t_customer set sjkh = 'Q' where khbh = 'B'")
    company.run()
    assert same_deed(company, 2).table("table.undo") == [("customer", 1, 1, 0, 1, 0)]
    assert names(company) == ["客户A", "客户B", "客户P"]
    done = same_deed(company, 1)
    assert (done.code, done.table("table.undo")) == (0, [("customer", 2, 0, 1, 6, 0)])
    assert company.new("select name, parent_id from customer") == [("theirs", None)]


def test_updates_are_taken_back_field_by_field(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    for key in "ABC":
        company.customer(key, khmc=f"first {key}", je="1.00")
    company.run()
    company.old("update t_customer set khmc = 'second ' || khbh, je = '2.00', rq = null where khbh <> 'C'")
    assert company.run().counts("customer") == {"read": 3, "updated": 2, "unchanged": 1}
    company.new("update customer set revenue = 77 where tax_no = 'TAXB'")
    company.new("update customer set remark = 'theirs' where tax_no = 'TAXA'")
    done = same_deed(company, 2)
    assert done.table("table.undo") == [("customer", 0, 2, 0, 5, 1)]
    assert spared(done) == {("customer", "B"): "undo.edited"}
    assert company.new("select name, revenue, opened_on, remark from customer order by name") == [
        ("first A", 1, "2020-02-29", "theirs"),
        ("first B", 77, "2020-02-29", None),
        ("first C", 1, "2020-02-29", None),
    ]
    nothing_more = company.undo(2)
    assert (nothing_more.verdict, nothing_more.report.good) == ("undo.only_spares", False)
    assert nothing_more.table("table.undo") == [("customer", 0, 0, 0, 0, 1)]
    assert nothing_more.report.next_steps == ("changeover runs",)
    again = company.run()  # the source still says it, so it comes again, but not over what the users wrote
    assert (again.code, again.counts("customer")) == (0, {"read": 3, "updated": 2, "unchanged": 1})
    assert company.new("select name, revenue, opened_on, remark from customer order by name") == [
        ("first C", 1, "2020-02-29", None),
        ("second A", 2, None, "theirs"),
        ("second B", 77, None, None),
    ]


def test_what_users_did_while_a_run_was_broken_off_is_put_back_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = make_company(tmp_path / "move")
    company.new("insert into customer (name, tax_no) values ('A before', 'TAXA'), ('B before', 'TAXB')")
    company.customer("A")
    company.customer("B")
    with monkeypatch.context() as patched:
        patched.setattr(Sender, "send", _away)  # what the records hold is kept by then
        with pytest.raises(UnavailableError):
            company.run()
    company.new("update customer set name = case tax_no when 'TAXA' then 'of a user' else '客户B' end, revenue = 7")
    assert company.run().verdict == "run.done"
    same_deed(company, 1)
    assert company.new("select name, revenue from customer order by tax_no") == [("of a user", 7), ("客户B", 7)]


def _away(*_told: object) -> NoReturn:
    raise UnavailableError("target.paused", count=1, reason="-")


def test_an_undo_that_was_cut_off_between_two_parents_that_it_lets_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = make_company(tmp_path / "move", batch=1)
    company.new("insert into customer (name, tax_no) values ('A before', 'TAXA'), ('B before', 'TAXB')")
    for number, key in enumerate("AB"):
        company.customer(key)
        company.order(number, key)
    company.run()
    write = SqlConnector.write

    def once(connector: SqlConnector, batch: Batch) -> list[Outcome]:
        patched.setattr(SqlConnector, "write", _dies)
        return write(connector, batch)

    with monkeypatch.context() as patched:
        patched.setattr(SqlConnector, "write", once)
        with pytest.raises(RuntimeError):
            company.undo(1, execute=True)
        patched.setattr(SqlConnector, "write", write)
        done = company.undo(1, execute=True)
    assert (spared(done), company.new("select * from orders")) == ({}, [])  # B's order was not edited by letting B go


def _dies(*_told: object) -> NoReturn:
    raise RuntimeError("as if the process had been killed")


def test_runs_are_taken_back_the_latest_first(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.customer("A", khmc="first")
    company.run()
    company.old("update t_customer set khmc = 'second'")
    company.run()
    with pytest.raises(DecisionError) as refused:
        company.undo(1, execute=True)
    assert (refused.value.code, refused.value.params["later"], refused.value.exit_code) == ("undo.later_runs", "2", 1)
    assert names(company) == ["second"]
    assert company.undo(2, execute=True).code == 0
    assert names(company) == ["first"]
    done = same_deed(company, 1)
    assert (done.code, done.table("table.undo")) == (0, [("customer", 1, 0, 0, 0, 0)])
    assert names(company) == []
    nothing_left = company.undo(1)
    assert (nothing_left.verdict, nothing_left.report.good) == ("undo.nothing", True)
    assert nothing_left.report.next_steps == ("changeover runs",)
    assert company.undo(1, execute=True).table("table.undo") == []


def test_a_run_that_did_other_records_since_is_in_nobodys_way(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.customer("A")
    company.run()
    company.customer("B")
    company.run()
    assert same_deed(company, 1).table("table.undo") == [("customer", 1, 0, 0, 0, 0)]
    assert names(company) == ["客户B"]


def test_what_cannot_be_undone_is_said(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.customer("A")
    company.run()
    company.undo(1, execute=True)
    with pytest.raises(InputError) as unknown:
        company.undo(9)
    assert (unknown.value.code, unknown.value.params["known"]) == ("undo.no_run", "1")
    with pytest.raises(InputError) as wrong:
        company.undo(2)
    assert (wrong.value.code, wrong.value.params["verb"]) == ("undo.not_a_run", "undo")


def test_a_run_that_was_cut_off_is_not_gone_on_with_once_an_earlier_one_was_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would not come again to the records that it had found unchanged, and that are gone since."""
    company = make_company(tmp_path / "move")
    company.customer("A")
    company.customer("B")
    assert company.run().code == 0
    company.order(1, "A")
    with cut_off(monkeypatch):
        company.run()
    assert company.undo(1, execute=True).table("table.undo") == [("customer", 1, 0, 0, 0, 1)]
    done = company.run()
    assert done.counts("customer") == {"read": 2, "created": 1, "unchanged": 1}
    assert "fact.resumed" not in dict(done.report.facts)
    assert names(company) == ["客户A", "客户B"]
