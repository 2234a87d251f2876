"""A whole run of a small company: every link set, nothing written twice, counts that add up."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path

import pytest
from changeover.migrate.loading.tally import Tally
from changeover.runs.report.model import BUCKETS

from .company import Company, Told, make_company

STAMPS = """
create trigger stamp_new after insert on customer begin
  update customer set modified_at = strftime('%Y-%m-%d %H:%M:%f', 'now') where id = new.id; end;
create trigger stamp_old after update of name, parent_id, tax_no, revenue on customer begin
  update customer set modified_at = strftime('%Y-%m-%d %H:%M:%f', 'now') where id = new.id; end;
"""
REFUSES = """
create trigger refuse before insert on customer when new.name like '%refused%' begin
  select raise(abort, 'the trigger does not like it'); end;
"""


def balanced(told: Told) -> bool:
    """Whether every mapping's line of this report adds up, counted here anew."""
    assert told.report.counts
    return all(each.read == sum(each.buckets.get(name, 0) for name in BUCKETS) for each in told.report.counts)


def everything(company: Company) -> list[str]:
    """Every row of every table of the target, as text."""
    database = sqlite3.connect(company.crm)
    try:
        return list(database.iterdump())
    finally:
        database.close()


def written(company: Company) -> list[tuple[object, ...]]:
    return company.ledger("select count(*), coalesce(max(id), 0) from batch")


def parents(company: Company) -> dict[object, object]:
    """Name -> its parent's name, in the target."""
    return dict(
        company.new("select c.name, p.name from customer c left join customer p on p.id = c.parent_id")  # type: ignore[arg-type]
    )


def family(company: Company, pairs: Iterable[tuple[str, str | None]]) -> None:
    for child, parent in pairs:
        company.customer(child, khmc=child, sjkh=parent)


TREE = (
    ("A0", None),  # the first row has no parent: the column's type must not be guessed from it
    ("B1", "Z9"),  # before its parent, and its parent waits too
    ("C1", "A0"),
    ("C2", "C1"),
    ("C3", "C2"),
    ("P1", "P2"),  # a true cycle of two, and one that hangs on it
    ("P2", "P1"),
    ("P3", "P2"),
    ("S1", "S1"),  # its own parent
    ("Z9", "C3"),
)


@pytest.mark.parametrize("chunk", [2, 20_000])
def test_every_link_is_set(tmp_path: Path, chunk: int) -> None:
    company = make_company(tmp_path / "move", chunk=chunk, batch=2)
    family(company, TREE)
    for number, (customer, _) in enumerate(TREE, 1):
        company.order(number, customer)
    planned, done = company.plan(), company.run()
    assert (done.code, done.verdict) == (0, "run.done")
    assert done.counts("customer") == planned.counts("customer") == {"read": 10, "created": 10}
    assert done.counts("order") == planned.counts("order") == {"read": 10, "created": 10}
    assert parents(company) == dict(TREE)
    assert company.new("select count(*) from orders o join customer c on c.id = o.customer_id") == [(10,)]
    assert company.ledger("select distinct state from record") == [("live",)]


def test_run_again_writes_nothing(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    database = sqlite3.connect(company.crm)
    database.executescript(STAMPS + REFUSES)
    database.close()
    family(company, TREE)
    company.customer("N1", khmc="refused")
    company.customer("N2", khmc=None)
    company.order(1, "A0")
    company.order(2, "nobody")
    company.order(3, "N1")
    first = company.run()
    assert first.counts("customer") == {"read": 12, "created": 10, "rejected": 2}
    assert first.counts("order") == {"read": 3, "created": 1, "held": 2}
    before = everything(company), written(company), company.ledger("select count(*) from operation")
    again = company.run()
    assert again.counts("customer") == {"read": 12, "unchanged": 10, "rejected": 2}
    assert again.counts("order") == {"read": 3, "unchanged": 1, "held": 2}
    assert (again.code, again.verdict) == (1, "run.left_behind")
    assert again.causes() == first.causes()
    assert set(again.causes()[("reference.missing", "t_order")]) == {"2", "3"}
    assert balanced(first)
    assert balanced(again)
    assert balanced(company.plan())
    assert (everything(company), written(company), company.ledger("select count(*) from operation")) == before


def test_what_the_target_refused_is_sent_again_when_it_changed_and_releases_what_waited(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.new(REFUSES)
    company.customer("N1", khmc="refused")
    company.customer("N2", khmc="child", sjkh="N1")
    company.order(1, "N2")
    first = company.run()
    assert first.counts("customer") == {"read": 2, "rejected": 1, "held": 1}
    assert first.causes()[("reference.missing", "t_customer")] == ["N2"]
    attempts = "select count(*) from operation where our_key like '%N1%'"
    assert company.run().counts("customer") == {"read": 2, "rejected": 1, "held": 1}
    assert company.ledger(attempts) == [(1,)]
    company.old("update t_customer set je = '7' where khbh = 'N1'")  # changed, and refused for the same cause
    assert company.run().counts("customer") == {"read": 2, "rejected": 1, "held": 1}
    assert company.ledger(attempts) == [(2,)]
    company.old("update t_customer set khmc = 'welcome' where khbh = 'N1'")
    mended = company.run()
    assert (mended.code, mended.counts("customer")) == (0, {"read": 2, "created": 2})
    assert mended.counts("order") == {"read": 1, "created": 1}
    assert parents(company) == {"welcome": None, "child": "welcome"}
    assert company.new("select count(*) from orders o join customer c on c.id = o.customer_id") == [(1,)]
    assert company.ledger("select count(*) from record where code is not null or state <> 'live'") == [(0,)]


def test_a_version_that_was_parked_is_forgotten_when_the_source_takes_it_back(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.customer("A", je="10.00")
    company.run()
    company.old("update t_customer set je = 'ten'")
    assert company.run().counts("customer") == {"read": 1, "rejected": 1}
    assert company.new("select revenue from customer") == [(10,)]
    company.old("update t_customer set je = '10.00'")
    assert company.run().counts("customer") == {"read": 1, "unchanged": 1}
    assert company.ledger("select state, code from record") == [("live", None)]
    company.new("update customer set revenue = 11")
    assert company.reconcile().document["differences"] == 1  # it is compared again, not explained away


def test_a_report_whose_counts_do_not_add_up_raises_the_alarm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    company = make_company(tmp_path / "move")
    company.customer("A")
    company.customer("B")

    def forgetful(tally: Tally, buckets: Iterable[str]) -> None:
        tally.counts.update(list(buckets)[1:])

    monkeypatch.setattr(Tally, "add_all", forgetful)
    for told in (company.plan(), company.run()):
        assert not balanced(told)
        assert (told.code, told.verdict, told.report.good) == (1, "report.unbalanced", False)
        assert told.document["mappings"]["customer"]["balanced"] is False  # type: ignore[index]
    assert company.ledger("select state from run") == [("finished",)]
    monkeypatch.undo()
    assert (company.run().code, company.run().verdict) == (0, "run.done")
