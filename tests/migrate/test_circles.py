"""References in a circle: what cannot be cut is held, and what is filled in later may be refused too."""

from __future__ import annotations

from pathlib import Path

from .company import Company, make_company

NODE = """
mapping: node
from: node
to: node
fields:
  name: id
  up_id: {from: up, reference: node}
  also_id: {from: also, reference: node}
"""


def test_a_circle_of_references_that_may_not_be_empty_is_held(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    for path in (company.folder / "mappings").iterdir():
        path.unlink()
    (company.folder / "mappings" / "node.yaml").write_text(NODE, encoding="utf-8")
    company.old("create table node (id text primary key, up text, also text)")
    company.new(
        "create table node (id integer primary key autoincrement, name varchar(9), "
        "up_id integer not null references node (id), also_id integer references node (id))"
    )
    rows: list[tuple[object, ...]] = [("A", "B", None), ("B", "A", None), ("C", "A", "B"), ("ROOT", "ROOT", None)]
    company.old("insert into node values (?, ?, ?)", rows)
    told = company.run()
    assert (told.code, told.counts("node")) == (1, {"read": 4, "held": 4})
    assert sorted(told.causes()["reference.missing", "node"]) == ["A", "B", "C", "ROOT"]


PICKY = """
create trigger picky before update of last_order on customer begin select raise(abort, 'refused'); end;
"""


def crossed(folder: Path, number: int) -> Company:
    """Customers and orders that refer to each other."""
    company = make_company(folder, batch=4)
    company.rewrite("changeover.yaml", ("batch: 4}", "batch: 4, stop_after_alike: 6, stop_share: 0.1}"))
    company.new("alter table customer add column last_order integer references orders (id)")
    company.old("alter table t_customer add column zhdd integer")
    constant = "  kind: {constant: legacy}\n"
    company.rewrite("mappings/customer.yaml", (constant, f"{constant}  last_order: {{from: zhdd, reference: order}}\n"))
    for each in range(number):
        company.customer(f"C{each:02}", zhdd=each)
        company.order(each, f"C{each:02}")
    return company


def test_a_storm_while_references_are_filled_in_stops_it_and_the_next_run_fills_the_rest(tmp_path: Path) -> None:
    company = crossed(tmp_path / "move", 20)
    company.new(PICKY)
    told = company.run()
    assert (told.code, told.verdict, told.counts("order")) == (1, "run.stopped", {"read": 20, "created": 20})
    assert told.table("table.stopped") == [("customer", "run.reject_storm")]
    tried = company.ledger("select count(*) from operation where kind = 'update'")
    assert tried == [(8,)], "two batches, and no more"
    company.new("drop trigger picky")
    assert company.run(rejected=True).code == 0
    assert company.run().code == 0
    assert company.new("select count(*) from customer where last_order is null") == [(0,)]
