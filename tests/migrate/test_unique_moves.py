"""A unique value that goes from one record to another between two runs arrives in the next run, whoever is read first;
one that is exchanged does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from .company import Company, make_company


def numbers(company: Company) -> dict[str, str | None]:
    """Name of a customer -> its tax number in the target, which is unique there."""
    rows = company.new("select name, tax_no from customer")
    return {str(name).removeprefix("客户"): None if tax is None else str(tax) for name, tax in rows}


def give(company: Company, key: str, tax: str | None) -> None:
    company.old("update t_customer set sh = ? where khbh = ?", (tax, key))


@pytest.mark.parametrize("chunk", [1, 100])
@pytest.mark.parametrize("new", ["1NEW", "3NEW"])
def test_a_value_that_one_gives_up_goes_to_another(tmp_path: Path, chunk: int, new: str) -> None:
    company = make_company(tmp_path / "move", chunk=chunk)
    company.rewrite("mappings/customer.yaml", ("match: [tax_no]\n", ""))
    company.customer("2OLD", sh="T", bz="?")
    company.run()
    give(company, "2OLD", "other")
    company.customer(new, sh="T")
    company.order(1, new)
    planned, done = company.plan(), company.run()
    assert done.counts("customer") == planned.counts("customer") == {"read": 2, "created": 1, "updated": 1}
    assert done.counts("order") == {"read": 1, "created": 1}
    assert (done.code, done.report.causes) == (0, ())
    assert numbers(company) == {"2OLD": "other", new: "T"}
    assert company.ledger("select count(*) from finding where code = 'unique.duplicate'") == [(0,)]
    assert company.run().counts("customer") == {"read": 2, "unchanged": 2}


@pytest.mark.parametrize("chunk", [1, 100])
def test_so_does_each_of_a_row(tmp_path: Path, chunk: int) -> None:
    company = make_company(tmp_path / "move", chunk=chunk)
    company.rewrite("mappings/customer.yaml", ("match: [tax_no]\n", ""))
    for key, tax in (("2", "T2"), ("3", "T3"), ("4", "T4")):
        company.customer(key, sh=tax)
    company.run()
    company.customer("1", sh="T2")
    for key, tax in (("2", "T3"), ("3", "T4"), ("4", None)):
        give(company, key, tax)
    done = company.run()
    assert (done.code, done.counts("customer")) == (0, {"read": 4, "created": 1, "updated": 3})
    assert numbers(company) == {"1": "T2", "2": "T3", "3": "T4", "4": None}


def test_two_that_exchange_theirs_wait_for_somebody_and_one_that_keeps_it_keeps_it(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.rewrite("mappings/customer.yaml", ("match: [tax_no]\n", ""))
    for key in "ABK":
        company.customer(key, sh=f"T{key}")
    company.run()
    give(company, "A", "TB")
    give(company, "B", "TA")
    company.old("update t_customer set bz = 'changed' where khbh = 'K'")
    company.customer("L", sh="TK")
    done = company.run()
    assert (done.code, done.counts("customer")) == (1, {"read": 4, "updated": 1, "rejected": 3})
    assert sorted(done.causes()["unique.duplicate", "t_customer"]) == ["A", "B", "L"]
    assert company.ledger("select count(*) from finding where code = 'unique.duplicate'") == [(3,)]
    assert numbers(company) == {"A": "TA", "B": "TB", "K": "TK"}

    corrections = company.folder / "corrections"
    corrections.mkdir()
    lines = "object,key,field,old,new,who,why\nt_customer,A,sh,TB,parked,Zhou Min,they exchange their numbers\n"
    (corrections / "exchange.csv").write_text(lines, encoding="utf-8")
    assert company.run().counts("customer") == {"read": 4, "updated": 2, "unchanged": 1, "rejected": 1}
    (corrections / "exchange.csv").unlink()
    assert company.run().counts("customer") == {"read": 4, "updated": 1, "unchanged": 2, "rejected": 1}
    assert numbers(company) == {"A": "TB", "B": "TA", "K": "TK"}
