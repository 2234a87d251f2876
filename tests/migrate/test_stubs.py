"""References whose record will not come: a stub stands for it, made once, compared, taken back, and what becomes of it
when its record comes after all."""

from __future__ import annotations

from pathlib import Path

import pytest
from changeover.migrate.loading import stubs

from .company import Company, Told, make_company

STUB = """stub:
  name: {from: khbh, transform: {pad: {width: 6, fill: "-"}}}
  kind: {constant: stub}
  revenue: je
fields:
"""


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """C0 stays behind and C9 is nowhere; the orders 1 to 5 are theirs."""
    made = make_company(tmp_path / "project", chunk=2)
    made.new("alter table customer add column level text default 'new'")
    made.rewrite(
        "mappings/customer.yaml",
        (
            "fields:\n",
            STUB,
        ),
        (
            "kind: {constant: legacy}",
            "kind: {constant: legacy}\n  level: {constant: A}\n  modified_by: {constant: me, write: only_create}",
        ),
    )
    made.rewrite("mappings/order.yaml", ("reference: customer}", "reference: customer, outside: stub}"))
    made.customer("C0", zt="test", je="7")
    made.customer("C1")
    for number, customer in enumerate(("C0", "C9", "C1", "C0", "C9"), 1):
        made.order(number, customer)
    return made


def customers(company: Company) -> list[tuple[object, ...]]:
    rows = company.new("select name, kind, revenue, level, modified_by from customer order by name")
    return [
        (name, kind, None if revenue is None else float(str(revenue)), *rest) for name, kind, revenue, *rest in rows
    ]


def outside(told: Told) -> set[tuple[object, ...]]:
    return set(told.table("table.outside"))


STUBS = [("----C0", "stub", 7.0, "new", None), ("----C9", "stub", None, "new", None)]
REAL = ("客户C1", "legacy", 1000.5, "A", "me")


def test_a_stub_is_made_once_and_becomes_its_record(company: Company) -> None:
    planned, told = company.plan(), company.run()
    assert planned.counts("order") == told.counts("order") == {"read": 5, "created": 5}
    assert told.counts("customer") == {"read": 2, "created": 1, "filtered": 1}
    assert (told.code, customers(company)) == (0, [*STUBS, REAL])
    counted = {
        ("order", "customer_id", "outside.stub", "outside.left_out", 2),
        ("order", "customer_id", "outside.stub", "outside.absent", 2),
    }
    assert outside(planned) == outside(told) == counted
    made = [("customer", "bucket.created", 2, "C0, C9")]
    assert planned.table("table.stubs") == told.table("table.stubs") == made
    assert company.new("select count(distinct customer_id), count(*) from orders") == [(3, 5)]
    compared = company.reconcile()
    assert (compared.verdict, outside(compared)) == ("reconcile.equal", counted)
    explained = company.explain("t_customer:C9").report.verdict
    assert explained.code == "explain.stub"

    again = company.run()
    assert (again.counts("order"), again.table("table.stubs")) == ({"read": 5, "unchanged": 5}, [])
    assert (again.code, outside(again)) == (0, counted)
    assert not [code for code, _ in again.causes() if code == "where.left_out"]

    company.customer("C9", je="9")
    company.old("update t_customer set zt = null where khbh = 'C0'")
    assert company.run().counts("customer") == {"read": 3, "updated": 2, "unchanged": 1}
    real = [("客户C0", "legacy", 7.0, "A", "me"), REAL, ("客户C9", "legacy", 9.0, "A", "me")]
    assert customers(company) == real
    assert company.new("select count(distinct customer_id), count(*) from orders") == [(3, 5)]
    assert (company.reconcile().verdict, company.run().counts("customer")) == (
        "reconcile.equal",
        {"read": 3, "unchanged": 3},
    )

    assert company.undo(3, execute=True).code == 0
    assert customers(company) == [*[(*each[:4], each[4]) for each in STUBS], REAL]
    assert company.undo(1, execute=True).code == 0
    assert customers(company) == []


def test_stubs_of_records_that_are_all_nowhere_have_their_keys(company: Company) -> None:
    company.old("delete from t_customer where khbh = 'C0'")
    told = company.run()
    assert told.counts("order") == {"read": 5, "created": 5}
    assert customers(company) == [("----C0", "stub", None, "new", None), STUBS[1], REAL]
    assert company.reconcile().verdict == "reconcile.equal"


def test_what_somebody_does_with_a_stub_is_seen(company: Company) -> None:
    """Edited in a field of its own: a difference, and a conflict when its record comes; in another field: undo spares
    it."""
    company.run()
    company.new("update customer set name = 'Wang', level = 'B' where name = '----C9'")
    compared = company.reconcile()
    assert (compared.verdict, compared.document["differences"]) == ("reconcile.differs", 1)
    company.customer("C9")
    assert company.run().counts("customer") == {"read": 3, "unchanged": 1, "conflicted": 1, "filtered": 1}
    assert ("Wang", "stub", None, "B", None) in customers(company)
    company.new("update customer set name = '----C9' where name = 'Wang'")
    company.undo(1, execute=True)
    assert customers(company) == [("----C9", "stub", None, "B", None)]


def test_a_stub_that_the_target_refuses_holds_its_children(company: Company) -> None:
    company.new(
        "create trigger no before insert on customer when new.name = '----C9' begin select raise(abort, 'no'); end"
    )
    told = company.run()
    assert told.counts("order") == {"read": 5, "created": 3, "held": 2}
    assert told.table("table.stubs") == [
        ("customer", "bucket.created", 1, "C0"),
        ("customer", "bucket.rejected", 1, "C9"),
    ]
    company.new("drop trigger no")
    assert company.run(rejected=True).counts("order") == {"read": 2, "created": 2}
    assert company.reconcile().verdict == "reconcile.equal"


def test_stubs_that_the_target_refuses_alike_stop_what_asks_for_them(company: Company) -> None:
    """And hold no value that must be unique from the records that have it."""
    company.new(
        "create trigger no before insert on customer when new.kind = 'stub' begin select raise(abort, 'no'); end"
    )
    company.rewrite("mappings/customer.yaml", ("stub:\n", "stub:\n  tax_no: khbh\n"))
    company.rewrite("changeover.yaml", ("chunk: 2", "stop_after_alike: 2, chunk: 20"))
    told = company.run()
    assert (told.code, told.verdict) == (1, "run.stopped")
    assert told.counts("customer") == {"read": 2, "created": 1, "filtered": 1}
    assert company.new("select count(*) from orders") == [(0,)]
    company.customer("X", sh="C9")
    company.new("drop trigger no")
    company.old("delete from t_order where khbh = 'C9'")
    told = company.run(rejected=True)
    told = company.run()
    assert (told.code, told.counts("customer")) == (0, {"read": 3, "created": 1, "unchanged": 1, "filtered": 1})
    assert company.new("select count(distinct customer_id), count(*) from orders") == [(2, 3)]
    assert company.reconcile().verdict == "reconcile.equal"


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        (
            {
                "name: {from: khbh,": "name: {from: khmc,",
                "kind: {constant: stub}": "modified_by: {constant: stub}",
                "revenue: je\nfields": "revenue: jee\n  parent_id: {from: sjkh, reference: customer}\nfields",
            },
            {"stub.may_be_null", "stub.stays", "stub.not_here", "mapping.no_source_field"},
        ),
        ({"name: {from: khbh,": "tax_no: {from: khbh,"}, {"stub.required_not_fed"}),
        ({STUB: "fields:\n"}, {"mapping.outside_no_stub"}),
    ],
)
def test_what_cannot_be_done_is_refused(company: Company, changes: dict[str, str], codes: set[str]) -> None:
    company.rewrite("mappings/customer.yaml", *changes.items())
    told = company.say("check", "--json", "--no-data")
    wrong = {each["code"] for each in told.document["findings"] if each["severity"] == "blocks"}  # type: ignore[attr-defined]
    assert (told.code, wrong) == (2, codes)


def test_a_run_that_dies_before_it_has_seen_a_stub_whole(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the target has put into the stub's other fields is not taken for somebody's edit later, though the record is
    there before anybody asks for its stub again."""
    with monkeypatch.context() as patched:
        patched.setattr(stubs, "find_rows", dies)
        with pytest.raises(RuntimeError, match="dead"):
            company.run()
    assert customers(company)[:1] == STUBS[:1]
    company.old("update t_customer set zt = null where khbh = 'C0'")
    told = company.run()
    assert (told.code, told.counts("order")) == (0, {"read": 5, "created": 5})
    assert told.table("table.stubs") == [("customer", "bucket.created", 2, "C0, C9")]
    told = company.run()
    assert (told.code, told.counts("customer")) == (0, {"read": 2, "updated": 1, "unchanged": 1})
    assert ("客户C0", "legacy", 7.0, "A", "me") in customers(company)
    assert company.reconcile().verdict == "reconcile.equal"
    assert company.undo(2, execute=True).code == company.undo(1, execute=True).code == 0
    assert customers(company) == []


def test_what_somebody_did_with_a_stub_before_it_was_seen_whole_stays(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(stubs, "find_rows", dies)
        with pytest.raises(RuntimeError, match="dead"):
            company.run()
    company.new("update customer set level = 'theirs', modified_by = 'li.na' where name = '----C0'")
    company.old("update t_customer set zt = null where khbh = 'C0'")
    company.run()
    told = company.run()
    assert (told.code, told.counts("customer")) == (1, {"read": 2, "conflicted": 1, "unchanged": 1})
    assert company.new("select level, modified_by from customer where name = '----C0'") == [("theirs", "li.na")]


def dies(*_: object) -> None:
    raise RuntimeError("dead")
