"""References whose record will not come: what `outside` makes of them, counted, compared, mended and taken back."""

from __future__ import annotations

from pathlib import Path

import pytest

from .company import Company, Told, make_company

PARENT = "{from: sjkh, reference: customer}"
ORDERED = "{from: khbh, reference: customer}"


def company(folder: Path, *, parent: str = "", ordered: str = "", chunk: int = 20_000) -> Company:
    """Customers: C1 and, later by key, its own parent C3; C2 under one that `where` leaves out; C4 under C2; C5 under
    one that is nowhere."""
    made = make_company(folder / "project", chunk=chunk)
    for where, rule in ((parent, PARENT), (ordered, ORDERED)):
        if where:
            file = "mappings/customer.yaml" if rule is PARENT else "mappings/order.yaml"
            made.rewrite(file, (rule, f"{rule[:-1]}, outside: {where}}}"))
    made.customer("C0", zt="test")
    made.customer("C1", sjkh="C3")
    made.customer("C2", sjkh="C0")
    made.customer("C3")
    made.customer("C4", sjkh="C2")
    made.customer("C5", sjkh="nowhere")
    return made


def parents(made: Company) -> dict[str, str | None]:
    """Customer -> its parent, both by tax number."""
    rows = made.new(
        "select c.tax_no, p.tax_no from customer c left join customer p on p.id = c.parent_id order by c.tax_no"
    )
    return {str(ours)[3:]: None if parent is None else str(parent)[3:] for ours, parent in rows}


def outside(told: Told) -> set[tuple[object, ...]]:
    return set(told.table("table.outside"))


def test_null_leaves_it_empty_and_counts_it(tmp_path: Path) -> None:
    made = company(tmp_path, parent="null", chunk=1)
    planned, told = made.plan(), made.run()
    assert (planned.counts("customer"), outside(planned)) == (told.counts("customer"), outside(told))
    assert told.counts("customer") == {"read": 6, "created": 5, "filtered": 1}
    assert parents(made) == {"C1": "C3", "C2": None, "C3": None, "C4": "C2", "C5": None}
    counted = {
        ("customer", "parent_id", "outside.null", "outside.left_out", 1),
        ("customer", "parent_id", "outside.null", "outside.absent", 1),
    }
    assert outside(told) == counted
    assert told.causes()["reference.nulled", "t_customer"] == ["C2", "C5"]
    assert {each["why"]: each["count"] for each in told.document["outside"]} == {"left_out": 1, "absent": 1}  # type: ignore[attr-defined]

    compared = made.reconcile()
    assert (compared.verdict, outside(compared)) == ("reconcile.equal", counted)
    assert made.run().counts("customer") == {"read": 6, "unchanged": 5, "filtered": 1}


def test_of_many_a_few_are_named_and_all_are_counted(tmp_path: Path) -> None:
    made = make_company(tmp_path / "project")
    made.rewrite("mappings/customer.yaml", (PARENT, f"{PARENT[:-1]}, outside: 'null'}}"))
    for number in range(8):
        made.customer(f"C{number}", sjkh="nowhere")
    told = made.run()
    assert outside(told) == {("customer", "parent_id", "outside.null", "outside.absent", 8)}
    [cause] = [each for each in told.report.causes if each.text.code == "reference.nulled"]
    assert (cause.count, cause.keys) == (8, ("C0", "C1", "C2", "C3", "C4"))


def test_a_parent_that_comes_after_all_is_filled_in(tmp_path: Path) -> None:
    made = company(tmp_path, parent="null")
    made.run()
    made.old("update t_customer set zt = null where khbh = 'C0'")
    made.customer("nowhere")
    assert made.run().counts("customer") == {"read": 7, "created": 2, "updated": 2, "unchanged": 3}
    assert parents(made)["C2"] == "C0"
    assert parents(made)["C5"] == "nowhere"
    assert made.reconcile().verdict == "reconcile.equal"


def test_undo_takes_back_what_was_left_empty_and_what_was_filled_in(tmp_path: Path) -> None:
    made = company(tmp_path, parent="null")
    made.run()
    made.customer("nowhere")
    made.run()
    assert parents(made)["C5"] == "nowhere"
    assert made.undo(2, execute=True).code == 0
    assert parents(made) == {"C1": "C3", "C2": None, "C3": None, "C4": "C2", "C5": None}
    assert made.undo(1, execute=True).code == 0
    assert parents(made) == {}


@pytest.mark.parametrize("chunk", [20_000, 1])
def test_skip_leaves_out_the_record_and_all_below_it(tmp_path: Path, chunk: int) -> None:
    made = company(tmp_path, parent="skip", ordered="skip", chunk=chunk)
    made.order(1, "C1")
    made.order(2, "C4")
    told = made.run()
    assert told.counts("customer") == {"read": 6, "created": 2, "filtered": 4}
    assert told.counts("order") == {"read": 2, "created": 1, "filtered": 1}
    assert parents(made) == {"C1": "C3", "C3": None}
    assert ("order", "customer_id", "outside.skip", "outside.left_out", 1) in outside(told)
    assert told.code == 0
    assert made.reconcile().verdict == "reconcile.equal"
    explained = made.explain("t_customer:C4").report.verdict
    assert (explained.code, explained.params["field"]) == ("explain.skipped", "parent_id")


def test_error_rejects_the_record_until_it_is_mended(tmp_path: Path) -> None:
    made = company(tmp_path, parent="error")
    told = made.run()
    assert told.counts("customer") == {"read": 6, "created": 2, "filtered": 1, "rejected": 2, "held": 1}
    assert sorted(told.causes()["reference.outside", "t_customer"]) == ["C2", "C5"]
    assert ("customer", "parent_id", "outside.error", "outside.absent", 1) in outside(told)
    made.old("update t_customer set sjkh = null where khbh in ('C2', 'C5')")
    assert made.run(rejected=True).counts("customer") == {"read": 3, "created": 3}


def test_without_a_word_it_is_held_as_before(tmp_path: Path) -> None:
    made = company(tmp_path, parent="hold")
    told = made.run()
    assert told.counts("customer") == {"read": 6, "created": 2, "filtered": 1, "held": 3}
    assert outside(told) == set()


def test_a_parent_that_may_still_come_is_waited_for(tmp_path: Path) -> None:
    """It is in the source and not left out; that it is rejected today can be mended."""
    made = company(tmp_path, ordered="skip")
    made.customer("bad", je="a lot")
    made.order(1, "bad")
    assert made.run().counts("order") == {"read": 1, "held": 1}
    made.old("update t_customer set je = '1' where khbh = 'bad'")
    assert made.run().counts("order") == {"read": 1, "created": 1}


def test_a_run_of_one_record_knows_it_as_well(tmp_path: Path) -> None:
    made = company(tmp_path, parent="null")
    assert made.run("t_customer:C2").counts("customer") == {"read": 2, "created": 1, "filtered": 1}
    assert parents(made) == {"C2": None}


def test_records_that_are_each_others_parents_come_all_the_same(tmp_path: Path) -> None:
    made = company(tmp_path, parent="skip", chunk=1)
    made.customer("R1", sjkh="R2")
    made.customer("R2", sjkh="R1")
    made.run()
    assert {"R1": "R2", "R2": "R1"}.items() <= parents(made).items()


def test_a_person_who_is_nobody_may_be_left_empty(tmp_path: Path) -> None:
    made = company(tmp_path)
    made.rewrite("changeover.yaml", ("  successor: li.na@new.example\n", ""))
    made.customer("W2", ywy="w2")
    assert made.run().causes()["people.unknown", "t_customer"] == ["W2"]
    made.rewrite("mappings/customer.yaml", ("people: true}", "people: true, outside: null}"))
    told = made.run()
    assert ("customer", "owner_id", "outside.null", "outside.unknown", 1) in outside(told)
    assert made.new("select owner_id from customer where tax_no = 'TAXW2'") == [(None,)]
    assert made.reconcile().verdict == "reconcile.equal"


@pytest.mark.parametrize(
    ("file", "rule", "wrong", "code"),
    [
        ("customer", "revenue: je", "revenue: {from: je, outside: null}", "mapping.outside_alone"),
        ("customer", "people: true}", "people: true, outside: hold}", "mapping.outside_person"),
        ("order", "reference: customer}", "reference: customer, outside: null}", "mapping.outside_required"),
    ],
)
def test_what_cannot_be_done_is_refused(tmp_path: Path, file: str, rule: str, wrong: str, code: str) -> None:
    made = company(tmp_path)
    made.rewrite(f"mappings/{file}.yaml", (rule, wrong))
    said = made.say("check", "--json")
    assert (said.code, [each["code"] for each in said.document["findings"]]) == (2, [code])  # type: ignore[attr-defined]


def test_check_knows_it_before_any_record_moves(tmp_path: Path) -> None:
    made = company(tmp_path, parent="null")
    told = made.check()
    assert (told.code, told.causes()["reference.nulled", "t_customer"]) == (0, ["C2", "C5"])
    made.rewrite("mappings/customer.yaml", ("outside: null", "outside: error"))
    told = made.check()
    assert (told.code, told.causes()["reference.outside", "t_customer"]) == (1, ["C2", "C5"])
