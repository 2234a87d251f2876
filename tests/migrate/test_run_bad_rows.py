"""One per cent of bad rows: every good row arrives, every bad one is named with its cause, nothing changes unsaid."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

from changeover.mappings.mapped import make_our_key

from .company import Company, make_company

CUSTOMERS, ORDERS = 300, 400
BAD_CUSTOMERS = {
    "C010": {"je": "twelve"},
    "C020": {"rq": "2023-02-30"},
    "C030": {"khmc": None},
    "C040": {"khmc": "长" * 41},
    "C050": {"sh": "TAXC049"},
    "C060": {"sjkh": "nobody"},
    "C070": {"je": "10.005"},
}
BAD_ORDERS = {
    10: {"zt": "黄了"},
    20: {"khbh": "nobody"},
    30: {"je": "1,000"},
    40: {"khbh": None},
}
ORPHANS = {50: "C010", 51: "C060"}
CAUSES = {
    ("type.not_a_number", "t_customer"): ["C010", "C070"],
    ("type.not_a_date", "t_customer"): ["C020"],
    ("required.missing", "t_customer"): ["C030"],
    ("length.too_long", "t_customer"): ["C040"],
    ("unique.duplicate", "t_customer"): ["C050"],
    ("reference.missing", "t_customer"): ["C060"],
    ("value.unknown", "t_order"): ["10"],
    ("reference.missing", "t_order"): ["20", "50", "51"],
    ("type.not_a_number", "t_order"): ["30"],
    ("required.missing", "t_order"): ["40"],
}


def make_dirty(folder: Path) -> Company:
    company = make_company(folder, chunk=100, batch=50)
    company.old(
        "insert into t_customer (khbh, khmc, sh, je, rq, ywy) values (?, ?, ?, ?, ?, 'w1')",
        [(f"C{n:03}", f"公司{n}", f"TAXC{n:03}", f"{n}.{n % 100:02}", "2020-02-29") for n in range(CUSTOMERS)],
    )
    company.old(
        "insert into t_order values (?, ?, ?, ?, '2024-01-31 23:59:59')",
        [(n, f"C{n % 9 + 100}", f"{n}.10", "赢单") for n in range(ORDERS)],
    )
    for key, cells in BAD_CUSTOMERS.items():
        spoil(company, "t_customer", "khbh", key, cells)
    for number, cells in (BAD_ORDERS | {number: {"khbh": key} for number, key in ORPHANS.items()}).items():
        spoil(company, "t_order", "id", number, cells)
    return company


def spoil(company: Company, table: str, key: str, wanted: object, cells: dict[str, object]) -> None:
    sets = ", ".join(f"{name} = ?" for name in cells)
    company.old(f"update {table} set {sets} where {key} = ?", (*cells.values(), wanted))


def test_one_per_cent_bad_rows(tmp_path: Path) -> None:
    company = make_dirty(tmp_path / "move")
    planned, done = company.plan(), company.run()
    assert (done.code, done.verdict) == (1, "run.left_behind")
    assert (
        done.counts("customer") == {"read": 300, "created": 293, "rejected": 6, "held": 1} == planned.counts("customer")
    )
    assert done.counts("order") == {"read": 400, "created": 394, "rejected": 3, "held": 3} == planned.counts("order")
    assert done.causes() == planned.causes() == CAUSES
    good = [n for n in range(CUSTOMERS) if f"C{n:03}" not in BAD_CUSTOMERS]
    assert company.new("select name, tax_no, revenue, opened_on, owner_id, kind from customer order by tax_no") == [
        (f"公司{n}", f"TAXC{n:03}", float(Decimal(f"{n}.{n % 100:02}")), "2020-02-29", 1, "legacy") for n in good
    ]
    orders = company.new(
        "select o.amount, c.tax_no, o.stage, o.changed_at from orders o join customer c on c.id = o.customer_id"
    )
    left = set(BAD_ORDERS) | set(ORPHANS)
    assert sorted(orders) == sorted(
        (float(Decimal(f"{n}.10")), f"TAXC{n % 9 + 100}", "won", "2024-01-31 23:59:59")
        for n in range(ORDERS)
        if n not in left
    )


def test_bad_rows_are_named_by_key_field_and_line_and_held_ones_come_when_their_parent_is_mended(
    tmp_path: Path,
) -> None:
    company = make_dirty(tmp_path / "move")
    said = company.say("run", "--execute", "--json")
    assert said.code == 1
    document = json.loads(said.out)
    found = {each["code"]: each for each in document["findings"] if each["object"] == "t_customer"}
    assert (found["type.not_a_number"]["keys"], found["type.not_a_number"]["field"]) == (["C010", "C070"], "revenue")
    assert (found["type.not_a_date"]["file"], found["type.not_a_date"]["line"]) == ("mappings/customer.yaml", 13)
    assert found["unique.duplicate"]["params"]["holder"] == make_our_key("legacy", "t_customer", "C049")
    company.old("update t_customer set je = '12.00' where khbh = 'C010'")
    company.old("update t_customer set sjkh = 'C011' where khbh = 'C060'")
    mended = company.run()
    assert mended.counts("customer") == {"read": 300, "created": 2, "unchanged": 293, "rejected": 5}
    assert mended.counts("order") == {"read": 400, "created": 2, "unchanged": 394, "rejected": 3, "held": 1}
    assert set(mended.causes()) == set(CAUSES) - {("reference.missing", "t_customer")}
    there = company.new(
        "select c.tax_no from orders o join customer c on c.id = o.customer_id where o.amount in (50.1, 51.1)"
    )
    assert sorted(there) == [("TAXC010",), ("TAXC060",)]
